"""A live home on a memory network in this process, with its people at hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import network
from connectors.memory.farside import FarSide, Seen
from connectors.memory.network import Options
from orchestrator.audit.chain import HOME
from orchestrator.client.views import Post
from orchestrator.clock import HOUR, now
from orchestrator.command.home import OpenHome
from orchestrator.command.proving import Proving
from orchestrator.command.runtime import Runtime
from orchestrator.config.load import load
from orchestrator.flow import room_notice
from orchestrator.flow.port import Classifies
from orchestrator.wiring import open_runtime
from tiers.ids import ConnectorName, DealId, MessageId, RoomId
from tiers.people import Roster

from .house import ACTOR, CHANNEL, TALKS, Talk, by_words, make_deal

OURS = "wallcross"
WAIT_S = 60.0
OPEN = frozenset({"accepted", "delivering"})


@dataclass(slots=True)
class Hands:
    """The machine's clock, which a test may put on or back."""

    ahead: int = 0

    def __call__(self) -> int:
        return now() + self.ahead


@dataclass(slots=True)
class House:
    """A live home with one deal, and the far side's hand.

    Attributes:
        clock: the home's clock.
        far: the network of ``memory``.
        others: the far sides of further channels.
    """

    home: OpenHome
    deal: DealId
    far: FarSide
    clock: Hands
    others: dict[str, FarSide] = field(default_factory=dict)
    again: Callable[[], Awaitable[OpenHome]] | None = None
    """Closes the home and opens it anew, over the same network."""

    async def restart(self) -> None:
        if self.again is None:
            raise RuntimeError("this house was not opened to be opened again")
        self.home = await self.again()

    async def send(self, text: str, person: str = "ada", to: str | None = None) -> MessageId:
        """Hands a text in at our own door."""
        post = Post(person=person, conversation=to)
        return MessageId((await self.home.send_text(self.deal, post, text, actor=ACTOR)).message_id)

    async def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        return await self.home.runtime.store.read(lambda tx: tx.all(sql, params))

    async def state(self, message: str) -> str:
        return (await self.home.message_show(MessageId(message))).state

    async def reasons(self, message: str) -> str:
        return " ".join((await self.home.message_show(MessageId(message))).reasons)

    async def ends(self, message: str) -> str:
        """Where a message is once it is under way no more."""

        async def over() -> bool:
            return await self.state(message) not in OPEN

        await eventually(over)
        return await self.state(message)

    async def taken(self, remote: str, connector: str = CHANNEL) -> MessageId:
        """Our name of what somebody wrote on a network, once it is accepted."""
        sql = "SELECT message_id FROM message WHERE connector = ? AND remote_id = ?"

        async def there() -> bool:
            return bool(await self.rows(sql, connector, remote))

        await eventually(there)
        return MessageId((await self.rows(sql, connector, remote))[0][0])

    async def quiet(self) -> None:
        """Nothing that is due is left to do."""
        await self.home.runtime.engine.idle()

    def room(self, label: str, connector: str = CHANNEL) -> RoomId:
        view = self.home.runtime.book.deals[self.deal]
        found = [c for c in view.conversations.values() if c.label == label]
        rooms = view.rooms[found[0].conversation_id]
        return next(b.room for b in rooms if b.connector == connector)

    async def seen(self, person: str, label: str) -> list[str]:
        """The texts that a person's own client shows in a conversation's room."""
        inbox = await self.far.inbox(person, self.room(label))
        return [m.text for m in inbox if not m.gone]

    async def told(self, person: str, count: int = 1) -> list[Seen]:
        """What we told a person in his line, once it is so many."""
        line = self.home.runtime.book.line_room

        async def heard() -> list[Seen]:
            room = line(ConnectorName(CHANNEL), person)  # type: ignore[arg-type]  # his account bears his name
            inbox = await self.far.inbox(person, room) if room else ()
            return [m for m in inbox if m.sender == OURS]

        async def enough() -> bool:
            return len(await heard()) >= count

        await eventually(enough)
        return await heard()

    async def findings(self) -> set[str]:
        rows = await self.rows("SELECT rule FROM finding WHERE closed_at IS NULL")
        return {rule for (rule,) in rows}

    async def arrived(self, room: str | None = None) -> list[dict[str, Any]]:
        """What the network itself says arrived from people through us, in conversations' rooms."""
        ours = [
            m for m in await self.far.arrived(room) if m["account"] == OURS and m["author_line"]
        ]
        bound = {b.room for _, b in self.home.runtime.book.rooms()}
        return [m for m in ours if m["room"] in bound]


async def eventually(done: Callable[[], Awaitable[bool]]) -> None:
    """Waits until something is so. Raises: TimeoutError."""
    ends = time.monotonic() + WAIT_S
    while not await done():
        if time.monotonic() > ends:
            raise TimeoutError("it did not come to be")
        await asyncio.sleep(0.01)


@dataclass(slots=True)
class Opens:
    """Opens houses; they are closed when the test ends.

    Args:
        folder: theirs.
        tampers: why rows are not held against the chains as each home closes; None: they are.
    """

    folder: Path
    stack: AsyncExitStack
    networks: list[str] = field(default_factory=list)
    tampers: str | None = None

    async def __call__(
        self,
        talks: Sequence[Talk] = TALKS,
        *,
        classifier: Classifies | None = None,
        options: Options | None = None,
        settings: dict[str, str] | None = None,
        people: Roster | None = None,
        channels: Sequence[str] = (CHANNEL,),
        journal: bool = True,
        host: str | None = None,
    ) -> House:
        fars = {name: self._network(name, options) for name in channels}
        flags = {f"channels.{n}.kind": "memory" for n in channels}
        flags |= {} if host is None else {"home.host": host}
        flags |= {f"channels.{n}.settings.network": f"{self.folder}/{n}" for n in channels}
        for name in channels:
            given = {"unsafe_trust_first_seen": "false", **(settings or {})}
            flags |= {f"channels.{name}.settings.{k}": v for k, v in given.items()}
        clock = Hands()
        found = load(flags=flags, environ={}, state=self.folder / "home")
        living = await self.stack.enter_async_context(AsyncExitStack())

        async def again() -> OpenHome:
            await living.aclose()
            opening = open_runtime(found, classifier or by_words(), live=True, now=clock)
            runtime = await living.enter_async_context(opening)
            if self.tampers is None:
                living.push_async_exit(partial(as_stated, runtime))
            return OpenHome(runtime)

        home = await again()
        deal = await make_deal(home, talks, people=people, journal=journal)
        await self._listening(home, channels)
        return House(home, deal, fars[CHANNEL], clock, fars, again)

    def _network(self, name: str, options: Options | None) -> FarSide:
        known = f"{self.folder}/{name}"
        self.networks.append(known)
        there = network.shared(known)
        if options is not None:
            there.reset(options)
        return FarSide.of(there)

    async def _listening(self, home: OpenHome, channels: Sequence[str]) -> None:
        """What people write from now on is not missed."""
        sql = "SELECT count(*) FROM channel WHERE cursor IS NOT NULL"

        async def begun() -> bool:
            [(count,)] = await home.runtime.store.read(lambda tx: tx.all(sql))
            return int(count) >= len(channels)

        await eventually(begun)


async def as_stated(runtime: Runtime, failed: type[BaseException] | None, *_: object) -> None:
    """Whatever a scenario did, no row of its home is other than the chains state it."""
    if failed is not None:
        return  # what went wrong first is what is told
    deals = await runtime.store.read(lambda tx: tx.all("SELECT deal_id FROM deal"))
    for (deal_id,) in [*deals, (HOME,)]:
        report = await Proving(runtime).report(deal_id)
        assert report.ok, report.differs


@pytest.fixture
def secrets_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of homes lie in files beside them, whatever keyring this machine has."""
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@asynccontextmanager
async def opening(folder: Path) -> AsyncIterator[Opens]:
    """Opens houses under a folder; closes them, and ends their networks."""
    async with AsyncExitStack() as stack:
        making = Opens(folder, stack)
        yield making
    for name in making.networks:
        network.forget(name)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rooms are not told who hosts them: a test of something else counts what arrives."""
    monkeypatch.setattr(room_notice, "QUIET", HOUR)
    monkeypatch.setattr(room_notice, "AT_LAST", HOUR)


@pytest.fixture
async def opens(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
) -> AsyncIterator[Opens]:
    async with opening(tmp_path) as making:
        marker = request.node.get_closest_marker("tampers")
        making.tampers = None if marker is None else marker.args[0]
        yield making


@pytest.fixture
async def house(opens: Opens) -> House:
    """A witness room of each tier."""
    return await opens()
