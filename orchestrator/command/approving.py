"""Requests that wait for people: shown, answered by signature, and carried out once.

Rules kept here:

1. A plan is carried out by the handler of its verb, when enough people have signed, and never
   before. The handler calls ``Approved.finish`` in the unit that does it: it happened exactly when
   the chain says so, and a second time it cannot.
2. What was agreed to and not yet carried out when the program ended is carried out at its next
   start, while its request has not lapsed.
3. What cannot be carried out now stays agreed to, undone, and is tried again when somebody who
   signed it says yes again, or at the next start.
4. Which deal a request is of is looked up; what may be done with it is read off the deal's chain,
   every signature checked again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from orchestrator.approvals.plan import statement
from orchestrator.approvals.requests import (
    Approved,
    answer,
    standing,
    state_of,
    take_back,
)
from orchestrator.approvals.standing import ENROL, FOUND, RESUME, RETURN, Request, Standing
from orchestrator.approvals.windows import WINDOW
from orchestrator.audit.body import Json
from orchestrator.client.approvals import REFUSALS, Answered, RequestView
from orchestrator.client.problems import Missing, Problem, Unready
from orchestrator.command.adopting import adopt_agreed
from orchestrator.command.approval_told import told
from orchestrator.command.approvers import enrol_agreed, found_agreed, signed_text
from orchestrator.command.bots import issue_agreed
from orchestrator.command.ceremony import CEREMONY
from orchestrator.command.closing import CLOSE, close_agreed
from orchestrator.command.conversations_tier import raise_agreed
from orchestrator.command.exports import EXPORT, export_agreed
from orchestrator.command.journal_keys import JOURNAL_KEY, key_agreed
from orchestrator.command.keys import ceremony_agreed
from orchestrator.command.leaving import LEAVE, leave_agreed, return_agreed
from orchestrator.command.legal_holds import hold_release_agreed
from orchestrator.command.persons import resume_agreed
from orchestrator.command.releasing import document_agreed, release_agreed
from orchestrator.command.restored import went_on_at
from orchestrator.command.revealing import REVEAL, reveal_agreed
from orchestrator.command.rosters import phase_agreed
from orchestrator.command.runtime import Runtime
from orchestrator.command.signing import window_agreed
from orchestrator.command.vouching import VOUCHED
from orchestrator.deals.agreed import VERBS
from orchestrator.deals.agreed_phase import PHASE
from orchestrator.deals.legal_holds import RELEASE as HOLD_RELEASE
from orchestrator.deals.raising import RAISE
from orchestrator.deals.tokens import ISSUE
from orchestrator.flow.agreed import DOCUMENT, RELEASE
from orchestrator.roster.deals import Deal, list_deals
from orchestrator.store.unit import StoreError, Tx
from tiers.ids import DealId, PersonId

log = structlog.get_logger(__name__)

Handler = Callable[[Runtime, DealId, Mapping[str, Json], Approved], Awaitable[None]]
HANDLERS: dict[str, Handler] = {
    FOUND: found_agreed,
    ENROL: enrol_agreed,
    VERBS["policy"]: adopt_agreed,
    VERBS["roster"]: adopt_agreed,
    PHASE: phase_agreed,
    RELEASE: release_agreed,
    DOCUMENT: document_agreed,
    REVEAL: reveal_agreed,
    LEAVE: leave_agreed,
    RETURN: return_agreed,
    RESUME: resume_agreed,
    CEREMONY: ceremony_agreed,
    EXPORT: export_agreed,
    WINDOW: window_agreed,
    ISSUE: issue_agreed,
    JOURNAL_KEY: key_agreed,
    RAISE: raise_agreed,
    HOLD_RELEASE: hold_release_agreed,
    CLOSE: close_agreed,
    **VOUCHED,
}
"""Who carries out the plans of a verb. Each calls ``finish`` of what it is given in the unit that
does what was agreed to."""
ACTOR = "wallcross"


class Approvals:
    """Implements ``orchestrator.api.port.ApprovalAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def approval_list(self, deal: DealId | None, *, every: bool) -> Sequence[RequestView]:
        """Requests of a deal, or of all; only open ones, unless ``every``."""
        at = self._r.now()

        def read(tx: Tx) -> list[RequestView]:
            deals = [d for d in list_deals(tx) if deal is None or d.deal_id == deal]
            found = (
                _view(tx, d, of, request, at)
                for d in deals
                for of in (standing(tx, d.deal_id),)
                for request in of.requests.values()
                if every or request.open(at)
            )
            return sorted(found, key=lambda v: v.asked_at)

        return await self._r.store.read(read)

    async def approval_show(self, request: str) -> RequestView:
        """One, with the exact bytes that are signed. Raises: Missing."""
        at = self._r.now()

        def read(tx: Tx) -> RequestView:
            deal = _deal_of(self._r, tx, request)
            of = standing(tx, deal.deal_id)
            return _view(tx, deal, of, of.requests[request], at)

        return await self._r.store.read(read)

    async def approval_answer(
        self,
        request: str,
        said: Answered,
        person: PersonId,
        signature: str,
        *,
        actor: str,
        reason: str | None = None,
    ) -> RequestView:
        """Records a person's signed answer, and carries the plan out when it was the last one."""
        at, signed = self._r.now(), signed_text(signature)
        deal = await self._deal(request)
        given = (deal, request, said, person, signed)
        await self._r.store.write(lambda tx: answer(tx, *given, at=at, actor=actor, reason=reason))
        if said == "yes":
            await self._carry_out(deal, request, actor)
        return await self.approval_show(request)

    async def approval_take_back(self, request: str, *, actor: str) -> RequestView:
        """Takes a request back, by whoever asked for it."""
        at, deal = self._r.now(), await self._deal(request)
        await self._r.store.write(lambda tx: take_back(tx, deal, request, at=at, actor=actor))
        return await self.approval_show(request)

    async def _deal(self, request: str) -> DealId:
        """Found in what is committed: a request is never taken out again."""
        found = await self._r.store.read(lambda tx: _deal_of(self._r, tx, request))
        return found.deal_id

    async def _carry_out(self, deal: DealId, request: str, actor: str) -> None:
        try:
            await carry_out(self._r, deal, request, actor)
        except Problem as problem:
            still = "The signatures stand, and it can be tried again until it lapses."
            told = (problem.wrong, *problem.details)
            raise type(problem)(
                "It is agreed to, and could not be carried out",
                still=still,
                then=problem.then,
                details=told,
            ) from None


async def carry_out(runtime: Runtime, deal: DealId, request_id: str, actor: str) -> bool:
    """Carries a request out where enough people agreed; says whether it is done now.

    Raises:
        Problem: it is agreed to and could not be carried out; it stays so.
    """
    if not runtime.clock_trusted():
        raise Unready(
            "The clock is earlier than the record or off its source, so that nothing is let happen",
            then="set the machine's clock, then say yes again; wallcross doctor clock",
        )
    at = runtime.now()
    found = await runtime.store.read(lambda tx: standing(tx, deal))
    request = found.requests[request_id]
    if not request.open(at) or found.missing(request):
        return request.done_at is not None
    handler = HANDLERS.get(request.plan.verb)
    if handler is None:
        raise Missing(f"nothing here carries out {request.plan.verb}")
    people = tuple(sorted(request.yes))
    try:
        approved = Approved(deal, request_id, people, actor)
        await handler(runtime, deal, request.plan.body, approved)
    except (Problem, StoreError):  # another answer, at the same moment, may have done it
        if not await _is_done(runtime, deal, request_id):
            raise
    return await _is_done(runtime, deal, request_id)


async def carry_out_all(runtime: Runtime) -> int:
    """Carries out what was agreed to before this start and is not done; returns how many.

    What was asked before a restored home went on may have been done, and undone since: it takes
    one of its people's answers again.
    """
    at = runtime.now()

    def read(tx: Tx) -> list[tuple[DealId, str]]:
        since = went_on_at(tx)
        return [
            (deal.deal_id, request.request_id)
            for deal in list_deals(tx)
            for found in (standing(tx, deal.deal_id),)
            for request in found.requests.values()
            if request.open(at) and not found.missing(request) and request.asked_at >= since
        ]

    done = 0
    for deal, request in await runtime.store.read(read):
        try:
            done += await carry_out(runtime, deal, request, ACTOR)
        except (Problem, StoreError) as error:
            log.warning("approval.undone", request=request, why=type(error).__name__)
    return done


async def _is_done(runtime: Runtime, deal: DealId, request: str) -> bool:
    found = await runtime.store.read(lambda tx: standing(tx, deal))
    return found.requests[request].done_at is not None


def _deal_of(runtime: Runtime, tx: Tx, request: str) -> Deal:
    found = runtime.standings.deal_of(tx, request)
    if found is None:
        raise Missing("there is no such request", then="wallcross approve list")
    return found


def _view(tx: Tx, deal: Deal, found: Standing, request: Request, at: int) -> RequestView:
    words = told(tx, deal.deal_id, request.plan.verb, request.plan.body)
    plan, expires = request.plan.hash, request.expires_at
    of = (deal.deal_id, plan, expires)
    is_open = request.open(at)
    return RequestView(
        request_id=request.request_id,
        deal_id=deal.deal_id,
        code=deal.code,
        verb=request.plan.verb,
        plan=plan,
        state=state_of(found, request, at),
        changes=words.changes,
        sees=words.sees,
        otherwise=words.otherwise,
        why=words.why,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
        expires_at=expires,
        needed=request.rule.needed,
        signed=tuple(sorted(request.yes)),
        missing=found.missing(request) if is_open else (),
        may_agree=_may(found, request) if is_open else (),
        yes=statement(*of, "yes").decode(),
        no={why: statement(*of, "no", why).decode() for why in REFUSALS},
        refused_by=request.no_by,
        refused_why=request.no_why,
    )


def _may(found: Standing, request: Request) -> tuple[str, ...]:
    """Who may still sign a yes."""
    people = (a.person for a in found.approvers() if a.person not in request.yes)
    return tuple(p for p in people if found.may_sign(request, p))
