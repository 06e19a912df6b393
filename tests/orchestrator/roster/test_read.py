"""Every mistake of every file at once, with its line, column and remedy; nothing is guessed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.clock import parse
from orchestrator.config.mistakes import Mistake
from orchestrator.roster.read import RosterInvalid, read_files, read_roster
from orchestrator.roster.write import template
from tiers.ids import AccountId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Profile
from tiers.tier import Tier

Files = dict[str, bytes]
Find = Callable[[Files], tuple[Mistake, ...]]

PEOPLE = b"""person,name,side,role,profile,compartment,highest,from,until,account:matrix
ximena,Ximena Park,kestrel,Head,high-value,deal,valuation,2026-01-31,,@x:k
ximena,,,,,clean-team,valuation,2026-03-01,2026-06-30,
farid,Farid Novak,novak,Counsel,,deal,operations,2026-01-31T09:00:00+01:00,,@f:k
hana,Hana Ferri,osprey,,,,,,,
"""
SIDES = b"""side,name,party,host
kestrel,Kestrel plc,acquirer,yes
novak,Novak LLP,acquirer,no
osprey,Osprey SA,target,
"""
WALLS = b"one,other,from,until\ndeal,clean-team,2026-07-01,\n"


def test_a_roster_is_read_as_it_is_written() -> None:
    roster = read_roster({"people.csv": PEOPLE, "sides.csv": SIDES, "walls.csv": WALLS})
    ximena = roster.person(PersonId("ximena"))
    assert ximena is not None
    assert (ximena.name, ximena.side, ximena.profile) == (
        "Ximena Park",
        "kestrel",
        Profile.HIGH_VALUE,
    )
    assert roster.owner(ConnectorName("matrix"), AccountId("@x:k")) == ximena
    assert roster.host == SideId("kestrel")
    march, july = parse("2026-03-15"), parse("2026-07-02")
    assert len(roster.grants_of(ximena.person_id, march)) == 2
    assert len(roster.grants_of(ximena.person_id, july)) == 1
    farid = PersonId("farid")
    assert roster.may_see(farid, DEAL, Tier.OPERATIONS, parse("2026-01-31T08:00:00Z"))
    assert not roster.may_see(farid, DEAL, Tier.OPERATIONS, parse("2026-01-31T07:59:59Z"))
    assert not roster.grants_of(PersonId("hana"), march)


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_any_spreadsheets_csv_is_read(separator: bytes, mark: bytes, end: bytes) -> None:
    def written(data: bytes) -> bytes:
        return mark + data.replace(b",", separator).replace(b"\n", end)

    files = {"people.csv": written(PEOPLE), "sides.csv": written(SIDES)}
    assert read_roster(files) == read_roster({"people.csv": PEOPLE, "sides.csv": SIDES})


def test_the_template_is_a_roster() -> None:
    assert len(read_roster(template()).people) == 2


def test_all_mistakes_of_all_files_are_told_at_once(mistakes: Find) -> None:
    people = b"""person,name,side,role,profile,compartment,highest,from,until,account:matrix,nmae
Ximena Park,Ximena,kestrel,Head,boss,deal,secret,31/01/2026,,@x:k,
farid,,nowhere,Counsel,,deal,operations,2026-02-01,2026-01-01,a b,
farid,Other,,,,deal,operations,2026-02-01,,,
hana,Hana,kestrel,,,deal,operations,2026-02-01,,@x:k,
"""
    sides = b"side,name,party,host\nkestrel,Kestrel,acquirer,yes\nkestrel,K,buyer,yes\n"
    walls = b"one,other,from\ndeal,deal,never\n"
    found = mistakes({"people.csv": people, "sides.csv": sides, "walls.csv": walls})
    assert {(m.place, m.line) for m in found} == {
        ("people.csv, column nmae", 1),
        ("people.csv, column person", 2),
        ("people.csv, column profile", 2),
        ("people.csv, column highest", 2),
        ("people.csv, column from", 2),
        ("people.csv, column name", 3),
        ("people.csv, column side", 3),
        ("people.csv, column until", 3),
        ("people.csv, column account:matrix", 3),
        ("people.csv, column name", 4),
        ("people.csv, column account:matrix", 5),
        ("sides.csv, column side", 3),
        ("sides.csv, column party", 3),
        ("sides.csv, column host", 3),
        ("walls.csv, column until", 1),
        ("walls.csv, column other", 2),
        ("walls.csv, column from", 2),
    }
    assert all(m.remedy for m in found)


ONE_MISTAKE = {
    "the same grant twice": (
        PEOPLE + b"farid,,,,,deal,operations,2026-01-31T09:00:00+01:00,,\n",
        "people.csv, column person",
    ),
    "something invisible in a name": (
        PEOPLE.replace(b"Hana", "Ha\u202ena".encode()),
        "people.csv, column name",
    ),
    "more cells than columns": (PEOPLE + b"greta,Greta,kestrel,,,,,,,,x\n", "people.csv"),
    "nobody": (PEOPLE.splitlines()[0] + b"\n", "people.csv, column person"),
    "not UTF-8": (PEOPLE.replace(b"Hana", b"H\xe4na"), "people.csv"),
    "an open quotation mark": (PEOPLE + b'greta,"Greta\n', "people.csv"),
    "a column twice": (
        PEOPLE.replace(b"until,account:matrix", b"until,until"),
        "people.csv, column until",
    ),
    "a date before all dates": (
        PEOPLE.replace(b"2026-03-01", b"1969-03-01"),
        "people.csv, column from",
    ),
}


@pytest.mark.parametrize(("people", "place"), ONE_MISTAKE.values(), ids=ONE_MISTAKE.keys())
def test_a_spoilt_list_is_refused(mistakes: Find, people: bytes, place: str) -> None:
    found = mistakes({"people.csv": people, "sides.csv": SIDES})
    assert place in {m.place for m in found}


def test_without_a_host_there_is_no_roster(mistakes: Find) -> None:
    (found,) = mistakes({"people.csv": PEOPLE, "sides.csv": SIDES.replace(b"yes", b"")})
    assert found.place == "sides.csv, column host"


def test_a_neutral_firm_may_host() -> None:
    sides = SIDES.replace(b"yes", b"") + b"neutral-host,,,yes\n"
    roster = read_roster({"people.csv": PEOPLE, "sides.csv": sides})
    assert roster.host == SideId("neutral-host")
    assert len(roster.sides) == 3


def test_a_breached_wall_is_refused_with_the_path(mistakes: Find) -> None:
    walls = WALLS.replace(b"2026-07-01", b"2026-06-01")
    (found,) = mistakes({"people.csv": PEOPLE, "sides.csv": SIDES, "walls.csv": walls})
    assert "ximena would read" in found.wrong
    assert "clean-team by direct grant (people.csv line 3)" in found.wrong
    assert "deal by direct grant (people.csv line 2)" in found.wrong
    assert "walls.csv line 2" in found.wrong
    assert "2026-06-01" in found.wrong


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(PEOPLE)
    with pytest.raises(RosterInvalid) as caught:
        read_files(tmp_path)
    assert [m.place for m in caught.value.mistakes] == ["sides.csv"]
    (tmp_path / "sides.csv").write_bytes(SIDES)
    assert set(read_files(tmp_path / "people.csv")) == {"people.csv", "sides.csv"}
