"""Delegates, phases, notices and control rooms are read as written, or each mistake is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.clock import parse
from orchestrator.config.mistakes import Mistake
from orchestrator.roster.document import from_document, to_document
from orchestrator.roster.read import RosterInvalid, read_files, read_roster
from orchestrator.roster.write import write_roster
from tiers.ids import CompartmentId, PersonId, SideId
from tiers.people import DEAL, Delegation, Phase, Roster, Span
from tiers.tier import Tier

Files = dict[str, bytes]
Find = Callable[[Files], tuple[Mistake, ...]]

PEOPLE = b"""person,name,side,role,profile,compartment,highest,from,until,phases
laura.penn,Laura Penn,kestrel,,,clean-team,valuation,2026-01-31,,antitrust-clean-team
xavier,Xavier Roy,kestrel,,,deal,valuation,2026-01-31,,
piet,Piet Roos,kestrel,,,,,,,
otto,Otto Berg,bank,,,deal,operations,2026-01-31,,"planning, diligence"
"""
SIDES = b"""side,name,party,host,control_room
kestrel,Kestrel plc,acquirer,yes,
bank,Berg & Co,acquirer,,otto
"""
WALLS = b"one,other,from,until,phases\ndeal,clean-team,2026-02-01,,antitrust_clean_team signing\n"
DELEGATES = b"principal,delegate,highest,from,until\nxavier,piet,operations,2026-03-01,2026-06-01\n"
FILES: Files = {
    "people.csv": PEOPLE,
    "sides.csv": SIDES,
    "walls.csv": WALLS,
    "delegates.csv": DELEGATES,
    "notices/bank.txt": b"\xef\xbb\xbfYou are an insider.\r\n\r\n  1. Say nothing.\r\n",
}


def with_(**files: bytes) -> Files:
    return {**FILES, **{name.replace("_", "."): data for name, data in files.items()}}


def test_everything_is_read_as_it_is_written() -> None:
    roster = read_roster(FILES)
    assert roster.delegations == (
        Delegation(
            PersonId("xavier"),
            PersonId("piet"),
            Tier.OPERATIONS,
            Span(parse("2026-03-01"), parse("2026-06-01")),
        ),
    )
    bank = roster.side(SideId("bank"))
    assert bank is not None
    assert bank.notice == "You are an insider.\n\n  1. Say nothing."
    assert bank.control_room == (PersonId("otto"),)
    phases = {g.person_id: g.phases for g in roster.grants}
    assert phases == {
        "laura.penn": frozenset({Phase.ANTITRUST_CLEAN_TEAM}),
        "xavier": None,
        "otto": frozenset({Phase.PLANNING, Phase.DILIGENCE}),
    }
    assert roster.walls[0].phases == frozenset({Phase.SIGNING, Phase.ANTITRUST_CLEAN_TEAM})
    april = parse("2026-04-01")
    piet = PersonId("piet")
    assert roster.may_see(piet, DEAL, Tier.OPERATIONS, april)
    assert not roster.may_see(piet, DEAL, Tier.VALUATION, april)


def test_every_phase_named_is_no_phase_named() -> None:
    every = " ".join(p.value for p in Phase).encode()
    named = PEOPLE.replace(b'"planning, diligence"', every)
    unnamed = PEOPLE.replace(b'"planning, diligence"', b"")
    assert read_roster(with_(people_csv=named)) == read_roster(with_(people_csv=unnamed))


def test_a_folder_with_notices_comes_back_the_same(tmp_path: Path) -> None:
    roster = read_roster(FILES)
    for name, data in write_roster(roster).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert read_roster(read_files(tmp_path)) == roster
    assert from_document(to_document(roster)) == roster


SPOILT: dict[str, tuple[Files, tuple[str, int | None]]] = {
    "a delegate who is not listed": (
        with_(delegates_csv=DELEGATES.replace(b"piet", b"pieter")),
        ("delegates.csv, column delegate", 2),
    ),
    "his own delegate": (
        with_(delegates_csv=DELEGATES.replace(b"piet", b"xavier")),
        ("delegates.csv, column delegate", 2),
    ),
    "a tier that is none": (
        with_(delegates_csv=DELEGATES.replace(b"operations", b"all")),
        ("delegates.csv, column highest", 2),
    ),
    "no beginning": (
        with_(delegates_csv=DELEGATES.replace(b"2026-03-01", b"")),
        ("delegates.csv, column from", 2),
    ),
    "the same delegation twice": (
        with_(delegates_csv=DELEGATES + DELEGATES.splitlines()[1]),
        ("delegates.csv, column principal", 3),
    ),
    "a column that is none": (
        with_(delegates_csv=DELEGATES.replace(b"until", b"to")),
        ("delegates.csv, column to", 1),
    ),
    "a phase that is none": (
        with_(people_csv=PEOPLE.replace(b"planning,", b"spring,")),
        ("people.csv, column phases", 5),
    ),
    "a wall in a phase that is none": (
        with_(walls_csv=WALLS.replace(b"signing", b"autumn")),
        ("walls.csv, column phases", 2),
    ),
    "a control room of strangers": (
        with_(sides_csv=SIDES.replace(b"otto", b"otto olga")),
        ("sides.csv, column control_room", 3),
    ),
    "a control room of another side": (
        with_(sides_csv=SIDES.replace(b"otto", b"xavier")),
        ("sides.csv, column control_room", 3),
    ),
    "a notice of no side": (
        FILES | {"notices/nobody.txt": b"Keep it."},
        ("notices/nobody.txt", None),
    ),
    "an empty notice": (FILES | {"notices/bank.txt": b" \n"}, ("notices/bank.txt", None)),
    "a notice that is not UTF-8": (
        FILES | {"notices/bank.txt": b"Ge\xe4ndert"},
        ("notices/bank.txt", None),
    ),
    "a notice that turns its letters round": (
        FILES | {"notices/bank.txt": "Do \u202eton\u202c trade.".encode()},
        ("notices/bank.txt", None),
    ),
}


@pytest.mark.parametrize(("files", "expected"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_file_is_refused_with_its_place(
    mistakes: Find, files: Files, expected: tuple[str, int | None]
) -> None:
    found = mistakes(files)
    assert expected in {(m.place, m.line) for m in found}
    assert all(m.remedy for m in found)


def test_mistakes_of_all_files_are_told_at_once(mistakes: Find) -> None:
    found = mistakes(
        with_(
            people_csv=PEOPLE.replace(b"planning,", b"spring,"),
            walls_csv=WALLS.replace(b"signing", b"autumn"),
            delegates_csv=DELEGATES.replace(b"operations", b"all"),
        )
        | {"notices/nobody.txt": b"x"}
    )
    assert {m.place.partition(",")[0] for m in found} == {
        "people.csv",
        "walls.csv",
        "delegates.csv",
        "notices/nobody.txt",
    }


def test_a_delegate_across_a_wall_is_refused_with_the_path(mistakes: Find) -> None:
    lent = DELEGATES + b"xavier,laura.penn,coordination,2026-04-01,\n"
    (found,) = mistakes(with_(delegates_csv=lent))
    assert found.place == "people.csv"
    assert found.wrong == (
        "laura.penn would read deal as delegate of xavier (people.csv line 3, delegates.csv "
        "line 3), and clean-team by direct grant (people.csv line 2), across the wall of "
        "walls.csv line 2, since 2026-04-01, in antitrust_clean_team"
    )


def test_a_shared_assistant_is_a_reader_of_both_sides(mistakes: Find) -> None:
    """Neither principal reads across the wall; the assistant of both would."""
    lent = DELEGATES.replace(b"2026-06-01", b"") + b"laura.penn,piet,valuation,2026-01-31,\n"
    (found,) = mistakes(with_(delegates_csv=lent))
    assert "piet would read" in found.wrong
    assert "as delegate of xavier" in found.wrong
    assert "as delegate of laura.penn" in found.wrong
    assert "since 2026-03-01" in found.wrong


def test_a_shared_adviser_is_a_reader_of_both_sides(mistakes: Find) -> None:
    """The bank's man has a grant on each side, of which only one is for the walled phases."""
    both = PEOPLE + b"otto,,,,,clean-team,coordination,2026-01-31,,\n"
    read_roster(with_(people_csv=both))  # apart by phase: planning and diligence know no wall
    (found,) = mistakes(with_(people_csv=both.replace(b"diligence", b"signing")))
    assert "otto would read" in found.wrong
    assert "in signing" in found.wrong


def test_no_document_is_adopted_that_breaches_its_wall_by_a_delegate() -> None:
    roster = read_roster(FILES)
    lent = Delegation(PersonId("xavier"), PersonId("laura.penn"), Tier.OPERATIONS, Span(0))
    spoilt = to_document(
        Roster(
            roster.host,
            roster.sides,
            roster.people,
            roster.grants,
            roster.walls,
            (*roster.delegations, lent),
        )
    )
    with pytest.raises(RosterInvalid) as caught:
        from_document(spoilt)
    (mistake,) = caught.value.mistakes
    assert "as delegate of xavier" in mistake.wrong
    assert CompartmentId("clean-team") in mistake.wrong


def test_a_document_whose_grant_counts_in_no_phase_is_none() -> None:
    document = to_document(read_roster(FILES))
    spoilt = document.replace('"phases":["planning","diligence"]', '"phases":[]')
    assert spoilt != document
    with pytest.raises(RosterInvalid):
        from_document(spoilt)
