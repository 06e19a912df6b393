"""Our side of the bench: a connector opened as a home opens it, and its sends.

Rule kept here: what is sent goes through the connector's one verb, with its readers read back, as
the outbox does; nothing is left out for speed.
"""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Connector, CreatesRooms, Setup
from connectors.port.messages import Content, Delivery, Reader, RoomSpec
from connectors.registry import find
from orchestrator.clock import HOUR, now
from orchestrator.wiring.benches.channel import IN_FLIGHT, Side


def key() -> str:
    """A key of 32 bytes, as settings take one."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@asynccontextmanager
async def opened(
    kind: str, settings: Mapping[str, object], values: Mapping[str, str], folder: Path
) -> AsyncIterator[Connector]:
    """A connector that is signed in and listens, for the length of the block."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    setup = Setup(ConnectorName(kind), settings, values, state, now)
    connector = find(kind).factory()(setup)
    await connector.open()
    listening = asyncio.create_task(_heard(connector))
    try:
        yield connector
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await connector.close()


async def _heard(connector: Connector) -> None:
    async for _ in connector.receive(None):
        continue


async def rooms_of(connector: Connector, *people: AccountId) -> tuple[RoomId, ...]:
    """Rooms of ours with people in them, one for each send in flight."""
    if not isinstance(connector, CreatesRooms):
        raise TypeError("the connector makes no rooms")
    members = frozenset(people)
    specs = (
        RoomSpec(secrets.token_hex(6), members, frozenset(), 24 * HOUR, gate=False)
        for _ in range(IN_FLIGHT)
    )
    return tuple([await connector.create(spec) for spec in specs])


async def side(connector: Connector, rooms: Sequence[RoomId]) -> Side:
    """Sends to everybody in each room, as read back."""
    lists = [(await connector.members(room)).members for room in rooms]
    readers = [frozenset(Reader(m.account) for m in members) for members in lists]

    async def send(text: str, room: int) -> None:
        key = DeliveryKey(secrets.token_hex(16))
        await connector.send(Delivery(key, rooms[room], Content(text), readers[room]))

    return Side("wallcross", send)
