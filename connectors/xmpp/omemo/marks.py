"""Which devices people compared and which they cast out, and which were there when last looked.

Rules kept here:

1. A mark is for an account, a device and its key, all three: another key under the same number has
   no mark, and another account's device with the same key has none either.
2. A key that was cast out is cast out of its account under whatever number it appears.
3. A key belongs to the account that was first seen to show it, or to the one that people compared
   it with: whoever shows another's key later neither speaks under it nor silences its owner.
4. A mark is on the disk before whoever set it is told so; it goes by another mark alone.
"""

import json
from collections.abc import Mapping
from enum import Enum

from connectors.port import AccountId, DeviceId
from connectors.port.messages import Device
from connectors.xmpp.omemo.store import Name, Store

_MARK, _SEEN, _WHOSE = "mark", "seen", "whose"


class Mark(Enum):
    """What people made of a device."""

    TRUSTED = "trusted"
    DISTRUSTED = "distrusted"


class Marks:
    """The marks of one account's store.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._marks: dict[tuple[AccountId, Device], Mark] = {}
        for row in store.all(_MARK):
            account, device, key, mark = json.loads(row)
            self._marks[AccountId(account), Device(DeviceId(device), key)] = Mark(mark)
        self._seen: dict[AccountId, Mapping[int, str]] = {}
        for row in store.all(_SEEN):
            account, devices = json.loads(row)
            self._seen[AccountId(account)] = {int(n): str(key) for n, key in devices}
        self._whose: dict[str, AccountId] = {}
        for row in store.all(_WHOSE):
            key, account = json.loads(row)
            self._whose[key] = AccountId(account)

    def set(self, account: AccountId, device: Device, mark: Mark) -> None:
        """Marks a device. Raises: Unavailable."""
        row = [account, device.device, device.key, mark.value]
        name = json.dumps(row[:3])
        self._store.write({(_MARK, name): json.dumps(row)})
        self._marks[account, device] = mark

    def of(self, account: AccountId, mark: Mark) -> frozenset[Device]:
        """Devices of an account with this mark."""
        return frozenset(d for (a, d), m in self._marks.items() if a == account and m is mark)

    def is_cast_out(self, account: AccountId, key: str) -> bool:
        """Whether a key of an account was distrusted, under whatever number."""
        return any(device.key == key for device in self.of(account, Mark.DISTRUSTED))

    # --- what was there when last looked --------------------------------------------------------

    def seen(self, account: AccountId) -> Mapping[int, str] | None:
        """Devices and keys as they were last told; None for an account never asked about."""
        return self._seen.get(account)

    def see(self, account: AccountId, devices: Mapping[int, str]) -> None:
        """Notes devices as they are told now. Raises: Unavailable."""
        new = {key for key in devices.values() if key and key not in self._whose}
        rows: dict[Name, str | None] = {
            (_WHOSE, key): json.dumps([key, account]) for key in sorted(new)
        }
        rows[_SEEN, account] = json.dumps([account, sorted(devices.items())])
        self._store.write(rows)
        self._seen[account] = dict(devices)
        self._whose.update(dict.fromkeys(new, account))

    def is_anothers(self, account: AccountId, device: Device) -> bool:
        """Whether a key that an account shows is another account's."""
        owner = self._whose.get(device.key, account)
        return owner != account and device not in self.of(account, Mark.TRUSTED)
