"""Out as CSV and in again, out as a document and in again: the same roster, for any roster."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.roster.document import document_hash, from_document, to_document
from orchestrator.roster.form import LATEST, in_order
from orchestrator.roster.read import RosterInvalid, read_roster
from orchestrator.roster.walls import breaches
from orchestrator.roster.write import template, write_roster
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.tier import Tier

SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example)
IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}", fullmatch=True)
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
    grant = st.builds(Grant, person, COMPARTMENTS, st.sampled_from(Tier), spans())
    wall = st.builds(Wall, COMPARTMENTS, COMPARTMENTS, spans()).filter(lambda w: w.one != w.other)
    return Roster(
        host=SideId(draw(st.sampled_from(sides) | IDS)),
        sides=tuple(
            Side(SideId(s), draw(NAMES | RISKY), draw(st.sampled_from(Party))) for s in sides
        ),
        people=tuple(
            Person(
                PersonId(p),
                draw(NAMES | RISKY),
                SideId(draw(st.sampled_from(sides))),
                draw(NAMES | st.just("")),
                draw(st.sampled_from(Profile)),
                owned[p],
            )
            for p in people
        ),
        grants=tuple(draw(st.lists(grant, max_size=8))),
        walls=tuple(draw(st.lists(wall, max_size=2))),
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
        sides=roster.sides[::-1],
        people=roster.people[::-1],
        grants=roster.grants[::-1] + roster.grants,
        walls=tuple(Wall(w.other, w.one, w.span) for w in roster.walls),
    )
    assert document_hash(to_document(turned)) == document_hash(document)
    if not any(breaches(in_order(roster))):
        assert from_document(document) == in_order(roster)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(rosters())
def test_no_cell_of_an_export_is_a_formula(roster: Roster) -> None:
    for data in write_roster(roster).values():
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_a_document_that_is_not_canonical_is_not_read() -> None:
    document = to_document(read_roster(template()))
    for spoilt in ("", "[]", "{}", document + " ", document.replace('"version":1', '"version":2')):
        with pytest.raises(RosterInvalid):
            from_document(spoilt)
    assert to_document(from_document(document)) == document
