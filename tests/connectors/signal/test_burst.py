"""Two hundred go out over a line that is cut: none is lost, order is kept, doubles are marked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.port import ConnectorName, DeliveryKey, RoomId
from connectors.port.errors import ConnectorError
from connectors.port.events import Missed
from connectors.port.messages import Content, Delivery, Reader
from connectors.shared import frame
from connectors.signal.connector import SignalConnector
from orchestrator import clock
from orchestrator.clock import MINUTE
from orchestrator.outbox import rows
from orchestrator.outbox.dispatch import Dispatcher
from orchestrator.outbox.item import Item
from orchestrator.outbox.port import Cleared, Due, HeldAs, NotYet, Verdict
from orchestrator.seal.master import create_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import HomeSecrets
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tiers.decision import Reason

from .conftest import Lab, said, until

NAME = ConnectorName("signal")
DEAL = "deal_" + "0a" * 16
COUNT, LANES = 200, 4


@dataclass
class Everybody:
    """A guard that clears everything for whoever is in the room, and repeats, marked."""

    bot: SignalConnector
    texts: dict[str, str]

    async def clear(self, due: Due, began: int) -> Verdict:
        del began
        room = RoomId(due.item.room)
        try:
            members = (await self.bot.members(room)).members
        except ConnectorError:
            return NotYet(clock.now() + 100_000)
        readers = frozenset(Reader(m.account) for m in members)
        text = self.texts[due.item.message_id]
        attempt = 2 if due.item.possibly else 1
        key = DeliveryKey(due.item.wire_key)
        delivery = Delivery(key, room, Content(text), readers, "Ann Example", attempt=attempt)
        return Cleared(delivery, repeat_unknown=True)

    def repeats_unknown(self, item: Item) -> bool:
        del item
        return True

    async def stopped(self, due: Due, reasons: tuple[Reason, ...]) -> HeldAs:
        del due, reasons
        return HeldAs(None, None, clock.now() + MINUTE)


def queue(sealer: Sealer, name: str, room: str) -> Callable[[Tx], None]:
    at = clock.now()

    def unit(tx: Tx) -> None:
        tx.run(
            "INSERT INTO message (message_id, deal_id, connector, remote_id, sender, sent_at, "
            "accepted_at, size, state) VALUES (?, ?, 'api', ?, 'ada', ?, ?, 4, 'delivering')",
            (name, DEAL, name, at, at),
        )
        sealer.insert(tx, sealer.prepare(DEAL, name, b"text"))
        rows.enqueue(
            tx,
            kind="send",
            message_id=name,
            deal_id=DEAL,
            conversation_id="cnv_" + "0b" * 16,
            connector=NAME,
            room=room,
            as_tier="operations",
            blocks=False,
            at=at,
        )

    return unit


async def chaos(lab: Lab) -> None:
    """Every way in which a call can be cut, one after the other, twice."""
    hand = lab.hand

    async def away() -> None:
        await hand.go_down()
        await asyncio.sleep(0.3)
        await hand.come_back()

    ways: list[Callable[[], Awaitable[None]]] = [
        hand.cut_after,
        hand.cut_lost,
        away,
        hand.garbage,
        lambda: hand.cut_lost("group"),
        hand.unavailable,
        lambda: hand.hang(done=True),
        lambda: hand.hang(done=False),
        lambda: hand.fail_recipients(["bob"]),
        hand.answer_nothing,
    ]
    for way in [*ways, *ways]:
        await way()
        await asyncio.sleep(0.25)


async def drained(dispatcher: Dispatcher, lane: str) -> None:
    while True:
        until = await dispatcher.drain(lane)
        if until is None:
            return
        await asyncio.sleep(max(0, until - clock.now()) / 1_000_000)


@pytest.mark.long
async def test_a_burst_with_cuts_loses_nothing_and_marks_every_double(
    lab: Lab, tmp_path: Path
) -> None:
    await burst(lab, tmp_path)


@pytest.mark.long
async def test_a_burst_through_the_daemon_loses_nothing_and_marks_every_double(
    stream_lab: Lab, tmp_path: Path
) -> None:
    await burst(stream_lab, tmp_path)


async def burst(lab: Lab, tmp_path: Path) -> None:
    bot = await lab.bot(patience=1.0)
    rooms = [await lab.room(bot, "ann", "bob") for _ in range(LANES)]
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    migrate(home / "store.db")
    store, secrets = Store(home / "store.db"), HomeSecrets(tmp_path / "secrets", "home_1", None)
    sealer = Sealer(home, secrets, create_master(secrets), clock.now)
    texts = {f"msg_{n:032x}": f"number {n}" for n in range(COUNT)}
    for n, name in enumerate(texts):
        await store.write(queue(sealer, name, rooms[n % LANES]))
    guard = Everybody(bot, texts)
    dispatcher = Dispatcher(
        store, sealer, {NAME: bot}, guard, clock.now, lambda _: False, lambda _n, _r: None
    )
    spoiling = asyncio.create_task(chaos(lab))
    async with asyncio.timeout(240):
        await asyncio.gather(*(drained(dispatcher, f"{NAME}/{room}") for room in rooms))
    await spoiling
    dead = await store.read(lambda tx: tx.all("SELECT state FROM delivery WHERE state <> 'done'"))
    await store.close()
    assert dead == []
    doubles = 0
    for lane, room in enumerate(rooms):
        shown = [frame.parse(m.text or "") for m in await lab.ours("ann", room)]
        firsts = list(dict.fromkeys(one.text for one in shown))
        assert firsts == [f"number {n}" for n in range(lane, COUNT, LANES)]
        seen: set[str] = set()
        for one in shown:
            assert one.repeated or one.text not in seen, "a double that does not say so"
            doubles += one.text in seen
            seen.add(one.text)
    assert doubles, "the cuts were none"


@pytest.mark.long
async def test_a_burst_to_us_with_cuts_is_heard_whole_or_named(stream_lab: Lab) -> None:
    """Two hundred come in while the daemon's stream is cut, and sends go out beside them."""
    await stream_lab.hand.reset(backend="json-rpc", receive_mode="on-start", keepalive=0.5)
    bot = await stream_lab.bot(patience=1.0)
    room = await stream_lab.room(bot, "ann", "bob")
    cursor = await stream_lab.now(bot)
    await asyncio.sleep(1.6)
    stamps: list[int] = []

    async def write() -> None:
        for n in range(COUNT):
            stamps.append(await stream_lab.hand.write("ann", f"number {n}", group=room))
            await asyncio.sleep(0.02)

    async def cut() -> None:
        for _ in range(4):
            await asyncio.sleep(0.6)
            await stream_lab.hand.go_down()
            await asyncio.sleep(0.3)
            await stream_lab.hand.come_back()

    async def send() -> None:
        for n in range(40):
            with suppress(ConnectorError):
                delivery = await stream_lab.delivery(bot, room, f"ours {n}")
                await bot.send(delivery)
            await asyncio.sleep(0.05)

    await asyncio.gather(write(), cut(), send())
    after = clock.now()

    async def well() -> bool:
        return bot._open.reachable.well_at > after

    await until(well, 30)
    last = await stream_lab.hand.write("bob", "the last", group=room)
    named = f"/{last}"
    events, _ = await stream_lab.events(
        bot, cursor, lambda e: any(m.remote_id.endswith(named) for m in said(e))
    )
    heard = [int(m.remote_id.rpartition("/")[2]) for m in said(events)]
    windows = [event for event in events if isinstance(event, Missed)]
    assert windows
    for stamp in set(stamps) - set(heard):
        assert any(w.since <= stamp * 1000 <= w.until for w in windows)
    assert len(heard) == len(set(heard))
    in_order = [stamp for stamp in heard if stamp in set(stamps)]
    assert in_order == sorted(in_order)
    phone = [frame.parse(m.text or "").text for m in await stream_lab.ours("ann", room)]
    assert len(phone) == len(set(phone)), "a double of which nobody was told"
