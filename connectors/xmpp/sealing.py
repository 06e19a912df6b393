"""What seals bodies end to end: the protocol that an implementation keeps.

A connector without one (no extra, or not asked for) has None in its place: bodies then travel in
the clear inside TLS, and nothing here or elsewhere says otherwise.

Rules kept here:

1. Whom a message is sealed to is decided by whoever made the delivery. A sealer seals to exactly
   the devices that it is named, or to nothing at all; never to one that was distrusted.
2. Devices are read from the server each time that they are asked for.
3. A key that opened a message is thrown away only after what it gave was stored, and a key that
   sealed one is thrown away before the ciphertext leaves: a crash costs no message and uses no key
   twice.
4. Nothing of a text stands in an exception, a repr or a log.

A sealer raises ``ConnectorError`` and nothing else, and is used from one event loop. It is made by
``connectors.xmpp.omemo.sealer.open_sealer(account, folder, key)``: our bare address, the owner-only
folder of the state, and 32 bytes that seal what is kept there. Its fourth argument, ``withdraw``,
names devices of our account that are to be taken off the list of those that people seal to (the
setting of whoever lost a store: ``inspect`` tells of them).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree.ElementTree import Element

from slixmpp import ClientXMPP
from slixmpp.stanza import Message

from connectors.port import AccountId
from connectors.port.connector import Check
from connectors.port.messages import Device, Reader

ToldOfDevice = Callable[[AccountId, Device], None]
"""Somebody has a new device, or one with another key."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body that was sealed.

    Attributes:
        payload: what stands in the stanza in place of the body (``encrypted``, and whatever tells
            clients what that is); nothing of it is clear text.
        readers: the accounts and devices that it was sealed to, own ones included where there are:
            the proof of who can read it.
    """

    payload: tuple[Element, ...] = field(repr=False)
    readers: frozenset[Reader]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a stanza turned out to hold.

    Attributes:
        text: the body; None where it holds none (an exchange of keys alone) or it is unreadable.
        device: the device that sealed it, where its key shows that.
        unreadable: short code why it could not be opened; None when it could.
    """

    text: str | None = field(repr=False)
    device: Device | None
    unreadable: str | None = None


class Sealer(Protocol):
    """Seals and opens for one account. ``attach`` comes first, ``start`` after each signing in."""

    @property
    def own(self) -> Device | None:
        """Our own device, valid after ``start``; None where there is none."""
        ...

    def attach(self, client: ClientXMPP, told: ToldOfDevice) -> None:
        """Registers what it needs at a client that is not connected yet.

        Args:
            client: the same object for all the connections of this process.
            told: to be called once for each new or changed device of an account whose devices were
                asked for before, whether the server pushed it or a later reading showed it.
        """
        ...

    async def start(self) -> None:
        """Signed in anew (not: resumed): publishes our device and its keys where they are not.

        Raises:
            Rejected: other keys stand under our device's number. Unavailable: not now.
        """
        ...

    async def devices(
        self, accounts: frozenset[AccountId]
    ) -> Mapping[AccountId, frozenset[Device]]:
        """The devices that each account publishes now, with their identity keys; ours included.

        An account that publishes none, or none that we may see, has an empty set. A device without
        a key that can be had is in the set with an empty key, so that nobody takes it for one that
        is not there.

        Raises:
            Unreadable: a list makes no sense. Unavailable: no answer.
        """
        ...

    async def seal(self, body: str, readers: Mapping[AccountId, frozenset[Device]]) -> Sealed:
        """Seals a body to exactly these devices, and writes down what the keys became.

        Marks of an earlier ceremony are not asked for: a device that is named was agreed to.

        Args:
            body: all of what is confidential.
            readers: devices to seal to, by account; our own device may be among them and is left
                out by what needs no key.

        Raises:
            IdentityChanged: a device is not published, has another key, or was distrusted.
            Rejected: nobody is left to seal to. Unavailable: keys could not be had now.
        """
        ...

    def is_sealed(self, stanza: Message) -> bool:
        """Whether a stanza holds something for ``opening``; costs nothing."""
        ...

    def opening(self, stanza: Message, sender: AccountId) -> AbstractAsyncContextManager[Opened]:
        """Opens one; whoever asks stores what it gave before he leaves the block.

        Leaving it well writes down what the keys became; leaving it by an exception does not, so
        that the stanza can be opened again after a start. A stanza that cannot be opened gives
        ``Opened`` with ``unreadable``, and no exception.

        Args:
            stanza: as it came, live or out of an archive.
            sender: whose it is as the server authenticated it (the bare address behind a room's
                nickname); ``stanza["from"]`` is not to be used.
        """
        ...

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged when it is not published so."""
        ...

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to; outlives a start."""
        ...

    def distrusted(self, account: AccountId) -> frozenset[Device]:
        """The devices of an account that are never to be sealed to."""
        ...

    def trusted(self, account: AccountId) -> frozenset[Device]:
        """The devices of an account that were marked as verified, each with the key that it had."""
        ...

    async def caught_up(self) -> None:
        """What was sent while we were away has been opened; so it is two minutes after a start.

        Until then keys that several senders may have picked meanwhile are kept, and no answer that
        completes a session is sent. Raises: ConnectorError.
        """
        ...

    async def inspect(self) -> tuple[Check, ...]:
        """What is true of our own published devices now. Never raises ConnectorError."""
        ...

    def close(self) -> None:
        """Closes its store; prompt, and may come twice."""
        ...
