"""What a change of the roster comes to: who gains and loses what, and what else differs.

Rule kept here: tiers of one place and span are told once, by the highest of them; nothing that
differs between two rosters is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.roster.form import in_words
from tiers.ids import CompartmentId, PersonId
from tiers.people import Person, Phases, Roster, Side, Span
from tiers.roster_change import Gain, gains, losses
from tiers.tier import Tier

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two rosters.

    Attributes:
        change: ``gains``, ``loses``, ``person``, ``side``, ``wall``, ``delegate`` or ``host``.
        subject: whom or what it is about: an id, or the two compartments of a wall.
        highest: of a gain or a loss: the highest tier that it reaches.
        since: of a span: its first instant, microseconds UTC.
        told: what differs, in words; empty for a gain or a loss.
    """

    change: str
    subject: str
    compartment: str | None = None
    highest: str | None = None
    since: int | None = None
    until: int | None = None
    phases: tuple[str, ...] = ()
    told: str = ""


def changes(before: Roster, after: Roster) -> list[Change]:
    """Everything that differs, gains first."""
    return [
        *_reads("gains", gains(before, after)),
        *_reads("loses", losses(before, after)),
        *_host(before, after),
        *_listed("person", _people(before), _people(after), _described),
        *_listed("side", _sides(before), _sides(after), _side_described),
        *_walls(before, after),
        *_delegates(before, after),
    ]


def _reads(change: str, found: Iterable[Gain]) -> Iterator[Change]:
    highest: dict[tuple[PersonId, CompartmentId, Span, Phases], Tier] = {}
    for gain in found:
        key = (gain.person_id, gain.compartment, gain.span, gain.phases)
        highest[key] = max(gain.tier, highest.get(key, gain.tier))
    for (person, compartment, span, phases), tier in highest.items():
        named = tuple(in_words(phases) or ())
        yield Change(change, person, compartment, tier.value, span.start, span.end, named)


def _host(before: Roster, after: Roster) -> Iterator[Change]:
    if before.host != after.host:
        yield Change("host", after.host, told=f"hosts in place of {before.host}")


def _listed(
    kind: str,
    before: Mapping[str, T],
    after: Mapping[str, T],
    described: Callable[[T, T], Iterator[str]],
) -> Iterator[Change]:
    """What changed in a list of the roster, line by line, by id."""
    for name, line in after.items():
        earlier = before.get(name)
        if earlier is None:
            yield Change(kind, name, told="new on the list")
        elif told := "; ".join(described(earlier, line)):
            yield Change(kind, name, told=told)
    for name in before:
        if name not in after:
            yield Change(kind, name, told="no longer on the list")


def _people(roster: Roster) -> dict[str, Person]:
    return {p.person_id: p for p in roster.people}


def _sides(roster: Roster) -> dict[str, Side]:
    return {s.side_id: s for s in roster.sides}


def _described(earlier: Person, person: Person) -> Iterator[str]:
    for name in ("name", "side", "role"):
        if getattr(earlier, name) != getattr(person, name):
            yield f"another {name}"
    if earlier.profile is not person.profile:
        yield "another profile"
    for channel in sorted({*earlier.accounts, *person.accounts}):
        if earlier.accounts.get(channel) != person.accounts.get(channel):
            yield f"another account on {channel}"


def _side_described(earlier: Side, side: Side) -> Iterator[str]:
    for name, told in (
        ("name", "another name"),
        ("party", "another party"),
        ("notice", "another insider notice"),
        ("control_room", "another control room"),
    ):
        if getattr(earlier, name) != getattr(side, name):
            yield told if getattr(side, name) else told.replace("another", "no") + " any more"


def _walls(before: Roster, after: Roster) -> Iterator[Change]:
    for told, walls, others in (
        ("stands newly", after.walls, before.walls),
        ("stands no longer", before.walls, after.walls),
    ):
        for wall in walls:
            if wall not in others:
                pair, named = f"{wall.one} | {wall.other}", tuple(in_words(wall.phases) or ())
                span = wall.span
                yield Change("wall", pair, None, None, span.start, span.end, named, told)


def _delegates(before: Roster, after: Roster) -> Iterator[Change]:
    for verb, lines, others in (
        ("reads newly", after.delegations, before.delegations),
        ("reads no longer", before.delegations, after.delegations),
    ):
        for lent in lines:
            if lent not in others:
                told, tier = f"{verb} for {lent.principal}", lent.highest.value
                span = lent.span
                yield Change("delegate", lent.delegate, None, tier, span.start, span.end, (), told)
