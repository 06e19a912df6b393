"""What is asked of the web interface about our rooms; each answer read.

Rules kept here:

1. Nothing is kept between two questions but who sat in a room, which tells a listing that lacks
   somebody from one in which he is gone.
2. A room that we are not in, or that does not answer, is unreadable and never empty. That it is
   none of ours is concluded from whole lists of all rooms alone, never from its own refusal.
"""

from contextlib import suppress

from connectors.port import AccountId, RoomId
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN, NoRoom, Rejected, Unreadable
from connectors.wickr.client import Client, part
from connectors.wickr.ids import Kind, kind_of, other_end
from connectors.wickr.ledger import Ledger
from connectors.wickr.rooms import Room, read_all, read_room, read_rooms

_PATHS = {Kind.SECURE_ROOM: "/Rooms", Kind.GROUP: "/GroupConvo"}


def path_of(room: RoomId) -> str:
    """Path of a secure room or a group conversation.

    Raises:
        Unreadable: it is neither.
    """
    kind = kind_of(room)
    if kind not in _PATHS:
        raise Unreadable("room_form", "this is no room of Wickr")
    return f"{_PATHS[kind]}/{part(room)}"


class Account:
    """Questions about one account.

    Args:
        own: its name.
    """

    def __init__(self, client: Client, ledger: Ledger, own: AccountId) -> None:
        self._client = client
        self._ledger = ledger
        self.own = own

    async def room(self, room: RoomId) -> Room:
        """A room that we are in, as listed now. Raises: NoRoom, Unreadable, Unavailable."""
        path, code, told = path_of(room), ROOM_UNKNOWN, None
        with suppress(Rejected):
            told = await self._client.read(path)
        if told is not None:
            found, code = read_room(told, room), NOT_A_MEMBER
            if self.own in found.members:
                return found
        if await self.is_out(room, said=False):
            raise NoRoom(code, "Wickr does not list this room among ours")
        raise Unreadable("room_untold", "the web interface does not tell of this room")

    async def is_out(self, room: RoomId, *, said: bool) -> bool:
        """Whether Wickr's list of all our rooms, read twice alike, lacks one.

        An unknown room and a failing client are the same 400, and a client that was just set up
        may list nothing yet. So a list that names no room at all shows nothing by itself.

        Args:
            room: the room.
            said: Wickr has just said that we went out, which an empty list agrees with.

        Raises:
            Unreadable: the list is not told, or makes no sense. Unavailable.
        """
        first, again = await self._all(room), await self._all(room)
        return (
            (said or bool(first)) and first == again and room not in {each.room for each in first}
        )

    async def _all(self, room: RoomId) -> list[Room]:
        """All rooms of one's kind, as listed now."""
        group, told = kind_of(room) is Kind.GROUP, None
        with suppress(Rejected):
            told = await self._client.read(_PATHS[Kind.GROUP if group else Kind.SECURE_ROOM])
        return read_all(told, group=group)

    async def rooms(self) -> list[Room]:
        """All secure rooms that we are in. Raises: Unreadable, Unavailable."""
        told = None
        with suppress(Rejected):
            told = await self._client.read("/Rooms")
        return [room for room in read_rooms(told) if self.own in room.members]

    async def groups(self) -> list[Room]:
        """All group conversations that we are in. Raises: Unreadable, Unavailable."""
        told = None
        with suppress(Rejected):
            told = await self._client.read(_PATHS[Kind.GROUP])
        return [room for room in read_all(told, group=True) if self.own in room.members]

    async def settled(self, room: RoomId) -> Room:
        """A room, read twice alike: what is changed in it starts from whole lists.

        Raises:
            Unreadable: the two differ: one is not whole, or somebody is changing it. Unavailable.
        """
        first, second = await self.room(room), await self.room(room)
        if first != second:
            raise Unreadable("room_unsettled", "two listings of the room differ; ask again")
        self.keep(second)
        return second

    async def seats(self, room: RoomId) -> tuple[dict[AccountId, bool], bool]:
        """Who reads a room and whether each is a moderator; and whether that is everybody.

        A listing that leaves somebody out looks like a whole one. So one that lacks somebody who
        was there the last time is read again, and is whole only where both are the same.

        Raises:
            Unreadable, Unavailable.
        """
        kind = kind_of(room)
        if kind is Kind.LINE:
            return {self.own: True, other_end(room): False}, True
        found = seats_of(await self.room(room))
        known, is_whole = self._ledger.seats(room), True
        if known.keys() - found.keys():
            again = seats_of(await self.room(room))
            is_whole, found = again == found, found | again
        if is_whole and found != known:
            self._ledger.keep_seats(room, found)
        return found, is_whole and kind is Kind.SECURE_ROOM

    def keep(self, room: Room) -> None:
        """Notes who sits in a room."""
        self._ledger.keep_seats(room.room, seats_of(room))


def seats_of(room: Room) -> dict[AccountId, bool]:
    """Everybody who reads, and whether he is a moderator."""
    return {account: account in room.masters for account in room.members}
