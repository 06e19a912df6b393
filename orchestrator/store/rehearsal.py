"""A rehearsal: a request runs as far as what it would change, and nothing of that is kept.

Rules kept here:

1. In a rehearsal the first unit of the store runs to its end and is undone, so that every rule that
   could refuse it has spoken; then the request ends. Nothing behind it runs.
2. It ends by what is no ``Exception``: nothing that bears a failure takes it for one and goes on.
3. It is of one request and of what that one starts; what others do meanwhile is done.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from orchestrator.store.unit import Tx

Stated = tuple[tuple[str, Mapping[str, Any]], ...]
_REHEARSING = ContextVar("wallcross_rehearsing", default=False)


class Rehearsed(BaseException):
    """It would have been done from here on.

    Args:
        stated: kind and body of each entry that the record would have been given, in order.
        network: it was a network that would have been asked to act.
    """

    def __init__(self, stated: Stated = (), *, network: bool = False) -> None:
        super().__init__()
        self.stated = stated
        self.network = network


def rehearsing() -> bool:
    """Whether what runs now is a rehearsal."""
    return _REHEARSING.get()


@contextmanager
def rehearsal() -> Iterator[None]:
    """Has what runs in the block, and what that starts, be a rehearsal."""
    token = _REHEARSING.set(True)
    try:
        yield
    finally:
        _REHEARSING.reset(token)


def undone(work: "Callable[[Tx], Any]") -> "Callable[[Tx], NoReturn]":
    """A unit that runs ``work`` and always ends by ``Rehearsed``, if by nothing else."""

    def unit(tx: "Tx") -> NoReturn:
        work(tx)
        raise Rehearsed(tuple(tx.stated))

    return unit
