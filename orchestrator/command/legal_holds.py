"""Legal holds: placed at once by one person, released by two, and told with what they keep.

Rules kept here:

1. Placing takes nothing from anybody and cannot wait: it stands with its entry. Releasing lets
   things be destroyed: in a founded deal it waits for two people, none of whom it keeps.
2. There is no narrowing: a narrower one is placed beside it, and the wider one released by two.
3. What a hold wants kept and nobody keeps here, because counsel exempted it, is told with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, waits
from orchestrator.approvals.standing import Standing, read_standing
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.legal_holds import LegalHoldView, NewLegalHold, UnkeptView
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.conversations import deal_of, ever_of
from orchestrator.command.preserving import every_copy, keeps_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.legal_holds import (
    RELEASE,
    HoldsUnreadable,
    Placed,
    placed_body,
    read_holds,
    release_rule,
    released_body,
)
from orchestrator.ids import new_id
from orchestrator.journal.decision import exempting
from orchestrator.roster.since import adopted_rosters
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.guarantees import Guarantee
from tiers.ids import DealId, HoldId, PersonId
from tiers.retention import Keeps, LegalHold, Record, ends_at

STILL = "Nothing was changed"
STANDS, ASKED, RELEASED = "stands", "release asked", "released"


@dataclass(frozen=True, slots=True)
class _Read:
    """What is known of a deal's legal holds.

    Attributes:
        kept: how many copies each keeps, and how many of them only because of it.
    """

    holds: Mapping[HoldId, Placed]
    standing: Standing
    kept: Mapping[HoldId, tuple[int, int]] = field(default_factory=dict)


class LegalHolds:
    """Implements ``orchestrator.api.port_legal_holds.LegalHoldAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def legal_hold_list(self, deal: DealId, *, every: bool) -> Sequence[LegalHoldView]:
        """Those that stand, or every one."""
        view = deal_of(self._r, deal)
        found = await self._r.store.read(lambda tx: self._holds_read(tx, view))
        listed = (p for p in found.holds.values() if every or p.released_at is None)
        return [self._hold_shown(view, placed, found) for placed in listed]

    async def legal_hold_new(self, deal: DealId, new: NewLegalHold, *, actor: str) -> LegalHoldView:
        """Places one, at once."""
        view, at = deal_of(self._r, deal), self._r.now()
        known = await self._r.store.read(lambda tx: _listed_ever(tx, deal))
        placed = _wanted(view, new, known, at)
        found = await self._r.store.read(lambda tx: self._holds_read(tx, view, placed))
        body = placed_body(placed)
        await self._r.store.write(
            lambda tx: append(tx, deal, Kind.LEGAL_HOLD_PLACED, body, at=at, actor=actor)
        )
        return self._hold_shown(view, placed, found)

    async def legal_hold_release(
        self, deal: DealId, legal_hold: HoldId, *, actor: str
    ) -> LegalHoldView:
        """Ends one, or asks two people to agree that it ends."""
        at = self._r.now()

        def unit(tx: Tx) -> str | None:
            read = _read(tx, deal)
            placed = _one(read, legal_hold)
            if read.standing.founded_at is None:
                body = released_body(legal_hold, at, None)
                append(tx, deal, Kind.LEGAL_HOLD_RELEASED, body, at=at, actor=actor)
                return None
            rule = release_rule(placed.hold)
            return ask(tx, deal, _plan(placed), rule=rule, at=at, actor=actor)

        request = await self._r.store.write(unit)
        if request is not None:
            wrong = "The release of a legal hold waits for the signatures of two people"
            raise waits(request, wrong, "It stands: nothing that it covers is destroyed.")
        [one] = [h for h in await self.legal_hold_list(deal, every=True) if _is(h, legal_hold)]
        return one

    def _holds_read(self, tx: Tx, view: DealView, new: Placed | None = None) -> _Read:
        """A deal's legal holds, with one that is to be placed, and what each keeps."""
        found, at = _read(tx, view.deal_id), self._r.now()
        stand = [p.hold for p in found.holds.values() if p.released_at is None]
        stand += [] if new is None else [new.hold]
        keeps = keeps_of(self._r.journal_policy(view.deal_id))
        kept = dict.fromkeys((h.hold_id for h in stand), (0, 0))
        for record in every_copy(tx, view) if stand else ():
            over = _is_over(record, keeps, at)
            for hold in (h for h in stand if h.covers(record)):
                count, late = kept[hold.hold_id]
                kept[hold.hold_id] = count + 1, late + over
        return replace(found, kept=kept)

    def _hold_shown(self, view: DealView, placed: Placed, found: _Read) -> LegalHoldView:
        hold, at = placed.hold, self._r.now()
        copies, overdue = found.kept.get(hold.hold_id, (0, 0))
        asked = _asked(found.standing, hold.hold_id, at)
        stands = RELEASED if placed.released_at is not None else ASKED if asked else STANDS
        talks = {**view.closed, **view.conversations}
        labels = (talks.get(cid) for cid in sorted(hold.conversations))
        return LegalHoldView(
            legal_hold=hold.hold_id,
            matter=placed.matter,
            by=placed.by,
            state=stands,
            conversations=tuple("unknown" if c is None else c.label for c in labels),
            persons=tuple(sorted(hold.people)),
            placed_at=placed.placed_at,
            released_at=placed.released_at,
            copies=copies,
            overdue=overdue,
            request=asked,
            unkept=() if placed.released_at is not None else tuple(_unkept(view, hold, at)),
        )


async def hold_release_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Ends the legal hold whose end people agreed to."""
    at, hold = runtime.now(), HoldId(str(body["legal_hold"]))

    def unit(tx: Tx) -> None:
        if _read(tx, deal).holds[hold].released_at is not None:
            raise NotAllowed("this legal hold ended before")
        approved.finish(tx, at)
        said = released_body(hold, at, approved.request_id)
        append(tx, deal, Kind.LEGAL_HOLD_RELEASED, said, at=at, actor=approved.actor)

    await runtime.store.write(unit)


def _plan(placed: Placed) -> Plan:
    """The plan that people agree to: the hold by its id, with what it covers."""
    covers = {k: v for k, v in placed_body(placed).items() if k not in {"row", "at", "by"}}
    return Plan(RELEASE, covers)


def _read(tx: Tx, deal: DealId) -> _Read:
    entries = stated(tx, deal)
    standing = read_standing(deal, entries)
    try:
        return _Read(read_holds(entries, standing), standing)
    except HoldsUnreadable as error:
        still = "Nothing that expires is destroyed meanwhile."
        raise Refused(str(error), still=still, then="wallcross audit verify") from None


def _one(found: _Read, hold: HoldId) -> Placed:
    """A legal hold that stands. Raises: Missing, Refused."""
    placed = found.holds.get(hold)
    if placed is None:
        raise Missing("There is no such legal hold", still=STILL, then="wallcross legal-hold list")
    if placed.released_at is not None:
        raise Refused("This legal hold was released before", still=STILL)
    return placed


def _wanted(view: DealView, new: NewLegalHold, known: frozenset[PersonId], at: int) -> Placed:
    """The legal hold that somebody wants. Raises: Wrong, Missing."""
    if coded(new.matter) != new.matter:
        raise Wrong("A matter is a number or a code, in small letters", still=STILL)
    people = frozenset(map(PersonId, new.persons))
    if strangers := sorted({*people, PersonId(new.by)} - known):
        told = f"No list of this deal ever had {', '.join(strangers)}"
        raise Missing(told, still=STILL, then="wallcross roster show")
    talks = frozenset(ever_of(view, name).conversation_id for name in new.conversations)
    hold = LegalHold(HoldId(new_id("hold")), talks, people)
    return Placed(hold, new.matter, PersonId(new.by), at)


def _listed_ever(tx: Tx, deal: DealId) -> frozenset[PersonId]:
    """Everybody whom a roster of the deal ever listed."""
    rosters = (roster for _, roster in adopted_rosters(tx, deal) if roster is not None)
    return frozenset(person.person_id for roster in rosters for person in roster.people)


def _asked(standing: Standing, hold: HoldId, at: int) -> str | None:
    """The open request that a legal hold ends."""
    asked = (r for r in standing.requests.values() if r.plan.verb == RELEASE and r.open(at))
    about = (r.request_id for r in asked if r.plan.body.get("legal_hold") == hold)
    return next(about, None)


def _is(view: LegalHoldView, hold: HoldId) -> bool:
    return view.legal_hold == hold


def _is_over(record: Record, keeps: Keeps, at: int) -> bool:
    end = ends_at(record, keeps)
    return end is not None and end <= at


def _unkept(view: DealView, hold: LegalHold, at: int) -> Iterator[UnkeptView]:
    """Conversations that a hold wants kept and that counsel exempted from the journal."""
    for talk in _covered(view, hold):
        scope = view.scope(talk)
        signers = view.journal.counsel.get(scope, ())
        exempt = exempting(view.journal.decisions, signers, scope, talk.floor.value, at)
        if exempt is not None:
            demands = view.policy.tiers[talk.floor].demands
            timers = (d.at_most for d in demands if d.guarantee is Guarantee.TIMER)
            yield UnkeptView(
                conversation_id=talk.conversation_id,
                label=talk.label,
                floor=talk.floor.value,
                scope=scope,
                forgets_after=next(timers, None),
            )


def _covered(view: DealView, hold: LegalHold) -> Iterable[Conversation]:
    """Conversations of which a hold keeps something: of people all that they may write in."""
    every = tuple(view.conversations.values())
    if hold.people or not hold.conversations:
        return every
    return tuple(c for c in every if c.conversation_id in hold.conversations)
