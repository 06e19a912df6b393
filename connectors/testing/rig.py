"""What a contract test is given: a connector, the far side's ground truth, and faults.

Rule kept here: truth comes from the far side: what arrived is read by another member's own client
or from the network itself, never from the connector under test. A fault is a thing that the
network does; how it is brought about (a proxy, a switch of a simulator) is the rig's affair.

A rig that cannot bring something about raises ``CannotError``; the subclass of the contract then
names the test in ``excused`` with the reason.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from connectors.port import AccountId, Guarantee, RemoteId, RoomId
from connectors.port.connector import Connector
from connectors.port.messages import Attachment

MUDDLES = ("malformed", "server fault", "too many", "cut", "empty", "refused")
"""Ways in which the next answer about a room says nothing of it: it makes no sense, the server or
what stands before it failed or asks to wait, the line broke, a list names nobody and nothing, or
it is refused once, as if the room were none of ours."""


class CannotError(Exception):
    """This rig cannot bring that about on its network."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message of our account as another member's client shows it.

    Attributes:
        text: the body alone: marks that the connector puts around it are taken off.
        author_line: who wrote it, from where the connector puts that; None when nobody is named.
        key: the delivery key that came with it.
        marked: it says of itself that it may be a repetition.
        reply_to: the message that it answers.
        files: name and sha256 of each file, as downloaded by that client.
    """

    remote_id: RemoteId
    text: str = field(repr=False)
    author_line: str | None = field(repr=False)
    key: str | None
    marked: bool
    reply_to: RemoteId | None
    files: tuple[tuple[str, str], ...] = field(repr=False)


class Far(Protocol):
    """The far side: other people and the network itself."""

    @property
    def member(self) -> AccountId:
        """A person who sits in the rig's room and on whose side things happen."""
        ...

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        """What arrived from our account, in the order of that client."""
        ...

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        """The member writes."""
        ...

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        """The member writes what our keys do not open."""
        ...

    async def write_direct(self, text: str) -> RemoteId:
        """The member writes to our account on a private line."""
        ...

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        """The member answers a message."""
        ...

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        """The member replaces a message of his."""
        ...

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        """The member takes a message of his back."""
        ...

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        """Somebody comes in whom nobody told us of; he can read from now on."""
        ...

    async def add_device(self) -> None:
        """The member has a new device."""
        ...

    async def change_key(self) -> None:
        """A device of the member has another key."""
        ...

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        """Somebody sets the time to live, microseconds."""
        ...

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        """Somebody changes the room so that it no longer holds a guarantee."""
        ...

    async def newcomer(self) -> AccountId:
        """Somebody who has an account and sits in no room of ours."""
        ...

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        """Whoever was asked in is in, where he has to say yes himself."""
        ...

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        """Whom the network itself lets in: in or asked in, ours included."""
        ...

    async def no_room(self) -> RoomId:
        """A name as the network gives them, of a room that is not there."""
        ...

    async def put_us_out(self, room: RoomId) -> None:
        """Our own account is in a room no more; the others still are."""
        ...

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        """Texts of ours that a person's own client can open, in the room or out of it.

        He is taken to have the bytes: what the network would not hand him is opened with the
        keys that he holds, where the rig can do that.
        """
        ...


class Faults(Protocol):
    """What the network does wrong, once, at the next call that it concerns."""

    async def refuse(self) -> None:
        """The next message is refused for good."""
        ...

    async def unavailable(self) -> None:
        """The next message is refused for now."""
        ...

    async def rate_limit(self, retry_after: int) -> None:
        """The next message is too many; wait so many microseconds."""
        ...

    async def cut_before(self) -> None:
        """The next message finds no connection: nothing leaves."""
        ...

    async def cut_after(self) -> None:
        """The next message arrives, its answer does not."""
        ...

    async def answer_nothing(self) -> None:
        """The next message is answered with success, and nothing is done."""
        ...

    async def answer_garbage(self) -> None:
        """The next message's answer makes no sense."""
        ...

    async def slow(self) -> None:
        """The next message is answered late, by more than a tenth of a second."""
        ...

    async def partial_members(self) -> None:
        """The next list of members is not whole."""
        ...

    async def unreadable_members(self) -> None:
        """The next list of members tells nothing."""
        ...

    async def unreadable_posture(self) -> None:
        """The next reading of settings tells nothing."""
        ...

    async def muddle(self, how: str) -> None:
        """The next reading of a room goes wrong in one of the ways of ``MUDDLES``."""
        ...

    async def ignore_timer(self) -> None:
        """The next room is made without the timer that was asked for, silently."""
        ...

    async def act_refused(self) -> None:
        """The next change of a room's members or settings is refused for good."""
        ...

    async def act_limited(self, retry_after: int) -> None:
        """The next change is one too many; wait so many microseconds, where it is said."""
        ...

    async def act_cut_before(self) -> None:
        """The next change finds no connection: nothing leaves."""
        ...

    async def act_cut_after(self) -> None:
        """The next change is made, its answer does not arrive."""
        ...

    async def act_does_nothing(self) -> None:
        """The next change is answered with success, and nothing is changed."""
        ...

    async def act_slow(self) -> None:
        """The next change is answered late, by more than a tenth of a second."""
        ...

    async def departure_unnoticed(self) -> None:
        """The next who is put out is still thought to be there by whatever hands out our keys."""
        ...

    async def cut_events(self) -> None:
        """The stream of events breaks and can be had again."""
        ...

    async def duplicate_events(self) -> None:
        """The next events come twice."""
        ...

    async def go_down(self) -> None:
        """Nothing answers until ``come_back``."""
        ...

    async def come_back(self) -> None:
        """The network is there again."""
        ...


class Rig(Protocol):
    """One opened connector on one network."""

    @property
    def connector(self) -> Connector:
        """The connector under test, open."""
        ...

    @property
    def far(self) -> Far:
        """The other side."""
        ...

    @property
    def faults(self) -> Faults:
        """What can go wrong."""
        ...

    @property
    def room(self) -> RoomId:
        """A hardened room with our account, the member and at least one more person."""
        ...

    async def with_standby(self) -> AccountId:
        """As ``reopen``, told of a second account of ours that stands by: that account."""
        ...

    async def reopen(self) -> Connector:
        """Closes the connector and opens another on the same state; ``connector`` is that."""
        ...


def attachment(name: str, data: bytes, *, size: int | None = None) -> Attachment:
    """A file out of bytes, read in small pieces; ``size`` announces another length."""

    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 8192):
            yield data[start : start + 8192]

    length = len(data) if size is None else size
    return Attachment(name, "application/octet-stream", length, read)


async def hash_of(file: Attachment) -> str:
    """sha256 of a file's bytes as they are read."""
    hashed = sha256()
    async for piece in file.open():
        hashed.update(piece)
    return hashed.hexdigest()
