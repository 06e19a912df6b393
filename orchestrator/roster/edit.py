"""One change of a roster at a time: somebody added, somebody moved. A change is another roster.

Rules kept here:

1. A grant is never altered or taken out of the list once it has begun: it ends at an instant, and
   another begins there. One that had not begun is gone.
2. What is added is checked as a line of a spreadsheet is; walls are checked when the new roster is
   put in force.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.roster import form
from tiers.ids import CompartmentId, PersonId, SideId
from tiers.people import Delegation, Grant, Person, Phases, Roster, Span
from tiers.tier import Tier

STILL = "Nothing was changed"


def added(
    roster: Roster, person: Person, grants: Iterable[Grant], lent: Iterable[Delegation]
) -> Roster:
    """A roster with one more person, or with more of what somebody on it may see.

    Args:
        roster: in force.
        person: as he is to be listed; of somebody listed already, the same.
        grants: of his.
        lent: delegations to him.

    Raises:
        Wrong: something about him is not well formed.
        Refused: he is listed otherwise, or has all of it already.
        Missing: a side or a principal is not on the list.
    """
    _check(roster, person)
    known = roster.person(person.person_id)
    if known is not None and known != person:
        then = f"wallcross roster move {person.person_id}, or wallcross roster import FOLDER"
        raise Refused(f"{person.person_id} is listed otherwise already", still=STILL, then=then)
    more = [g for g in grants if g not in roster.grants]
    for_others = [d for d in lent if d not in roster.delegations]
    for delegation in for_others:
        _listed(roster, delegation.principal)
    if known is not None and not more and not for_others:
        raise Refused(f"{person.person_id} is listed with all of that already", still=STILL)
    people = roster.people if known is not None else (*roster.people, person)
    return form.in_order(
        replace(
            roster,
            people=people,
            grants=(*roster.grants, *more),
            delegations=(*roster.delegations, *for_others),
        )
    )


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of somebody; None: stays.

    Attributes:
        at: when his grants end and others begin, microseconds UTC.
        compartment: of which grants this is; None: of all.
        into: where they are from then on.
        highest: up to where they reach from then on.
        out: they end, and nothing begins.
        until: when what begins ends; None: when what ended would have.
    """

    at: int
    side: SideId | None = None
    role: str | None = None
    compartment: CompartmentId | None = None
    into: CompartmentId | None = None
    highest: Tier | None = None
    out: bool = False
    until: int | None = None


def moved(roster: Roster, person_id: PersonId, move: Move) -> Roster:
    """A roster in which somebody is of another side or role, or reads something else from ``at``.

    Raises:
        Wrong: something about him is not well formed.
        Missing: he, the side, or a grant of that compartment is not on the list.
        Refused: nothing would change.
    """
    person = _listed(roster, person_id)
    new = replace(
        person,
        side=person.side if move.side is None else move.side,
        role=person.role if move.role is None else move.role,
    )
    _check(roster, new)
    held = [g for g in roster.grants if _concerned(g, person_id, move)]
    if not held and (move.out or move.into is not None or move.highest is not None):
        of = "" if move.compartment is None else f" for {move.compartment}"
        then = f"wallcross roster show --person {person_id}"
        raise Missing(f"{person_id} has no grant{of} at that time", still=STILL, then=then)
    grants = [g for g in roster.grants if g not in held]
    for grant in held:
        grants += _turned(grant, move)
    people = tuple(new if p is person else p for p in roster.people)
    found = form.in_order(replace(roster, people=people, grants=tuple(grants)))
    if found == form.in_order(roster):
        raise Refused(f"{person_id} is listed so already", still=STILL)
    return found


def _concerned(grant: Grant, person_id: PersonId, move: Move) -> bool:
    return (
        grant.person_id == person_id
        and move.compartment in {None, grant.compartment}
        and (grant.span.end is None or grant.span.end > move.at)
    )


def _turned(grant: Grant, move: Move) -> Iterable[Grant]:
    """What a grant becomes: up to the instant as it was, from then on as it is to be."""
    start = max(grant.span.start, move.at)
    end = grant.span.end if move.until is None else move.until
    if end is not None and end <= start:
        raise Wrong("it would end before it begins", still=STILL, then="give a later --until")
    later = replace(
        grant,
        compartment=move.into or grant.compartment,
        highest=move.highest or grant.highest,
        span=Span(start, end),
    )
    if not move.out and later == replace(grant, span=later.span) and end == grant.span.end:
        yield grant
        return
    if grant.span.start < start:
        yield replace(grant, span=Span(grant.span.start, start))
    if not move.out:
        yield later


def _listed(roster: Roster, person_id: PersonId) -> Person:
    person = roster.person(person_id)
    if person is None:
        then = "wallcross roster show"
        raise Missing(f"{person_id} is not on the roster", still=STILL, then=then)
    return person


def _check(roster: Roster, person: Person) -> None:
    wrong = [
        told
        for told, fine in (
            (f"{person.person_id} is no id", form.ID.fullmatch(person.person_id) is not None),
            ("the name is none that can be seen", bool(person.name) and form.is_name(person.name)),
            ("the role is no plain text", form.is_name(person.role)),
            *((f"{a} is no account", form.is_account(a)) for a in person.accounts.values()),
            *((f"{n} is no channel", bool(form.CHANNEL.fullmatch(n))) for n in person.accounts),
        )
        if not fine
    ]
    if wrong:
        raise Wrong("; ".join(wrong), still=STILL)
    if roster.side(person.side) is None:
        sides = ", ".join(s.side_id for s in roster.sides)
        raise Missing(f"there is no side {person.side}", still=STILL, then=f"one of {sides}")
    for key in person.accounts.items():
        owner = roster.owner(*key)
        if owner is not None and owner.person_id != person.person_id:
            raise Refused(f"{key[0]} account {key[1]} is {owner.person_id}'s", still=STILL)


def new_grant(
    person: PersonId, compartment: str, highest: Tier, span: Span, phases: Phases
) -> Grant:
    """A grant, its parts checked as those of a spreadsheet's line.

    Raises:
        Wrong: a part is not well formed.
    """
    return Grant(person, as_compartment(compartment), highest, span, phases)


def as_compartment(text: str) -> CompartmentId:
    """The name of a compartment. Raises: Wrong."""
    if not form.COMPARTMENT.fullmatch(text):
        raise Wrong(f"{text} is no compartment", still=STILL, then="write deal, or clean-team")
    return CompartmentId(text)
