"""A store with a deal's messages, and the outbox's rows over it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from orchestrator.outbox import rows
from orchestrator.outbox.item import Done, Item, Start
from orchestrator.seal.master import create_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import HomeSecrets
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx

T = TypeVar("T")
DEAL = "deal_" + "0a" * 16


@dataclass
class Outbox:
    """Rows of one lane, and of others that a test names."""

    store: Store
    sealer: Sealer
    now: int = 1_800_000_000_000_000

    def __post_init__(self) -> None:
        self._names = (f"msg_{n:032x}" for n in count(1))

    async def do(self, work: Callable[[Tx], T]) -> T:
        return await self.store.write(work)

    async def message(self, *rooms: str, text: bytes = b"text") -> str:
        """A message under way to these rooms; its body is sealed."""
        name = next(self._names)

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO message (message_id, deal_id, connector, remote_id, sender, sent_at, "
                "accepted_at, size, state) VALUES (?, ?, 'api', ?, 'ada', ?, ?, 4, 'delivering')",
                (name, DEAL, name, self.now, self.now),
            )
            self.sealer.insert(tx, self.sealer.prepare(DEAL, name, text))
            for room in rooms:
                self.queue(tx, name, room)

        await self.do(unit)
        return name

    def queue(self, tx: Tx, message: str, room: str, *, blocks: bool = False) -> str:
        return rows.enqueue(
            tx,
            kind="send",
            message_id=message,
            deal_id=DEAL,
            conversation_id="cnv_" + "0b" * 16,
            connector="memory",
            room=room,
            as_tier="operations",
            blocks=blocks,
            at=self.now,
        )

    async def due(self, room: str, most: int = 10) -> list[Item]:
        found = await self.do(lambda tx: rows.due(tx, self.sealer, f"memory/{room}", most))
        return [due.item for due in found]

    async def item(self, message: str, room: str) -> Item:
        return next(i for i in await self.due(room) if i.message_id == message)

    async def start(self, item: Item) -> None:
        await self.do(lambda tx: rows.start(tx, (Start(item, self.now),)))

    async def done(self, item: Item) -> None:
        end = Done(item, "$remote", None, self.now)
        await self.do(lambda tx: rows.done(tx, self.sealer, (end,)))

    async def state(self, message: str) -> str:
        sql = "SELECT state FROM message WHERE message_id = ?"
        [(found,)] = await self.all(sql, message)
        return str(found)

    async def sealed(self, message: str) -> bool:
        return bool(await self.all("SELECT 1 FROM sealed WHERE owner = ?", message))

    async def all(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return await self.store.read(lambda tx: tx.all(sql, params))


@asynccontextmanager
async def opening(folder: Path) -> AsyncIterator[Outbox]:
    """A new store under a folder."""
    home = folder / "home"
    home.mkdir(parents=True, mode=0o700)
    migrate(home / "store.db")
    store = Store(home / "store.db")
    secrets = HomeSecrets(folder / "secrets", "home_1", None)
    outbox = Outbox(store, Sealer(home, secrets, create_master(secrets), lambda: 1))
    try:
        yield outbox
    finally:
        await store.close()


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with opening(tmp_path) as opened:
        yield opened


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A folder for each example of a property."""
    return (tmp_path / f"example{n}" for n in count())
