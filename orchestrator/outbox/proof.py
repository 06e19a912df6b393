"""The proof of who can read what was sealed: a hash over the accounts and devices."""

import hashlib
from collections.abc import Iterable

from connectors.port.messages import Reader


def proof_of(sealed_to: Iterable[Reader]) -> str:
    """A hash over whom something was sealed to, whatever their order."""
    lines = sorted(_line(reader) for reader in sealed_to)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _line(reader: Reader) -> str:
    if not reader.devices:
        return reader.account
    devices = sorted(f"{d.device} {d.key}" for d in reader.devices or ())
    return " ".join((reader.account, *devices))
