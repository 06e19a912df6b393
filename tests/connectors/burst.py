"""Two hundred messages out through a dispatcher of ours, while the calls are spoilt one by one.

Rule kept here: what goes wrong is paced by the messages, never by the clock. The next way of going
wrong comes only when further messages were tried: on a slow machine faults would pile up else, and
one message meet all of them, each wait twice as long as the last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connectors.port import ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Connector
from connectors.port.errors import ConnectorError
from connectors.port.messages import Content, Delivery, Reader
from connectors.shared import frame
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

Way = Callable[[], Awaitable[None]]

DEAL = "deal_" + "0a" * 16
COUNT = 200
STEP = 3
"""So many messages are tried for the first time between two ways of going wrong."""
PATIENCE = 240.0
"""Seconds that the whole may take on the slowest machine."""


@dataclass
class Everybody:
    """A guard that clears everything for whoever is in the room, and repeats, marked."""

    bot: Connector
    texts: dict[str, str]
    tried: set[str] = field(default_factory=set)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

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
        async with self.more:
            self.tried.add(due.item.message_id)
            self.more.notify_all()
        return Cleared(delivery, repeat_unknown=True)

    def repeats_unknown(self, item: Item) -> bool:
        del item
        return True

    async def stopped(self, due: Due, reasons: tuple[Reason, ...]) -> HeldAs:
        del due, reasons
        return HeldAs(None, None, clock.now() + MINUTE)

    async def further(self, count: int) -> bool:
        """Returns when that many more were tried for the first time; whether some were not yet."""
        enough = min(len(self.tried) + count, len(self.texts))
        async with self.more:
            await self.more.wait_for(lambda: len(self.tried) >= enough)
        return len(self.tried) < len(self.texts)


async def spoil(guard: Everybody, ways: Sequence[Way]) -> None:
    """Each way of going wrong, one after the other, twice, while there are messages for it."""
    for way in (*ways, *ways):
        await way()
        if not await guard.further(STEP):
            return


def queue(sealer: Sealer, name: str, connector: ConnectorName, room: str) -> Callable[[Tx], None]:
    """A message that waits to be sent into a room."""
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
            connector=connector,
            room=room,
            as_tier="operations",
            blocks=False,
            at=at,
        )

    return unit


async def drained(dispatcher: Dispatcher, lane: str) -> None:
    """Sends until nothing waits in the lane, coming again when it says so."""
    while True:
        until = await dispatcher.drain(lane)
        if until is None:
            return
        await asyncio.sleep(max(0, until - clock.now()) / 1_000_000)


async def burst_out(
    folder: Path, bot: Connector, name: ConnectorName, rooms: Sequence[RoomId], ways: Sequence[Way]
) -> None:
    """Sends the two hundred, in turn to each room, and sees that nothing is left to do."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    migrate(home / "store.db")
    store, secrets = Store(home / "store.db"), HomeSecrets(folder / "secrets", "home_1", None)
    sealer = Sealer(home, secrets, create_master(secrets), clock.now)
    texts = {f"msg_{n:032x}": f"number {n}" for n in range(COUNT)}
    for n, message in enumerate(texts):
        await store.write(queue(sealer, message, name, rooms[n % len(rooms)]))
    guard = Everybody(bot, texts)
    dispatcher = Dispatcher(
        store, sealer, {name: bot}, guard, clock.now, lambda _: False, lambda _n, _r: None
    )
    spoiling = asyncio.create_task(spoil(guard, ways))
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(drained(dispatcher, f"{name}/{room}") for room in rooms))
        await spoiling
    undone = await store.read(lambda tx: tx.all("SELECT state FROM delivery WHERE state <> 'done'"))
    await store.close()
    assert undone == []


def judge(shown: Sequence[Sequence[str | None]]) -> None:
    """What a person of each room was shown: all of it, in order, each double saying that it is one.

    Args:
        shown: the texts of each room, in order, rooms as they were given to ``burst_out``.
    """
    doubles = 0
    for lane, texts in enumerate(shown):
        framed = [frame.parse(text or "") for text in texts]
        firsts = list(dict.fromkeys(one.text for one in framed))
        assert firsts == [f"number {n}" for n in range(lane, COUNT, len(shown))]
        seen: set[str] = set()
        for one in framed:
            assert one.repeated or one.text not in seen, "a double that does not say so"
            doubles += one.text in seen
            seen.add(one.text)
    assert doubles, "the cuts were none"
