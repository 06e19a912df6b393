"""Long lists in pages: what is asked for, and what comes back.

Rules kept here:

1. A page holds at most ``MOST`` items. Where the next one begins is said by a cursor that only this
   home can read and that means nothing for another question or another person.
2. A position is made of what orders the list (a number, an instant, an id); it never holds text.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 500
USUAL = 100
Position = tuple[int | str, ...]
"""What orders a list, of its last item that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is wanted.

    Attributes:
        limit: how many items at most.
        after: the position behind which it begins; None: from the start.
    """

    limit: int = USUAL
    after: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch(Generic[T]):
    """A part of a list, as the home answers it.

    Attributes:
        after: behind which position the rest is; None: there is no more.
    """

    items: tuple[T, ...]
    after: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list, as the API answers it.

    Attributes:
        next: the cursor of the next part; None: there is no more.
    """

    items: tuple[T, ...]
    next: str | None = None


def stretch(window: Window, found: Sequence[T], position: Callable[[T], Position]) -> Stretch[T]:
    """Cuts what was read for a window: whoever reads takes ``limit + 1``, to know of more.

    Args:
        window: what was asked for.
        found: in the list's order, from behind ``window.after``.
        position: of an item.
    """
    shown = tuple(found[: window.limit])
    more = len(found) > window.limit and shown
    return Stretch(items=shown, after=position(shown[-1]) if more else None)


async def every(fetch: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """All items of a list, page after page.

    Args:
        fetch: gives the page that a cursor names; None is the first.
    """
    page = await fetch(None)
    while True:
        for item in page.items:
            yield item
        if page.next is None:
            return
        page = await fetch(page.next)
