"""Asking, signing, and carrying out once: the entries that requests and credentials are.

Rules kept here:

1. A request is an entry and so is each answer; a signature is checked before it is written, and
   again whenever it is read (``orchestrator.approvals.standing``).
2. The same plan asked again, while it is open, is the same request. A request lapses by itself.
3. ``finish`` is written in the unit that does what was agreed to, and once: what was done, lapsed,
   refused or is not agreed to undoes that unit.
4. A deal that is not founded asks for nothing but its founding.
5. Who refuses says why, by one of a few codes, and signs that too; nobody writes freely.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.approvals.credentials import Credential, Signed
from orchestrator.approvals.errors import ApprovalError, BadSignature, NotAllowed
from orchestrator.approvals.plan import Answer, Plan, enrolment, statement
from orchestrator.approvals.rules import rule_body
from orchestrator.approvals.standing import FOUND, Request, Standing, read_standing
from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.granted import commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.approvals import REFUSALS
from orchestrator.client.problems import Missing, Waits, Wrong
from orchestrator.clock import DAY
from orchestrator.ids import new_id
from orchestrator.store.unit import Tx
from tiers.approval import Rule, missing, one_person, refuse_roles
from tiers.ids import DealId, PersonId

LASTS = 3 * DAY
"""After which a request lapses, unless whoever asks says otherwise."""
REQUEST = "apr"
STILL = "Nothing was changed."


def standing(tx: Tx, deal_id: DealId) -> Standing:
    """Where a deal's approvals stand, every signature checked."""
    return read_standing(deal_id, stated(tx, deal_id))


def founded(tx: Tx, deal_id: DealId) -> bool:
    """Whether a deal was founded by the signatures of its people: then access takes two."""
    return standing(tx, deal_id).founded_at is not None


def ask(
    tx: Tx,
    deal_id: DealId,
    plan: Plan,
    *,
    rule: Rule,
    at: int,
    actor: str,
    lasts: int = LASTS,
) -> str:
    """Asks for people's agreement to a plan; it is carried out once they gave it.

    Args:
        tx: the unit of work.
        deal_id: a founded deal.
        plan: what is to be done; the handler of its verb carries it out.
        rule: what it takes.
        at: microseconds UTC.
        actor: who asks.
        lasts: how long it is open, microseconds.

    Returns:
        the request's id; that of the open request where the same plan was asked for before.

    Raises:
        NotAllowed: the deal is not founded, or too few people may agree to it at all.
    """
    found = standing(tx, deal_id)
    if found.founded_at is None and plan.verb != FOUND:
        raise NotAllowed("this deal is not founded: nobody may sign for it yet")
    same = (r for r in found.requests.values() if r.open(at) and _same(r, plan, rule))
    request = next(same, None) or _ask(tx, found, plan, rule, at, at + lasts, actor)
    return request.request_id


def _same(request: Request, plan: Plan, rule: Rule) -> bool:
    return request.plan.hash == plan.hash and request.rule == rule


def _ask(
    tx: Tx, found: Standing, plan: Plan, rule: Rule, at: int, expires: int, actor: str
) -> Request:
    request = Request(new_id(REQUEST), plan, rule, actor, at, expires)
    lacking = missing(rule, found.could_agree(request))
    if plan.verb != FOUND and lacking:
        raise NotAllowed(
            f"too few may agree to this: {'; '.join(lacking)}, "
            "and whoever asked or gains by it does not count"
        )
    body: dict[str, Json] = {
        "request": request.request_id,
        "verb": plan.verb,
        "plan": dict(plan.body),
        "plan_hash": plan.hash,
        "rule": rule_body(rule),
        "by": actor,
        "at": at,
        "expires": expires,
    }
    _state(tx, found.deal_id, Kind.APPROVAL_ASKED, body, at=at, actor=actor)
    return request


def answer(
    tx: Tx,
    deal_id: DealId,
    request_id: str,
    said: Answer,
    person: PersonId,
    signed: Signed,
    *,
    at: int,
    actor: str,
    reason: str | None = None,
) -> Request:
    """Records a person's signed yes or no.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        request_id: which request.
        said: the answer.
        person: who signed.
        signed: the signature over the request's statement.
        at: microseconds UTC.
        actor: who handed it in.
        reason: why not, one of ``REFUSALS``; None with a yes.

    Returns:
        the request, with the answer.

    Raises:
        Wrong: a no without a reason of those that there are, or a yes with one.
        Missing: there is no such request.
        NotAllowed: it is not open, or he may not sign it.
        BadSignature: none of his credentials signed this.
    """
    if (reason not in REFUSALS) if said == "no" else (reason is not None):
        raise Wrong(f"Who refuses says why: {', '.join(REFUSALS)}", still=STILL)
    found = standing(tx, deal_id)
    request = open_request(found, request_id, at)
    if said == "yes" and not found.may_sign(request, person):
        raise NotAllowed(f"{person} may not agree to this: {why_not(found, request, person)}")
    message = statement(deal_id, request.plan.hash, request.expires_at, said, reason)
    name = _signer(found, person, message, signed)
    body: dict[str, Json] = {
        "request": request_id,
        "person": person,
        "credential": name,
        "at": at,
        **signed.body(),
        **({} if reason is None else {"reason": reason}),
    }
    kind = Kind.APPROVAL_GIVEN if said == "yes" else Kind.APPROVAL_REFUSED
    _state(tx, deal_id, kind, body, at=at, actor=actor)
    return standing(tx, deal_id).requests[request_id]


def take_back(tx: Tx, deal_id: DealId, request_id: str, *, at: int, actor: str) -> None:
    """Takes a request back; only whoever asked for it needs no signature for that.

    Raises:
        Missing: there is no such request.
        NotAllowed: it is not open, or somebody else asked for it.
    """
    request = open_request(standing(tx, deal_id), request_id, at)
    if request.asked_by != actor:
        raise NotAllowed("only whoever asked takes a request back; others sign a no")
    body: dict[str, Json] = {"request": request_id, "by": actor, "at": at}
    _state(tx, deal_id, Kind.APPROVAL_REFUSED, body, at=at, actor=actor)


def finish(tx: Tx, deal_id: DealId, request_id: str, *, at: int, actor: str) -> Request:
    """States that a request was carried out, in the unit that does it.

    Raises:
        Missing: there is no such request.
        NotAllowed: it was done before, refused, has lapsed, or is not agreed to: undo the unit.
    """
    found = standing(tx, deal_id)
    request = open_request(found, request_id, at)
    lacking = found.missing(request)
    if lacking:
        raise NotAllowed(f"not enough people agreed: {'; '.join(lacking)}")
    body: dict[str, Json] = {"request": request_id, "at": at}
    _state(tx, deal_id, Kind.APPROVAL_DONE, body, at=at, actor=actor)
    return request


def open_request(found: Standing, request_id: str, at: int) -> Request:
    """A request that may still be signed.

    Raises:
        Missing: there is none of that id.
        NotAllowed: it is not open any more.
    """
    request = found.requests.get(request_id)
    if request is None:
        raise Missing("there is no such request", then="wallcross approve list")
    if not request.open(at):
        raise NotAllowed(f"this request {_ENDS[state_of(found, request, at)]}")
    return request


_ENDS = {
    "done": "was carried out",
    "refused": "was refused or taken back",
    "lapsed": "has lapsed",
    "waits": "waits",
    "agreed": "is agreed to",
}


def state_of(found: Standing, request: Request, at: int) -> str:
    """What became of a request: ``done``, ``refused``, ``lapsed``, ``waits`` or ``agreed``."""
    if request.done_at is not None:
        return "done"
    if request.no_by is not None:
        return "refused"
    if at >= request.expires_at:
        return "lapsed"
    return "waits" if found.missing(request) else "agreed"


def why_not(found: Standing, request: Request, person: PersonId) -> str:
    """Why a person may not agree to a request."""
    if not found.present(person):
        return "he left or is paused"
    if person not in {a.person for a in found.approvers()}:
        return "no key of his is enrolled"
    if person in request.rule.barred:
        return "he gains by it"
    return "he asked for it, counts as one with somebody who may not, or has another role"


def enrol(
    tx: Tx, deal_id: DealId, credential: Credential, request: str | None, *, at: int, actor: str
) -> str:
    """States a credential: a draft before the founding, else as a request agreed to it.

    Returns: its hash.
    """
    body: dict[str, Json] = {**credential.body(), "credential": credential.hash, "request": request}
    _state(tx, deal_id, Kind.CREDENTIAL_ENROLLED, body, at=at, actor=actor)
    return credential.hash


def check_enrolment(found: Standing, credential: Credential, proof: Signed) -> None:
    """Checks that a credential may be enrolled: its owner alone has it, his roles go together.

    Raises:
        BadSignature: the proof is not signed by it.
        NotAllowed: it is enrolled already, or he would hold duties that check each other.
    """
    credential.check(enrolment(found.deal_id, credential.hash), proof, 0)
    others = found.signing.values()
    if any(c.public == credential.public for c in others):
        raise NotAllowed("this key is enrolled already")
    new = credential.approver()
    known = {a.person: a.roles for a in found.approvers()}
    together = one_person((*found.approvers(), new)) if new.person not in known else {}
    same = {
        p: roles
        for p, roles in known.items()
        if p == new.person or together.get(p) == together.get(new.person, "")
    }
    refused = refuse_roles(new.person, new.roles, same)
    if refused is not None:
        raise NotAllowed(refused)


def withdraw(tx: Tx, deal_id: DealId, person: PersonId, *, at: int, actor: str) -> int:
    """Takes all of a person's credentials away, at once; returns how many.

    Raises:
        Missing: he has none.
        NotAllowed: nobody else would be left who may agree to anything.
    """
    found = standing(tx, deal_id)
    own = [name for name, c in found.signing.items() if c.person == person]
    if not own:
        raise Missing(f"no key of {person} is enrolled", then="wallcross approver list")
    if not any(a.person != person for a in found.approvers()):
        raise NotAllowed("he is the last who may agree to anything: enrol somebody else first")
    for name in own:
        body: dict[str, Json] = {"credential": name, "person": person}
        _state(tx, deal_id, Kind.CREDENTIAL_WITHDRAWN, body, at=at, actor=actor)
    return len(own)


def waits(request_id: str, wrong: str, still: str = STILL) -> Waits:
    """What is told where something was asked for instead of done (exit code 6).

    Args:
        request_id: of the request.
        wrong: what waits, a sentence.
        still: what holds meanwhile.
    """
    return Waits(wrong, still=still, then=f"wallcross approve show {request_id}")


@dataclass(frozen=True, slots=True)
class Approved:
    """What a handler is given: who agreed to what, and the end of it.

    Attributes:
        people: who agreed.
    """

    deal_id: DealId
    request_id: str
    people: tuple[PersonId, ...]
    actor: str

    def finish(self, tx: Tx, at: int) -> None:
        """To be called in the unit that does what was agreed to; see ``finish``."""
        finish(tx, self.deal_id, self.request_id, at=at, actor=self.actor)


def _signer(found: Standing, person: PersonId, message: bytes, signed: Signed) -> str:
    own = {name: c for name, c in found.signing.items() if c.person == person}
    if not own:
        raise NotAllowed(f"no key of {person} is enrolled")
    told: ApprovalError = BadSignature("no key of his signed this")
    for name, credential in own.items():
        try:
            credential.check(message, signed, found.counts.get(name, 0))
        except BadSignature as error:
            told = error if len(own) == 1 else told
            continue
        return name
    raise told


def _state(
    tx: Tx, deal_id: str, kind: Kind, body: Mapping[str, Json], *, at: int, actor: str
) -> None:
    row = commitment("approval", str(kind), canonical_of(dict(body)).decode())
    append(tx, deal_id, kind, {**body, "row": row}, at=at, actor=actor)
