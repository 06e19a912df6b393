"""Brings a deal's rooms back to its roster: plans, carries plans out, and looks by itself.

Rules kept here:

1. A plan changes nothing. Carrying it out does exactly its acts, removals first, each seen or said
   not to be; a plan whose world has moved is refused.
2. By itself only who is listed and cleared no more is put out, where the policy says ``at_once``,
   and only while nothing else of the deal waits for a person's word, and the clock is believed.
3. Drift is a finding for as long as readings show it; a reading that is not whole closes nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import groupby

from connectors.port.connector import Connector
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.rooms import drifting, planned
from orchestrator.rooms.acts import LEAVE, Done, Hands, Outcome, Underway
from orchestrator.rooms.drifting import Looked, Sits, intents
from orchestrator.rooms.observe import Observer, Reading
from orchestrator.rooms.planned import Planned
from orchestrator.rooms.presence import Presences
from orchestrator.rooms.watch import Watcher
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place, RoomBinding
from tiers.ids import ConnectorName, ConversationId, DealId, PersonId, RoomId
from tiers.membership import Difference, DriftKind
from tiers.remedy import Act, ActKind, Case, Remedy, remedy

AT_ONCE = 8
"""Rooms read, and acts done, at a time."""
ACTOR = "wallcross"
_NO_CLEARANCE = frozenset({"not_cleared", "wall", "side"})


class Moved(Exception):
    """The world is not the one that a plan was made of. ``what``: codes, with the acts."""

    def __init__(self, what: tuple[tuple[str, Act | None], ...]) -> None:
        super().__init__("the world has moved")
        self.what = what


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan so far: by outcome, how many acts."""

    seen: int = 0
    not_confirmed: int = 0
    refused: int = 0

    def and_(self, done: Done) -> "Applied":
        """With one more act."""
        seen, asked, no = self.seen, self.not_confirmed, self.refused
        if done.outcome is Outcome.SEEN:
            return Applied(seen + 1, asked, no)
        if done.outcome is Outcome.NOT_CONFIRMED:
            return Applied(seen, asked + 1, no)
        return Applied(seen, asked, no + 1)


class Reconciler:
    """Plans and carries out.

    Args:
        clock_trusted: whether anybody's clearance may be taken for over by the clock.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        observer: Observer,
        watcher: Watcher,
        presences: Presences,
        connectors: Mapping[ConnectorName, Connector],
        hands: Hands,
        now: Clock,
        clock_trusted: Callable[[], bool],
    ) -> None:
        self._store = store
        self._book = book
        self._observer = observer
        self._watcher = watcher
        self._presences = presences
        self._connectors = connectors
        self._hands = hands
        self._now = now
        self._clock_trusted = clock_trusted
        self._applying: dict[DealId, asyncio.Lock] = {}
        self._told: dict[Place, tuple[Reading, DealView]] = {}

    async def plan(self, deal_id: DealId) -> Planned:
        """What would be done now, from fresh readings of every room; kept by its name."""
        deal, plan, _ = await self._planned(deal_id, self._now())
        at = self._now()
        await self._store.write(lambda tx: planned.keep(tx, deal, plan, at))
        return plan

    async def kept(self, deal_id: DealId, name: str) -> list[str]:
        """Documents of plans whose name begins so."""
        deal = self._book.deals[deal_id]
        return await self._store.read(lambda tx: planned.kept(tx, deal, name))

    async def apply(
        self, deal_id: DealId, shown: Planned, *, actor: str
    ) -> AsyncGenerator[Done, None]:
        """Does exactly what a plan says; yields what became of each act as it is known.

        Raises:
            Moved: before anything was done.
        """
        async with self._applying.setdefault(deal_id, asyncio.Lock()):
            deal, now, found = await self._planned(deal_id, self._now())
            rooms = {case.observed.place: case.observed for case in found}
            if what := tuple(planned.moved(deal, shown, now, rooms)):
                raise Moved(what)
            counted, cause = Applied(), f"plan:{shown.hash}"
            async with aclosing(self._done(deal, shown, now, cause, actor)) as doing:
                async for done in doing:
                    counted = counted.and_(done)
                    yield done
            await self._applied(deal, shown, counted, actor)
            await self._look_again(deal_id, shown.acts)

    async def _done(
        self, deal: DealView, shown: Planned, now: Planned, cause: str, actor: str
    ) -> AsyncGenerator[Done, None]:
        """Does the acts of one kind, in several rooms at a time, then those of the next."""
        due = tuple(planned.still_due(shown, now))
        for act in (act for act, is_due in due if not is_due):
            yield Done(act, Outcome.SEEN, self._now(), "so_already")
        for _, acts in groupby((act for act, is_due in due if is_due), key=lambda a: a.kind):
            async with aclosing(self._at_once(deal, tuple(acts), cause, actor)) as doing:
                async for done in doing:
                    yield done

    async def _at_once(
        self, deal: DealView, acts: tuple[Act, ...], cause: str, actor: str
    ) -> AsyncGenerator[Done, None]:
        """Acts of one kind, one after another in each room; what becomes of each as it is known."""
        at_once = asyncio.Semaphore(AT_ONCE)
        rooms = {act.place: asyncio.Lock() for act in acts}  # no room takes another's turn

        async def do(act: Act) -> Done:
            async with rooms[act.place], at_once:
                return await self._hands.do(deal, act, cause=cause, actor=actor)

        tasks = [asyncio.create_task(do(act)) for act in acts]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:  # broken off: what was asked is on disk, and is looked at again
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Looks at every deal on a schedule: finishes, tells, and puts out where it may."""
        await self._finish()
        for deal_id in tuple(self._book.deals):
            deal, _, found = await self._planned(deal_id, None)
            await self._tell(deal, found)
            if deal.policy.membership.at_once and self._clock_trusted():
                await self._put_out(deal, found)

    async def look_at(self, deal: DealView, binding: RoomBinding) -> None:
        """Tells of the drift of a room that was just read; costs nothing where it is the same."""
        reading = await self._observer.reading(binding.place, 1)
        if self._is_told(binding.place, reading, deal):
            return
        looked = await self._look(deal, binding, 1)
        found, _ = self._cases(deal, await self._sits(deal), (looked,))
        await self._tell(deal, found)

    async def _planned(
        self, deal_id: DealId, not_before: int | None
    ) -> tuple[DealView, Planned, tuple[Case, ...]]:
        """A plan from readings that began then; None: as old as each room's tier lets them be."""
        at_once = asyncio.Semaphore(AT_ONCE)
        deal = self._book.deals[deal_id]

        async def look(binding: RoomBinding) -> Looked:
            floor = deal.conversations[binding.conversation_id].floor
            oldest = self._now() - deal.policy.tiers[floor].fresh_for
            async with at_once:
                begun = oldest if not_before is None else not_before
                return await self._look(deal, binding, begun)

        bindings = [b for rooms in deal.rooms.values() for b in rooms]
        looked = await asyncio.gather(*map(look, bindings))
        deal = self._book.deals[deal_id]  # what was read may have paused a room
        found, without = self._cases(deal, await self._sits(deal), looked)
        todo = remedy(found, self._now())
        plan = replace(
            planned.planned(deal, replace(todo, left=(*todo.left, *without))),
            right=sum(c.drift.right for c in found),
            unread=sum(each.reading.members is None for each in looked),
            unlisted=frozenset(each.binding.place for each in looked if not _whole(each)),
            unset=frozenset(e.binding.place for e in looked if e.reading.posture is None),
        )
        return deal, plan, found

    async def _look(self, deal: DealView, binding: RoomBinding, not_before: int) -> Looked:
        inside = await self._presences.inside(deal, binding.place)
        view = await self._watcher.look(deal, binding, not_before=not_before)
        reading = await self._observer.reading(binding.place, not_before)
        return Looked(binding, reading, view, inside, self._now())

    def _cases(
        self, deal: DealView, sits: Sits, looked: Iterable[Looked]
    ) -> tuple[tuple[Case, ...], tuple[Difference, ...]]:
        return drifting.cases(deal, intents(deal, sits), looked, self._connectors, self._now())

    async def _sits(self, deal: DealView) -> Sits:
        return await self._store.read(lambda tx: _sits(tx, deal.deal_id))

    async def _applied(self, deal: DealView, shown: Planned, counted: Applied, actor: str) -> None:
        body: dict[str, Json] = {
            "plan": shown.hash,
            "seen": counted.seen,
            "not_confirmed": counted.not_confirmed,
            "refused": counted.refused,
        }
        at = self._now()
        await self._store.write(
            lambda tx: append(tx, deal.deal_id, Kind.PLAN_APPLIED, body, at=at, actor=actor)
        )

    async def _look_again(self, deal_id: DealId, acts: Iterable[Act]) -> None:
        """What was paused for what is put right goes on."""
        for place in {act.place for act in acts}:
            found = self._book.room(*place)
            if found is not None and found[0].deal_id == deal_id:
                await self._watcher.look(*found, not_before=self._now())
                await self.look_at(*found)

    async def _put_out(self, deal: DealView, found: tuple[Case, ...]) -> None:
        whole = remedy(found, self._now())
        if any(h.reason == "cap" for h in whole.held):
            return  # so many at once is for a person to look at
        out = tuple(
            a
            for a in whole.acts
            if a.kind is ActKind.REMOVE and a.person is not None and a.because in _NO_CLEARANCE
        )
        places = {a.place for a in out}
        keys = tuple(a for a in whole.acts if a.kind is ActKind.ROTATE and a.place in places)
        if not out:
            return
        plan = planned.planned(deal, Remedy((*out, *keys), (), ()))
        async with self._applying.setdefault(deal.deal_id, asyncio.Lock()):
            counted = Applied()
            for act in plan.acts:
                cause = f"plan:{plan.hash}"
                counted = counted.and_(await self._hands.do(deal, act, cause=cause, actor=ACTOR))
            await self._applied(deal, plan, counted, ACTOR)
        await self._look_again(deal.deal_id, plan.acts)

    async def _finish(self) -> None:
        """Does again what a crash left open, as far as the room still asks for it."""
        left = [u for u in await self._hands.unfinished() if not u.cause.startswith(LEAVE)]
        for each in left:
            if await self._still_wanted(each):
                deal = self._book.deals[each.deal_id]
                await self._hands.do(deal, each.act, cause=each.cause, actor=each.actor)
            else:
                await self._hands.give_up(each)

    async def _still_wanted(self, each: Underway) -> bool:
        found = self._book.room(*each.act.place)
        if found is None or found[0].deal_id != each.deal_id or each.act.kind is ActKind.ROTATE:
            return found is not None and each.act.kind is ActKind.ROTATE
        deal, binding = found
        looked = await self._look(deal, binding, self._now())
        cases, _ = self._cases(deal, await self._sits(deal), (looked,))
        wanted = remedy(cases, self._now())
        return any((a.kind, a.account) == (each.act.kind, each.act.account) for a in wanted.acts)

    async def _tell(self, deal: DealView, found: tuple[Case, ...]) -> None:
        """Opens a finding for what differs, and closes those that a whole reading shows over."""
        for case in found:
            place = case.observed.place
            reading = await self._observer.reading(place, 1)
            if not self._is_told(place, reading, deal):
                await self._tell_room(deal, case)
                self._told[place] = (reading, deal)

    def _is_told(self, place: Place, reading: Reading, deal: DealView) -> bool:
        """Whether the findings of a room are those of this very reading and deal."""
        told = self._told.get(place)
        return told is not None and told[0] is reading and told[1] is deal

    async def _tell_room(self, deal: DealView, case: Case) -> None:
        subject, at = ":".join(case.observed.place), self._now()
        differs: dict[str, list[Difference]] = {}
        for each in case.drift.differences:
            if each.kind in _RULES or each.because == "no_seat":
                differs.setdefault(_rule(each), []).append(each)
        whole = case.observed.complete and case.observed.holdings is not None
        open_now = await self._store.read(lambda tx: _open(tx, deal.deal_id, subject))
        gone = (open_now - differs.keys()) if whole else frozenset()
        if not (gone or differs.keys() - open_now):
            return

        def unit(tx: Tx) -> None:
            for rule, which in differs.items():
                raise_finding(tx, deal.deal_id, subject, _raised(rule, which), at)
            for rule in gone:
                close_findings(tx, deal.deal_id, rule, subject, at)

        await self._store.write(unit)


def _whole(room: Looked) -> bool:
    members = room.reading.members
    return members is not None and members.complete


_RULES: Mapping[DriftKind, str] = {
    DriftKind.MISSING: "member_missing",
    DriftKind.WRONG_ROLE: "wrong_role",
    DriftKind.SETTING: "setting_drift",
    DriftKind.BOT_DEMOTED: "bot_demoted",
    DriftKind.STANDBY_MISSING: "standby_missing",
    DriftKind.SOLE_ADMIN_BOT: "sole_admin_bot",
}
_SEATLESS = "member_without_seat"
_WORDS = {
    "member_missing": ("medium", "somebody who is cleared has no seat in this room yet"),
    "wrong_role": ("high", "somebody may change this room who should not, or may not who should"),
    "setting_drift": ("high", "a setting of this room is not as its tier demands"),
    "bot_demoted": ("high", "our account may not change this room any more"),
    "standby_missing": ("medium", "the account that stands by for ours is not in this room"),
    "sole_admin_bot": ("medium", "nobody but our account may change this room"),
    _SEATLESS: ("high", "somebody is in who is cleared and has his seat elsewhere, or none"),
}
_BY_HAND = {
    "bot_demoted": "an admin of the room makes our account one again",
    "sole_admin_bot": "make one of its people an admin in the room",
}


def _rule(difference: Difference) -> str:
    return _RULES.get(difference.kind, _SEATLESS)


def _raised(rule: str, which: list[Difference]) -> Raised:
    severity, because = _WORDS[rule]
    codes = sorted({each.because for each in which})
    told = f"{because} ({', '.join(codes)})" if rule == "setting_drift" else because
    return Raised(rule, severity, (told,), _BY_HAND.get(rule, "wallcross plan"))


def _open(tx: Tx, deal_id: str, subject: str) -> frozenset[str]:
    rows = tx.all(
        "SELECT rule FROM finding WHERE deal_id = ? AND subject = ? AND closed_at IS NULL",
        (deal_id, subject),
    )
    return frozenset(rule for (rule,) in rows) & frozenset(_WORDS)


def _sits(tx: Tx, deal_id: str) -> Sits:
    rows = tx.all(
        "SELECT s.conversation_id, s.person_id, s.connector, s.room FROM seat s "
        "JOIN conversation c USING (conversation_id) WHERE c.deal_id = ?",
        (deal_id,),
    )
    found: dict[ConversationId, dict[PersonId, Place]] = {}
    for cid, person, connector, room in rows:
        place = ConnectorName(connector), RoomId(room)
        found.setdefault(ConversationId(cid), {})[PersonId(person)] = place
    return found
