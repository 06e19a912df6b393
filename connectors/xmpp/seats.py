"""Who sits in which room, by the presences that rooms show us; and how we come in ourselves.

Rules kept here:

1. A refusal to let us in is told at once: slixmpp drops errors of a room that was entered before
   and then waits for its time to run out, so presences are read as they come.
2. To enter a room that is not there makes one. Where we did not mean to, it is destroyed at once
   and the room counts as gone.
3. What a presence shows is believed of who is in; who *may* be in is told by the lists alone.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from slixmpp.stanza import Presence

from connectors.port import AccountId, RoomId
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.events import MembershipChange
from connectors.xmpp import addresses, wire
from connectors.xmpp.line import Line, refusal
from connectors.xmpp.wire import Occupant, Seen

ToldOfSeat = Callable[[RoomId, AccountId, MembershipChange, AccountId | None], None]
"""Room, who, what happened, by whom."""
_SELF, _MADE, _RENAMED, _NICK_TAKEN = 110, 201, 303, "conflict"
_PUT_OUT = {301, 307, 321, 322}
_NOT_IN = {"not_acceptable", "item_not_found"}


@dataclass
class _Room:
    nick: str = ""
    inside: bool = False
    shut: bool = False
    """We were put out, or the room is no more."""
    occupants: dict[str, Occupant] = field(default_factory=dict)
    entering: "asyncio.Future[frozenset[int]] | None" = None


class Seats:
    """The rooms of one account.

    Args:
        line: to the server.
        nick: under which we sit.
        patience: seconds to wait for a room's answer.
    """

    def __init__(self, line: Line, nick: str, patience: float) -> None:
        self._line = line
        self._nick = nick
        self._patience = patience
        self.told: list[ToldOfSeat] = []
        """Told of who comes and goes while we are in."""
        self.left: list[Callable[[RoomId, bool], None]] = []
        """Told of rooms that we are out of, and whether for good."""
        self._rooms: dict[RoomId, _Room] = defaultdict(_Room)
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)
        line.presences.append(self._heard)

    def reset(self) -> None:
        """The stream began anew: we sit nowhere."""
        for room in self._rooms.values():
            room.inside, room.shut = False, False
            room.occupants.clear()
            if room.entering is not None and not room.entering.done():
                room.entering.set_exception(Unavailable("line_broken", "the line broke"))

    # --- what is known --------------------------------------------------------------------------

    def inside(self, room: RoomId) -> bool:
        """Whether we sit in a room."""
        return room in self._rooms and self._rooms[room].inside

    def own_nick(self, room: RoomId) -> str | None:
        """Under which name we sit in a room; None where we do not."""
        return self._rooms[room].nick if self.inside(room) else None

    def account(self, room: RoomId, nick: str) -> AccountId | None:
        """Whose name this is in a room; None where nobody sits under it or the room hides it."""
        found = self._rooms[room].occupants.get(nick) if room in self._rooms else None
        return None if found is None else found.account

    def nicks(self, room: RoomId, account: AccountId) -> tuple[str, ...]:
        """The names under which an account sits in a room."""
        seated = self._rooms[room].occupants.values() if room in self._rooms else ()
        return tuple(o.nick for o in seated if o.account == account)

    def occupants(self, room: RoomId) -> tuple[frozenset[AccountId], bool]:
        """Who sits in a room, and whether somebody does whom the room hides."""
        seated = self._rooms[room].occupants.values() if room in self._rooms else ()
        known = frozenset(o.account for o in seated if o.account is not None)
        return known, any(o.account is None for o in seated)

    # --- coming and going -----------------------------------------------------------------------

    async def enter(self, room: RoomId) -> None:
        """Goes in where we are not. Raises: ConnectorError, at once where we are refused."""
        async with self._turns[room]:
            if self._rooms[room].inside:
                return
            if _MADE in await self._enter(room):
                await self.destroy(room)
                raise Rejected("item_not_found", "there is no such room")

    async def look(self, room: RoomId) -> bool:
        """Whether a room that we think to sit in knows of it (XEP-0410). Raises: Unavailable."""
        nick = self.own_nick(room)
        if nick is None:
            return False
        try:
            await self._line.ask(f"{room}/{nick}", "get", wire.made(f"{{{wire.PING}}}ping"))
        except Rejected as error:
            if error.code in _NOT_IN:
                self.forget(room)
                return False
        return True

    async def make(self, room: RoomId) -> None:
        """Goes in to a room that is not there yet: it is made, locked. Raises: ConnectorError."""
        async with self._turns[room]:
            if _MADE not in await self._enter(room):
                self.leave(room)
                raise Unavailable("room_taken", "a room of this name was there already")

    async def _enter(self, room: RoomId) -> frozenset[int]:
        nick = self._nick
        for _ in range(3):
            try:
                return await self._enter_as(room, nick)
            except Rejected as error:
                if error.code != _NICK_TAKEN:
                    raise
                nick = f"{self._nick}-{secrets.token_hex(3)}"
        raise Rejected("conflict", "every name that we try in this room is taken")

    async def _enter_as(self, room: RoomId, nick: str) -> frozenset[int]:
        await self._line.up()
        seat = self._rooms[room]
        seat.nick, seat.shut = nick, False
        seat.occupants.clear()
        entering = seat.entering = asyncio.get_running_loop().create_future()
        history = wire.made(f"{{{wire.MUC}}}history", maxstanzas="0")
        try:
            self._show(f"{room}/{nick}", wire.made(f"{{{wire.MUC}}}x", history))
            async with asyncio.timeout(self._patience):
                told: frozenset[int] = await entering
        except TimeoutError:
            raise Unavailable("no_answer", "the room did not answer") from None
        finally:
            seat.entering = None
        seat.inside = True
        return told

    def forget(self, room: RoomId) -> None:
        """The room says that we are not in."""
        self._rooms.pop(room, None)

    def leave(self, room: RoomId) -> None:
        """Goes out. Raises: Unavailable."""
        seat = self._rooms.pop(room, None)
        if seat is not None and seat.inside:
            self._show(f"{room}/{seat.nick}", None, kind="unavailable")

    def _show(self, to: str, x: Element | None, kind: str = "") -> None:
        presence = Presence(self._line.client)
        presence["to"], presence["type"] = to, kind or "available"
        if x is not None:
            presence.append(x)
        self._line.write(presence)

    async def destroy(self, room: RoomId) -> None:
        """Asks for a room to be no more. Raises: ConnectorError."""
        self._rooms.pop(room, None)
        asked = wire.made(f"{{{wire.MUC_OWNER}}}query", wire.made(f"{{{wire.MUC_OWNER}}}destroy"))
        await self._line.ask(room, "set", asked, acts=True)

    def show_available(self) -> None:
        """Lets the server hand us what is written to our account. Raises: Unavailable."""
        self._line.write(Presence(self._line.client))

    # --- presences ------------------------------------------------------------------------------

    def _heard(self, presence: Element) -> None:
        found = addresses.split(presence.get("from"))
        if found is None or found[0] not in self._rooms:
            return
        room, nick = found
        seat = self._rooms[room]
        if presence.get("type") == "error":
            self._refused(seat, nick, refusal(presence, acts=False))
            return
        seen = wire.seen_in(presence, nick)
        if seen is None or not nick:
            return
        if _SELF in seen.codes or (seen.there is False and nick == seat.nick):
            self._ours(room, seat, seen)
        elif seen.there:
            self._came(room, seat, seen)
        else:
            self._went(room, seat, seen)

    def _tell(
        self, room: RoomId, who: AccountId, change: MembershipChange, by: AccountId | None
    ) -> None:
        for told in self.told:
            told(room, who, change, by)

    @staticmethod
    def _refused(seat: _Room, nick: str, error: ConnectorError) -> None:
        if seat.entering is not None and not seat.entering.done() and nick in {seat.nick, ""}:
            seat.entering.set_exception(error)

    def _ours(self, room: RoomId, seat: _Room, seen: Seen) -> None:
        if seen.there:
            seat.nick = seen.who.nick
            seat.occupants[seen.who.nick] = seen.who
            if seat.entering is not None and not seat.entering.done():
                seat.inside = True  # so that what follows in this very step finds us in
                seat.entering.set_result(seen.codes)
            return
        seat.occupants.pop(seen.who.nick, None)
        if _RENAMED in seen.codes and seen.new_nick:
            seat.nick = seen.new_nick
            return
        was, seat.inside = seat.inside, False
        if was:
            for told in self.left:
                told(room, seen.destroyed or bool(_PUT_OUT & seen.codes))

    def _came(self, room: RoomId, seat: _Room, seen: Seen) -> None:
        before = seat.occupants.get(seen.who.nick)
        seat.occupants[seen.who.nick] = seen.who
        account = seen.who.account
        if account is None or not seat.inside:
            return
        if before is None:
            self._tell(room, account, MembershipChange.JOINED, None)
        elif before.affiliation != seen.who.affiliation:
            self._tell(room, account, MembershipChange.ROLE, seen.by)

    def _went(self, room: RoomId, seat: _Room, seen: Seen) -> None:
        before = seat.occupants.pop(seen.who.nick, None)
        if _RENAMED in seen.codes and seen.new_nick:
            if before is not None:
                seat.occupants[seen.new_nick] = before
            return
        account = seen.who.account or (before.account if before else None)
        if account is None or not seat.inside:
            return
        if _PUT_OUT & seen.codes:
            self._tell(room, account, MembershipChange.REMOVED, seen.by)
        else:
            self._tell(room, account, MembershipChange.LEFT, None)
