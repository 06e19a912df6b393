"""Whether our account is out of a room, by what the homeserver says of it in two places.

Rules kept here:

1. One refusal proves nothing: it may come of a proxy, of a worker that lags, of a fault. That we
   are in no such room is said where the room's own state is refused, or has us out of it, and the
   list of all rooms that we are in lacks it too.
2. An answer that makes no sense is none. In doubt a room stands.

Source: matrix-spec, GET /rooms/{roomId}/state (403: we are no member), GET /joined_rooms.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connectors.matrix.client import BASE, Client
from connectors.port import RoomId
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN, NoRoom, Rejected, Unreadable

SEAT_MISSING = "own_seat_missing"
"""Code: a room's state does not have our account in it."""
_MEANS = {"forbidden": NOT_A_MEMBER, SEAT_MISSING: NOT_A_MEMBER, "not_found": ROOM_UNKNOWN}
"""What a room's own answer would mean if the list of our rooms agreed."""


class Standing:
    """How our account stands to rooms.

    Args:
        client: signed in.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @asynccontextmanager
    async def reading(self, room: RoomId) -> AsyncIterator[None]:
        """Around the reading of a room. Raises: NoRoom where it fails as we are not in it."""
        failed: Unreadable | None = None
        try:
            yield
        except Unreadable as error:
            failed = error
        if failed is None:
            return
        if failed.code in _MEANS and not await self.is_in(room):
            raise NoRoom(_MEANS[failed.code], "the homeserver does not have our account in it")
        raise failed

    async def is_in(self, room: RoomId) -> bool:
        """Whether the list of all rooms that we are in has one.

        Raises:
            Unreadable: it is not told, or makes no sense. Unavailable.
        """
        try:
            told = await self._client.call("GET", f"{BASE}/joined_rooms")
        except Rejected as error:
            raise Unreadable(error.code, "the homeserver does not list our rooms") from None
        listed = told.get("joined_rooms")
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise Unreadable("answer_malformed", "the homeserver gave no list of our rooms")
        return room in listed
