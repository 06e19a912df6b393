"""What is read of a room: its lists, its form, what it offers; afresh each time.

Rules kept here:

1. Nothing that was read before counts. Whoever asks while a reading is under way gets the next one,
   together with all who ask meanwhile: no answer is older than its question.
2. What is refused or makes no sense is ``Unreadable``; nobody is concluded from it, and no room is
   taken for gone: for that two questions have to be answered so.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from connectors.port import AccountId, RoomId
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN, NoRoom, Rejected, Unreadable
from connectors.xmpp import addresses, wire
from connectors.xmpp.line import Line
from connectors.xmpp.rooms import Lists
from connectors.xmpp.seats import Seats
from connectors.xmpp.wire import Form

T = TypeVar("T")
_ALL = ("owner", "admin", "member")
_NOT_THERE = {"item_not_found", "gone"}
_NO_MEMBER = "registration_required"
_NOT_LET = {"forbidden", _NO_MEMBER}


class Desk:
    """Reads rooms for one account.

    Args:
        line: to the server.
        seats: who sits where.
        service: that keeps our rooms.
    """

    def __init__(self, line: Line, seats: Seats, service: str) -> None:
        self._line = line
        self._seats = seats
        self._service = service
        self._next: dict[RoomId, asyncio.Task[Lists]] = {}
        self._running: dict[RoomId, asyncio.Task[Lists]] = {}

    async def lists(self, room: RoomId) -> Lists:
        """Who may come in and who is in, begun to be read after this call.

        Raises:
            NoRoom: the service has us in no such room. Unreadable: refused, or without sense.
            Unavailable: not now.
        """
        if not addresses.is_room(room, self._service):
            raise Unreadable("room_form", "this is no room of the configured service")
        waiting = self._next.get(room)
        if waiting is None:
            running = self._running.get(room)
            waiting = asyncio.create_task(self._after(running, room))
            self._next[room] = waiting
        return await asyncio.shield(waiting)

    async def _after(self, running: "asyncio.Task[Lists] | None", room: RoomId) -> Lists:
        if running is not None:
            await asyncio.wait({running})
        task = self._running[room] = self._next.pop(room)
        try:
            return await self._read(room)
        finally:
            if self._running.get(room) is task:
                del self._running[room]

    async def _read(self, room: RoomId) -> Lists:
        try:
            owners, admins, members = await self._listed(room)
            await self._told(self._seats.enter(room))
        except Unreadable as error:
            raise await self._meant(room, error) from None
        occupants, hidden = self._seats.occupants(room)
        return Lists(owners, admins, members, occupants, hidden=hidden)

    async def _meant(self, room: RoomId, refused: Unreadable) -> Unreadable:
        """What it means that a room is not told of: another question has to be answered alike.

        Who is in a room and is ruler no more is ``forbidden`` its lists, so that says nothing; who
        is no member of it is not let in. What is offered is asked of a room without entering it.

        Source: XEP-0045, 6.4 and 7.2.7; RFC 6120, 8.3.3.5 and 8.3.3.7.
        """
        if refused.code in _NOT_THERE and await self._refusal(self.features(room)) in _NOT_THERE:
            return NoRoom(ROOM_UNKNOWN, "the service knows no such room")
        if refused.code in _NOT_LET:
            entered = await self._refusal(self._told(self._seats.enter(room)))
            if entered == _NO_MEMBER:
                return NoRoom(NOT_A_MEMBER, "the room is for members only, and we are none")
        return refused

    @staticmethod
    async def _refusal(asked: Awaitable[object]) -> str:
        """The code with which something is not told; empty where it is. Raises: Unavailable."""
        try:
            await asked
        except Unreadable as error:
            return error.code
        return ""

    async def _listed(self, room: RoomId) -> list[frozenset[AccountId]]:
        """The lists, in the order of ``_ALL``."""
        items = [wire.made(f"{{{wire.MUC_ADMIN}}}item", affiliation=each) for each in _ALL]
        queries = [wire.made(f"{{{wire.MUC_ADMIN}}}query", item) for item in items]
        answers = await self._told(self._line.ask_each(room, queries))
        told = (wire.listed(answer, each) for answer, each in zip(answers, _ALL, strict=True))
        found = [each for each in told if each is not None]
        if len(found) < len(_ALL):
            raise Unreadable("answer_malformed", "a list of the room's members makes no sense")
        return found

    async def form(self, room: RoomId) -> Form:
        """A room's configuration. Raises: Unreadable, Unavailable."""
        if not addresses.is_room(room, self._service):
            raise Unreadable("room_form", "this is no room of the configured service")
        query = wire.made(f"{{{wire.MUC_OWNER}}}query")
        answer = await self._told(self._line.ask(room, "get", query))
        form = wire.form_in(answer.find(f"{{{wire.MUC_OWNER}}}query"))
        if form is None or not form.values:
            raise Unreadable("answer_malformed", "the room gave no form of its configuration")
        return form

    async def features(self, room: str) -> frozenset[str]:
        """What a room or a service offers. Raises: Unreadable, Unavailable."""
        query = wire.made(f"{{{wire.DISCO}}}query")
        answer = await self._told(self._line.ask(room, "get", query))
        found = wire.features(answer)
        if not found:
            raise Unreadable("answer_malformed", "what is offered was not told")
        return found

    @staticmethod
    async def _told(asked: Awaitable[T]) -> T:
        """What an asking gave; a refusal means that it was not told. Raises: Unreadable."""
        try:
            return await asked
        except Rejected as error:
            code = error.code
        raise Unreadable(code, "the room does not tell that, or is not there")
