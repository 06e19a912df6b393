"""Mailings: who each goes to, and whether it still goes to him.

Rules kept here:

1. A mailing has one adviser from its making on; nobody else ever takes his place in it.
2. Who is put out stays out by our own ledger: from then on nothing is sealed to his key in this
   mailing. What is on its way to him in that instant may arrive.
3. An adviser has no say over a mailing, so nobody is made an admin of one.
"""

import secrets
from collections.abc import Callable

from connectors.pgpmail.ledger import Ledger
from connectors.pgpmail.settings import plain_address, same_address
from connectors.port import AccountId, RoomId
from connectors.port.errors import ROOM_UNKNOWN, NoRoom, Rejected
from connectors.port.messages import RoomSpec


class Mailings:
    """The mailings of one account.

    Args:
        ledger: where they are kept.
        own: our address.
        now: the clock, microseconds UTC.
    """

    def __init__(self, ledger: Ledger, own: AccountId, now: Callable[[], int]) -> None:
        self._ledger = ledger
        self._own = own
        self._now = now

    def is_own(self, account: AccountId) -> bool:
        """Whether an address is ours."""
        return same_address(account) == same_address(self._own)

    def make(self, spec: RoomSpec) -> RoomId:
        """A mailing to one adviser; to nobody named, it goes to ourselves. Raises: Rejected."""
        named = spec.members | spec.owners
        if len(named) > 1:
            raise Rejected("one_adviser", "a mailing goes to one adviser: make one for each")
        account = next(iter(named), self._own)
        if not plain_address(account):
            raise Rejected("no_address", "an adviser on this channel is a mail address")
        room = RoomId(f"mailing-{secrets.token_hex(16)}")
        self._ledger.add_room(room, account, self._now())
        return room

    def account_of(self, room: RoomId) -> AccountId:
        """Whom a mailing was made for. Raises: NoRoom."""
        found = self._ledger.account_of(room)
        if found is None:
            raise NoRoom(ROOM_UNKNOWN, "there is no such mailing")
        return found

    def goes_to(self, room: RoomId) -> AccountId | None:
        """Whom it goes to now; None after he was put out. Raises: NoRoom."""
        account = self.account_of(room)
        return None if self._ledger.is_ended(room) else account

    def let_in(self, room: RoomId, account: AccountId) -> None:
        """Has it go to its adviser again. Raises: Rejected, NoRoom."""
        self._only_others(account)
        if same_address(account) != same_address(self.account_of(room)):
            raise Rejected("one_adviser", "a mailing goes to one adviser: make one for each")
        self._ledger.resume(room)

    def put_out(self, room: RoomId, account: AccountId) -> None:
        """Has it go to nobody, if it goes to him. Raises: Rejected, NoRoom."""
        self._only_others(account)
        if same_address(account) == same_address(self.account_of(room)):
            self._ledger.end(room, self._now())

    def _only_others(self, account: AccountId) -> None:
        """Raises: Rejected."""
        if self.is_own(account):
            raise Rejected("own_account", "our own address stays in each mailing")
