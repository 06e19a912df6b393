"""Identity keys of others as the API server lists them, and our own devices. Pure.

Rules kept here:

1. Signal shows one identity key for an account, whatever devices it has, so an account has one
   device here; its key is the safety number, as both people's clients show it.
2. Of several entries for an account the latest counts.
3. Whose key is untrusted is sent nothing, whatever the delivery says of devices.
"""

from dataclasses import dataclass

from connectors.port import AccountId, DeviceId
from connectors.port.errors import Unreadable
from connectors.port.messages import Device
from connectors.signal.answers import mapping, number, text
from connectors.signal.ids import Own

IDENTITY = DeviceId("identity")
"""Stands for all devices of an account."""
UNTRUSTED, VERIFIED = "UNTRUSTED", "TRUSTED_VERIFIED"


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody's identity.

    Attributes:
        key: the safety number, digits alone; the fingerprint where there is none.
        status: UNTRUSTED, TRUSTED_UNVERIFIED or TRUSTED_VERIFIED.
        added: when signal-cli first saw it, milliseconds.
    """

    account: AccountId
    key: str
    status: str
    added: int

    @property
    def device(self) -> Device:
        """What stands for his devices."""
        return Device(IDENTITY, self.key)

    @property
    def untrusted(self) -> bool:
        """Whether signal-cli refuses to seal to it."""
        return self.status == UNTRUSTED


def read_peers(told: object, own: Own) -> dict[AccountId, Peer]:
    """Everybody's identity, our own left out.

    Raises:
        Unreadable: the listing makes no sense.
    """
    if not isinstance(told, list):
        raise Unreadable("identities_malformed", "the API server's identities make no sense")
    found: dict[AccountId, Peer] = {}
    for each in told:
        raw = mapping(each)
        account = own.name(raw.get("uuid"), raw.get("number"))
        key = "".join(text(raw.get("safety_number")).split()) or text(raw.get("fingerprint"))
        if account is None or not key:
            raise Unreadable("identities_malformed", "an identity has no account or no key")
        peer = Peer(account, key, text(raw.get("status")), number(raw.get("added")) or 0)
        if account != own.account and _later(peer, found.get(account)):
            found[account] = peer
    return found


def _later(peer: Peer, other: Peer | None) -> bool:
    return other is None or peer.added >= other.added


def read_devices(told: object) -> frozenset[tuple[int, int]]:
    """Our own devices: number, and instant of making in milliseconds.

    Raises:
        Unreadable: the listing makes no sense.
    """
    found: set[tuple[int, int]] = set()
    for each in told if isinstance(told, list) else (None,):
        raw = mapping(each)
        which = number(raw.get("id"))
        if which is None:
            raise Unreadable("devices_malformed", "the API server's devices make no sense")
        found.add((which, number(raw.get("creation_timestamp")) or 0))
    return frozenset(found)
