"""Which devices a body may be sealed to: those named, as they are published. Pure.

Rules kept here:

1. A device that was named and is not published so, with that very key, stops the message; so does
   one whose key was cast out.
2. Two devices under one number stop it too: a sealed message tells its keys apart by number alone,
   so that one member could keep another from reading by taking his number.
3. Other devices of our own account are left out unless people compared them: a list of ours may
   still show devices that were lost, or a thief's.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, Rejected
from connectors.port.messages import Device, Reader


@dataclass(frozen=True, slots=True)
class Target:
    """One device that a message is sealed to.

    Attributes:
        account: whose.
        number: of the device.
        key: as clients show it.
    """

    account: AccountId
    number: int
    key: str

    @property
    def device(self) -> Device:
        """As the port names it."""
        return Device(DeviceId(str(self.number)), self.key)


@dataclass(frozen=True, slots=True)
class Bar:
    """What keeps a device from being sealed to.

    Attributes:
        own: our own device.
        published: devices and keys by account, as read last.
        cast_out: whether a key of an account was distrusted.
        trusted: whether a device was compared by people.
    """

    own: Target
    published: Mapping[AccountId, Mapping[int, str]]
    cast_out: Callable[[AccountId, str], bool]
    trusted: Callable[[AccountId, Device], bool]


def targets(readers: Mapping[AccountId, frozenset[Device]], bar: Bar) -> frozenset[Target]:
    """The devices to seal to, our own left out.

    Raises:
        IdentityChanged: a named device is not published so, or was distrusted.
        Rejected: nobody is left to seal to.
    """
    named = [(account, device) for account, devices in readers.items() for device in devices]
    others = {_target(a, d, bar) for a, d in named if a != bar.own.account}
    ours = {
        _target(a, d, bar)
        for a, d in named
        if a == bar.own.account and d != bar.own.device and bar.trusted(a, d)
    }
    found = frozenset(others | ours)
    if not found:
        raise Rejected("no_device", "none of the readers has a device that could open this")
    taken = Counter(target.number for target in found | {bar.own})
    if max(taken.values()) > 1:
        raise IdentityChanged("device_number_taken", "two devices carry the same number")
    return found


def _target(account: AccountId, device: Device, bar: Bar) -> Target:
    """Raises: IdentityChanged."""
    number = _number(device)
    if not device.key or bar.published.get(account, {}).get(number) != device.key:
        raise IdentityChanged("device_changed", "a reader's device is not published with this key")
    if bar.cast_out(account, device.key):
        raise IdentityChanged("device_distrusted", "a reader's device was distrusted")
    return Target(account, number, device.key)


def _number(device: Device) -> int:
    return int(device.device) if device.device.isascii() and device.device.isdecimal() else 0


def as_readers(found: frozenset[Target]) -> frozenset[Reader]:
    """Targets as readers: the proof of who can read."""
    by_account: dict[AccountId, set[Device]] = {}
    for target in found:
        by_account.setdefault(target.account, set()).add(target.device)
    return frozenset(Reader(a, frozenset(devices)) for a, devices in by_account.items())
