"""Looks for what needs somebody, tells people in their order, and goes on to the next in time.

Rules kept here:

1. The first of the list is told at once; after 5 minutes the next; after 15 everybody. It ends
   when the thing needs nobody any more, or somebody says that he sees to it.
2. Whose signature a thing needs is told of it before others are.
3. Just before each attempt it is looked at again whether he is still on the list and on the deal,
   and of what is left to tell him.
4. A way that breaks as nobody foresaw is tried again like any other, and so is the next one.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from orchestrator.audit.granted import stated
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.notify import rows
from orchestrator.notify.oncall import OnCall, on_call_of
from orchestrator.notify.rows import Send
from orchestrator.notify.subscriptions import Subscriptions
from orchestrator.notify.things import Thing, Things, newest_stated
from orchestrator.notify.ways import Carries, Gone, NotTaken, To
from orchestrator.notify.words import Notice
from orchestrator.store.unit import Store, Tx
from tiers.ids import DealId, PersonId

log = structlog.get_logger(__name__)
WEBHOOK = "webhook"
BROKE = "broke"
"""Code of an attempt that ended as nobody foresaw: it may have reached him."""


@dataclass(frozen=True, slots=True)
class Todo:
    """What a look finds to be done.

    Attributes:
        new: things that nobody was told of.
        over: ids of what needs nobody any more.
        late: what nobody answered: id, thing, stage.
        stale: tellings whose next way is due.
    """

    new: tuple[Thing, ...] = ()
    over: tuple[str, ...] = ()
    late: tuple[tuple[str, Thing, int], ...] = ()
    stale: tuple[Send, ...] = ()
    left: tuple[PersonId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.over or self.late or self.stale or self.left)


@dataclass(slots=True)
class Notifier:
    """Tells people.

    Attributes:
        store: state.
        book: deals in force.
        ways: how somebody can be told here, by name.
        subscriptions: browsers that hear.
        desk: origin of the desk; None: it has none.
        now: the clock.
    """

    store: Store
    book: Book
    ways: Mapping[str, Carries]
    subscriptions: Subscriptions
    desk: str | None
    now: Clock
    things: Things = field(default_factory=Things)
    _lists: dict[DealId, tuple[int, tuple[OnCall, ...]]] = field(default_factory=dict)

    async def recover(self) -> None:
        """What had begun when the program ended is tried again, and says so."""
        await self.store.write(rows.recover)

    async def turn(self) -> None:
        """One look, and what is due by then."""
        await self.look()
        await self.deliver()

    async def look(self) -> None:
        """Opens what is new, ends what is over, goes on with what is late."""
        for deal in list(self.book.deals.values()):
            if await self.store.read(lambda tx, d=deal: bool(self._todo(tx, d))):  # type: ignore[misc]  # bound at once
                await self.store.write(lambda tx, d=deal: self._act(tx, d))  # type: ignore[misc]  # as above

    async def deliver(self) -> None:
        """Sends what is due; one way does not wait for another."""
        at = self.now()
        due = await self.store.read(lambda tx: rows.due(tx, at))
        by_way: dict[str, list[Send]] = {}
        for send in due:
            by_way.setdefault(send.way, []).append(send)
        await asyncio.gather(*(self._each(sends) for sends in by_way.values()))

    def listed(self, tx: Tx, deal: DealView) -> tuple[OnCall, ...]:
        """Who of the list may be told: on the roster, neither gone nor paused."""
        out = deal.persons.left | deal.persons.paused
        found = self._list(tx, deal.deal_id)
        return tuple(
            p for p in found if p.person not in out and deal.roster.person(p.person) is not None
        )

    def _list(self, tx: Tx, deal: DealId) -> tuple[OnCall, ...]:
        """A deal's list; read anew only when its record grew by something that it states."""
        newest, known = newest_stated(tx, deal), self._lists.get(deal)
        if known is None or known[0] != newest:
            known = self._lists[deal] = (newest, on_call_of(stated(tx, deal)))
        return known[1]

    def _todo(self, tx: Tx, deal: DealView) -> Todo:
        people, at = self.listed(tx, deal), self.now()
        known = rows.open_alerts(tx, deal.deal_id)
        if not people and WEBHOOK not in self.ways and not known:
            return Todo(left=self._left(tx, deal))
        there = {(t.kind, t.subject): t for t in self.things.of(tx, deal.deal_id, at)}
        late = (
            (alert, there[kind, subject], stage)
            for alert, kind, subject, stage in rows.due_stages(tx, deal.deal_id, at)
            if (kind, subject) in there
        )
        return Todo(
            tuple(thing for name, thing in there.items() if name not in known),
            tuple(alert for name, alert in known.items() if name not in there),
            tuple(late),
            tuple(rows.stale(tx, deal.deal_id, at)),
            self._left(tx, deal),
        )

    def _left(self, tx: Tx, deal: DealView) -> tuple[PersonId, ...]:
        query = "SELECT DISTINCT person FROM push_subscription WHERE deal_id = ?"
        have = {PersonId(str(p)) for (p,) in tx.all(query, (deal.deal_id,))}
        return tuple(p for p in have if deal.has_left(p) or deal.roster.person(p) is None)

    def _act(self, tx: Tx, deal: DealView) -> None:
        todo, people, at = self._todo(tx, deal), self.listed(tx, deal), self.now()
        for alert in todo.over:
            rows.settle_alert(tx, alert, at)
        opened = [(rows.open_alert(tx, deal.deal_id, t, at), t) for t in todo.new]
        for alert, thing in opened:
            self._tell(tx, deal.deal_id, alert, thing, _first(people, thing, frozenset(), at))
        if opened and WEBHOOK in self.ways:
            urgent = any(t.urgent for _, t in opened)
            alerts, to = [a for a, _ in opened], ("", WEBHOOK, 0)
            rows.queue(tx, deal.deal_id, to, alerts, at=at, not_before=at, urgent=urgent)
        for alert, thing, stage in todo.late:
            rows.advance(tx, alert, stage, at)
            told = rows.told_of(tx, alert)
            next_one = _first(people, thing, told, at)
            everybody = tuple(p for p in people if p.person not in told)
            those = everybody if stage >= rows.LAST_STAGE else next_one
            self._tell(tx, deal.deal_id, alert, thing, those)
        for send in todo.stale:
            self._pass_on(tx, send, people, at)
        for person in todo.left:
            self.subscriptions.drop_of(tx, deal.deal_id, person)

    def _tell(
        self, tx: Tx, deal: DealId, alert: str, thing: Thing, people: Iterable[OnCall]
    ) -> None:
        at = self.now()
        for one in people:
            rank, way = next(self._ways_of(one, 0), (0, None))
            if way is not None:
                when = at if thing.urgent else one.heard_from(at)
                to, urgent = (str(one.person), way, rank), thing.urgent
                rows.queue(tx, deal, to, (alert,), at=at, not_before=when, urgent=urgent)

    def _pass_on(self, tx: Tx, send: Send, people: tuple[OnCall, ...], at: int) -> None:
        """Tries the next of his ways too."""
        rows.passed_on(tx, send.send_id)
        one = next((p for p in people if p.person == send.person), None)
        rank, way = (0, None) if one is None else next(self._ways_of(one, send.rank + 1), (0, None))
        if way is not None:
            alerts, to = rows.parts(tx, send.send_id), (send.person, way, rank)
            rows.queue(tx, send.deal_id, to, alerts, at=at, not_before=at, urgent=True)

    def _ways_of(self, one: OnCall, rank: int) -> Iterator[tuple[int, str]]:
        """His ways that there are here, from the one of that rank."""
        return ((n, w) for n, w in enumerate(one.ways) if n >= rank and w in self.ways)

    async def _each(self, sends: list[Send]) -> None:
        for send in sends:
            await self._one(send)

    async def _one(self, send: Send) -> None:
        to, code = await self.store.read(lambda tx: self._to(tx, send))
        counts = await self.store.write(lambda tx: rows.start(tx, send, self.now()))
        if counts is None:
            return
        if to is None:
            await self.store.write(lambda tx: rows.dead(tx, send, "not_on_call", self.now()))
            return
        notice = Notice(send.send_id, code, counts, self.desk, send.again)
        await self._carry(send, notice, to)

    async def _carry(self, send: Send, notice: Notice, to: To) -> None:
        try:
            took = await self.ways[send.way].carry(notice, to)
        except NotTaken as error:
            code, wait, unknown = error.code, error.wait, error.unknown
            await self.store.write(
                lambda tx: rows.later(tx, send, code, wait, self.now(), unknown=unknown)
            )
            log.warning("notify.later", way=send.way, code=code)
            return
        except Gone as error:
            gone = error.code
            await self.store.write(lambda tx: rows.dead(tx, send, gone, self.now()))
            log.warning("notify.dead", way=send.way, code=gone)
            return
        except Exception as error:  # noqa: BLE001 - what began is never left begun; those behind go on
            name = type(error).__name__
            await self.store.write(
                lambda tx: rows.later(tx, send, BROKE, None, self.now(), unknown=True)
            )
            log.warning("notify.later", way=send.way, code=BROKE, error=name)
            return

        def unit(tx: Tx) -> None:
            at = self.now()
            rows.sent(tx, send, took.code, sum(notice.counts.values()), at)
            if took.write is not None:
                took.write(tx, at)

        await self.store.write(unit)

    def _to(self, tx: Tx, send: Send) -> tuple[To | None, str | None]:
        """Whom it goes to, if to anybody now, and the deal's code where he may know it."""
        deal = self.book.deals.get(send.deal_id)
        if deal is None or send.way not in self.ways:
            return None, None
        if not send.person:
            return To(send.deal_id), deal.code
        one = next((p for p in self.listed(tx, deal) if p.person == send.person), None)
        if one is None or send.way not in one.ways:
            return None, None
        knows = bool(deal.roster.grants_of(one.person, self.now()))
        return To(send.deal_id, one), deal.code if knows else None


def _first(
    people: tuple[OnCall, ...], thing: Thing, told: frozenset[str], at: int
) -> tuple[OnCall, ...]:
    """The next of the list who was not told yet; who is needed first, and who sleeps last."""
    left = [p for p in people if p.person not in told]
    needed = [p for p in left if p.person in thing.who] or left
    awake = [p for p in needed if thing.urgent or p.heard_from(at) <= at]
    return tuple((awake or needed)[:1])
