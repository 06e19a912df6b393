"""Signal through signal-cli-rest-api: its paths and bodies, its answers read.

Rules kept here:

1. Numbers and group ids go into paths as the server wants them; an internal group id never does.
2. What the server says is done need not be: nothing here reads back, whoever asks does.
3. It tells no timer, no right to edit, and no time to wait: those are None.
4. In mode ``normal`` it fetches nothing from Signal by itself and posts nothing, and its lists are
   as old as that: they are not read until it says another mode.

Source: swagger.json of signal-cli-rest-api.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any

from connectors.port import AccountId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain, Unreadable
from connectors.port.messages import Delivery, RoomSpec
from connectors.signal import answers, groups, outgoing
from connectors.signal.answers import check_sent, mapping, number, sent, text
from connectors.signal.backend import UNFIT, Deaf, Limit, Standing
from connectors.signal.client import Client, malformed, part
from connectors.signal.groups import Group, own_uuid, read_group
from connectors.signal.ids import Own
from connectors.signal.peers import Peer, read_devices, read_peers

_MODE = "json-rpc"
"""Also what the mode ``json-rpc-native`` calls itself."""
_OTHERS = frozenset({"normal", "native"})


class Rest:
    """One account on one API server.

    Args:
        client: calls to it.
        number: our own number, E.164.
        most: largest file sent, bytes.
    """

    def __init__(self, client: Client, number: str, most: int) -> None:
        self._client = client
        self._number = number
        self._most = most
        self._mode = _MODE

    @property
    def limit(self) -> Limit | None:
        """The rate limit that the last send met."""
        tokens = self._client.challenge
        return Limit(answers.how_to_lift(tokens), None) if tokens else None

    @property
    def deaf(self) -> Deaf | None:
        """A mode in which it posts nothing."""
        if self._mode == _MODE:
            return None
        shown = self._mode if self._mode in _OTHERS else "unknown"
        what = f"the API server runs in mode {shown}; it posts nothing in that mode"
        return Deaf(what, "set MODE=json-rpc and RECEIVE_WEBHOOK_URL there and restart it")

    @property
    def deletes_files(self) -> bool:
        """Whether received files can be deleted where the server keeps them."""
        return True

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    async def alive(self, seconds: float) -> bool:
        """Whether the HTTP server says how it runs; says nothing of signal-cli behind it."""
        try:
            async with asyncio.timeout(seconds):
                await self._about()
        except (ConnectorError, TimeoutError):
            return False
        return True

    async def anybody_may_ask(self) -> bool:
        """Whether the server answers a call without our credential. Raises: Unavailable."""
        return await self._client.anybody_may_ask()

    def _path(self, kind: str, *parts: str) -> str:
        return "/".join((f"/v1/{kind}", part(self._number), *map(part, parts)))

    async def _read(self, kind: str, *parts: str, expand: bool = False) -> object:
        """Something of our account; what the server refuses to tell is unreadable."""
        if self.deaf is not None:
            raise Unavailable(UNFIT, self.deaf.hint)
        query = {"expand": "true"} if expand else None
        try:
            return await self._client.read(self._path(kind, *parts), query)
        except Rejected as error:
            raise Unreadable(error.code, "the API server does not tell it") from None

    # --- ourselves ------------------------------------------------------------------------------

    async def fit(self) -> None:
        """Only mode json-rpc posts what it receives. Raises: Rejected."""
        await self._about()
        if self.deaf is not None:
            raise Rejected(UNFIT, self.deaf.hint)

    async def version(self) -> str:
        """The server's release."""
        return str((await self._about()).get("version"))

    async def _about(self) -> answers.Raw:
        told = mapping(await self._client.read("/v1/about"))
        mode = told.get("mode")
        if not isinstance(mode, str):
            raise malformed(acts=False)
        self._mode = mode
        return told

    async def logs(self) -> str | None:
        """The level at which the server logs."""
        told = mapping(await self._client.read("/v1/configuration"))
        return text(mapping(told.get("logging")).get("Level"))

    async def is_registered(self) -> bool:
        """Whether the server has our account."""
        listed = await self._client.read("/v1/accounts")
        return isinstance(listed, list) and self._number in listed

    async def standing(self) -> Standing:
        """What Signal itself says of our number."""
        found = await self._client.read(self._path("search"), {"numbers": self._number})
        entries = [mapping(each) for each in found] if isinstance(found, list) else []
        gone = [e for e in entries if e.get("number") == self._number and not e.get("registered")]
        return Standing(known=not gone, uuid=None)

    async def own_uuid(self) -> str | None:
        """Our UUID, where an identity or a member of a group of ours shows it."""
        told = await self._read("identities")
        return own_uuid(told, self._number) or own_uuid(
            await self._read("groups", expand=True), self._number
        )

    async def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices."""
        return read_devices(await self._client.read(self._path("devices")))

    async def end_device(self, which: int) -> None:
        """Unlinks a device of our own by its number."""
        await self._client.act("DELETE", self._path("devices", str(which)))

    # --- people ---------------------------------------------------------------------------------

    async def peers(self, own: Own) -> dict[AccountId, Peer]:
        """Everybody's identity."""
        return read_peers(await self._read("identities"), own)

    async def verify(self, account: AccountId, key: str) -> None:
        """Marks a safety number as verified."""
        body = {"verified_safety_number": key}
        await self._client.act("PUT", self._path("identities", "trust", account), body)

    async def line_timer(self, account: AccountId) -> int | None:
        """Says nothing: ``message_expiration`` of a contact is always empty here."""

    async def time_line(self, account: AccountId, seconds: int) -> None:
        """Sets the time to live on a private line; 0 is dropped there without a word."""
        body = {"recipient": account, "expiration_in_seconds": seconds}
        await self._client.act("PUT", self._path("contacts"), body)

    # --- rooms ----------------------------------------------------------------------------------

    async def group(self, room: RoomId, own: Own) -> Group | None:
        """A group as listed now."""
        return read_group(await self._read("groups", room, expand=True), own)

    async def groups(self, own: Own) -> list[Group]:
        """All groups as listed now. Raises: Unreadable, Unavailable."""
        return groups.read_groups(await self._read("groups", expand=True), own)

    async def make(self, spec: RoomSpec, people: Collection[AccountId]) -> RoomId:
        """Makes a group."""
        request = groups.create_request(spec, people)
        told = await self._client.act("POST", self._path("groups"), request)
        return RoomId(text(mapping(told).get("id")))

    async def settle(self, room: RoomId, spec: RoomSpec, *, leaked: bool) -> None:
        """Sets a group's settings; a timer that nobody wants stays, and a link is only off."""
        del leaked
        await self._change("PUT", room, "", groups.closed(spec))

    async def _change(
        self, method: str, room: RoomId, what: str, body: dict[str, Any] | None = None
    ) -> None:
        parts = (room, what) if what else (room,)
        await self._client.act(method, self._path("groups", *parts), body)

    async def let_in(self, room: RoomId, account: AccountId, *, banned: bool) -> None:
        """Asks somebody in; of a ban nothing is told here."""
        del banned
        await self._change("POST", room, "members", {"members": [account]})

    async def put_out(self, room: RoomId, account: AccountId, *, leaked: bool) -> None:
        """Puts somebody out; he cannot be banned here."""
        del leaked
        await self._change("DELETE", room, "members", {"members": [account]})

    async def set_admins(
        self, room: RoomId, accounts: Collection[AccountId], *, admin: bool
    ) -> None:
        """Makes admins of members, or members of admins."""
        body = {"admins": sorted(accounts)}
        await self._change("POST" if admin else "DELETE", room, "admins", body)

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation."""
        await self._change("POST", room, "join")

    async def quit(self, room: RoomId) -> None:
        """Goes out of a group."""
        await self._change("POST", room, "quit")

    # --- messages -------------------------------------------------------------------------------

    def prepare(self, delivery: Delivery, own: Own, edits: int | None) -> outgoing.Request:
        """What a delivery goes as."""
        return outgoing.request(delivery, own, delivery.room, self._most, edits)

    async def send(self, request: outgoing.Request, readers: frozenset[AccountId]) -> int:
        """Sends once; who was not reached is named after release 0.100."""
        told = await self._client.send(request.pieces(), request.length)
        return check_sent(sent(told), len(readers))

    async def take_back(self, room: RoomId, stamp: int) -> int:
        """Asks everybody's clients to remove a message."""
        body = {"recipient": room, "timestamp": stamp}
        told = await self._client.act("DELETE", self._path("remote-delete"), body)
        asked = number(mapping(told).get("timestamp"))
        if asked is None:
            raise Uncertain("answer_malformed", "the API server gave the request no timestamp")
        return asked

    def download(self, name: str, limit: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Opens a file that came with a message."""
        return self._client.download(name, limit)

    async def remove_file(self, name: str) -> None:
        """Deletes a file that came with a message."""
        await self._client.remove_file(name)
