"""Finds who would read on both sides of a wall.

Rule kept here: a roster that breaches one of its own walls is refused, with the path: who reads the
one by what, and the other by what, and since when. A person reads by grants of his own and as
somebody's delegate; either may be on either side. At run time the rules would let such a person
read neither side; it is better to hear of it before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tiers.ids import CompartmentId
from tiers.people import Held, Phases, Roster, Span, Wall


@dataclass(frozen=True, slots=True)
class Breach:
    """One person who reads on both sides of a wall at the same time.

    Attributes:
        since: the first such instant.
        phases: in which it would be; None: in each.
    """

    wall: Wall
    one: Held
    other: Held
    since: int
    phases: Phases = None

    def path(self, where: Callable[[Held], str] = lambda _: "") -> str:
        """How he would, in words.

        Args:
            where: what to add about what is held, such as its place in the files.
        """
        who, one, other = self.one.grant.person_id, _by(self.one, where), _by(self.other, where)
        return f"{who} would read {one}, and {other}"


def breaches(roster: Roster) -> Iterator[Breach]:
    """Yields each breach, in the order of the roster."""
    for person in roster.people if roster.walls else ():
        held: dict[CompartmentId, list[Held]] = defaultdict(list)
        for line in roster.held_by(person.person_id):
            held[line.grant.compartment].append(line)
        for wall in roster.walls:
            for one in held.get(wall.one, ()):
                for other in held.get(wall.other, ()):
                    yield from _breach(wall, one, other)


def _breach(wall: Wall, one: Held, other: Held) -> Iterator[Breach]:
    since = common_start(wall.span, one.grant.span, other.grant.span)
    phases = _common_phases(wall.phases, one.grant.phases, other.grant.phases)
    if since is not None and phases != frozenset():
        yield Breach(wall, one, other, since, phases)


def common_start(*spans: Span) -> int | None:
    """The first instant that all ``spans`` hold, None if there is none."""
    start = max(span.start for span in spans)
    return start if all(span.holds(start) for span in spans) else None


def _common_phases(*limits: Phases) -> Phases:
    named = [limit for limit in limits if limit is not None]
    return frozenset.intersection(*named) if named else None


def _by(held: Held, where: Callable[[Held], str]) -> str:
    compartment, lent = held.grant.compartment, held.through
    what = "by direct grant" if lent is None else f"as delegate of {lent.principal}"
    return f"{compartment} {what}{where(held)}"
