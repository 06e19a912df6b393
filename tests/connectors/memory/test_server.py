"""The memory network in a process of its own: its record, its lines, its end."""

import asyncio
import json
import secrets
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from connectors.memory import process
from connectors.memory.connector import MemoryConnector
from connectors.memory.farside import FarSide
from connectors.memory.links import Address
from connectors.memory.settings import Settings
from connectors.memory.wire import LENGTHS, encode
from connectors.port import AccountId, DeliveryKey, RoomId
from connectors.port.errors import ConnectorError, Unavailable
from connectors.port.messages import Attachment, Content, Delivery, Reader, RoomSpec
from connectors.testing.rig import attachment

from .conftest import MEMBER, setup

SENDER = """
import asyncio, sys
from pathlib import Path
from connectors.memory.connector import MemoryConnector
from connectors.memory.settings import Settings
from connectors.port.connector import Setup
from connectors.port.messages import Content, Delivery, Reader

async def main(address, room, state):
    made = Setup("memory", {}, {}, Path(state), lambda: 1)
    connector = MemoryConnector(made, Settings(address=address))
    await connector.open()
    members = (await connector.members(room)).members
    readers = frozenset(Reader(m.account, m.devices) for m in members)
    for n in range(1_000_000):
        await connector.send(Delivery(f"key-{n}", room, Content(f"text {n}"), readers))
        print(n, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def far(tmp_path: Path) -> Iterator[process.FarProcess]:
    with process.start(record=tmp_path / "record.jsonl") as started:
        yield started


@pytest.fixture
async def connector(far: process.FarProcess, tmp_path: Path) -> AsyncIterator[MemoryConnector]:
    made = MemoryConnector(setup(tmp_path / "state"), Settings(address=far.address))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def room(connector: MemoryConnector) -> RoomId:
    spec = RoomSpec("x", frozenset({MEMBER}), frozenset(), None, gate=False)
    return await connector.create(spec)


async def deliver(
    connector: MemoryConnector, room: RoomId, content: Content, attempt: int = 1
) -> Delivery:
    members = (await connector.members(room)).members
    readers = frozenset(Reader(m.account, m.devices) for m in members)
    return Delivery(DeliveryKey("the key"), room, content, readers, "Ann", attempt=attempt)


def lines(tmp_path: Path) -> list[dict[str, object]]:
    text = (tmp_path / "record.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def everything_in(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


def sent_until_killed(far: process.FarProcess, room: RoomId, state: Path) -> int:
    """Starts a sender, kills it in mid-flow, and says which was the last answer it heard."""
    command = [sys.executable, "-c", SENDER, far.address, room, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        last = -1
        while last < 20:
            last = int(sender.stdout.readline())
        sender.send_signal(signal.SIGKILL)
        last = max([last, *(int(line) for line in sender.stdout if line.endswith("\n"))])
    assert sender.returncode == -signal.SIGKILL
    return last


async def test_the_record_has_hashes_and_no_words(
    connector: MemoryConnector, room: RoomId, tmp_path: Path
) -> None:
    words = [secrets.token_hex(16) for _ in range(4)]
    text, subject, name, data = words
    files = (attachment(name, data.encode()),)
    delivery = await deliver(connector, room, Content(text, subject, files))
    accepted = await connector.send(delivery)
    await connector.send(await deliver(connector, room, Content(text, subject, files), 2))
    await connector.undo(room, accepted.remote_id)
    arrived, recognised, gone = lines(tmp_path)
    assert [line["kind"] for line in (arrived, recognised, gone)] == [
        "arrived",
        "recognised",
        "gone",
    ]
    assert (arrived["n"], arrived["room"], arrived["key"]) == (1, room, "the key")
    assert arrived["sha256"] == sha256(text.encode()).hexdigest()
    assert arrived["subject_sha256"] == sha256(subject.encode()).hexdigest()
    assert arrived["files"] == [{"sha256": sha256(data.encode()).hexdigest(), "size": len(data)}]
    assert (arrived["attempt"], recognised["attempt"], recognised["id"]) == (1, 2, arrived["id"])
    kept = everything_in(tmp_path)
    assert text.encode() not in kept
    assert not [word for word in words if word.encode() in kept]
    assert str(arrived["sha256"]).encode() in kept


async def test_the_record_is_its_owners_alone(far: process.FarProcess, tmp_path: Path) -> None:
    assert far.running()
    assert (tmp_path / "record.jsonl").stat().st_mode & 0o777 == 0o600


async def test_it_outlives_a_sender_that_is_killed(
    far: process.FarProcess, connector: MemoryConnector, room: RoomId, tmp_path: Path
) -> None:
    last = sent_until_killed(far, room, tmp_path)
    keys = [line["key"] for line in lines(tmp_path)]
    assert keys == [f"key-{n}" for n in range(len(keys))]
    assert last + 1 <= len(keys) <= last + 2  # at most one had gone whose answer was not heard
    found = await connector.find(room, DeliveryKey(f"key-{last}"))
    assert found is not None
    side = FarSide.at(far.address)
    assert [m.text for m in await side.inbox(MEMBER, room)][:3] == ["text 0", "text 1", "text 2"]
    await side.close()


async def test_while_it_is_gone_nothing_leaves(
    far: process.FarProcess, connector: MemoryConnector, room: RoomId
) -> None:
    delivery = await deliver(connector, room, Content("x"))
    far.kill()
    with pytest.raises(ConnectorError):
        await connector.send(delivery)
    with pytest.raises(Unavailable):
        await connector.send(delivery)
    assert not (await connector.health()).up


async def test_a_socket_is_its_owners_alone_and_goes_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with process.start(f"unix:{path}") as far:
        assert path.stat().st_mode & 0o777 == 0o600
        assert far.address == f"unix:{path}"
    assert not path.exists()
    assert not far.running()


@pytest.mark.parametrize("text", ["0.0.0.0:80", "example.org:80", "127.0.0.1", "127.0.0.1:x", ""])
def test_it_listens_nearby_only(text: str) -> None:
    with pytest.raises(ValueError, match="memory network listens"):
        Address.parse(text)


def test_what_cannot_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="before it listened"):
        process.start("example.org:80")


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        LENGTHS.pack(2**32 - 1, 0),
        LENGTHS.pack(2, 0) + b"[]",
        encode({"as": "x"}) + LENGTHS.pack(5, 0) + b"\xff\xff\xff\xff\xff",
        encode({"as": "x"}) + encode({"verb": "posture"}),
        encode({"as": "x"}) + encode({"verb": "send", "text": 5}),
    ],
    ids=["http", "huge", "list", "bytes", "no room", "wrong kind"],
)
async def test_noise_ends_its_own_line_only(
    far: process.FarProcess, connector: MemoryConnector, room: RoomId, noise: bytes
) -> None:
    address = Address.parse(far.address)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(noise)
    writer.write_eof()
    async with asyncio.timeout(30):
        await reader.read()
    writer.close()
    assert far.running()
    assert (await connector.members(room)).complete


async def test_a_large_file_is_never_whole_in_our_process(
    far: process.FarProcess, connector: MemoryConnector, room: RoomId
) -> None:
    block, count = secrets.token_bytes(1 << 20), 60
    hashed = sha256()
    for _ in range(count):
        hashed.update(block)

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield block

    file = Attachment("model.xlsx", "application/x", len(block) * count, blocks)
    delivery = await deliver(connector, room, Content("see file", None, (file,)))
    tracemalloc.start()
    try:
        await connector.send(delivery)
        arrived = await _downloaded(far, room)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert arrived == hashed.hexdigest()
    assert peak < 16 << 20


async def _downloaded(far: process.FarProcess, room: RoomId) -> str:
    side = FarSide.at(far.address)
    hashed = sha256()
    (seen,) = await side.inbox(AccountId(MEMBER), room)
    async for piece in side.download(seen.files[0]):
        hashed.update(piece)
    await side.close()
    return hashed.hexdigest()
