"""The bench's stage on a real Synapse, beside matrix-nio by itself.

Rule kept here: the bare side is nio as its own examples use it: signed in with a store, end-to-end
encryption on, a sync that goes on, devices taken without a look. Its room has one other person, as
ours has.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
from nio import AsyncClient, AsyncClientConfig, RoomSendResponse

from connectors.port import AccountId, RoomId
from orchestrator.demo.synapse import Homeserver, NoSynapse
from orchestrator.wiring.benches import ours
from orchestrator.wiring.benches.channel import IN_FLIGHT, Both, CannotBench, Side
from orchestrator.wiring.benches.plain import plain_client

_PASSWORD = "only-for-the-bench"  # noqa: S105 - of accounts that end with the run


@asynccontextmanager
async def matrix(folder: Path) -> AsyncIterator[Both]:
    """Synapse on loopback. Raises: CannotBench."""
    server = Homeserver(folder / "synapse")
    try:
        server.start()
    except NoSynapse as error:
        raise CannotBench(str(error)) from None
    try:
        async with contextlib.AsyncExitStack() as stack:
            yield await _both(stack, server, folder)
    finally:
        server.stop()


async def _both(stack: contextlib.AsyncExitStack, server: Homeserver, folder: Path) -> Both:
    ann = await stack.enter_async_context(_nio(server, "ann", folder))
    bare = await stack.enter_async_context(_nio(server, "bare", folder))
    user = server.register("bot", _PASSWORD)
    settings = {"homeserver": server.url, "user": user}
    values = {"password": _PASSWORD, "pickle_key": ours.key()}
    connector = await stack.enter_async_context(ours.opened("matrix", settings, values, folder))
    rooms = await ours.rooms_of(connector, AccountId(ann.user_id))
    for room in rooms:
        await ann.join(room)
    others = [await _room_of(bare, ann) for _ in range(IN_FLIGHT)]
    for client in (ann, bare):
        await client.sync(timeout=0, full_state=True)
    await stack.enter_async_context(_syncing(ann))
    await stack.enter_async_context(_syncing(bare))
    headers = {"authorization": f"Bearer {bare.access_token}"}
    http = await stack.enter_async_context(plain_client(server.url, headers))
    mine = await ours.side(connector, rooms)
    return Both("Synapse", mine, _bare(bare, others, http), _bare(bare, others, None))


@asynccontextmanager
async def _nio(server: Homeserver, name: str, folder: Path) -> AsyncIterator[AsyncClient]:
    user = server.register(name, _PASSWORD)
    store = folder / f"nio-{name}"
    store.mkdir()
    config = AsyncClientConfig(
        encryption_enabled=True, store_sync_tokens=True, max_limit_exceeded=0, max_timeouts=0
    )
    client = AsyncClient(server.url, user, store_path=str(store), config=config)
    try:
        await client.login(_PASSWORD)
        await client.sync(timeout=0, full_state=True)
        if client.should_upload_keys:
            await client.keys_upload()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def _syncing(client: AsyncClient) -> AsyncIterator[None]:
    going = asyncio.create_task(client.sync_forever(timeout=30_000))
    try:
        yield
    finally:
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going


async def _room_of(bare: AsyncClient, ann: AsyncClient) -> RoomId:
    encrypted = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    made = await bare.room_create(
        name=secrets.token_hex(6), invite=[ann.user_id], initial_state=[encrypted]
    )
    await ann.join(made.room_id)
    return RoomId(made.room_id)


def _bare(client: AsyncClient, rooms: Sequence[RoomId], http: httpx.AsyncClient | None) -> Side:
    """Sends; with ``http`` it reads members and their devices back before, as they are now."""

    async def read_back(room: RoomId) -> None:
        if http is None:
            return
        base = "/_matrix/client/v3"
        answer = await http.get(f"{base}/rooms/{quote(room)}/members")
        chunk = answer.raise_for_status().json()["chunk"]
        asked: dict[str, dict[str, list[str]]] = {
            "device_keys": {event["state_key"]: [] for event in chunk}
        }
        (await http.post(f"{base}/keys/query", json=asked)).raise_for_status()

    async def send(text: str, number: int) -> None:
        await read_back(rooms[number])
        content = {"msgtype": "m.text", "body": text}
        answer = await client.room_send(
            rooms[number], "m.room.message", content, ignore_unverified_devices=True
        )
        if not isinstance(answer, RoomSendResponse):
            raise TypeError("Synapse refused a message of the bare client")

    return Side("matrix-nio", send)
