"""Plans: shown, kept by their hash, and carried out exactly as they were shown.

Rule kept here: a plan that was begun runs to its end in this process, whoever goes away meanwhile.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from orchestrator.client.plans import ActLine, DoneLine, PlanRunView, PlanView
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.conversations import deal_of
from orchestrator.command.plan_runs import PlanRun
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
        run = await self._plan_begun(deal, plan, document, actor)
        async with aclosing(run.follow()) as lines:
            async for line in lines:
                yield line

    async def plan_start(self, deal: DealId, plan: str, *, actor: str) -> PlanRunView:
        """Begins to carry out a plan by its name."""
        return (await self._plan_begun(deal, plan, None, actor)).shown()

    async def plan_run(self, deal: DealId, plan: str) -> PlanRunView:
        """How far a plan is that was begun."""
        run = self._r.plan_runs.of(deal, plan)
        if run is None:
            raise Missing(
                "This plan was not begun since the home was started",
                still="What was asked for is looked at again by itself.",
                then="wallcross plan",
            )
        return run.shown()

    async def _plan_begun(
        self, deal: DealId, plan: str, document: str | None, actor: str
    ) -> PlanRun:
        """A run of a plan: the one that goes on, where the same person began it, else a new one."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        shown = await self._plan_named(deal, plan, document)
        runs, found = self._r.plan_runs, self._r.plan_runs.of(deal, shown.hash)
        if found is not None and not found.over and found.actor == actor:
            return found
        run = PlanRun(shown.hash, len(shown.acts), actor)
        runs.begin(deal, run)
        self._r.running.start("plan.apply", run.carry_out(self._plan_acts(view, shown, actor)))
        return run

    async def _plan_acts(
        self, view: DealView, shown: Planned, actor: str
    ) -> AsyncGenerator[DoneLine, None]:
        deal = view.deal_id
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
