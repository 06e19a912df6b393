"""What our account does to rooms: it makes them, lets people in and out, and puts settings back.

Rules kept here:

1. A room that was made is locked until its form is sent. Where that fails, or the form lacks what
   matters, the room is destroyed at once: none is left behind for somebody else to find.
2. Each verb asks; what became of it is read back by ``members`` and ``posture``. That somebody is
   on a list excuses an act; that he is on none does only where the lists are whole.
3. Whoever is put out is put on no list of banned people, which everybody could read: a room of
   members only does not let him in again. Where he sits on in spite of it, he is sent out.
4. Our own accounts are never put out and never made less than they are.
5. No name, topic, nickname or reason tells anything: rooms are named by random bytes.
"""

import asyncio
import contextlib
import secrets
from collections import defaultdict
from xml.etree.ElementTree import Element

from connectors.port import AccountId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    ConnectorError,
    NoRoom,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.messages import RoomSpec
from connectors.xmpp import addresses, rooms, wire
from connectors.xmpp.desk import Desk
from connectors.xmpp.line import Line
from connectors.xmpp.receiver import Receiver
from connectors.xmpp.rooms import Lists
from connectors.xmpp.seats import Seats
from connectors.xmpp.settings import XmppSettings

_NAME_BYTES = 16
_NOT_OURS = "forbidden"
"""What who does not rule a room is answered when he asks for its lists (XEP-0045, 9.5)."""


class Steward:
    """Changes rooms for one account.

    Args:
        line: to the server.
        seats: who sits where.
        desk: reads rooms.
        receiver: listens to the rooms that are made.
        settings: of the account.
    """

    def __init__(
        self, line: Line, seats: Seats, desk: Desk, receiver: Receiver, settings: XmppSettings
    ) -> None:
        self._line = line
        self._seats = seats
        self._desk = desk
        self._receiver = receiver
        self._settings = settings
        self._own = AccountId(settings.account)
        self._standby = None if settings.standby is None else AccountId(settings.standby)
        self._turns: dict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- making ---------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, hardened before anybody is let in. Raises: ConnectorError."""
        _only_possible(spec)
        for account in spec.members | spec.owners:
            _well_formed(account)
        room = RoomId(f"{secrets.token_hex(_NAME_BYTES)}@{self._settings.rooms}")
        try:
            await self._seats.make(room)
            await self._configure(room, spec)
            self._receiver.made(room, await self._desk.features(room))
            await self._seat(room, spec)
        except BaseException:
            self._receiver.dropped(room)
            with contextlib.suppress(ConnectorError):
                await asyncio.shield(self._seats.destroy(room))
            raise
        return room

    async def _configure(self, room: RoomId, spec: RoomSpec) -> None:
        form = await self._desk.form(room)
        lacking = [name for name in rooms.ESSENTIAL if name not in form.values]
        if lacking:
            hint = "the service's rooms cannot be for members only, or hide who sits in them"
            raise Rejected("rooms_unfit", hint)
        await self._submit(room, rooms.filled(form, spec, archive=self._settings.archive))

    async def _submit(self, room: RoomId, values: dict[str, tuple[str, ...]]) -> None:
        query = wire.made(f"{{{wire.MUC_OWNER}}}query", wire.submitted(values))
        await self._line.ask(room, "set", query, acts=True)

    async def _seat(self, room: RoomId, spec: RoomSpec) -> None:
        if self._standby is not None:
            await self._affiliate(room, self._standby, "owner")
        for account in sorted((spec.owners | spec.members) - {self._own, self._standby}):
            await self._affiliate(room, account, "admin" if account in spec.owners else "member")
            self._tell(room, account)

    # --- members --------------------------------------------------------------------------------

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        self._only_others(account, self._own)
        async with self._turns[room]:
            lists = await self._desk.lists(room)
            if account in lists.listed:
                return
            _only_whole(lists)
            await self._affiliate(room, account, "member")
        self._tell(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        self._only_others(account, self._own, self._standby)
        async with self._turns[room]:
            lists = await self._desk.lists(room)
            if lists.complete and account not in lists.everybody:
                return
            await self._affiliate(room, account, "none")
            for nick in self._seats.nicks(room, account):
                item = wire.made(f"{{{wire.MUC_ADMIN}}}item", nick=nick, role="none")
                await self._change(room, item)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        self._only_others(account, self._own, None if admin else self._standby)
        async with self._turns[room]:
            lists = await self._desk.lists(room)
            if account not in lists.listed:
                _only_whole(lists)
                raise Rejected(NOT_A_MEMBER, "only a member can be an admin: ask him in first")
            if admin is (account in lists.ruling):
                return
            above = "owner" if account == self._standby else "admin"
            await self._affiliate(room, account, above if admin else "member")

    @staticmethod
    def _only_others(account: AccountId, *ours: AccountId | None) -> None:
        """Raises: Rejected."""
        _well_formed(account)
        if account in ours:
            hint = "an account of ours stays: retire it by hand, with a second"
            raise Rejected("own_account", hint)

    async def _affiliate(self, room: RoomId, account: AccountId, affiliation: str) -> None:
        item = wire.made(f"{{{wire.MUC_ADMIN}}}item", jid=account, affiliation=affiliation)
        await self._change(room, item)

    async def _change(self, room: RoomId, item: Element) -> None:
        query = wire.made(f"{{{wire.MUC_ADMIN}}}query", item)
        await self._line.ask(room, "set", query, acts=True)

    def _tell(self, room: RoomId, account: AccountId) -> None:
        """Tells a person's client where he may come in (XEP-0249); he is let in without it too."""
        told = wire.made(f"{{{wire.INVITE}}}x", jid=room)
        with contextlib.suppress(Unavailable):
            self._line.write(self._line.client.message(account, "normal", told))

    # --- coming and going -----------------------------------------------------------------------

    async def join(self, room: RoomId) -> None:
        """Goes in where we are asked to. Raises: ConnectorError."""
        if not addresses.is_room(room, self._settings.rooms):
            raise Rejected("room_form", "this is no room of the configured service")
        await self._seats.enter(room)
        self._receiver.live_in(room)

    async def leave(self, room: RoomId) -> None:
        """Goes out, or declines, for good. Raises: ConnectorError."""
        if self._seats.inside(room):
            await self._give_up(room, await self._ruled(room))
        self._receiver.dropped(room)

    async def _ruled(self, room: RoomId) -> Lists | None:
        """A room's lists; None where it is not ours to read them.

        Raises:
            Unreadable: they make no sense, or are not told for another reason: we may rule it
                alone, and would leave its members without an owner.
        """
        try:
            return await self._desk.lists(room)
        except NoRoom:
            return None
        except Unreadable as error:
            if error.code != _NOT_OURS:
                raise
            return None

    async def _give_up(self, room: RoomId, lists: Lists | None) -> None:
        if lists is None or self._own not in lists.owners:
            self._seats.leave(room)
        elif lists.complete and lists.everybody <= {self._own, self._standby}:
            await self._seats.destroy(room)
        elif lists.owners > {self._own}:
            await self._affiliate(room, self._own, "none")
            self._seats.leave(room)
        else:
            raise Rejected("last_owner", "its members would be left without an owner")

    # --- settings -------------------------------------------------------------------------------

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts every setting back to what ``create`` would make. Raises: ConnectorError."""
        _only_possible(spec)
        async with self._turns[room]:
            form = await self._desk.form(room)
            await self._submit(room, rooms.filled(form, spec, archive=self._settings.archive))


def _only_possible(spec: RoomSpec) -> None:
    """Raises: Rejected: no room of XMPP keeps a member's voice from him for good."""
    if spec.gate:
        raise Rejected("no_gate", "every member of an XMPP room may write; use another channel")


def _well_formed(account: AccountId) -> None:
    """Raises: Rejected."""
    if not addresses.is_account(account):
        raise Rejected("account_form", "write people's accounts as name@domain, in small letters")


def _only_whole(lists: Lists) -> None:
    """Raises: Unavailable where somebody's absence from the lists says nothing."""
    if not lists.complete:
        raise Unavailable("list_not_whole", "somebody is in the room whom its lists leave out")
