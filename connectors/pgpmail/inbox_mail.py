"""A mail as a mailbox gives it, and what a mailbox can do: blocking, in one worker thread."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail.

    Attributes:
        raw: as it lies there; only its beginning when it is larger than the limit.
        size: bytes as it lies there.
        cursor: where to go on from once it is stored.
        again: the server has given all mails new names, so that it may be one that we have.
    """

    raw: bytes = field(repr=False)
    size: int
    cursor: str
    again: bool = False


class Box(Protocol):
    """One mailbox. Every method but ``cut`` blocks and runs in the one worker thread.

    What fails raises ``OSError`` or ``BoxError``; the box is then closed and opened again.
    """

    def open(self, addresses: list[str]) -> None:
        """Connects and signs in, at one of the checked addresses (none for a folder)."""
        ...

    def now(self) -> str:
        """The cursor behind all that is there."""
        ...

    def start(self, cursor: str) -> None:
        """Goes on behind ``cursor``: all up to it is stored."""
        ...

    def next(self) -> Fetched | None:
        """The next mail behind the last one given, which is stored by now; None for none yet."""
        ...

    def wait(self) -> None:
        """Until something may have come."""
        ...

    def close(self) -> None:
        """Lets go, whatever happened before."""
        ...

    def cut(self) -> None:
        """Called from another thread: has ``wait`` and every other call end at once."""
        ...


class BoxError(Exception):
    """A mailbox does not do as it must.

    Args:
        code: short, for machines; what the server said is never in it.
    """
