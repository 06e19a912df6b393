"""A folder of CSV files becomes a roster, or every mistake in it is told.

Rules kept here:

1. `people.csv` has one line for each person and grant; what a further line of the same person says
   of him must be the same or blank. `sides.csv` names the sides and the host; `walls.csv` may be
   missing.
2. Nothing is guessed: an unknown side, tier, profile or date is a mistake with its line.
3. A roster that would breach one of its own walls is refused with the path.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from orchestrator.config.mistakes import Invalid, Mistake
from orchestrator.roster import form
from orchestrator.roster.table import Line, Table, read_table
from orchestrator.roster.walls import Breach, breaches
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.tier import Tier

PEOPLE, SIDES, WALLS = "people.csv", "sides.csv", "walls.csv"
ACCOUNT = "account:"
PERSON_COLUMNS = ("person", "name", "side", "role", "profile")
GRANT_COLUMNS = ("compartment", "highest", "from", "until")
SIDE_COLUMNS = ("side", "name", "party", "host")
WALL_COLUMNS = ("one", "other", "from", "until")

T = TypeVar("T")
Files = Mapping[str, bytes]
"""Content by file name."""


class RosterInvalid(Invalid):
    """A roster that cannot be used; every mistake is named."""


def read_files(path: Path) -> Files:
    """The CSV files of a folder, or those beside a `people.csv`.

    Raises:
        RosterInvalid: the folder or one of the files that are needed is not there.
    """
    folder = path if path.is_dir() else path.parent
    names = {PEOPLE: path if path.is_file() else folder / PEOPLE}
    names |= {name: folder / name for name in (SIDES, WALLS)}
    found = {name: file.read_bytes() for name, file in names.items() if file.is_file()}
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
        files: content by name: `people.csv`, `sides.csv` and perhaps `walls.csv`.
        what: how the error names it.

    Raises:
        RosterInvalid: with every mistake of every file.
    """
    reading = _Reading()
    sides = read_table(SIDES, files.get(SIDES, b""), SIDE_COLUMNS, also=lambda _: False)
    people = read_table(
        PEOPLE, files.get(PEOPLE, b""), (*PERSON_COLUMNS, *GRANT_COLUMNS), also=_is_account_column
    )
    walls = (
        read_table(WALLS, files[WALLS], WALL_COLUMNS, also=lambda _: False)
        if WALLS in files
        else Table(WALLS)
    )
    reading.take_sides(sides)
    reading.take_people(people)
    reading.take_walls(walls)
    mistakes = [*sides.mistakes, *people.mistakes, *walls.mistakes]
    if not mistakes:
        mistakes = [_told(breach, reading) for breach in breaches(reading.roster())]
    if mistakes:
        raise RosterInvalid(what, mistakes)
    return form.in_order(reading.roster())


def _is_account_column(column: str) -> bool:
    name = column.removeprefix(ACCOUNT)
    return name != column and form.CHANNEL.fullmatch(name) is not None


@dataclass(slots=True)
class _Reading:
    """What was read so far, with the lines that it came from."""

    host: SideId | None = None
    sides: dict[str, Side] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    grants: dict[Grant, int] = field(default_factory=dict)
    walls: dict[Wall, int] = field(default_factory=dict)
    accounts: dict[tuple[ConnectorName, AccountId], str] = field(default_factory=dict)

    def roster(self) -> Roster:
        return Roster(
            host=self.host or SideId(""),
            sides=tuple(self.sides.values()),
            people=tuple(self.people.values()),
            grants=tuple(self.grants),
            walls=tuple(self.walls),
        )

    def take_sides(self, table: Table) -> None:
        seen: set[str] = set()
        for line in table.lines:
            self._side(table, line, seen)
        if self.host is None and not table.mistakes:
            table.wrong(
                1, "host", "no side is the host", "Write yes in the line of the one that is"
            )

    def _side(self, table: Table, line: Line, seen: set[str]) -> None:
        key = _id(table, line, "side")
        if key in seen:
            table.wrong(line.number, "side", "this side is there twice", "Keep one line")
        seen.add(key)
        self._host(table, line, key)
        if not line["party"] and line["host"]:  # a neutral firm hosts, and takes no part
            if line["name"]:
                table.wrong(
                    line.number, "name", "a neutral host has no name here", "Leave it blank"
                )
            return
        party = _choice(table, line, "party", {p.value: p for p in Party})
        name = _name(table, line, "name")
        if party is not None and name:
            self.sides[key] = Side(SideId(key), name, party)

    def _host(self, table: Table, line: Line, key: str) -> None:
        marked = _choice(table, line, "host", {"yes": True, "no": False, "": False})
        if marked and self.host is not None:
            table.wrong(line.number, "host", "another side is the host already", "Mark one only")
        if marked:
            self.host = SideId(key)

    def take_people(self, table: Table) -> None:
        columns = [c for c in table.columns if _is_account_column(c)]
        firsts: dict[str, Line] = {}
        for line in table.lines:
            key = _id(table, line, "person")
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
        profile = _choice(table, line, "profile", profiles)
        name, role = _name(table, line, "name"), line["role"]
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
        if not any(line[column] for column in GRANT_COLUMNS):
            return
        compartment = line["compartment"] or DEAL
        if not form.COMPARTMENT.fullmatch(compartment):
            table.wrong(line.number, "compartment", "not a name", "Write deal, or clean-team")
        highest = _choice(table, line, "highest", {t.value: t for t in Tier})
        span = _span(table, line)
        if highest is None or span is None:
            return
        grant = Grant(PersonId(key), CompartmentId(compartment), highest, span)
        if (earlier := self.grants.setdefault(grant, line.number)) != line.number:
            table.wrong(line.number, "person", f"it repeats line {earlier}", "Remove one")

    def take_walls(self, table: Table) -> None:
        for line in table.lines:
            for column in ("one", "other"):
                if not form.COMPARTMENT.fullmatch(line[column]):
                    table.wrong(line.number, column, "not a compartment", "Write its name")
            if line["one"] == line["other"]:
                table.wrong(line.number, "other", "both sides are the same", "Name two")
            span = _span(table, line)
            if span is not None:
                wall = Wall(CompartmentId(line["one"]), CompartmentId(line["other"]), span)
                self.walls.setdefault(wall, line.number)


def _id(table: Table, line: Line, column: str) -> str:
    text = line[column]
    if not form.ID.fullmatch(text):
        remedy = "Write lower-case letters, digits, . _ and -, such as ximena.park"
        table.wrong(line.number, column, "not an id", remedy)
    return text


def _name(table: Table, line: Line, column: str) -> str:
    text = line[column]
    if not text or not form.is_name(text):
        table.wrong(line.number, column, "not a name", "Write 1 to 200 letters that can be seen")
    return text


def _choice(table: Table, line: Line, column: str, known: Mapping[str, T]) -> T | None:
    text = line[column].lower().replace("-", "_").replace(" ", "_")
    if text in known:
        return known[text]
    words = ", ".join(name or "nothing" for name in known)
    table.wrong(line.number, column, "not one of the words for it", f"Write one of: {words}")
    return None


def _span(table: Table, line: Line) -> Span | None:
    start, end = _instant(table, line, "from"), None
    if line["until"]:
        end = _instant(table, line, "until")
        if start is not None and end is not None and end <= start:
            table.wrong(line.number, "until", "it ends before it begins", "Correct the dates")
            return None
        if end is None:
            return None
    return None if start is None else Span(start, end)


def _instant(table: Table, line: Line, column: str) -> int | None:
    try:
        return form.instant(line[column])
    except ValueError:
        remedy = "Write a date such as 2026-01-31, or 2026-01-31T09:00:00+01:00"
        table.wrong(line.number, column, "not a date", remedy)
        return None


def _same_person(table: Table, line: Line, first: Line, columns: list[str]) -> None:
    for column in columns:
        if line[column] not in {"", first[column]}:
            remedy = "Leave it blank or write the same"
            table.wrong(line.number, column, f"line {first.number} says otherwise", remedy)


def _told(breach: Breach, reading: _Reading) -> Mistake:
    one, other, wall = breach.one, breach.other, breach.wall
    path = (
        f"{one.person_id} would read {one.compartment} (line {reading.grants[one]}) and "
        f"{other.compartment} (line {reading.grants[other]}) across the wall of {WALLS} line "
        f"{reading.walls[wall]}, since {form.date(breach.since)}"
    )
    return Mistake(PEOPLE, path, "End one of the grants before", reading.grants[other])
