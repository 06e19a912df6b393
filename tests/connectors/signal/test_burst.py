"""Two hundred go out over a line that is cut: none is lost, order is kept, doubles are marked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.port import ConnectorName, DeliveryKey, RoomId
from connectors.port.errors import ConnectorError
from connectors.port.messages import Content, Delivery, Reader
from connectors.signal import layout
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

from .conftest import Lab

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
        shown = [layout.parse(m.text or "") for m in await lab.ours("ann", room)]
        firsts = list(dict.fromkeys(one.text for one in shown))
        assert firsts == [f"number {n}" for n in range(lane, COUNT, LANES)]
        seen: set[str] = set()
        for one in shown:
            assert one.repeated or one.text not in seen, "a double that does not say so"
            doubles += one.text in seen
            seen.add(one.text)
    assert doubles, "the cuts were none"
