"""Wall-crossing: who is shown his side's notice, who agreed to that, who acknowledged, who ceased.

Rules kept here:

1. Crossing shows a notice and grants nothing: what counts is the person's own acknowledgement of
   that wording, heard from his account or on paper that another named person holds.
2. Where a side has a control room, one of it, and not the person himself, agreed before.
3. Cleansing only takes away: one person does it, at once.
"""

import re

from orchestrator.approvals.standing import AGREE, PAPER
from orchestrator.audit.body import Json
from orchestrator.audit.kinds import Kind
from orchestrator.client import people
from orchestrator.client.problems import Refused, Waits, Wrong
from orchestrator.command.conversations import deal_of
from orchestrator.command.people import People, listed, side_of, where
from orchestrator.command.runtime import Runtime
from orchestrator.command.vouching import vouch
from orchestrator.deals.book import API, DealView
from orchestrator.deals.crossing import NEVER, Stand
from orchestrator.deals.persons import state_person
from orchestrator.flow.acknowledging import asking
from orchestrator.flow.stopped import told_in_line
from tiers.ids import AccountId, DealId, PersonId
from tiers.people import Person

_REASON = re.compile(r"[a-z]{1,24}(?:[-_][a-z0-9]{1,24}){0,7}")
_AS_BEFORE = "Nothing was changed."


def code(reason: str) -> str:
    """A reason as the record takes it. Raises: Wrong."""
    if _REASON.fullmatch(reason) is None:
        raise Wrong(
            "a reason is a short code, such as project-ended",
            still=_AS_BEFORE,
            then="lower-case words with - between them",
        )
    return reason


def other_person(deal: DealView, by: PersonId, than: PersonId) -> Person:
    """Who answers for something about somebody else. Raises: Missing, Refused."""
    found = listed(deal, by)
    if by == than:
        raise Refused(
            "nobody answers for himself here", still=_AS_BEFORE, then="name another: --by"
        )
    return found


class Crossings(People):
    """Implements ``orchestrator.api.port.PersonAccess``, as far as it is about crossing."""

    async def person_cross(
        self, deal: DealId, person: PersonId, by: PersonId, reason: str, *, actor: str
    ) -> people.CrossedView:
        """Shows a person his side's notice, in his line where he has one."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        other_person(view, by, person)
        body: dict[str, Json] = {"by": by, "reason": code(reason), "notice": _may_cross(view, who)}
        await self._state(view, Kind.PERSON_CROSSED, person, body, actor)
        told = await show_notice(self._r, deal_of(self._r, deal), person)
        return people.CrossedView(person=await self.person_show(deal, person), told=told)

    async def person_agree(
        self, deal: DealId, person: PersonId, by: PersonId, *, actor: str
    ) -> people.PersonView:
        """Records that the control room of a person's side agrees to his being crossed."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        other_person(view, by, person)
        await vouch(self._r, view, AGREE, who, {"by": by}, actor=actor)
        return await self.person_show(deal, person)

    async def person_ack(
        self, deal: DealId, person: PersonId, by: PersonId, *, actor: str
    ) -> people.PersonView:
        """Records an acknowledgement on paper, which ``by`` holds."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        other_person(view, by, person)
        crossing = view.persons.crossings.get(person, NEVER)
        said: dict[str, Json] = {"by": by, "notice": view.demands[who.side].notice, "paper": True}
        said["crossed"] = crossing.crossed_at
        await vouch(self._r, view, PAPER, who, said, actor=actor)
        return await self.person_show(deal, person)

    async def person_cleanse(
        self, deal: DealId, person: PersonId, by: PersonId, reason: str, *, actor: str
    ) -> people.PersonView:
        """Records that a person ceases to be an insider: from now on he is cleared for nothing."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        listed(view, by)
        if where(view, who) is Stand.CLEANSED:
            raise Refused(f"{who.name} was cleansed before", still="He is cleared for nothing.")
        body: dict[str, Json] = {"by": by, "reason": code(reason)}
        await self._state(view, Kind.PERSON_CLEANSED, person, body, actor)
        return await self.person_show(deal, person)

    async def _state(
        self, deal: DealView, kind: Kind, person: PersonId, body: dict[str, Json], actor: str
    ) -> None:
        at = self._r.now()
        await self._r.store.write(
            lambda tx: state_person(tx, deal.deal_id, kind, person, at=at, actor=actor, **body)
        )
        await self._r.book.reload(self._r.store, deal.deal_id)


def _may_cross(deal: DealView, person: Person) -> str:
    """The hash of the notice that a person may be shown. Raises: Refused, Waits."""
    if person.person_id in deal.persons.left:
        raise Refused(f"{person.name} left the deal", still=_AS_BEFORE)
    side = side_of(deal, person)
    if side.notice_hash is None:
        then = f"write notices/{side.side_id}.txt beside people.csv; wallcross roster import"
        no = f"{side.name} has no insider notice that he could be shown"
        raise Refused(no, still=_AS_BEFORE, then=then)
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    if side.control_room and _to_agree(crossing.agreed_at, where(deal, person)):
        raise Waits(
            f"the control room of {side.name} agrees before {person.name} is crossed",
            still="He was shown nothing.",
            then=f"wallcross person agree {person.person_id} --as {side.control_room[0]}",
        )
    return side.notice_hash


def _to_agree(agreed_at: int | None, standing: Stand) -> bool:
    fresh = standing in {Stand.TO_AGREE, Stand.TO_CROSS, Stand.CLEANSED}
    return fresh and agreed_at is None


async def show_notice(runtime: Runtime, deal: DealView, person: PersonId) -> bool:
    """Writes the notice into a person's line; returns whether there is one."""
    who = listed(deal, person)
    if not runtime.live:
        return False
    door, notice = (API, AccountId(person)), asking(deal, who, side_of(deal, who))
    told = await told_in_line(runtime.lines, door, who, deal.deal_id, notice)
    if told is None:
        return False
    at = runtime.now()
    await runtime.store.write(lambda tx: runtime.writer.tell(tx, deal.deal_id, told, at))
    return True
