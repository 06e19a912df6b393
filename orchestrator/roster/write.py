"""A roster becomes a folder of CSV files that a spreadsheet opens and that come back the same.

Rule kept here: reading what was written gives the same roster, for every roster that can be read
(property test); no cell is a formula.
"""

from collections.abc import Iterator

from orchestrator.roster import form
from orchestrator.roster.notices import write_notices
from orchestrator.roster.read import (
    ACCOUNT,
    CONTROL_ROOM,
    DELEGATE_COLUMNS,
    DELEGATES,
    GRANT_COLUMNS,
    PEOPLE,
    PERSON_COLUMNS,
    PHASES,
    SIDE_COLUMNS,
    SIDES,
    WALL_COLUMNS,
    WALLS,
)
from orchestrator.roster.table import write_table
from tiers.ids import ConnectorName
from tiers.people import Grant, Person, Phases, Roster, Span

Cells = tuple[str, ...]
_PEOPLE_COLUMNS = (*PERSON_COLUMNS, *GRANT_COLUMNS, PHASES)
_EXAMPLE = """\
ximena.park|Ximena Park|kestrel|deal owner|high_value|deal|valuation|2026-01-31|||@ximena:k.example
farid.novak|Farid Novak|novak-llp|Counsel||deal|operations|2026-01-31|2026-12-31||@farid:k.example
"""


def write_roster(roster: Roster) -> dict[str, bytes]:
    """The files of a roster by name."""
    ordered = form.in_order(roster)
    channels = sorted({name for person in roster.people for name in person.accounts})
    columns = (*_PEOPLE_COLUMNS, *(ACCOUNT + name for name in channels))
    return {
        PEOPLE: write_table(columns, _people(ordered, channels)),
        SIDES: write_table((*SIDE_COLUMNS, CONTROL_ROOM), _sides(ordered)),
        WALLS: write_table((*WALL_COLUMNS, PHASES), _walls(ordered)),
        DELEGATES: write_table(DELEGATE_COLUMNS, _delegates(ordered)),
        **write_notices(ordered.sides),
    }


def template() -> dict[str, bytes]:
    """Files to start from: two made-up people, a host; no wall, no delegate and no notice."""
    people = [line.split("|") for line in _EXAMPLE.splitlines()]
    sides = (
        ("kestrel", "Kestrel plc", "acquirer", "yes", ""),
        ("novak-llp", "Novak LLP", "acquirer", "", ""),
        ("osprey", "Osprey SA", "target", "", ""),
    )
    return {
        PEOPLE: write_table((*_PEOPLE_COLUMNS, f"{ACCOUNT}matrix"), people),
        SIDES: write_table((*SIDE_COLUMNS, CONTROL_ROOM), sides),
        WALLS: write_table((*WALL_COLUMNS, PHASES), ()),
        DELEGATES: write_table(DELEGATE_COLUMNS, ()),
    }


def _people(roster: Roster, channels: list[ConnectorName]) -> Iterator[Cells]:
    grants: dict[str, list[Grant]] = {}
    for grant in roster.grants:
        grants.setdefault(grant.person_id, []).append(grant)
    for person in roster.people:
        who = _person(person)
        accounts = tuple(person.accounts.get(name, "") for name in channels)
        held = grants.get(person.person_id, [])
        if not held:
            yield (*who, *("" for _ in (*GRANT_COLUMNS, PHASES)), *accounts)
        for grant in held:
            yield (*who, *_grant(grant), *accounts)


def _person(person: Person) -> Cells:
    return person.person_id, person.name, person.side, person.role, person.profile.value


def _grant(grant: Grant) -> Cells:
    return grant.compartment, grant.highest.value, *_span(grant.span), _phases(grant.phases)


def _sides(roster: Roster) -> Iterator[Cells]:
    for side in roster.sides:
        host = "yes" if side.side_id == roster.host else ""
        yield side.side_id, side.name, side.party.value, host, " ".join(side.control_room)
    if roster.host not in {side.side_id for side in roster.sides}:
        yield roster.host, "", "", "yes", ""


def _walls(roster: Roster) -> Iterator[Cells]:
    for wall in roster.walls:
        yield wall.one, wall.other, *_span(wall.span), _phases(wall.phases)


def _delegates(roster: Roster) -> Iterator[Cells]:
    for lent in roster.delegations:
        yield lent.principal, lent.delegate, lent.highest.value, *_span(lent.span)


def _span(span: Span) -> Cells:
    return form.date(span.start), "" if span.end is None else form.date(span.end)


def _phases(phases: Phases) -> str:
    return " ".join(form.in_words(phases) or ())
