"""One search for counter-examples, for the product and for rules with something taken out.

Rules kept here:

1. A property is a checker that raises ``AssertionError``; any other exception is no proof.
2. The search that finds each planted violation is the one that finds nothing in the product: the
   same checker, the same even draw, the same seed. Hypothesis looks beside it, for what shrinks.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

T = TypeVar("T")


def counterexample(
    check: Callable[[T], None], draw: Callable[[Random], T], tries: int = 3_000
) -> T | None:
    """The first example drawn for which ``check`` fails."""
    rng = Random(7)  # noqa: S311 - examples, not secrets
    for _ in range(tries):
        example = draw(rng)
        try:
            check(example)
        except AssertionError:
            return example
    return None


def caught(check: Callable[[T], None], draw: Callable[[Random], T]) -> bool:
    """Whether the search finds that ``check`` fails."""
    return counterexample(check, draw) is not None
