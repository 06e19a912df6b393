"""A folder of CSV files becomes a roster, or every mistake in it is told.

Rules kept here:

1. `people.csv` has one line for each person and grant; what a further line of the same person says
   of him must be the same or blank. `sides.csv` names the sides and the host; `walls.csv`,
   `delegates.csv` and the notices may be missing.
2. Nothing is guessed: an unknown side, tier, profile, phase or date is a mistake with its line.
3. A roster that would breach one of its own walls is refused with the path.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.config.mistakes import Invalid, Mistake
from orchestrator.roster import form
from orchestrator.roster.fields import (
    read_choice,
    read_compartment,
    read_id,
    read_name,
    read_phases,
    read_span,
    read_words,
)
from orchestrator.roster.notices import FOLDER, read_notices
from orchestrator.roster.table import Line, Table, read_table
from orchestrator.roster.walls import Breach, breaches
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Held, Party, Person, Profile, Roster, Side, Wall
from tiers.tier import Tier

PEOPLE, SIDES, WALLS, DELEGATES = "people.csv", "sides.csv", "walls.csv", "delegates.csv"
ACCOUNT = "account:"
PHASES = "phases"
CONTROL_ROOM = "control_room"
PERSON_COLUMNS = ("person", "name", "side", "role", "profile")
GRANT_COLUMNS = ("compartment", "highest", "from", "until")
SIDE_COLUMNS = ("side", "name", "party", "host")
WALL_COLUMNS = ("one", "other", "from", "until")
DELEGATE_COLUMNS = ("principal", "delegate", "highest", "from", "until")

Files = Mapping[str, bytes]
"""Content by file name."""
_TIERS = {t.value: t for t in Tier}


class RosterInvalid(Invalid):
    """A roster that cannot be used; every mistake is named."""


def roster_files(path: Path) -> dict[str, Path]:
    """By name, the files of a roster that are there: of a folder, or beside a `people.csv`."""
    folder = path if path.is_dir() else path.parent
    names = {PEOPLE: path if path.is_file() else folder / PEOPLE}
    names |= {name: folder / name for name in (SIDES, WALLS, DELEGATES)}
    names |= {f"{FOLDER}{file.name}": file for file in (folder / FOLDER).glob("*.txt")}
    return {name: file for name, file in names.items() if file.is_file()}


def read_files(path: Path) -> Files:
    """The CSV files of a folder, or those beside a `people.csv`.

    Raises:
        RosterInvalid: the folder or one of the files that are needed is not there.
    """
    found = {name: file.read_bytes() for name, file in roster_files(path).items()}
    missing = [name for name in (PEOPLE, SIDES) if name not in found]
    if missing:
        remedy = "Write a template with: wallcross roster template --to FOLDER"
        raise RosterInvalid(
            path, [Mistake(name, "there is no such file", remedy) for name in missing]
        )
    return found


def read_roster(files: Files, what: Path | str = "roster") -> Roster:
    """Reads a roster, in its one order.

    Args:
        files: content by name: `people.csv`, `sides.csv` and perhaps `walls.csv`,
            `delegates.csv` and `notices/SIDE.txt`.
        what: how the error names it.

    Raises:
        RosterInvalid: with every mistake of every file.
    """
    reading = _Reading()
    tables = [
        _take(files, SIDES, SIDE_COLUMNS, reading.take_sides),
        _take(files, PEOPLE, (*PERSON_COLUMNS, *GRANT_COLUMNS), reading.take_people),
        _take(files, WALLS, WALL_COLUMNS, reading.take_walls),
        _take(files, DELEGATES, DELEGATE_COLUMNS, reading.take_delegates),
    ]
    notices, wrong = read_notices(files, reading.sides)
    reading.check_control_rooms(tables[0])
    mistakes = [m for table in tables for m in table.mistakes] + wrong
    if not mistakes:
        reading.take_notices(notices)
        mistakes = [_told(breach, reading) for breach in breaches(reading.roster())]
    if mistakes:
        raise RosterInvalid(what, mistakes)
    return form.in_order(reading.roster())


def _take(files: Files, name: str, needed: tuple[str, ...], take: Callable[[Table], None]) -> Table:
    """Reads one file into what was read so far; `people.csv` and `sides.csv` must be there."""
    if name in files or name in {PEOPLE, SIDES}:
        table = read_table(name, files.get(name, b""), needed, also=_ALSO[name])
    else:
        table = Table(name)
    take(table)
    return table


def _is_account_column(column: str) -> bool:
    name = column.removeprefix(ACCOUNT)
    return name != column and form.CHANNEL.fullmatch(name) is not None


_ALSO: Mapping[str, Callable[[str], bool]] = {
    PEOPLE: lambda column: column == PHASES or _is_account_column(column),
    SIDES: lambda column: column == CONTROL_ROOM,
    WALLS: lambda column: column == PHASES,
    DELEGATES: lambda _: False,
}


@dataclass(slots=True)
class _Reading:
    """What was read so far, with the lines that it came from."""

    host: SideId | None = None
    sides: dict[str, Side] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    grants: dict[Grant, int] = field(default_factory=dict)
    walls: dict[Wall, int] = field(default_factory=dict)
    delegations: dict[Delegation, int] = field(default_factory=dict)
    accounts: dict[tuple[ConnectorName, AccountId], str] = field(default_factory=dict)
    side_lines: dict[str, Line] = field(default_factory=dict)

    def roster(self) -> Roster:
        return Roster(
            host=self.host or SideId(""),
            sides=tuple(self.sides.values()),
            people=tuple(self.people.values()),
            grants=tuple(self.grants),
            walls=tuple(self.walls),
            delegations=tuple(self.delegations),
        )

    def take_sides(self, table: Table) -> None:
        for line in table.lines:
            self._side(table, line)
        if self.host is None and not table.mistakes:
            table.wrong(
                1, "host", "no side is the host", "Write yes in the line of the one that is"
            )

    def _side(self, table: Table, line: Line) -> None:
        key = read_id(table, line, "side")
        if self.side_lines.setdefault(key, line) is not line:
            table.wrong(line.number, "side", "this side is there twice", "Keep one line")
        self._host(table, line, key)
        if not line["party"] and line["host"]:  # a neutral firm hosts, and takes no part
            if line["name"]:
                table.wrong(
                    line.number, "name", "a neutral host has no name here", "Leave it blank"
                )
            return
        party = read_choice(table, line, "party", {p.value: p for p in Party})
        name = read_name(table, line, "name")
        if party is not None and name:
            room = tuple(PersonId(p) for p in dict.fromkeys(read_words(line[CONTROL_ROOM])))
            self.sides[key] = Side(SideId(key), name, party, control_room=room)

    def _host(self, table: Table, line: Line, key: str) -> None:
        marked = read_choice(table, line, "host", {"yes": True, "no": False, "": False})
        if marked and self.host is not None:
            table.wrong(line.number, "host", "another side is the host already", "Mark one only")
        if marked:
            self.host = SideId(key)

    def check_control_rooms(self, table: Table) -> None:
        """Once the people are known: each of a control room must be of its side."""
        for key, side in self.sides.items():
            for name in side.control_room:
                person = self.people.get(name)
                if person is None or person.side != key:
                    wrong = f"{name} is not one of its people"
                    number = self.side_lines[key].number
                    table.wrong(number, CONTROL_ROOM, wrong, f"Name people whose side is {key}")

    def take_notices(self, notices: Mapping[str, str]) -> None:
        for key, text in notices.items():
            self.sides[key] = replace(self.sides[key], notice=text)

    def take_people(self, table: Table) -> None:
        columns = [c for c in table.columns if _is_account_column(c)]
        firsts: dict[str, Line] = {}
        for line in table.lines:
            key = read_id(table, line, "person")
            first = firsts.setdefault(key, line)
            if first is line:
                self._person(table, line, key, columns)
            else:
                _same_person(table, line, first, [*PERSON_COLUMNS[1:], *columns])
            self._grant(table, line, key)
        if not table.lines and not table.mistakes:
            table.wrong(1, "person", "nobody is on the list", "Write one line for each person")

    def _person(self, table: Table, line: Line, key: str, columns: list[str]) -> None:
        profiles = {p.value: p for p in Profile} | {"": Profile.ORGANISATIONAL}
        profile = read_choice(table, line, "profile", profiles)
        name, role = read_name(table, line, "name"), line["role"]
        if not form.is_name(role):
            table.wrong(line.number, "role", "not a plain text", "Write at most 200 letters")
        if line["side"] not in self.sides:
            table.wrong(line.number, "side", f"{SIDES} has no such side", f"Add it to {SIDES}")
        accounts = dict(self._accounts(table, line, key, columns))
        if profile is not None and name:
            who, side = PersonId(key), SideId(line["side"])
            self.people[key] = Person(who, name, side, role, profile, accounts)

    def _accounts(
        self, table: Table, line: Line, key: str, columns: list[str]
    ) -> Iterator[tuple[ConnectorName, AccountId]]:
        for column in columns:
            account = (ConnectorName(column.removeprefix(ACCOUNT)), AccountId(line[column]))
            if not line[column]:
                continue
            if not form.is_account(line[column]):
                table.wrong(line.number, column, "not an account", "Write it as the network does")
            elif (other := self.accounts.setdefault(account, key)) != key:
                table.wrong(line.number, column, f"it is {other}'s account", "Correct one of them")
            else:
                yield account

    def _grant(self, table: Table, line: Line, key: str) -> None:
        if not any(line[column] for column in (*GRANT_COLUMNS, PHASES)):
            return
        compartment = line["compartment"] or DEAL
        if not form.COMPARTMENT.fullmatch(compartment):
            table.wrong(line.number, "compartment", "not a name", "Write deal, or clean-team")
        highest = read_choice(table, line, "highest", _TIERS)
        span, phases = read_span(table, line), read_phases(table, line)
        if highest is None or span is None:
            return
        grant = Grant(PersonId(key), CompartmentId(compartment), highest, span, phases)
        if (earlier := self.grants.setdefault(grant, line.number)) != line.number:
            table.wrong(line.number, "person", f"it repeats line {earlier}", "Remove one")

    def take_walls(self, table: Table) -> None:
        for line in table.lines:
            one, other = (read_compartment(table, line, column) for column in ("one", "other"))
            if one == other:
                table.wrong(line.number, "other", "both sides are the same", "Name two")
            span, phases = read_span(table, line), read_phases(table, line)
            if span is not None:
                self.walls.setdefault(Wall(one, other, span, phases), line.number)

    def take_delegates(self, table: Table) -> None:
        for line in table.lines:
            names = [self._listed(table, line, column) for column in ("principal", "delegate")]
            if names[0] == names[1]:
                table.wrong(line.number, "delegate", "it is the same person", "Name another one")
            highest = read_choice(table, line, "highest", _TIERS)
            span = read_span(table, line)
            if highest is None or span is None:
                continue
            lent = Delegation(names[0], names[1], highest, span)
            if (earlier := self.delegations.setdefault(lent, line.number)) != line.number:
                table.wrong(line.number, "principal", f"it repeats line {earlier}", "Remove one")

    def _listed(self, table: Table, line: Line, column: str) -> PersonId:
        if line[column] not in self.people:
            remedy = f"Add the person to {PEOPLE} first, or correct the id"
            table.wrong(line.number, column, f"{PEOPLE} has no such person", remedy)
        return PersonId(line[column])


def _same_person(table: Table, line: Line, first: Line, columns: list[str]) -> None:
    for column in columns:
        if line[column] not in {"", first[column]}:
            remedy = "Leave it blank or write the same"
            table.wrong(line.number, column, f"line {first.number} says otherwise", remedy)


def _told(breach: Breach, reading: _Reading) -> Mistake:
    def where(held: Held) -> str:
        places = f"{PEOPLE} line {reading.grants[held.by]}"
        if held.through is not None:
            places += f", {DELEGATES} line {reading.delegations[held.through]}"
        return f" ({places})"

    path = (
        f"{breach.path(where)}, across the wall of {WALLS} line {reading.walls[breach.wall]}, "
        f"since {form.date(breach.since)}{_phases_told(breach)}"
    )
    line = reading.grants[breach.other.by]
    return Mistake(PEOPLE, path, "End the one before the other begins, or take it away", line)


def _phases_told(breach: Breach) -> str:
    named = form.in_words(breach.phases)
    return "" if named is None else f", in {' and '.join(named)}"
