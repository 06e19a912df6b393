"""What is asked of the API server about our account, its groups and its peers; each answer read.

Rules kept here:

1. Nothing is kept between two questions but what tells a change: keys and devices as last seen.
2. A change is told once, as a note in the spool, before it is kept as known.
"""

from collections.abc import Callable
from typing import Any

from connectors.port import AccountId, DeviceId, RoomId
from connectors.port.errors import ConnectorError, IdentityChanged, Rejected, Unreadable
from connectors.port.messages import Device
from connectors.signal.answers import mapping
from connectors.signal.client import Client, part
from connectors.signal.groups import Group, own_uuid, read_group
from connectors.signal.ids import Own
from connectors.signal.ledger import Ledger
from connectors.signal.peers import VERIFIED, Peer, read_devices, read_peers

_OWN_UUID = "own_uuid"


class Account:
    """Questions about one account.

    Args:
        tell: has a note told in its order.
    """

    def __init__(
        self, client: Client, ledger: Ledger, number: str, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._tell = tell
        self.own = Own(number, ledger.fact(_OWN_UUID))
        self.known_to_signal = True

    def path(self, kind: str, *parts: str) -> str:
        """Path of something of our account."""
        return "/".join((f"/v1/{kind}", part(self.own.number), *map(part, parts)))

    # --- ourselves ------------------------------------------------------------------------------

    async def mode(self) -> tuple[str, str]:
        """Mode and version of the server. Raises: ConnectorError."""
        about = mapping(await self._client.read("/v1/about"))
        return str(about.get("mode")), str(about.get("version"))

    async def is_registered(self) -> bool:
        """Whether the server has our account. Raises: ConnectorError."""
        listed = await self._client.read("/v1/accounts")
        return isinstance(listed, list) and self.own.number in listed

    async def is_known_to_signal(self) -> bool:
        """Whether Signal itself still knows our number. Raises: ConnectorError."""
        found = await self._client.read(self.path("search"), {"numbers": self.own.number})
        entries = [mapping(each) for each in found] if isinstance(found, list) else []
        gone = [
            e for e in entries if e.get("number") == self.own.number and not e.get("registered")
        ]
        self.known_to_signal = not gone
        return self.known_to_signal

    async def learn(self) -> None:
        """Learns our own UUID, where the server tells it. Raises: ConnectorError."""
        if self.own.uuid is not None:
            return
        self._learn(await self._client.read(self.path("identities")))
        self._learn(await self._client.read(self.path("groups"), {"expand": "true"}))

    def _learn(self, told: object) -> None:
        found = own_uuid(told, self.own.number) if self.own.uuid is None else None
        if found is not None:
            self.own = Own(self.own.number, found)
            self._ledger.keep(_OWN_UUID, found)

    async def devices(self) -> frozenset[tuple[int, int]]:
        """Our own devices as listed now; one that is not known is told. Raises: ConnectorError."""
        found = read_devices(await self._client.read(self.path("devices")))
        known = self._ledger.devices()
        for which, made in sorted(found - known) if known else ():
            device = Device(DeviceId(str(which)), f"made {made}")
            self._tell_key(self.own.account, device)
        self._ledger.keep_devices(found)
        return found

    # --- peers ----------------------------------------------------------------------------------

    async def peers(self) -> dict[AccountId, Peer]:
        """Everybody's identity as listed now; one that is another than before is told.

        Raises:
            Unreadable, Unavailable: the server does not tell.
        """
        found = read_peers(await self._read("identities"), self.own)
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
        body = {"verified_safety_number": device.key}
        await self._client.act("PUT", self.path("identities", "trust", account), body)
        now = (await self.peers()).get(account)
        if now is None or now.device != device or now.status != VERIFIED:
            raise Unreadable("trust_not_kept", "the server took the safety number and shows none")
        self._ledger.trust(account, device.key)

    # --- groups ---------------------------------------------------------------------------------

    async def group(self, room: RoomId) -> Group:
        """A group as listed now.

        Raises:
            Unreadable: there is none, or the listing makes no sense. Unavailable.
        """
        told = await self._read("groups", room, expand=True)
        self._learn([told])
        found = read_group(told, self.own)
        if found is None:
            raise Unreadable("unknown_room", "the API server knows no such group")
        if found.room != room:
            raise Unreadable("group_malformed", "the API server told of another group")
        return found

    async def groups(self) -> list[Group]:
        """All groups as listed now. Raises: Unreadable, Unavailable."""
        told = await self._read("groups", expand=True)
        found = [read_group(each, self.own) for each in told] if isinstance(told, list) else []
        return [group for group in found if group is not None]

    async def _read(self, kind: str, *parts: str, expand: bool = False) -> object:
        query = {"expand": "true"} if expand else None
        try:
            return await self._client.read(self.path(kind, *parts), query)
        except Rejected as error:
            raise Unreadable(error.code, "the API server does not tell it") from None

    async def change(
        self, method: str, room: RoomId, what: str, body: dict[str, Any] | None = None
    ) -> None:
        """Asks for a change of a group; what became of it must be read back.

        Raises:
            ConnectorError: it says itself that it did not.
        """
        parts = (room, what) if what else (room,)
        await self._client.act(method, self.path("groups", *parts), body)

    async def promote(self, room: RoomId, wanted: set[AccountId]) -> set[AccountId]:
        """Makes admins of those who are in; returns those who are not admins yet.

        Raises:
            ConnectorError: the group cannot be read.
        """
        group = await self.group(room)
        can = sorted((wanted & group.members) - group.admins)
        if can:
            try:
                await self.change("POST", room, "admins", {"admins": list(can)})
            except ConnectorError as error:
                if not isinstance(error, Rejected):
                    raise
            group = await self.group(room)
        return wanted - group.admins
