"""What is asked of whatever runs a Signal account for us, in this package's own terms.

Rules kept here:

1. Two programs can do it, each behind a protocol of its own: signal-cli-rest-api (``rest``) and
   signal-cli's own daemon (``rpc``). Who asks does not know which; what one of them does not tell
   is None, and never a default.
2. Every method raises ``ConnectorError`` or nothing, and each ends after the settings' patience.
3. A change that raises nothing was asked for. What became of it is read back by whoever asked.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from connectors.port import AccountId, RoomId
from connectors.port.messages import Delivery, RoomSpec
from connectors.signal.groups import Group
from connectors.signal.ids import Own
from connectors.signal.outgoing import Request
from connectors.signal.peers import Peer

UNFIT = "mode_unfit"
"""Code of a program that runs in such a way that it hands on nothing of what is written to us."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit that is on.

    Attributes:
        hint: what a person does about it.
        until: until when Signal asks to wait, microseconds UTC; None where it did not say.
    """

    hint: str
    until: int | None


@dataclass(frozen=True, slots=True)
class Deaf:
    """A way of running in which a program hands on nothing of what is written to us.

    Attributes:
        what: which.
        remedy: what a person does about it.
    """

    what: str
    remedy: str

    @property
    def hint(self) -> str:
        """Both, in one line."""
        return f"{self.what}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How our own account stands with Signal.

    Attributes:
        known: Signal knows the number; True where it does not tell.
        uuid: our UUID, where it tells it.
    """

    known: bool
    uuid: str | None


class Backend(Protocol):
    """One account on one program."""

    @property
    def limit(self) -> Limit | None:
        """The rate limit that the last send met; None after one that went out."""
        ...

    @property
    def deaf(self) -> Deaf | None:
        """Why it hands on nothing of what is written to us, as it last said; None where it does.

        Of groups and keys it tells then what it heard before, so nothing of that is believed.
        """
        ...

    @property
    def deletes_files(self) -> bool:
        """Whether received files can be deleted where the program keeps them."""
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...

    async def alive(self, seconds: float) -> bool:
        """Whether the program answers within so many seconds; nothing is said of Signal.

        ``deaf`` is known anew then.
        """
        ...

    async def anybody_may_ask(self) -> bool:
        """Whether it answers without our credential."""
        ...

    # --- ourselves ------------------------------------------------------------------------------

    async def fit(self) -> None:
        """Raises: Rejected: it runs in a way in which nothing can be heard."""
        ...

    async def version(self) -> str:
        """Its release, as it says."""
        ...

    async def logs(self) -> str | None:
        """The level at which it logs; None where it tells none."""
        ...

    async def is_registered(self) -> bool:
        """Whether it has our account."""
        ...

    async def standing(self) -> Standing:
        """What Signal itself says of our number."""
        ...

    async def own_uuid(self) -> str | None:
        """Our UUID, where it can be learnt without asking Signal."""
        ...

    async def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices: number, and instant of making in milliseconds."""
        ...

    async def end_device(self, which: int) -> None:
        """Unlinks a device of our own by its number. Raises: Rejected."""
        ...

    # --- people ---------------------------------------------------------------------------------

    async def peers(self, own: Own) -> dict[AccountId, Peer]:
        """Everybody's identity but our own. Raises: Unreadable."""
        ...

    async def verify(self, account: AccountId, key: str) -> None:
        """Marks a safety number as verified. Raises: IdentityChanged: he has no such."""
        ...

    async def line_timer(self, account: AccountId) -> int | None:
        """Seconds to live on the private line with somebody, 0 for ever; None where not told."""
        ...

    async def time_line(self, account: AccountId, seconds: int) -> None:
        """Sets the time to live on a private line; 0 switches it off where that is possible."""
        ...

    # --- rooms ----------------------------------------------------------------------------------

    async def group(self, room: RoomId, own: Own) -> Group | None:
        """A group as listed now; None where there is none. Raises: Unreadable."""
        ...

    async def groups(self, own: Own) -> list[Group]:
        """All groups as listed now. Raises: Unreadable."""
        ...

    async def make(self, spec: RoomSpec, people: Collection[AccountId]) -> RoomId:
        """Makes a group with a specification's settings and these people in it."""
        ...

    async def settle(self, room: RoomId, spec: RoomSpec, *, leaked: bool) -> None:
        """Sets a group's settings to those of a specification.

        Args:
            room: the group.
            spec: what it shall be.
            leaked: it had a link, which is to lead nowhere for good.
        """
        ...

    async def let_in(self, room: RoomId, account: AccountId, *, banned: bool) -> None:
        """Asks somebody into a group.

        Args:
            room: the group.
            account: who.
            banned: he stands on its list of those who are kept out, and is to be taken off it.
        """
        ...

    async def put_out(self, room: RoomId, account: AccountId, *, leaked: bool) -> None:
        """Puts somebody out of a group, or takes his invitation back.

        Args:
            room: the group.
            account: who.
            leaked: it has a link, by which he must not come back.
        """
        ...

    async def set_admins(
        self, room: RoomId, accounts: Collection[AccountId], *, admin: bool
    ) -> None:
        """Makes admins of members, or members of admins."""
        ...

    async def join(self, room: RoomId) -> None:
        """Accepts an invitation of ours."""
        ...

    async def quit(self, room: RoomId) -> None:
        """Goes out of a group."""
        ...

    # --- messages -------------------------------------------------------------------------------

    def prepare(self, delivery: Delivery, own: Own, edits: int | None) -> Request:
        """What a delivery goes as; costs no call.

        Args:
            delivery: what, and where.
            own: who sends it.
            edits: timestamp of the message of ours that it replaces, milliseconds.

        Raises:
            Rejected: it cannot go.
        """
        ...

    async def send(self, request: Request, readers: frozenset[AccountId]) -> int:
        """Sends once; returns the message's timestamp, milliseconds.

        Args:
            request: as ``prepare`` made it.
            readers: who is in the room, ourselves and those who are only asked in left out.
        """
        ...

    async def take_back(self, room: RoomId, stamp: int) -> int:
        """Asks everybody's clients to remove a message; returns the request's own timestamp."""
        ...

    def download(self, name: str, limit: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Opens a file that came with a message, for reading in pieces of its bytes.

        Args:
            name: the program's name of it.
            limit: bytes after which reading fails.
        """
        ...

    async def remove_file(self, name: str) -> None:
        """Deletes a file that came with a message; one that is not there is gone as well.

        Raises:
            ConnectorError: it may still be there.
        """
        ...
