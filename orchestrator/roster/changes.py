"""What a change of the roster comes to: who gains and loses what, and what else differs.

Rule kept here: tiers of one place and span are told once, by the highest of them; nothing that
differs between two rosters is left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.roster.form import in_words
from tiers.ids import CompartmentId, PersonId
from tiers.people import Person, Phases, Roster, Side, Span
from tiers.roster_change import Gain, gains, losses
from tiers.tier import Tier


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
        *_people(before, after),
        *_sides(before, after),
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


def _people(before: Roster, after: Roster) -> Iterator[Change]:
    for person in after.people:
        earlier = before.person(person.person_id)
        if earlier is None:
            yield Change("person", person.person_id, told="new on the list")
        elif told := "; ".join(_described(earlier, person)):
            yield Change("person", person.person_id, told=told)
    for person in before.people:
        if after.person(person.person_id) is None:
            yield Change("person", person.person_id, told="no longer on the list")


def _described(earlier: Person, person: Person) -> Iterator[str]:
    for name in ("name", "side", "role"):
        if getattr(earlier, name) != getattr(person, name):
            yield f"another {name}"
    if earlier.profile is not person.profile:
        yield "another profile"
    for channel in sorted({*earlier.accounts, *person.accounts}):
        if earlier.accounts.get(channel) != person.accounts.get(channel):
            yield f"another account on {channel}"


def _sides(before: Roster, after: Roster) -> Iterator[Change]:
    for side in after.sides:
        earlier = before.side(side.side_id)
        if earlier is None:
            yield Change("side", side.side_id, told="new on the list")
        elif told := "; ".join(_side_described(earlier, side)):
            yield Change("side", side.side_id, told=told)
    for side in before.sides:
        if after.side(side.side_id) is None:
            yield Change("side", side.side_id, told="no longer on the list")


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
