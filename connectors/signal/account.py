"""What is asked of the server about our account, its groups and its peers; each answer read.

Rules kept here:

1. Nothing is kept between two questions but what tells a change: keys and devices as last seen.
2. A change is told once, as a note in the spool, before it is kept as known.
3. That a group is none of ours is believed where two listings say so, made by two calls.
"""

from collections.abc import Callable
from typing import Any

from connectors.port import AccountId, DeviceId, RoomId
from connectors.port.errors import (
    NOT_A_MEMBER,
    ROOM_UNKNOWN,
    ConnectorError,
    IdentityChanged,
    NoRoom,
    Rejected,
    Unreadable,
)
from connectors.port.messages import Device
from connectors.shared.joined import Joined
from connectors.signal.backend import Backend
from connectors.signal.groups import Group
from connectors.signal.ids import Own
from connectors.signal.ledger import Ledger
from connectors.signal.peers import VERIFIED, Peer

_OWN_UUID = "own_uuid"


class Account:
    """Questions about one account.

    Args:
        backend: whatever runs the account.
        number: its number, E.164.
        tell: has a note told in its order.
    """

    def __init__(
        self,
        backend: Backend,
        ledger: Ledger,
        number: str,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self._backend = backend
        self._ledger = ledger
        self._tell = tell
        self.own = Own(number, ledger.fact(_OWN_UUID))
        self.known_to_signal = True
        self._peers = Joined(self._listed)

    # --- ourselves ------------------------------------------------------------------------------

    async def is_registered(self) -> bool:
        """Whether the server has our account. Raises: ConnectorError."""
        return await self._backend.is_registered()

    async def is_known_to_signal(self) -> bool:
        """Whether Signal itself still knows our number. Raises: ConnectorError."""
        standing = await self._backend.standing()
        self._learn(standing.uuid)
        self.known_to_signal = standing.known
        return standing.known

    async def learn(self) -> None:
        """Learns our own UUID, where the server tells it. Raises: ConnectorError."""
        if self.own.uuid is None:
            self._learn(await self._backend.own_uuid())

    def _learn(self, found: str | None) -> None:
        if self.own.uuid is None and found is not None:
            self.own = Own(self.own.number, found)
            self._ledger.keep(_OWN_UUID, found)

    async def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices as listed now; one that is not known is told. Raises: ConnectorError."""
        found = await self._backend.devices()
        known = self._ledger.devices()
        for which, made in sorted(found - known) if known else ():
            device = Device(DeviceId(str(which)), f"made {made}")
            self._tell_key(self.own.account, device)
        self._ledger.keep_devices(found)
        return found

    async def end_device(self, which: int) -> None:
        """Unlinks a device of ours by its number. Raises: ConnectorError."""
        await self._backend.end_device(which)

    # --- peers ----------------------------------------------------------------------------------

    async def peers(self) -> dict[AccountId, Peer]:
        """Everybody's identity as listed now; one that is another than before is told.

        Raises:
            Unreadable, Unavailable: the server does not tell.
        """
        return await self._peers.ask()

    async def _listed(self) -> dict[AccountId, Peer]:
        found = await self._backend.peers(self.own)
        known = self._ledger.identities()
        for account, peer in found.items():
            before = known.get(account)
            if before == (peer.key, peer.untrusted):
                continue
            if peer.untrusted or (before is not None and before[0] != peer.key):
                self._tell_key(account, peer.device)
            self._ledger.keep_identity(account, peer.key, untrusted=peer.untrusted)
        return found

    def _tell_key(self, account: AccountId, device: Device) -> None:
        self._tell({"note": "key", "account": account, "device": device.device, "key": device.key})

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks somebody's key as verified, and reads back that it is.

        Raises:
            IdentityChanged: his key is another. ConnectorError.
        """
        peer = (await self.peers()).get(account)
        if peer is None or peer.device != device:
            raise IdentityChanged("device_differs", "the account has no such safety number")
        await self._backend.verify(account, device.key)
        now = (await self.peers()).get(account)
        if now is None or now.device != device or now.status != VERIFIED:
            raise Unreadable("trust_not_kept", "the server took the safety number and shows none")
        self._ledger.trust(account, device.key)

    # --- groups ---------------------------------------------------------------------------------

    async def group(self, room: RoomId) -> Group:
        """A group as listed now.

        Raises:
            NoRoom: there is none. Unreadable: the listing makes no sense. Unavailable.
        """
        found = await self._backend.group(room, self.own)
        if found is None:
            raise await self.out_of(room, ROOM_UNKNOWN)
        self._learn(found.our_uuid)
        if found.room != room:
            raise Unreadable("group_malformed", "the API server told of another group")
        return found

    async def out_of(self, room: RoomId, code: str) -> Unreadable:
        """What it means that a group is not listed, or is listed without us.

        The list of all groups has to say so too. One that names no group shows nothing: a client
        that was just set up lists none until it has heard of its groups.

        Args:
            room: the group.
            code: what its own listing says, ``ROOM_UNKNOWN`` or ``NOT_A_MEMBER``.

        Raises:
            Unreadable, Unavailable: that list is not told.
        """
        listed = {group.room: group for group in await self.groups()}
        found = listed.get(room)
        if not listed:
            hint = "no group is listed at all: have the account in any one, and look again"
            return Unreadable("no_groups_listed", hint)
        if found is not None and (found.ours or code != NOT_A_MEMBER):
            return Unreadable("group_unsettled", "two listings of the group differ; ask again")
        return NoRoom(code, "Signal does not have our account in this group")

    async def groups(self) -> list[Group]:
        """All groups as listed now. Raises: Unreadable, Unavailable."""
        return await self._backend.groups(self.own)

    async def promote(self, room: RoomId, wanted: set[AccountId]) -> set[AccountId]:
        """Makes admins of those who are in; returns those who are not admins yet.

        Raises:
            ConnectorError: the group cannot be read.
        """
        group = await self.group(room)
        can = (wanted & group.members) - group.admins
        if can:
            try:
                await self._backend.set_admins(room, can, admin=True)
            except ConnectorError as error:
                if not isinstance(error, Rejected):
                    raise
            group = await self.group(room)
        return wanted - group.admins
