"""What an anchor is.

Rules kept here:

1. An anchor is handed a signed head and returns a receipt that it has checked itself.
2. Whatever goes wrong is an ``AnchorFailed`` with a code; it delays no message.
"""

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from orchestrator.audit.body import canonical_of
from orchestrator.audit.heads import SignedHead

_NAME = re.compile(r"[a-z][a-z-]{0,23}[0-9]{0,4}").fullmatch


class AnchorFailed(Exception):
    """The anchor did not take the head. ``code`` is for the record and holds no foreign text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Anchor(Protocol):
    """A place outside the host."""

    @property
    def name(self) -> str:
        """Names it in the configuration and the records: lower-case words joined by hyphens."""
        ...

    @property
    def kind(self) -> str:
        """``folder``, ``mail`` or ``rfc3161``."""
        ...

    @property
    def every(self) -> int:
        """How often it is handed a head, at most; microseconds."""
        ...

    async def anchor(self, head: SignedHead) -> bytes:
        """Hands over a head; may be repeated for the same one.

        Returns:
            the receipt.

        Raises:
            AnchorFailed: it was not taken, or the receipt is not good.
        """
        ...


@runtime_checkable
class CollectsReceipts(Protocol):
    """An anchor whose better receipts come later."""

    async def collect(self, taken: Sequence[tuple[SignedHead, bytes]]) -> list[tuple[int, bytes]]:
        """Returns (number of the head, better receipt) for those that have one now."""
        ...


def checked_name(name: str) -> str:
    """Returns ``name`` when an anchor may be called that.

    Raises:
        ValueError: it may not.
    """
    if not _NAME(name):
        raise ValueError("an anchor's name is made of lower-case letters and hyphens")
    return name


def kept(head: SignedHead) -> bytes:
    """Returns a head as it is kept outside: statement, signature, key, and what lies before it.

    With the statements between two that an anchor took, whoever holds them can show later that
    an export is merely older than what he keeps.
    """
    return canonical_of(
        {
            "key_id": head.key_id,
            "links": [link.decode() for link in head.links],
            "public": head.public.hex(),
            "signature": head.signature.hex(),
            "statement": head.statement.decode(),
            "type": "head",
        }
    )
