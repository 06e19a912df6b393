"""What a person's profile changes: how much he is asked, never what he may. Pure.

Rules kept here:

1. A profile sets how much is shown and asked. Whatever anybody may answer or read is the same for
   all: no decision is given a profile (``tests/tiers/test_profiles.py``).
2. Somebody of high value has one safe path and at most one decision; who does nothing is safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from tiers.people import Profile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody is told and asked.

    Attributes:
        ways: how many ways out of a held message he is shown, the safest first.
        places: how many conversations he is offered at once.
        through_delegates: who has no conversation with him reaches him by his delegates alone.
    """

    ways: int
    places: int
    through_delegates: bool


MANNERS: Final[Mapping[Profile, Manner]] = MappingProxyType(
    {
        Profile.HIGH_VALUE: Manner(ways=1, places=1, through_delegates=True),
        Profile.ORGANISATIONAL: Manner(ways=3, places=3, through_delegates=False),
        Profile.HIGHLY_AWARE: Manner(ways=3, places=3, through_delegates=False),
    }
)
"""Defaults, one line for each profile."""


def shown_to(profile: Profile, ways: tuple[T, ...]) -> tuple[T, ...]:
    """Of several ways, safest first, those that somebody of a profile is shown."""
    return ways[: MANNERS[profile].ways]
