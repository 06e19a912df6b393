"""The insider list of each side: who had access, from when until when, as the rooms were read back.

Rules kept here:

1. *Obtained* is the first reading that showed a person in a room of the deal, *ceased* the first
   whole reading that showed him in none any more. Neither is ever typed.
2. Whoever was in a room stands on the list, also who is on no roster, and who left since.
"""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.client import people
from orchestrator.command.conversations import deal_of
from orchestrator.command.enrolling import Enrolments
from orchestrator.deals.book import DealView
from orchestrator.deals.crossing import NEVER
from orchestrator.rooms.presence import Present, presence
from orchestrator.roster.since import adopted_rosters
from orchestrator.store.unit import Tx
from tiers.ids import DealId, PersonId
from tiers.people import Person, Roster

Stay = tuple[int, int | None]
"""From when until when, microseconds UTC; None: he is in still."""
Who = tuple[PersonId | None, str]
"""A person; for nobody's account, which one."""


class Insiders(Enrolments):
    """Implements ``orchestrator.api.port.PersonAccess``."""

    async def person_insiders(self, deal: DealId) -> Sequence[people.InsiderView]:
        """Everybody who had access, once for each span of it, by side and by time."""
        view = deal_of(self._r, deal)
        rows = await self._r.store.read(lambda tx: list(_rows(tx, view)))
        return sorted(rows, key=lambda r: (r.side or "", r.obtained_at, r.person or r.account))


def _rows(tx: Tx, deal: DealView) -> Iterator[people.InsiderView]:
    stays: dict[Who, list[Stay]] = {}
    for stay in presence(tx, deal.deal_id):
        stays.setdefault(_who(stay), []).append((stay.obtained_at, stay.ceased_at))
    known = deal.adopted if deal.adopted is not None else deal.roster
    gone = {who for who, _ in stays if who is not None and known.person(who) is None}
    before = dict(_formerly(tx, deal.deal_id, gone)) if gone else {}
    for (who, account), found in stays.items():
        listed = None if who is None else _listed(known, who) or before.get(who)
        for obtained, ceased in spans(found):
            yield _row(deal, who, account, listed, obtained, ceased)


def _who(stay: Present) -> Who:
    if stay.person_id is not None:
        return stay.person_id, ""
    return None, f"{stay.connector} {stay.account}"


def spans(stays: Iterable[Stay]) -> list[Stay]:
    """The times during which somebody was in at least one room, from his stays in each."""
    whole: list[Stay] = []
    for began, ended in sorted(stays, key=lambda stay: stay[0]):
        if whole and (whole[-1][1] is None or began <= whole[-1][1]):
            first, last = whole[-1]
            ends = None if last is None or ended is None else max(last, ended)
            whole[-1] = first, ends
        else:
            whole.append((began, ended))
    return whole


Listed = tuple[Person, str]
"""A person and the name of his side."""


def _listed(roster: Roster, person: PersonId) -> Listed | None:
    found = roster.person(person)
    side = roster.side(found.side) if found is not None else None
    return (found, side.name) if found is not None and side is not None else None


def _formerly(tx: Tx, deal_id: DealId, gone: set[PersonId]) -> Iterator[tuple[PersonId, Listed]]:
    """People whom only an earlier roster lists, as the newest of those did."""
    left = set(gone)
    for _, roster in adopted_rosters(tx, deal_id):
        for person in sorted(left):
            found = _listed(roster, person) if roster is not None else None
            if found is not None:
                left.discard(person)
                yield person, found


def _row(
    deal: DealView,
    who: PersonId | None,
    account: str,
    listed: Listed | None,
    obtained: int,
    ceased: int | None,
) -> people.InsiderView:
    crossing = NEVER if who is None else deal.persons.crossings.get(who, NEVER)
    said = sorted(crossing.acknowledged.items(), key=lambda one: one[1])
    return people.InsiderView(
        person=who,
        account=account,
        name=listed[0].name if listed is not None else None,
        side=listed[0].side if listed is not None else None,
        side_name=listed[1] if listed is not None else None,
        role=listed[0].role if listed is not None else None,
        obtained_at=obtained,
        ceased_at=ceased,
        notice=said[-1][0] if said else None,
        acknowledged_at=said[-1][1] if said else None,
    )
