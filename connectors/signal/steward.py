"""What our account does to rooms: it makes them, lets people in and out, and puts settings back.

Rules kept here:

1. A server may say yes also where nothing happened, so an answer is no evidence: what became of a
   change is read back by ``members`` and ``posture``.
2. A listing that leaves somebody out looks like a whole one. That somebody is in it excuses an
   act; that he is not never does: then it is asked for, and signal-cli does what is left to do.
3. Our own accounts are never put out and never made less than an admin. Who was to become an
   admin once he is in, and is put out or demoted before, is forgotten.
4. Whoever goes leaves the group's keys behind by Signal's own rules; nothing of it is ours to do.
"""

from collections.abc import Callable

from connectors.port import AccountId, RoomId
from connectors.port.errors import NOT_A_MEMBER, Rejected, Uncertain
from connectors.port.messages import Presence, RoomSpec
from connectors.signal import groups
from connectors.signal.account import Account
from connectors.signal.backend import Backend
from connectors.signal.groups import Group
from connectors.signal.ids import is_group, is_uuid
from connectors.signal.ledger import ASKED, Ledger, Timer

_JOINED = Presence.JOINED.value


class Steward:
    """Changes rooms for one account.

    Args:
        backend: whatever runs the account.
        now: the clock, microseconds UTC.
        standby: the account that stands by, by its UUID; None without one.
    """

    def __init__(
        self,
        backend: Backend,
        account: Account,
        ledger: Ledger,
        now: Callable[[], int],
        standby: AccountId | None,
    ) -> None:
        self._backend = backend
        self._account = account
        self._ledger = ledger
        self._now = now
        self._standby = standby

    # --- making ---------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a group, or opens a private line. Raises: ConnectorError."""
        if not all(map(is_uuid, spec.members | spec.owners)):
            raise Rejected("account_form", "write people's accounts as UUIDs (docs: Signal)")
        return await (self._line(spec) if spec.direct else self._group(spec))

    async def _line(self, spec: RoomSpec) -> RoomId:
        people = sorted(spec.members | spec.owners)
        if len(people) != 1:
            raise Rejected("not_a_line", "a private line has one person at its other end")
        room = RoomId(people[0].lower())
        if spec.timer is not None:
            await self._time_line(room, spec.timer)
        return room

    async def _time_line(self, room: RoomId, timer: int) -> None:
        await self._backend.time_line(AccountId(room), groups.seconds(timer))
        self._asked(room, timer)

    async def _group(self, spec: RoomSpec) -> RoomId:
        owners = set(spec.owners) | ({self._standby} if self._standby else set())
        room = await self._backend.make(spec, spec.members | owners)
        if not is_group(room):
            raise Uncertain("answer_malformed", "the API server gave the group no id")
        if spec.timer is not None:
            self._asked(room, spec.timer)
        group = await self._account.group(room)
        if not groups.hardened(group, spec):  # an act that was answered 2xx may not have happened
            await self._backend.settle(room, spec, leaked=bool(group.link))
            group = await self._account.group(room)
        self._ledger.keep_seats(room, group.seats())
        self._ledger.keep_owners(room, await self._account.promote(room, owners))
        return room

    def _asked(self, room: RoomId, timer: int) -> None:
        asked = Timer(groups.seconds(timer), self._now())
        self._ledger.note_timer(room, ASKED, asked)

    # --- members --------------------------------------------------------------------------------

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        self._only_others(account, self._own())
        group = await self._ruled(room, account)
        if account not in group.seats():
            await self._backend.let_in(room, account, banned=account in group.banned)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out, or takes his invitation back. Raises: ConnectorError."""
        self._only_others(account, self._own() | {self._standby})
        group = await self._ruled(room, account)
        self._ledger.forget_owner(room, account)
        await self._backend.put_out(room, account, leaked=bool(group.link))

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        self._only_others(account, self._own() | ({self._standby} - {account if admin else None}))
        group = await self._ruled(room, account)
        if not admin:
            self._ledger.forget_owner(room, account)
        seat = group.seats().get(account)
        if seat is not None and seat.presence != _JOINED:
            raise Rejected("not_in_yet", "he is asked in and has to accept before he can be one")
        # a list of admins that lacks him excuses no more than one of members that does
        if not (admin and seat is not None and seat.admin):
            await self._backend.set_admins(room, {account}, admin=admin)
        if seat is None and account not in (await self._account.group(room)).seats():
            raise Rejected(NOT_A_MEMBER, "he is not in the group")

    def _own(self) -> frozenset[AccountId | None]:
        uuid = self._account.own.uuid
        return frozenset({self._account.own.account, AccountId(uuid) if uuid else None})

    @staticmethod
    def _only_others(account: AccountId, ours: frozenset[AccountId | None]) -> None:
        """Raises: Rejected."""
        if account in ours:
            hint = "an account of ours stays: retire it by hand, with a second"
            raise Rejected("own_account", hint)

    async def _ruled(self, room: RoomId, account: AccountId) -> Group:
        """A group in which somebody's seat can be changed. Raises: ConnectorError."""
        if not is_uuid(account):
            raise Rejected("account_form", "write people's accounts as UUIDs (docs: Signal)")
        if not is_group(room):
            raise Rejected("not_a_group", "nobody is let into a private line or put out of it")
        return await self._account.group(room)

    # --- settings -------------------------------------------------------------------------------

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError.

        A timer that nobody wants is switched off where the server can do that.
        """
        if is_uuid(room):
            await self._harden_line(room, spec)
            return
        group = await self._account.group(room)
        await self._backend.settle(room, spec, leaked=bool(group.link))
        if spec.timer is not None:
            self._asked(room, spec.timer)

    async def _harden_line(self, room: RoomId, spec: RoomSpec) -> None:
        if spec.timer is not None:
            await self._time_line(room, spec.timer)
        elif await self._backend.line_timer(AccountId(room.lower())):
            await self._backend.time_line(AccountId(room.lower()), 0)
