"""The memory network's rig: in this process, and against a network in a process of its own."""

import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import process
from connectors.memory.connector import MemoryConnector
from connectors.memory.farside import FarSide, Seen, Upload
from connectors.memory.faults import ACTS, ANY, FaultKind
from connectors.memory.network import forget, shared
from connectors.memory.settings import Settings
from connectors.port import AccountId, ConnectorName, Guarantee, RemoteId, RoomId
from connectors.port.connector import Setup
from connectors.port.messages import RoomSpec
from connectors.testing.rig import Arrived

US, MEMBER, THIRD = AccountId("wallcross"), AccountId("bob"), AccountId("cyd")
DAY = 86_400_000_000


def now() -> int:
    return time.time_ns() // 1000


@dataclass
class MemoryFar:
    """The contract's far side on the memory network's own."""

    side: FarSide
    member: AccountId = MEMBER

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        seen = [m for m in await self.side.inbox(self.member, room) if m.sender == US]
        return tuple([await self._arrived(m) for m in seen if not m.gone])

    async def _arrived(self, seen: Seen) -> Arrived:
        assert seen.unreadable is None
        files = []
        for file in seen.files:
            hashed = sha256()
            async for piece in self.side.download(file):
                hashed.update(piece)
            files.append((file.name, hashed.hexdigest()))
        return Arrived(
            RemoteId(seen.id),
            seen.text,
            seen.author_line,
            seen.key,
            seen.marked,
            None if seen.reply_to is None else RemoteId(seen.reply_to),
            tuple(files),
        )

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        files = () if file is None else (Upload(*file),)
        return RemoteId(await self.side.write(self.member, room, text, files=files))

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        message = await self.side.write(self.member, room, "x", unreadable="unknown_session")
        return RemoteId(message)

    async def write_direct(self, text: str) -> RemoteId:
        return RemoteId((await self.side.direct(self.member, US, text))[1])

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        return RemoteId(await self.side.write(self.member, room, text, reply_to=to))

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        return RemoteId(await self.side.edit(self.member, room, message, text))

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        await self.side.delete(self.member, room, message)

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        await self.side.add_member(room, "stranger")
        return AccountId("stranger")

    async def add_device(self) -> None:
        await self.side.add_device(self.member, "PHONE", secrets.token_hex(16))

    async def change_key(self) -> None:
        device = next(iter(await self.side.register(self.member)))
        await self.side.change_key(self.member, device, secrets.token_hex(16))

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        await self.side.change(room, timer=timer)

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        timer = guarantee is Guarantee.TIMER
        changes: dict[str, Any] = {guarantee.value: None if timer else False}
        await self.side.change(room, **changes)

    async def newcomer(self) -> AccountId:
        await self.side.register("newcomer")
        return AccountId("newcomer")

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        await self.side.join(account, room)

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        return frozenset(map(AccountId, (await self.side.state(room))["seats"]))

    async def no_room(self) -> RoomId:
        return RoomId("!nowhere:memory")

    async def put_us_out(self, room: RoomId) -> None:
        await self.side.remove_member(room, US)

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        return tuple(await self.side.opened(account, room, by=US))


@dataclass
class MemoryFaults:
    """The contract's faults as the memory network has them."""

    side: FarSide

    async def refuse(self) -> None:
        await self.side.inject(FaultKind.REFUSE)

    async def unavailable(self) -> None:
        await self.side.inject(FaultKind.UNAVAILABLE)

    async def rate_limit(self, retry_after: int) -> None:
        await self.side.inject(FaultKind.RATE_LIMIT, amount=retry_after)

    async def cut_before(self) -> None:
        await self.side.inject(FaultKind.CUT_BEFORE, verb="send")

    async def cut_after(self) -> None:
        await self.side.inject(FaultKind.CUT_AFTER)

    async def answer_nothing(self) -> None:
        await self.side.inject(FaultKind.ANSWER_NOTHING)

    async def answer_garbage(self) -> None:
        await self.side.inject(FaultKind.GARBAGE)

    async def slow(self) -> None:
        await self.side.inject(FaultKind.SLOW, amount=200_000)

    async def partial_members(self) -> None:
        await self.side.inject(FaultKind.PARTIAL_MEMBERS)

    async def unreadable_members(self) -> None:
        await self.side.inject(FaultKind.UNREADABLE, verb="members")

    async def unreadable_posture(self) -> None:
        await self.side.inject(FaultKind.UNREADABLE)

    async def muddle(self, how: str) -> None:
        kind = {
            "malformed": FaultKind.GARBAGE,
            "server fault": FaultKind.UNAVAILABLE,
            "too many": FaultKind.RATE_LIMIT,
            "cut": FaultKind.CUT_LOST,
            "empty": FaultKind.NO_MEMBERS,
            "refused": FaultKind.REFUSE,
        }[how]
        await self.side.inject(kind, verb=ANY)

    async def ignore_timer(self) -> None:
        await self.side.inject(FaultKind.TIMER_IGNORED)

    async def act_refused(self) -> None:
        await self.side.inject(FaultKind.REFUSE, verb=ACTS)

    async def act_limited(self, retry_after: int) -> None:
        await self.side.inject(FaultKind.RATE_LIMIT, verb=ACTS, amount=retry_after)

    async def act_cut_before(self) -> None:
        await self.side.inject(FaultKind.CUT_BEFORE, verb=ACTS)

    async def act_cut_after(self) -> None:
        await self.side.inject(FaultKind.CUT_AFTER, verb=ACTS)

    async def act_does_nothing(self) -> None:
        await self.side.inject(FaultKind.LIE, verb=ACTS)

    async def act_slow(self) -> None:
        await self.side.inject(FaultKind.SLOW, verb=ACTS, amount=200_000)

    async def departure_unnoticed(self) -> None:
        await self.side.inject(FaultKind.UNNOTICED)

    async def cut_events(self) -> None:
        await self.side.inject(FaultKind.CUT_LOST, verb="sync")

    async def duplicate_events(self) -> None:
        await self.side.inject(FaultKind.DUPLICATE_EVENT)

    async def go_down(self) -> None:
        await self.side.inject(FaultKind.CUT_BEFORE, verb=ANY, times=None)

    async def come_back(self) -> None:
        await self.side.clear_faults()


@dataclass
class MemoryRig:
    """A connector of some class, open, on a network with one hardened room."""

    setup: Setup
    kind: type[MemoryConnector]
    side: FarSide

    def __post_init__(self) -> None:
        self.room = RoomId("")
        self.far = MemoryFar(self.side)
        self.faults = MemoryFaults(self.side)
        self.connector = self._new()

    def _new(self) -> MemoryConnector:
        return self.kind(self.setup, Settings.model_validate(dict(self.setup.settings)))

    async def start(self) -> None:
        await self.connector.open()
        people = frozenset({MEMBER, THIRD})
        spec = RoomSpec(secrets.token_hex(8), people, frozenset(), DAY, gate=False)
        self.room = await MemoryConnector.create(self.connector, spec)

    async def with_standby(self) -> AccountId:
        await self.reopen(standby="standby")
        return AccountId("standby")

    async def reopen(self, **settings: object) -> MemoryConnector:
        await self.connector.close()
        self.setup = replace(self.setup, settings={**self.setup.settings, **settings})
        self.connector = self._new()
        await self.connector.open()
        return self.connector


def setup(state: Path, **settings: object) -> Setup:
    return Setup(ConnectorName("memory"), settings, {}, state, now)


@pytest.fixture(scope="module")
def far_process(request: pytest.FixtureRequest) -> Iterator[process.FarProcess]:
    """A network in a process of its own, on a socket as the parameter says."""
    with tempfile.TemporaryDirectory() as folder:
        listen = "127.0.0.1:0" if request.param == "tcp" else f"unix:{folder}/far.sock"
        with process.start(listen, record=Path(folder, "record.jsonl")) as far:
            yield far


@pytest.fixture
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryRig]:
    """In this process, unless the test's class says where its network is."""
    kind = getattr(request.cls, "connector_class", MemoryConnector)
    options = dict(getattr(request.cls, "options", {}))
    settings = dict(getattr(request.cls, "settings", {}))
    name = secrets.token_hex(8)
    if getattr(request.cls, "in_own_process", False):
        far: process.FarProcess = request.getfixturevalue("far_process")
        side = FarSide.at(far.address)
        settings["address"] = far.address
    else:
        side = FarSide.of(shared(name))
        settings["network"] = name
    await side.reset(**options)
    made = MemoryRig(setup(tmp_path / "state", **settings), kind, side)
    await made.start()
    yield made
    await made.connector.close()
    await side.close()
    forget(name)
