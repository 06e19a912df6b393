"""What a way of telling somebody is: it takes a notice, and says what became of it.

Rules kept here:

1. Words like *sent* mean that whoever carries it took it; that somebody read it is seen when he
   answers.
2. What certainly came to nothing and never will is ``Gone``; everything else may be tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.notify.oncall import OnCall
from orchestrator.notify.words import Notice
from orchestrator.store.unit import Tx
from tiers.ids import DealId


@dataclass(frozen=True, slots=True)
class To:
    """Whom, and of which deal. ``person`` is None where it goes to no person."""

    deal: DealId
    person: OnCall | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """What took it.

    Attributes:
        code: stable, without anything of an address.
        write: what is to be written in the unit that says it was sent, at an instant.
    """

    code: str
    write: Callable[[Tx, int], object] | None = None


class NotTaken(Exception):
    """It was not taken, and may be tried again.

    Args:
        code: why, stable, without anything of an address.
        wait: microseconds after which, at the earliest; None: as we like.
        unknown: it may have been taken all the same.
    """

    def __init__(self, code: str, wait: int | None = None, *, unknown: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.wait = wait
        self.unknown = unknown


class Gone(Exception):
    """It goes nowhere by this way, now or later.

    Args:
        code: why, stable.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Carries(Protocol):
    """One way."""

    async def carry(self, notice: Notice, to: To) -> Took:
        """Hands it over. Raises: NotTaken, Gone."""
        ...
