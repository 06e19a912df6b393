"""One person as a viewer may see him: where he is, what he may read, his devices, what to do.

Rules kept here:

1. Where he is, is what the matrix says of him to the same viewer. Whoever shares nothing with him
   does not learn that he is on the deal.
2. Accounts and keys are shown to whom keys are, and to himself.
3. What may be done about him now is said by his standing and the viewer's part, in one place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.audit.body import named
from orchestrator.client import card as views
from orchestrator.client.card import CardAct
from orchestrator.client.leaves import HoldsView, LeaveView
from orchestrator.client.people import NoticeView, PersonView
from orchestrator.client.problems import Missing
from orchestrator.command.keys import Keys
from orchestrator.command.leave_shown import holds_view, shown
from orchestrator.command.names import Names
from orchestrator.command.people import People
from orchestrator.query.memberships import Memberships
from orchestrator.query.sight import Line, Sight, cell_view, line_of
from orchestrator.rooms import leave_rows
from orchestrator.rooms.leave_holds import Holds, holds
from orchestrator.rooms.leave_who import accounts_of
from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.guarantees import Guarantee
from tiers.ids import DealId, PersonId
from tiers.people import Person
from tiers.rights import Act, Right, Scope, Viewer


class Cards(Memberships):
    """Implements ``orchestrator.api.port_memberships.CardAccess``."""

    async def person_card(self, deal: DealId, person: PersonId, viewer: Viewer) -> views.CardView:
        """His card. Raises: Missing where the viewer may not know of him."""
        sight = await self.sight(deal, viewer)
        who, line = _found(sight, person)
        full = sight.is_his(person)
        deal_now = sight.cut.deal
        known = deal_now.roster.person(person) or who
        told = People(self._r).as_listed(deal_now, known) if full else None
        keys = _sees_keys(sight, person)
        leave = await self._left(sight, person) if full else None
        return views.CardView(
            person=person,
            name=who.name,
            side_name=sight.cut.side_name(who.side),
            role=who.role,
            identity=line.identity,
            paused=full and person in sight.cut.deal.persons.paused,
            left=full and person in sight.cut.deal.persons.left,
            barred=told.barred if told else (),
            notice=_notice(told),
            places=await self._places(sight, line),
            grants=tuple(_grants(sight, person, told)),
            accounts=told.accounts if told and keys else (),
            devices=await self._devices(sight, person) if keys else (),
            leave=leave,
            acts=tuple(acts(sight, person, leave)),
            me=person == sight.cut.person,
            whole=full,
            at=sight.cut.at,
        )

    async def _left(self, sight: Sight, person: PersonId) -> LeaveView | None:
        deal = sight.cut.deal
        found = await self._r.store.read(lambda tx: leave_rows.newest(tx, deal.deal_id, person))
        if found is None or not sight.everything:
            return None
        return await shown(self._r, deal, found)

    async def _places(self, sight: Sight, line: Line) -> tuple[views.CardPlace, ...]:
        columns = sight.columns()
        asked = await self._r.store.read(lambda tx: _asked(tx, line.row))
        return tuple(
            views.CardPlace(
                conversation_id=c.conversation.conversation_id,
                name=sight.cut.name(c.conversation.conversation_id),
                floor=c.conversation.floor.value,
                channel=cell.channel,
                state=cell_view(cell).state,
                because=cell.because,
                asked_at=asked.get(c.conversation.conversation_id),
            )
            for c, cell in zip(columns, line.cells, strict=True)
            if cell is not None and cell.state
        )

    async def _devices(self, sight: Sight, person: PersonId) -> tuple[views.CardDevice, ...]:
        if sight.cut.deal.roster.person(person) is None:
            return ()
        found = await Keys(self._r).key_list(sight.cut.deal.deal_id, person)
        names = Names(sight.cut.deal)
        return tuple(
            views.CardDevice(
                channel=key.connector,
                device=key.device,
                state=key.state,
                words=key.words,
                at=key.at,
                vouchers=tuple(names.get(v, v) for v in key.vouchers),
                lapses_at=key.lapses_at,
            )
            for key in found
        )

    async def person_keeps(
        self, deal: DealId, person: PersonId, viewer: Viewer
    ) -> Sequence[HoldsView]:
        """What reached him and cannot be taken back, as if he left now. Raises: Missing."""
        sight = await self.sight(deal, viewer)
        _found(sight, person)
        if not sight.is_his(person):
            raise Missing("Nobody of that id is on this deal")
        places = [
            room.binding.place
            for c in sight.board.columns
            if c.at(person).state
            for room in c.rooms
        ]
        timers = {place: timer for place in places if (timer := self._timer(place)) is not None}
        networks = self._r.connectors.items()
        single = {n for n, c in networks if c.capabilities.most_members == 1}

        def read(tx: Tx) -> list[Holds]:
            own = {named(a) for _, a in accounts_of(tx, sight.cut.deal, person)}
            at = sight.cut.at
            return holds(tx, deal, person, places, own, timers, single, at)

        return [holds_view(each) for each in await self._r.store.read(read)]

    def _timer(self, place: Place) -> int | None:
        """The timer of a room as it was read back; None where there is none."""
        reading = self._r.observer.kept(place)
        posture = None if reading is None else reading.posture
        held = () if posture is None else posture.holdings
        return next((h.value for h in held if h.guarantee is Guarantee.TIMER), None)


def _found(sight: Sight, person: PersonId) -> tuple[Person, Line]:
    who = sight.roster.person(person)
    line = None if who is None or sight.counts_only else line_of(sight, person)
    if who is None or line is None:
        raise Missing("Nobody of that id is on this deal", still="Nothing was done")
    return who, line


def _asked(tx: Tx, row: object) -> dict[str, int]:
    found = tx.all("SELECT conversation_id, since FROM seat WHERE person_id = ?", (str(row),))
    return {cid: int(since) for cid, since in found}


def _notice(told: PersonView | None) -> NoticeView | None:
    return None if told is None else told.notice


def _grants(sight: Sight, person: PersonId, told: PersonView | None) -> Iterator[views.CardGrant]:
    if told is None:
        return
    held = sight.roster.held_by(person)
    for grant, by in zip(told.sees, held, strict=True):
        principal = by.through and sight.roster.person(by.through.principal)
        yield views.CardGrant(
            compartment=grant.compartment,
            highest=grant.highest,
            since=grant.since,
            until=grant.until,
            counts=grant.counts,
            through=principal.name if principal else None,
        )


def _sees_keys(sight: Sight, person: PersonId) -> bool:
    scope = sight.cut.scope(Right.KEYS)
    if scope is Scope.ALL:
        return True
    own = scope >= Scope.OWN and person == sight.cut.person
    return own or (scope is Scope.ASKED and person in {*sight.asked, sight.cut.person})


@dataclass(frozen=True, slots=True)
class _May:
    """What a viewer may do about one person."""

    sight: Sight
    mine: bool

    def __call__(self, right: Right, act: Act, *, all_of_it: bool = False) -> bool:
        """Whether he may. Args: all_of_it: only for whom the whole row of the table is open."""
        cut = self.sight.cut
        wide = cut.scope(right) is Scope.ALL or (self.mine and not all_of_it)
        return wide and cut.viewer.may(cut.deal.deal_id, right, act, own=self.mine)


def acts(sight: Sight, person: PersonId, leave: LeaveView | None) -> Iterator[CardAct]:
    """What a viewer may do about a person now."""
    mine, persons = person == sight.cut.person, sight.cut.deal.persons
    may = _May(sight, mine)
    if person in persons.left:
        if leave is not None and leave.undo_until and may(Right.ADD, Act.SECOND, all_of_it=True):
            yield "undo"
        return
    yield from _about_keys(may)
    if may(Right.ADD, Act.SECOND, all_of_it=True):
        yield "change"
        if person in persons.paused and not mine:
            yield "resume"
    if may(Right.REMOVE, Act.OWN):
        if person not in persons.paused:
            yield "pause"
        yield "leave"


def _about_keys(may: _May) -> Iterator[CardAct]:
    if may(Right.KEYS, Act.SECOND):
        if not may.mine:
            yield "verify"
        yield "new_phone"
    if may.mine:
        yield "phished"
