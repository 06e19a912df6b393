"""Finds who would stand on both sides of a wall.

Rule kept here: a roster that breaches one of its own walls is refused, with the path: this grant,
this wall, that grant, and since when. At run time the rules would let such a person read neither
side; it is better to hear of it before.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tiers.ids import CompartmentId, PersonId
from tiers.people import Grant, Roster, Span, Wall


@dataclass(frozen=True, slots=True)
class Breach:
    """One person with grants on both sides of a wall at the same time."""

    wall: Wall
    one: Grant
    other: Grant
    since: int


def breaches(roster: Roster) -> Iterator[Breach]:
    """Yields each breach, in the order of the roster."""
    held: dict[PersonId, dict[CompartmentId, list[Grant]]] = {}
    for grant in roster.grants:
        held.setdefault(grant.person_id, defaultdict(list))[grant.compartment].append(grant)
    for compartments in held.values():
        for wall in roster.walls:
            for one in compartments.get(wall.one, ()):
                for other in compartments.get(wall.other, ()):
                    since = common_start(wall.span, one.span, other.span)
                    if since is not None:
                        yield Breach(wall, one, other, since)


def common_start(*spans: Span) -> int | None:
    """The first instant that all ``spans`` hold, None if there is none."""
    start = max(span.start for span in spans)
    return start if all(span.holds(start) for span in spans) else None
