"""Where our own secrets are kept, by name.

Rule kept here: a name is segments of plain letters joined by slashes, so that it can be a path, a
keyring entry or a key-management label without ever being parsed.
"""

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from orchestrator.secrets.secret import Secret, SecretError

_SEGMENT = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Where:
    """Which source a name comes from.

    Attributes:
        source: ``keyring``, ``file`` or ``none``.
        fallback: a file is used because no keyring answers on this machine.
        text: the same for people.
    """

    source: str
    fallback: bool
    text: str


@runtime_checkable
class SecretStore(Protocol):
    """Keeps secrets under names; every change is on disk when the call returns."""

    def get(self, name: str) -> Secret | None:
        """Returns what is kept, or None."""

    def set(self, name: str, value: bytes) -> None:
        """Keeps ``value`` under ``name``, in place of what was there."""

    def delete(self, name: str) -> bool:
        """Destroys what is kept everywhere it is kept; False when there was nothing."""

    def names(self, prefix: str = "") -> list[str]:
        """Returns the names that begin with the folder ``prefix`` (as ``epoch``), sorted."""

    def tidy(self) -> int:
        """Destroys what a crash left half-written; called at start by who holds the home."""

    def where(self, name: str) -> Where:
        """Says which source answers for ``name``."""


def check_name(name: str) -> str:
    """Returns ``name`` when it is one.

    Raises:
        SecretError: it is not made of plain segments.
    """
    if not all(_SEGMENT.fullmatch(part) for part in name.split("/")):
        raise SecretError(
            "a secret's name is letters, digits and ._@+- in segments joined by '/'; "
            "no segment begins with a dot"
        )
    return name
