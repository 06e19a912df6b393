"""Out as CSV and in again, out as a document and in again: the same roster, for any roster."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.roster.document import document_hash, from_document, to_document
from orchestrator.roster.form import LATEST, in_order, is_notice
from orchestrator.roster.read import RosterInvalid, read_roster
from orchestrator.roster.walls import breaches
from orchestrator.roster.write import template, write_roster
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import Delegation, Grant, Party, Person, Phase, Profile, Roster, Side, Span, Wall
from tiers.tier import Tier

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example)
IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}", fullmatch=True)
NOTICES = st.text(min_size=1, max_size=60).map(str.strip).filter(is_notice)
PHASES = st.none() | st.frozensets(st.sampled_from(Phase), min_size=1)
NAMES = (
    st.text(min_size=1, max_size=30)
    .map(lambda t: " ".join(t.split()))
    .filter(lambda t: bool(t) and t.isprintable())
)
RISKY = st.builds(lambda a, b: (a + b).strip(), st.sampled_from("=+-@'"), NAMES)
ACCOUNTS = (NAMES | RISKY).map(lambda t: "".join(t.split())).filter(bool)
COMPARTMENTS = st.sampled_from(["deal", "clean-team", "tax"]).map(CompartmentId)
CHANNELS = st.sampled_from(["matrix", "memory"]).map(ConnectorName)
INSTANTS = st.integers(0, LATEST - 2) | st.integers(0, 80_000).map(lambda d: d * 86_400_000_000)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(INSTANTS)
    return Span(start, draw(st.none() | st.integers(start + 1, LATEST - 1)))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    sides = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    people = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    handles = draw(st.lists(st.tuples(CHANNELS, ACCOUNTS), unique=True, max_size=6))
    owned: dict[str, dict[ConnectorName, AccountId]] = {person: {} for person in people}
    for channel, account in handles:
        owned[draw(st.sampled_from(people))][channel] = AccountId(account)
    person = st.sampled_from(people).map(PersonId)
    grant = st.builds(Grant, person, COMPARTMENTS, st.sampled_from(Tier), spans(), PHASES)
    wall = st.builds(Wall, COMPARTMENTS, COMPARTMENTS, spans(), PHASES)
    lent = st.builds(Delegation, person, person, st.sampled_from(Tier), spans())
    home = {person: draw(st.sampled_from(sides)) for person in people}
    return Roster(
        host=SideId(draw(st.sampled_from(sides) | IDS)),
        sides=tuple(
            Side(
                SideId(s),
                draw(NAMES | RISKY),
                draw(st.sampled_from(Party)),
                draw(st.none() | NOTICES),
                tuple(PersonId(p) for p in people if home[p] == s and draw(st.booleans())),
            )
            for s in sides
        ),
        people=tuple(
            Person(
                PersonId(p),
                draw(NAMES | RISKY),
                SideId(home[p]),
                draw(NAMES | st.just("")),
                draw(st.sampled_from(Profile)),
                owned[p],
            )
            for p in people
        ),
        grants=tuple(draw(st.lists(grant, max_size=8))),
        walls=tuple(w for w in draw(st.lists(wall, max_size=2)) if w.one != w.other),
        delegations=tuple(d for d in draw(st.lists(lent, max_size=3)) if d.principal != d.delegate),
    )


@settings(max_examples=60, suppress_health_check=SLOW)
@given(rosters())
def test_export_then_import_is_the_identity(roster: Roster) -> None:
    if any(breaches(in_order(roster))):
        with pytest.raises(RosterInvalid):
            read_roster(write_roster(roster))
        return
    assert read_roster(write_roster(roster)) == in_order(roster)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(rosters())
def test_the_document_says_the_same_in_any_order(roster: Roster) -> None:
    document = to_document(roster)
    turned = Roster(
        host=roster.host,
        sides=tuple(replace(s, control_room=s.control_room[::-1]) for s in roster.sides[::-1]),
        people=roster.people[::-1],
        grants=roster.grants[::-1] + roster.grants,
        walls=tuple(Wall(w.other, w.one, w.span, w.phases) for w in roster.walls),
        delegations=roster.delegations[::-1] * 2,
    )
    assert document_hash(to_document(turned)) == document_hash(document)
    if not any(breaches(in_order(roster))):
        assert from_document(document) == in_order(roster)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(rosters())
def test_no_cell_of_an_export_is_a_formula(roster: Roster) -> None:
    files = write_roster(roster)
    assert set(files) >= {"people.csv", "sides.csv", "walls.csv", "delegates.csv"}
    for data in (data for name, data in files.items() if name.endswith(".csv")):
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_a_document_that_is_not_canonical_is_not_read() -> None:
    document = to_document(read_roster(template()))
    for spoilt in ("", "[]", "{}", document + " ", document.replace('"version":2', '"version":1')):
        with pytest.raises(RosterInvalid):
            from_document(spoilt)
    assert to_document(from_document(document)) == document


def test_a_document_of_another_version_says_so() -> None:
    document = to_document(read_roster(template())).replace('"version":2', '"version":1')
    with pytest.raises(RosterInvalid) as caught:
        from_document(document)
    (mistake,) = caught.value.mistakes
    assert "of version 1" in mistake.wrong
    assert "wallcross roster import" in mistake.remedy
