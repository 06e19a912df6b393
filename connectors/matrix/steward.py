"""What our account does to rooms: it makes them, lets people in and out, and puts settings back.

Rules kept here:

1. Each verb asks; what became of it is read back by ``members`` and ``posture``. Whether somebody
   is in is asked about him alone, never concluded from a list that lacks him, and who is to be
   put out is put out whatever was said of him.
2. Nobody is banned. A room of ours is entered by invitation alone, so who was put out cannot come
   back; a ban would stand there for everybody to read, and would have to be lifted again.
3. Our own accounts are never put out and never made less than an admin.
4. Two changes of one room's levels wait for each other: each is made from what was read.
"""

import asyncio
from collections import defaultdict

from connectors.matrix import levels, receiver, rooms
from connectors.matrix.client import BASE, Client, malformed, part, room_path
from connectors.port import AccountId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    ConnectorError,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.messages import RoomSpec

_MOST_WAITS = 40
_LONGEST_WAIT = 60.0
_SECOND = 1_000_000
_IN, _OUT = {"join", "invite"}, {"leave", "ban", "knock"}


class Steward:
    """Changes rooms for one account.

    Args:
        client: signed in.
        rules: of the rooms that we make.
    """

    def __init__(self, client: Client, rules: rooms.RoomRules) -> None:
        self._client = client
        self._rules = rules
        self._listing = asyncio.Lock()
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- making ---------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, hardened from its first instant. Raises: ConnectorError."""
        body = rooms.create_request(spec, self._rules)
        invited: list[AccountId] = []
        if len(body["invite"]) > rooms.MOST_INVITED_AT_ONCE:
            invited, body["invite"] = body["invite"], []
        answer = await self._client.call("POST", f"{BASE}/createRoom", body, acts=True)
        if not isinstance(answer.get("room_id"), str):
            raise malformed(acts=True)
        room = RoomId(answer["room_id"])
        for account in invited:
            await self._ask_in(room, account, direct=spec.direct)
        if spec.direct:
            await self.list_direct(room, spec.members | spec.owners)
        return room

    async def _ask_in(self, room: RoomId, account: AccountId, *, direct: bool) -> None:
        """Asks one account in, waiting as long as the homeserver asks to.

        Who could not be asked in is missing from ``members``: the room exists all the same.
        """
        body = {"user_id": account, "is_direct": direct}
        for _ in range(_MOST_WAITS):
            try:
                await self._client.call("POST", room_path(room, "invite"), body)
            except Unavailable as error:
                wait = (error.retry_after or _SECOND) / _SECOND
                await asyncio.sleep(min(wait, _LONGEST_WAIT))
            except ConnectorError:
                return
            else:
                return

    async def list_direct(self, room: RoomId, accounts: frozenset[AccountId]) -> None:
        """Notes a room as a private line. Raises: ConnectorError."""
        own = self._rules.own
        async with self._listing:
            listed = await receiver.direct_list(self._client, own)
            fresh = receiver.with_direct(listed, room, sorted(accounts - {own}))
            await self._client.call("PUT", receiver.direct_path(own), fresh)

    # --- members --------------------------------------------------------------------------------

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        self._only_others(account, self._rules.own)
        if await self._membership(room, account) not in _IN:
            await self._act("POST", room_path(room, "invite"), {"user_id": account})

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        self._only_others(account, self._rules.own, self._rules.standby)
        membership = await self._membership(room, account)
        try:
            await self._act("POST", room_path(room, "kick"), {"user_id": account})
        except Rejected:
            if membership in _IN:
                raise

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        self._only_others(account, self._rules.own, None if admin else self._rules.standby)
        if await self._membership(room, account) not in _IN:
            raise Rejected(NOT_A_MEMBER, "only a member can be an admin: ask him in first")
        ours = [a for a in (self._rules.own, self._rules.standby) if a is not None]
        async with self._turns[room]:
            state = await self._state(room)
            if not admin and account in state.creators():
                raise Rejected("creator", "from room version 12 on nobody can demote a creator")
            content = levels.with_admin(state, account, ours, admin=admin)
            if content is not None:
                await self._act("PUT", room_path(room, "state", levels.LEVELS), content)

    @staticmethod
    def _only_others(account: AccountId, *ours: AccountId | None) -> None:
        """Raises: Rejected."""
        if account in ours:
            hint = "an account of ours stays: retire it by hand, with a second"
            raise Rejected("own_account", hint)

    async def _membership(self, room: RoomId, account: AccountId) -> str:
        """How one account stands to a room; empty for never. Raises: Rejected, Unavailable."""
        try:
            told = await self._client.call(
                "GET", room_path(room, "state", "m.room.member", account)
            )
        except Rejected as error:
            if error.code == "not_found":
                return ""
            raise
        membership = told.get("membership")
        if membership not in _IN | _OUT:
            raise malformed(acts=False)
        return str(membership)

    async def says_gone(self, room: RoomId, account: AccountId) -> bool:
        """Whether the homeserver, asked about one account, says that it is not in a room.

        Raises:
            Unreadable: it says neither. Unavailable.
        """
        try:
            return await self._membership(room, account) not in _IN
        except Rejected as error:
            raise Unreadable(error.code, "whether somebody is in the room is not told") from error

    # --- settings -------------------------------------------------------------------------------

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts every setting back to what ``create`` would make. Raises: ConnectorError."""
        async with self._turns[room]:
            state = await self._state(room)
            own, standby = self._rules.own, self._rules.standby
            rules = rooms.RoomRules(
                state.version, self._rules.federate, self._rules.servers, own, standby
            )
            for kind, content in levels.to_put(state, spec, rules):
                await self._act("PUT", room_path(room, "state", kind), content)
        await self._unlist(room)

    async def _unlist(self, room: RoomId) -> None:
        """Takes the room off the directory, and every address that leads to it."""
        listed = f"{BASE}/directory/list/room/{part(room)}"
        if (await self._client.call("GET", listed)).get("visibility") != "private":
            await self._act("PUT", listed, {"visibility": "private"})
        aliases = (await self._client.call("GET", room_path(room, "aliases"))).get("aliases")
        for alias in aliases if isinstance(aliases, list) else ():
            await self._act("DELETE", f"{BASE}/directory/room/{part(str(alias))}")

    async def _state(self, room: RoomId) -> rooms.RoomState:
        """A room's whole current state. Raises: Rejected, Unavailable."""
        events = await self._client.call_list("GET", room_path(room, "state"))
        return rooms.RoomState(e for e in events if isinstance(e, dict))

    async def _act(self, method: str, path: str, body: dict[str, object] | None = None) -> None:
        """Asks for a change; the answer proves nothing. Raises: ConnectorError."""
        await self._client.call(method, path, body, acts=True)
