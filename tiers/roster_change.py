"""What one roster lets people read that another does not.

Rules kept here:

1. A gain is found whatever it comes from: a grant, a delegation, a wall that is gone, another
   account, another side, another host. Instants and phases are compared exactly, past and future.
2. Whoever reads from a new account, on another side or on another host gains all that he then
   reads: those who read the same before were not the same.
3. What only takes away widens nothing. What is neither, such as a role, a notice's wording or a
   control room's people, widens: nobody changes it alone. Nor does anybody take an account off the
   list alone, for one that is bound beside the list counts in its place from then on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tiers.ids import CompartmentId, PersonId
from tiers.people import Person, Phase, Phases, Roster, Side, Span, Wall
from tiers.spans import Spans, common, minus, union
from tiers.tier import Tier

_Place = tuple[CompartmentId, Tier]
_Reads = Mapping[_Place, Spans]
_NOTHING: _Reads = {}


@dataclass(frozen=True, slots=True)
class Gain:
    """One person may read one tier of one compartment, all through a span.

    Attributes:
        tier: this tier; the tiers below are gains of their own.
        span: no other gain of the same person, place and phases touches it.
        phases: in which it is a gain; None: in each.
    """

    person_id: PersonId
    compartment: CompartmentId
    tier: Tier
    span: Span
    phases: Phases = None


def gains(before: Roster | None, after: Roster | None) -> tuple[Gain, ...]:
    """All that ``after`` lets anybody read at any instant, and ``before`` does not.

    Args:
        before: None: there was none, so nobody read.
        after: None: there is none any more.
    """
    if before == after:
        return ()
    phases = tuple(Phase) if _depends(before) or _depends(after) else (None,)
    found: dict[tuple[PersonId, CompartmentId, Tier, Span], list[Phase | None]] = {}
    for phase in phases:
        for person, place, span in _gained(_in(before, phase), _in(after, phase)):
            found.setdefault((person, *place, span), []).append(phase)
    return tuple(Gain(*what, _said(when)) for what, when in found.items())


def losses(before: Roster | None, after: Roster | None) -> tuple[Gain, ...]:
    """All that ``before`` lets anybody read at any instant, and ``after`` does not."""
    return gains(after, before)


def widens(before: Roster | None, after: Roster) -> bool:
    """Whether ``after`` gives anything that ``before`` does not, so that one alone may not do it.

    Beside gains this counts a wall that is gone or shorter, even where nobody reads on both of its
    sides now, a person or a side that is described differently, and somebody new on the list.
    """
    if before is None:
        return True
    return bool(
        gains(before, after)
        or any(_lowered(before, after))
        or any(before.person(p.person_id) != p for p in after.people)
        or any(not _same_or_more(before.side(s.side_id), s) for s in after.sides)
    )


def _depends(roster: Roster | None) -> bool:
    return roster is not None and (
        any(g.phases is not None for g in roster.grants)
        or any(w.phases is not None for w in roster.walls)
    )


def _in(roster: Roster | None, phase: Phase | None) -> Roster | None:
    return roster if roster is None or phase is None else roster.in_phase(phase)


def _said(phases: list[Phase | None]) -> Phases:
    told = frozenset(p for p in phases if p is not None)
    return told if told and len(told) < len(Phase) else None


def _gained(before: Roster | None, after: Roster | None) -> Iterator[tuple[PersonId, _Place, Span]]:
    """What is gained between two rosters of which nothing depends on the phase."""
    if after is None:
        return
    same_walls = before is not None and before.walls == after.walls
    for person in after.people:
        who, held = person.person_id, after.held_by(person.person_id)
        known = before is not None and _known(before, after, person)
        if not held or (known and before and same_walls and before.held_by(who) == held):
            continue
        had = _reads(before, who) if known and before else _NOTHING
        for place, spans in _reads(after, who).items():
            for span in minus(spans, had.get(place, ())):
                yield who, place, span


def _known(before: Roster, after: Roster, person: Person) -> bool:
    """Whether the person reads as the same: from no new account, same side, same host."""
    earlier = before.person(person.person_id)
    return (
        earlier is not None
        and before.host == after.host
        and person.accounts.items() <= earlier.accounts.items()
        and earlier.side == person.side
        and _party(before, earlier) == _party(after, person)
    )


def _party(roster: Roster, person: Person) -> object:
    side = roster.side(person.side)
    return None if side is None else side.party


def _reads(roster: Roster, person_id: PersonId) -> _Reads:
    """What a person may read at any time, less what walls keep from him."""
    held = [h.grant for h in roster.held_by(person_id)]
    reads: dict[_Place, list[Span]] = {}
    for grant in held:
        for tier in Tier:
            if tier <= grant.highest:
                reads.setdefault((grant.compartment, tier), []).append(grant.span)
    own: dict[CompartmentId, list[Span]] = {}
    for grant in held:
        own.setdefault(grant.compartment, []).append(grant.span)
    barred = {c: tuple(_walled(roster.walls, c, own)) for c in own}
    return {place: minus(spans, barred[place[0]]) for place, spans in reads.items()}


def _walled(
    walls: Iterable[Wall], compartment: CompartmentId, own: Mapping[CompartmentId, list[Span]]
) -> Iterator[Span]:
    """When a wall stands between a compartment and another that the same person reads."""
    for wall in walls:
        beyond = wall.faces(compartment)
        if beyond is not None:
            yield from common(own.get(beyond, ()), (wall.span,))


def _lowered(before: Roster, after: Roster) -> Iterator[Span]:
    """When a wall stood between two compartments and does not any more, in whichever phase."""
    if before.walls == after.walls:
        return
    for phase in Phase:
        stands = _standing(after.in_phase(phase))
        for pair, spans in _standing(before.in_phase(phase)).items():
            yield from minus(spans, stands.get(pair, ()))


def _standing(roster: Roster) -> Mapping[frozenset[CompartmentId], Spans]:
    found: dict[frozenset[CompartmentId], list[Span]] = {}
    for wall in roster.walls:
        found.setdefault(frozenset((wall.one, wall.other)), []).append(wall.span)
    return {pair: union(spans) for pair, spans in found.items()}


def _same_or_more(earlier: Side | None, side: Side) -> bool:
    """Whether a side is as before, or asks for more: a notice, a control room. New: nobody's."""
    if earlier is None:
        return True
    return (
        (side.name, side.party) == (earlier.name, earlier.party)
        and (earlier.notice is None or side.notice == earlier.notice)
        and (not earlier.control_room or side.control_room == earlier.control_room)
    )
