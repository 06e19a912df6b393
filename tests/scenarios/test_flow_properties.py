"""Invariants 3, 4 and 5 on random histories of a live home, and a planted violation of each.

Each example is a home of its own on a network of its own; what the far side saw decides.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.memory.faults import FaultKind
from connectors.memory.record import digest
from connectors.port.messages import Reader
from orchestrator.deals.counsel import Counsel
from orchestrator.flow.guard import FlowGuard, _delivery
from orchestrator.outbox import dispatch
from orchestrator.outbox.port import Cleared, Due, Verdict
from orchestrator.outbox.settle import Again
from orchestrator.store.unit import StoreError, Tx
from tiers.ids import ConnectorName, RoomId

from . import test_flow_guard as changes
from .conftest import House, opening
from .house import ACTOR, CHANNEL

SAID = "The list of documents was read again before noon."
PRICE = "zvaluation: we raise our offer to 27.50 per share."
LABELS = ("price", "supply", "lunch")
QUIET = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def folders(tmp_path: Path, secrets_apart: None) -> Iterator[Path]:  # noqa: ARG001 - for its effect
    """A folder for each example."""
    return (tmp_path / f"example{n}" for n in itertools.count())


def live(folders: Iterator[Path], work: Callable[[House], Awaitable[None]]) -> None:
    """Runs ``work`` in a house of its own."""

    async def run() -> None:
        async with opening(next(folders)) as opens:
            await work(await opens())

    asyncio.run(run())


# --- 3: never beyond clearance ------------------------------------------------------------------


async def nothing_beyond(house: House, changed: frozenset[changes.Change]) -> None:
    """What was routed to #price goes exactly if nothing changed before it was sent."""
    message = await changes.routed(house, "price")
    for change in changed:
        await change(house)
    await changes.goes_on(house)
    ended = await house.ends(message)
    went = [m for m in await house.far.arrived() if m["sha256"] == digest(changes.SAID)]
    assert (ended, len(went)) == (("held", 0) if changed else ("delivered", 1))


OF_READERS = (
    changes.clearance_ends,
    changes.wall_goes_up,
    changes.key_changes,
    changes.new_device,
    changes.timer_goes_off,
    changes.link_is_made,
    changes.stranger_comes_in,
    changes.half_of_the_members_are_told,
)


@QUIET
@example(frozenset())
@given(st.frozensets(st.sampled_from(OF_READERS), max_size=3))
def test_nothing_goes_beyond_clearance(
    folders: Iterator[Path], changed: frozenset[changes.Change]
) -> None:
    live(folders, lambda house: nothing_beyond(house, changed))


async def _believe(self: FlowGuard, due: Due, began: int) -> Verdict:
    """The guard taken out: what was routed is sent, to whoever is there now."""
    del began
    assert due.body is not None
    place = (ConnectorName(due.item.connector), RoomId(due.item.room))
    members = await self._rooms._connectors[place[0]].members(place[1])  # type: ignore[attr-defined]  # the observer
    readers = frozenset(Reader(m.account) for m in members.members)
    content = await self._content(due.body)
    return Cleared(_delivery(due, content, readers, None), repeat_unknown=True)


@pytest.mark.parametrize("change", [changes.clearance_ends, changes.stranger_comes_in])
def test_a_guard_that_believes_the_route_is_noticed(
    folders: Iterator[Path], change: changes.Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FlowGuard, "clear", _believe)
    with pytest.raises(AssertionError):
        live(folders, lambda house: nothing_beyond(house, frozenset({change})))


# --- 4: never lost, never silently twice --------------------------------------------------------

TROUBLES = (
    FaultKind.UNAVAILABLE,
    FaultKind.CUT_BEFORE,
    FaultKind.CUT_LOST,
    FaultKind.CUT_AFTER,
    FaultKind.GARBAGE,
    FaultKind.ANSWER_NOTHING,
    FaultKind.REFUSE,
)
STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(LABELS), st.booleans()),
    st.tuples(st.just("write"), st.sampled_from(LABELS), st.booleans()),
    st.tuples(st.just("trouble"), st.sampled_from(TROUBLES)),
    st.tuples(st.just("restart")),
    st.tuples(st.just("rest")),
    st.tuples(st.just("standstill"), st.booleans()),
)


class History:
    """A random history, with what each sender was told."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sent: dict[str, str] = {}
        """Hash of each text that was handed in at our door, to its message."""
        self.written: list[str] = []
        self._n = itertools.count()

    async def step(self, step: tuple[Any, ...]) -> None:
        kind, *with_what = step
        await getattr(self, kind)(*with_what)

    def _text(self, *, above: bool) -> str:
        return f"{PRICE if above else SAID} ({next(self._n)})"

    async def send(self, label: str, above: bool) -> None:
        text = self._text(above=above)
        self.sent[digest(text)] = await self.house.send(text, to=label)

    async def write(self, label: str, above: bool) -> None:
        room, text = self.house.room(label), self._text(above=above)
        self.written.append(await self.house.far.write("ada", room, text))

    async def trouble(self, kind: FaultKind) -> None:
        await self.house.far.inject(kind, times=1)

    async def rest(self) -> None:
        await self.house.quiet()

    async def restart(self) -> None:
        await self.house.restart()

    async def standstill(self, begin: bool) -> None:
        home = self.house.home
        if begin:
            await home.channel_pause(CHANNEL, "test", actor=ACTOR)
        else:
            await self._lift()

    async def _lift(self) -> None:
        await self.house.far.clear_faults()
        await self.house.home.channel_resume(CHANNEL, actor=ACTOR)

    async def judge(self) -> None:
        """Everything has an end; delivered means that it arrived once; lost is nothing."""
        await self.rest()
        await self._lift()
        messages = dict(self.sent)
        for remote in self.written:
            messages[remote] = await self.house.taken(remote)
        ends = {name: await self.house.ends(message) for name, message in messages.items()}
        assert set(ends.values()) <= {"delivered", "held", "possibly", "dead"}
        arrived = Counter(m["sha256"] for m in await self.house.arrived())
        twice = [m for m in await self.house.arrived() if arrived[m["sha256"]] > 1]
        assert twice == [], "this network knows repetitions"
        for sha in self.sent:
            assert arrived[sha] == (1 if ends[sha] == "delivered" else 0), ends[sha]
        assert set(arrived) <= set(self.sent)


async def lived(house: House, steps: list[tuple[Any, ...]]) -> None:
    history = History(house)
    for step in steps:
        await history.step(step)
    await history.judge()


@QUIET
@given(st.lists(STEPS, min_size=2, max_size=10))
def test_nothing_is_lost_and_nothing_goes_twice(
    folders: Iterator[Path], steps: list[tuple[Any, ...]]
) -> None:
    live(folders, lambda house: lived(house, steps))


LOST_ANSWER: list[tuple[Any, ...]] = [("trouble", FaultKind.CUT_AFTER), ("send", "lunch", False)]
LOST_CALL: list[tuple[Any, ...]] = [("trouble", FaultKind.CUT_LOST), ("send", "lunch", False)]


def test_whoever_takes_no_answer_for_success_is_noticed(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    live(folders, lambda house: lived(house, LOST_CALL))

    async def hope(
        self: dispatch.Dispatcher, connector: object, due: Due, *, after: int | None
    ) -> dispatch.Step:
        del connector, after
        return self._done(due, dispatch.Accepted(due.item.wire_key, 0))  # type: ignore[arg-type, attr-defined]  # the planted fault

    monkeypatch.setattr(dispatch.Dispatcher, "_settle", hope)
    with pytest.raises(AssertionError):
        live(folders, lambda house: lived(house, LOST_CALL))


def test_whoever_takes_a_new_name_for_each_attempt_is_noticed(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    live(folders, lambda house: lived(house, LOST_ANSWER))

    async def blind(*_: object, **__: object) -> Again:
        return Again(doubtful=False)

    real, names = FlowGuard.clear, itertools.count()

    async def renamed(self: FlowGuard, due: Due, began: int) -> Verdict:
        verdict = await real(self, due, began)
        if isinstance(verdict, Cleared):
            object.__setattr__(verdict.delivery, "key", f"wx_{next(names)}")
        return verdict

    monkeypatch.setattr(dispatch, "settle", blind)
    monkeypatch.setattr(FlowGuard, "clear", renamed)
    with pytest.raises(AssertionError):
        live(folders, lambda house: lived(house, LOST_ANSWER))


# --- 5: together or not at all ------------------------------------------------------------------


async def consistent(house: House) -> None:
    """State, outbox, journal and audit say the same of every message, in one snapshot."""
    await house.home.runtime.store.read(agree)


def agree(tx: Tx) -> None:
    rows = tx.all("SELECT message_id, state FROM message WHERE connector = 'api'")
    audit = b" ".join(body for (body,) in tx.all("SELECT body FROM audit"))
    for message, state in rows:
        journaled = tx.all("SELECT 1 FROM journal WHERE message_id = ?", (message,))
        sent = tx.all("SELECT state FROM delivery WHERE message_id = ?", (message,))
        assert bool(journaled) == (state != "accepted"), "journal"
        assert bool(sent) == (state in {"delivering", "delivered"}), "outbox"
        entries = audit.count(message.encode())
        least = {"accepted": 1, "delivering": 2, "delivered": 3, "held": 2}[state]
        assert entries >= least, "audit"
        assert state != "accepted" or entries == 1, "audit"


async def broken(house: House, n: int, *, above: bool) -> None:
    """The ``n``-th statement of ours from here on fails; then all is looked at, then it goes on."""
    real, left = Tx.run, itertools.count(-n)

    def run(self: Tx, sql: str, params: Any = ()) -> int:
        if next(left) == 0:
            raise StoreError("planted: this statement fails")
        return real(self, sql, params)

    Tx.run = run  # type: ignore[method-assign]  # undone below
    try:
        try:
            message = await house.send(PRICE if above else SAID, to="lunch")
        except StoreError:
            return await consistent(house)
        for _ in range(20):
            await consistent(house)
            await asyncio.sleep(0.005)
    finally:
        Tx.run = real  # type: ignore[method-assign]
    await house.ends(message)
    await house.quiet()
    return await consistent(house)


@QUIET
@given(st.integers(0, 24), st.booleans())
def test_state_outbox_journal_and_audit_are_written_together(
    folders: Iterator[Path], n: int, above: bool
) -> None:
    live(folders, lambda house: broken(house, n, above=above))


def test_a_journal_that_may_fail_alone_is_noticed(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counsel, "insert", lambda *_: None)
    with pytest.raises(AssertionError, match="journal"):
        live(folders, lambda house: broken(house, 99, above=False))


def test_an_entry_that_is_left_out_is_noticed(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.flow.plan.append", lambda *_, **__: None)
    with pytest.raises(AssertionError, match="audit"):
        live(folders, lambda house: broken(house, 99, above=False))
