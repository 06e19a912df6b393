"""Looks at every deal's notices: asks anew when a wording changed, and tells what is missing.

Rules kept here:

1. A changed wording is shown once to each of its side who was crossed before; what counts
   meanwhile, and for how long, is ``orchestrator.deals.crossing``'s.
2. What is missing is a finding until it is there, never because somebody saw it.
"""

from collections.abc import Iterator

from orchestrator.audit.kinds import Kind
from orchestrator.client.views import Check
from orchestrator.clock import iso
from orchestrator.command.crossing import show_notice
from orchestrator.command.people import side_of, where
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.crossing import NEVER, Stand, counts_until
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.deals.persons import state_person
from orchestrator.flow.enrolling import LAPSED
from orchestrator.store.unit import Tx
from tiers.people import Person, Side

NO_NOTICE, CHANGED = "no_notice", "notice_changed"
_RULES = (NO_NOTICE, CHANGED, LAPSED)
Found = dict[tuple[str, str, str], Raised]
"""By deal, rule and subject."""


class CrossingLook:
    """Looks, and asks again.

    Args:
        runtime: the home's parts.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def look(self) -> None:
        """One look at every deal in force."""
        for deal in tuple(self._r.book.deals.values()):
            for person in deal.roster.people:
                if _to_show(deal, person):
                    await self._show(deal, person)
        at = self._r.now()
        found: Found = {}
        for deal in self._r.book.deals.values():
            found |= _found(deal, at)
        await tell(self._r, found, at)

    async def _show(self, deal: DealView, person: Person) -> None:
        """Shows a person the wording in force, as the same crossing; it is he who acknowledges."""
        at, wording = self._r.now(), deal.demands[person.side].notice
        kind, who = Kind.PERSON_CROSSED, person.person_id
        more = {"by": "wallcross", "reason": "wording-changed", "notice": wording}
        await self._r.store.write(
            lambda tx: state_person(tx, deal.deal_id, kind, who, at=at, actor="wallcross", **more)
        )
        await self._r.book.reload(self._r.store, deal.deal_id)
        await show_notice(self._r, self._r.book.deals[deal.deal_id], who)


def _to_show(deal: DealView, person: Person) -> bool:
    """Whether a person was crossed with another wording than the one in force."""
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    wording = deal.demands[person.side].notice
    if wording is None or crossing.shown in {None, wording} or crossing.cleansed_at is not None:
        return False
    return crossing.crossed_at is not None and person.person_id not in deal.persons.left


def without_notice(deal: DealView) -> tuple[Side, ...]:
    """The sides of a deal that is not made-up whose people are asked to acknowledge nothing."""
    if deal.made_up:
        return ()
    here = {person.side for person in deal.roster.people}
    return tuple(s for s in deal.roster.sides if s.side_id in here and s.notice is None)


def notice_check(deal: DealView) -> Check:
    """Whether each side of a deal has its insider notice, as `doctor` says it."""
    name, missing = f"notices {deal.code}", without_notice(deal)
    if not missing:
        text = "a made-up deal asks nobody" if deal.made_up else "each side has its insider notice"
        return Check(name=name, state="ok", text=text, group="deal")
    sides = ", ".join(side.side_id for side in missing)
    text = f"no insider notice of {sides}: its people are let in without acknowledging one"
    then = "write notices/SIDE.txt beside people.csv, then wallcross roster import"
    return Check(name=name, state="soon", text=text, then=then, group="deal")


def _found(deal: DealView, at: int) -> Found:
    return {
        (deal.deal_id, rule, subject): raised
        for rule, subject, raised in (*_sides(deal), *_changed(deal), *_lapsed(deal, at))
    }


def _sides(deal: DealView) -> Iterator[tuple[str, str, Raised]]:
    for side in without_notice(deal):
        why = (f"{side.name} has no insider notice: its people are let in without one",)
        then = f"write notices/{side.side_id}.txt, then wallcross roster import"
        yield NO_NOTICE, side.side_id, Raised(NO_NOTICE, "medium", why, then)


def _changed(deal: DealView) -> Iterator[tuple[str, str, Raised]]:
    waiting: dict[str, list[Person]] = {}
    for person in deal.roster.people:
        if where(deal, person) is Stand.ASKED_AGAIN:
            waiting.setdefault(person.side, []).append(person)
    for side_id, people in waiting.items():
        side, crossings = side_of(deal, people[0]), deal.persons.crossings
        crossing = crossings.get(people[0].person_id, NEVER)
        until = counts_until(crossing, deal.demands[side.side_id], deal.policy.notice_grace) or 0
        counts = f"that counts until {iso(until)[:16]} UTC"
        because = f"{len(people)} of {side.name} acknowledged an earlier wording only; {counts}"
        then = "they answer in their lines; wallcross person show says who has not"
        yield CHANGED, side_id, Raised(CHANGED, "medium", (because,), then)


def _lapsed(deal: DealView, at: int) -> Iterator[tuple[str, str, Raised]]:
    for (channel, account), until in deal.roster.attested.items():
        owner = deal.roster.owner(channel, account)
        if owner is not None and at >= until:
            why = (f"counsel's word for the account of {owner.name} on {channel} has lapsed",)
            then = f"wallcross person attest {owner.person_id} anew, or person enrol"
            yield LAPSED, owner.person_id, Raised(LAPSED, "medium", why, then)


async def tell(runtime: Runtime, found: Found, at: int) -> None:
    """Opens what was found, and closes what is over.

    Args:
        runtime: the home's parts.
        found: everything of these rules that is so now.
        at: microseconds UTC.
    """
    sql = "SELECT deal_id, rule, subject FROM finding WHERE closed_at IS NULL AND rule IN (?, ?, ?)"

    def unit(tx: Tx) -> None:
        for (deal_id, _, subject), raised in found.items():
            raise_finding(tx, deal_id, subject, raised, at)
        for deal_id, rule, subject in tx.all(sql, _RULES):
            if (deal_id, rule, subject) not in found:
                close_findings(tx, deal_id, rule, subject, at)

    open_now = await runtime.store.read(lambda tx: tx.all(sql, _RULES))
    if found or open_now:
        await runtime.store.write(unit)
