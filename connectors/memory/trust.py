"""Which devices are to be trusted, kept in the connector's own folder.

Rule kept here: a verdict is about one device with one key. The same device with another key has
no verdict, so a changed key is never trusted by what was known before.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from connectors.port import AccountId
from connectors.port.messages import Device

TRUSTED, NEVER = "trusted", "never"


class TrustStore:
    """Verdicts on devices, written at once and as a whole.

    Args:
        path: the file; its folder is owner-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._verdicts: dict[str, dict[str, list[str]]] = {}

    def load(self) -> None:
        """Reads what was kept. Raises: OSError, ValueError."""
        if self._path.exists():
            self._verdicts = json.loads(self._path.read_text(encoding="utf-8"))

    def knows(self, account: AccountId) -> bool:
        """Whether anything was ever said of this account."""
        return account in self._verdicts

    def trusts(self, account: AccountId, device: Device) -> bool:
        """Whether this device with this key was verified."""
        return self._verdicts.get(account, {}).get(device.device) == [device.key, TRUSTED]

    def never(self) -> dict[str, dict[str, str]]:
        """Account -> device -> key of all that must not be sealed to."""
        return {
            account: shut
            for account, devices in self._verdicts.items()
            if (shut := {name: key for name, (key, word) in devices.items() if word == NEVER})
        }

    def put(self, held: Mapping[AccountId, frozenset[Device]], verdict: str) -> None:
        """Keeps one verdict on these devices of these accounts. Raises: OSError."""
        for account, devices in held.items():
            known = self._verdicts.setdefault(account, {})
            known.update({d.device: [d.key, verdict] for d in devices})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self._verdicts), encoding="utf-8")
        fresh.replace(self._path)
