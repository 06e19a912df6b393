"""What our account does to rooms: it makes them, lets people in and out, and puts settings back.

Rules kept here:

1. The program passes on two whole lists, and a missing one as an empty one. Whether Wickr's client
   replaces, adds or ignores is not known. So every change starts from two listings that agree, and
   sends both lists whole, with us in both, and the timers as they were read.
2. An answer of success is no evidence: the room is read back, and where it is not as asked for, the
   outcome is not known and nothing is repeated.
3. Our own accounts are never put out and never made less than a moderator.
4. Changes of rooms go one after the other: two at once would undo each other's lists.
5. A timer of 0 and none are the same to the program, so none can be switched off.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connectors.port import AccountId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    NoRoom,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import RoomSpec
from connectors.wickr.account import Account, path_of
from connectors.wickr.answers import LEFT, MODIFIED, check_taken, mapping, text
from connectors.wickr.client import Client, json_of
from connectors.wickr.ids import Kind, is_name, kind_of, line_with
from connectors.wickr.ledger import Asked, Ledger
from connectors.wickr.rooms import Room, seconds

_READ_BACK = (0.0, 0.25, 0.75)
"""Seconds before each look at a changed room: the client may take its time."""


class Steward:
    """Changes rooms for one account.

    Args:
        now: the clock, microseconds UTC.
        standby: the account that stands by; None without one.
        burn_on_read: seconds, in rooms that we make; None without.
    """

    def __init__(
        self,
        client: Client,
        account: Account,
        ledger: Ledger,
        now: Callable[[], int],
        standby: AccountId | None,
        burn_on_read: int | None,
    ) -> None:
        self._client = client
        self._account = account
        self._ledger = ledger
        self._now = now
        self._standby = standby
        self._bor = burn_on_read
        self._one = asyncio.Lock()

    # --- making ---------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a secure room, or opens a private line. Raises: ConnectorError."""
        _only_possible(spec)
        if not all(map(is_name, spec.members | spec.owners)):
            raise Rejected("account_form", "write people's accounts as Wickr lists them")
        if spec.direct:
            return self._line(spec)
        async with self._one:
            return await self._room(spec)

    def _line(self, spec: RoomSpec) -> RoomId:
        people = sorted(spec.members | spec.owners)
        if len(people) != 1:
            raise Rejected("not_a_line", "a private line has one person at its other end")
        room = line_with(people[0])
        self._ask_line(room, spec)
        return room

    def _ask_line(self, room: RoomId, spec: RoomSpec) -> None:
        if spec.timer is not None:
            self._ledger.keep_asked(room, Asked(seconds(spec.timer), self._now()))

    async def _room(self, spec: RoomSpec) -> RoomId:
        wanted = self._as_wanted(spec)
        settings = {"title": spec.name, "description": spec.name, **_lists(wanted)}
        body = {"room": settings | _timers(wanted)}
        answer = await self._client.act("POST", "/Rooms", body)
        try:
            room = RoomId(text(mapping(json_of(answer.content)).get("vgroupid")))
        except ValueError:
            room = RoomId("")
        if kind_of(room) is not Kind.SECURE_ROOM:
            raise Uncertain("answer_malformed", "the web interface gave the room no vGroupID")
        with suppress(Uncertain):  # it is made; what it became is told by whoever reads it
            await self._read_back(room)
        return room

    def _as_wanted(self, spec: RoomSpec) -> Room:
        ours = {self._account.own, *({self._standby} if self._standby else ())}
        masters = frozenset(ours | spec.owners)
        ttl = seconds(spec.timer) if spec.timer is not None else 0
        return Room(RoomId(""), masters | spec.members, masters, ttl, self._bor or 0)

    # --- members --------------------------------------------------------------------------------

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Lets somebody in. Raises: ConnectorError."""
        self._only_others(account, frozenset({self._account.own}))
        async with self._one:
            before = await self._ruled(room, account)
            if account not in before.members:
                await self._change(before, replace(before, members=before.members | {account}))

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out. Raises: ConnectorError."""
        self._only_others(account, frozenset({self._account.own, self._standby}))
        async with self._one:
            before = await self._ruled(room, account)
            if account not in before.members:
                return
            gone = {account}
            after = replace(before, members=before.members - gone, masters=before.masters - gone)
            await self._change(before, after)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member a moderator, or one no more. Raises: ConnectorError."""
        self._only_others(account, frozenset({self._account.own, None if admin else self._standby}))
        async with self._one:
            before = await self._ruled(room, account)
            if account not in before.members:
                raise Rejected(NOT_A_MEMBER, "only somebody who is in can be a moderator")
            masters = before.masters | {account} if admin else before.masters - {account}
            if masters != before.masters:
                await self._change(before, replace(before, masters=masters))

    @staticmethod
    def _only_others(account: AccountId, ours: frozenset[AccountId | None]) -> None:
        """Raises: Rejected."""
        if account in ours:
            hint = "an account of ours stays: retire it by hand, with a second"
            raise Rejected("own_account", hint)

    async def _ruled(self, room: RoomId, account: AccountId) -> Room:
        """A secure room in which somebody's seat can be changed. Raises: ConnectorError."""
        if not is_name(account):
            raise Rejected("account_form", "write people's accounts as Wickr lists them")
        return await self._own_room(room)

    async def _own_room(self, room: RoomId) -> Room:
        """A secure room that we are a moderator of. Raises: ConnectorError."""
        if kind_of(room) is not Kind.SECURE_ROOM:
            raise Rejected("not_a_room", "only a secure room of Wickr is ruled by its moderators")
        found = await self._account.settled(room)
        if self._account.own not in found.masters:
            raise Rejected("not_an_admin", "our account is no moderator of this room")
        return found

    # --- settings -------------------------------------------------------------------------------

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError.

        A timer, or a burn-on-read, that nobody wants stays: it cannot be switched off.
        """
        _only_possible(spec)
        if kind_of(room) is Kind.LINE:
            self._ask_line(room, spec)
            return
        async with self._one:
            before = await self._own_room(room)
            ttl = before.ttl if spec.timer is None else seconds(spec.timer)
            after = replace(before, ttl=ttl, bor=self._bor or before.bor)
            if after != before:
                await self._change(before, after)

    # --- the one way in which a room is changed -------------------------------------------------

    async def _change(self, before: Room, after: Room) -> None:
        """Asks for a room as it shall be, and reads back that it is.

        Raises:
            Uncertain: it is not, or cannot be read. ConnectorError.
        """
        body = _lists(after) | _timers(after)
        answer = await self._client.act("POST", path_of(before.room), body)
        check_taken(answer.text, MODIFIED)
        for wait in _READ_BACK:
            await asyncio.sleep(wait)
            if _is_done(await self._read_back(before.room), after):
                return
        hint = "Wickr says that the room was modified, and it is not as it was asked to be"
        raise Uncertain("not_done", hint)

    async def _read_back(self, room: RoomId) -> Room:
        """A room just after it was changed. Raises: Uncertain."""
        try:
            found = await self._account.room(room)
        except (Unreadable, Unavailable):
            pass
        else:
            self._account.keep(found)
            return found
        raise Uncertain("not_read_back", "the room cannot be read after it was changed")

    # --- going out ------------------------------------------------------------------------------

    async def leave(self, room: RoomId) -> None:
        """Goes out of a room or a conversation, and reads back that we are out.

        Raises:
            Unavailable: we are still in, whatever was answered. ConnectorError.
        """
        query = {"reason": "leave"} if kind_of(room) is Kind.SECURE_ROOM else None
        async with self._one:
            answer = await self._client.act("DELETE", path_of(room), query=query)
            check_taken(answer.text, LEFT)
            if await self._is_in(room):
                raise Unavailable("not_left", "Wickr says that we are out, and we are still in")

    async def _is_in(self, room: RoomId) -> bool:
        """Whether we are still in a room. Raises: Uncertain: neither is said for certain."""
        try:
            await self._account.room(room)
        except NoRoom:
            return False
        except (Unreadable, Unavailable):
            pass
        else:
            return True
        with suppress(Unreadable, Unavailable):
            if await self._account.is_out(room, said=True):
                return False
        raise Uncertain("not_read_back", "whether we are out cannot be read")


def _only_possible(spec: RoomSpec) -> None:
    """Raises: Rejected: Wickr has no room in which people read and one account alone writes."""
    if spec.gate:
        raise Rejected("no_gate", "every member of a Wickr room may write; use another channel")


def _is_done(found: Room, wanted: Room) -> bool:
    """Whether a room is as it was asked to be; a security group may cap its time to live."""
    capped = 0 < found.ttl <= wanted.ttl or found.ttl == wanted.ttl
    return capped and replace(found, ttl=wanted.ttl) == wanted


def _lists(room: Room) -> dict[str, Any]:
    """Both lists, whole, as objects."""
    return {
        "members": [{"name": account} for account in sorted(room.members)],
        "masters": [{"name": account} for account in sorted(room.masters)],
    }


def _timers(room: Room) -> dict[str, int]:
    """Both timers, where they are set: 0 and none are the same."""
    both = {"ttl": room.ttl, "bor": room.bor}
    return {name: value for name, value in both.items() if value}
