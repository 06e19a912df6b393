"""Looks for a counter-example, so that a test can show that a property would notice a violation.

Rule kept here: a property is a checker that raises ``AssertionError``. The same checker that must
hold for our rules must fail for rules with one line taken out; any other exception is no proof.
"""

from collections.abc import Callable
from random import Random
from typing import TypeVar

T = TypeVar("T")


def caught(check: Callable[[T], None], draw: Callable[[Random], T], tries: int = 3_000) -> bool:
    """Whether ``check`` fails for one of the examples drawn; the same examples each time."""
    rng = Random(7)  # noqa: S311 - examples, not secrets
    for _ in range(tries):
        example = draw(rng)
        try:
            check(example)
        except AssertionError:
            return True
    return False
