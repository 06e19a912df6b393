"""Which devices people compared and which they cast out, and which were there when last looked.

Rules kept here:

1. A mark is for an account, a device and its key, all three: another key under the same number has
   no mark, and another account's device with the same key has none either.
2. A key that was cast out is cast out of its account under whatever number it appears.
3. A mark is on the disk before whoever set it is told so; it goes by another mark alone.
"""

import json
from collections.abc import Mapping
from enum import Enum

from connectors.port import AccountId, DeviceId
from connectors.port.messages import Device
from connectors.xmpp.omemo.store import Store

_MARK, _SEEN = "mark", "seen"


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
        row = self._store.get((_SEEN, account))
        return None if row is None else {int(n): str(key) for n, key in json.loads(row)}

    def see(self, account: AccountId, devices: Mapping[int, str]) -> None:
        """Notes devices as they are told now. Raises: Unavailable."""
        self._store.write({(_SEEN, account): json.dumps(sorted(devices.items()))})
