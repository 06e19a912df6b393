"""What is asked of the web interface about our rooms; each answer read.

Rules kept here:

1. Nothing is kept between two questions but who sat in a room, which tells a listing that lacks
   somebody from one in which he is gone.
2. A room that we are not in, or that does not answer, is unreadable and never empty.
"""

from connectors.port import AccountId, RoomId
from connectors.port.errors import Rejected, Unreadable
from connectors.wickr.client import Client, part
from connectors.wickr.ids import Kind, kind_of, other_end
from connectors.wickr.ledger import Ledger
from connectors.wickr.rooms import Room, read_room, read_rooms

_PATHS = {Kind.SECURE_ROOM: "/Rooms", Kind.GROUP: "/GroupConvo"}


def path_of(room: RoomId) -> str:
    """Path of a secure room or a group conversation.

    Raises:
        Unreadable: it is neither.
    """
    kind = kind_of(room)
    if kind not in _PATHS:
        raise Unreadable("unknown_room", "this is no room of Wickr")
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
        """A room that we are in, as listed now. Raises: Unreadable, Unavailable."""
        try:
            told = await self._client.read(path_of(room))
        except Rejected:
            told = None
        if told is None:
            raise Unreadable("unknown_room", "the web interface does not tell of this room")
        found = read_room(told, room)
        if self.own not in found.members:
            raise Unreadable("not_a_member", "our account is not in this room")
        return found

    async def rooms(self) -> list[Room]:
        """All secure rooms that we are in. Raises: Unreadable, Unavailable."""
        try:
            told = await self._client.read("/Rooms")
        except Rejected:
            told = None
        return [room for room in read_rooms(told) if self.own in room.members]

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
