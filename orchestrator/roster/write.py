"""A roster becomes a folder of CSV files that a spreadsheet opens and that come back the same.

Rule kept here: reading what was written gives the same roster, for every roster that can be read
(property test); no cell is a formula.
"""

from collections.abc import Iterator

from orchestrator.roster import form
from orchestrator.roster.read import (
    ACCOUNT,
    GRANT_COLUMNS,
    PEOPLE,
    PERSON_COLUMNS,
    SIDE_COLUMNS,
    SIDES,
    WALL_COLUMNS,
    WALLS,
)
from orchestrator.roster.table import write_table
from tiers.ids import ConnectorName
from tiers.people import Grant, Person, Roster, Span

Cells = tuple[str, ...]
_EXAMPLE = """\
ximena.park|Ximena Park|kestrel|deal owner|high_value|deal|valuation|2026-01-31||@ximena:k.example
farid.novak|Farid Novak|novak-llp|Counsel||deal|operations|2026-01-31|2026-12-31|@farid:k.example"""


def write_roster(roster: Roster) -> dict[str, bytes]:
    """The CSV files of a roster by file name."""
    channels = sorted({name for person in roster.people for name in person.accounts})
    columns = (*PERSON_COLUMNS, *GRANT_COLUMNS, *(ACCOUNT + name for name in channels))
    return {
        PEOPLE: write_table(columns, _people(form.in_order(roster), channels)),
        SIDES: write_table(SIDE_COLUMNS, _sides(roster)),
        WALLS: write_table(WALL_COLUMNS, _walls(roster)),
    }


def template() -> dict[str, bytes]:
    """Files to start from: two made-up people, a host, no wall."""
    people = [line.split("|") for line in _EXAMPLE.splitlines()]
    sides = (
        ("kestrel", "Kestrel plc", "acquirer", "yes"),
        ("novak-llp", "Novak LLP", "acquirer", ""),
        ("osprey", "Osprey SA", "target", ""),
    )
    return {
        PEOPLE: write_table((*PERSON_COLUMNS, *GRANT_COLUMNS, f"{ACCOUNT}matrix"), people),
        SIDES: write_table(SIDE_COLUMNS, sides),
        WALLS: write_table(WALL_COLUMNS, ()),
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
            yield (*who, *("" for _ in GRANT_COLUMNS), *accounts)
        for grant in held:
            yield (*who, grant.compartment, grant.highest.value, *_span(grant.span), *accounts)


def _person(person: Person) -> Cells:
    return person.person_id, person.name, person.side, person.role, person.profile.value


def _sides(roster: Roster) -> Iterator[Cells]:
    for side in roster.sides:
        host = "yes" if side.side_id == roster.host else ""
        yield side.side_id, side.name, side.party.value, host
    if roster.host not in {side.side_id for side in roster.sides}:
        yield roster.host, "", "", "yes"


def _walls(roster: Roster) -> Iterator[Cells]:
    for wall in roster.walls:
        yield wall.one, wall.other, *_span(wall.span)


def _span(span: Span) -> Cells:
    return form.date(span.start), "" if span.end is None else form.date(span.end)
