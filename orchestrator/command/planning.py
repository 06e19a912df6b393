"""Plans: shown, kept by their hash, and carried out exactly as they were shown."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from orchestrator.client.plans import ActLine, DoneLine, PlanView
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.rooms.acts import Done
from orchestrator.rooms.planned import Planned, read_plan
from orchestrator.rooms.reconcile import Moved
from tiers.conversation import Place
from tiers.ids import DealId
from tiers.membership import Difference
from tiers.remedy import Act

SHORTEST = 4
"""Digits of a plan's hash that name it at least."""
_MOVED = {
    "another_deal": "it is a plan of another deal",
    "roster": "another roster is in force",
    "policy": "another policy is in force",
    "new": "this differs by now too",
    "unwanted": "it is wanted no more, and is not so",
    "incomplete": "the list of members is not whole any more",
    "stale": "the list of members could not be read afresh",
    "last_owner": "he is the last person who may change the room",
    "protected": "it is an account of ours",
    "paused": "he is paused",
    "first_seen": "nobody on the roster owns the account, and it was first seen just now",
    "not_offered": "the channel cannot be asked for it",
}


class Plans:
    """Implements ``orchestrator.api.port.PlanAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def plan(self, deal: DealId) -> PlanView:
        """Where the channels differ from the roster, by fresh readings of every room."""
        must_live(self._r)
        deal_of(self._r, deal)
        found = await self._r.reconciler.plan(deal)
        return _shown(deal_of(self._r, deal), found)

    async def plan_apply(
        self, deal: DealId, plan: str, document: str | None, *, actor: str
    ) -> AsyncGenerator[DoneLine, None]:
        """Carries out a plan by its name, or as its document says; tells of each act."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        shown = await self._plan_named(deal, plan, document)
        try:
            async with aclosing(self._r.reconciler.apply(deal, shown, actor=actor)) as acts:
                async for done in acts:
                    yield _told(view, done)
        except Moved as error:
            raise _refused(view, error.what) from None

    async def _plan_named(self, deal: DealId, plan: str, document: str | None) -> Planned:
        if document is not None:
            found = _read(document)
            if not found.hash.startswith(plan):
                raise Wrong("the file is not the plan of that name", still="Nothing was done.")
            return found
        if len(plan) < SHORTEST:
            raise Wrong(f"a plan is named by {SHORTEST} or more digits of its hash")
        kept = await self._r.reconciler.kept(deal, plan)
        if len(kept) != 1:
            count = "no plan" if not kept else f"{len(kept)} plans"
            raise Missing(
                f"there is {count} whose name begins with {plan}",
                still="Nothing was done.",
                then="wallcross plan",
            )
        return _read(kept[0])


def _told(deal: DealView, done: Done) -> DoneLine:
    asked = done.at if done.asked_at is None else done.asked_at
    line, took = _line(deal, done.act), max(0, done.at - asked)
    return DoneLine(act=line, outcome=done.outcome.value, why=done.why, took_us=took)


def _read(document: str) -> Planned:
    try:
        return read_plan(document)
    except ValueError:
        raise Wrong(
            "this is no plan", still="Nothing was done.", then="wallcross plan --to FILE"
        ) from None


def _refused(deal: DealView, what: Sequence[tuple[str, Act | None]]) -> Refused:
    told = []
    for code, act in what:
        why = _MOVED.get(code, code)
        told.append(why if act is None else f"{_about(_line(deal, act))}: {why}")
    return Refused(
        "the plan is not of the world as it is now",
        still="Nothing was done.",
        then="wallcross plan",
        details=told,
    )


def _about(line: ActLine) -> str:
    who = line.name or line.account or ""
    return " ".join(
        part for part in (line.kind, who, f"#{line.conversation}", line.channel) if part
    )


def _shown(deal: DealView, found: Planned) -> PlanView:
    return PlanView(
        hash=found.hash,
        deal_id=deal.deal_id,
        document=found.document,
        acts=tuple(_line(deal, act) for act in found.acts),
        held=tuple(_line(deal, h.act, h.reason) for h in found.held),
        left=tuple(_left(deal, each) for each in found.left),
        right=found.right,
        unread=found.unread,
    )


def _line(deal: DealView, act: Act, held: str | None = None) -> ActLine:
    person = deal.roster.person(act.person) if act.person is not None else None
    return ActLine(
        kind=act.kind.value,
        conversation=_label(deal, act.place),
        channel=act.connector,
        room=act.room,
        account=act.account,
        person=act.person,
        name=person.name if person is not None else "",
        because=act.because,
        held=held,
    )


def _left(deal: DealView, found: Difference) -> ActLine:
    person = deal.roster.person(found.person) if found.person is not None else None
    return ActLine(
        kind=found.kind.value,
        conversation=_label(deal, found.place),
        channel=found.place[0],
        room=found.place[1],
        account=found.account,
        person=found.person,
        name=person.name if person is not None else "",
        because=found.because,
    )


def _label(deal: DealView, place: Place) -> str:
    for cid, rooms in deal.rooms.items():
        if any(binding.place == place for binding in rooms):
            return deal.conversations[cid].label
    return ""
