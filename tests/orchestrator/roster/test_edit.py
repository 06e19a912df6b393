"""Adding and moving make another roster: grants end and begin, and none is altered."""

from dataclasses import replace
from random import Random

import pytest

from orchestrator.client.problems import Missing, Problem, Refused, Wrong
from orchestrator.clock import DAY, parse
from orchestrator.roster.changes import Change, changes
from orchestrator.roster.edit import Move, added, moved, new_grant
from orchestrator.roster.form import in_order
from orchestrator.roster.read import read_roster
from orchestrator.roster.write import template
from tests.tiers.rosters import changed, random_roster
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Person, Profile, Roster, Span, Wall
from tiers.roster_change import gains, losses
from tiers.tier import Tier

ROSTER = read_roster(template())
XIMENA, FARID, HANA = PersonId("ximena.park"), PersonId("farid.novak"), PersonId("hana")
BEGAN = parse("2026-01-31")
NOW = parse("2026-03-01")
MATRIX = ConnectorName("matrix")
NEW = Person(
    HANA, "Hana Ferri", SideId("osprey"), "", Profile.ORGANISATIONAL, {MATRIX: AccountId("@h:k")}
)


def of(roster: Roster, person: PersonId) -> list[Grant]:
    return [g for g in roster.grants if g.person_id == person]


def test_somebody_new_is_listed_with_what_he_is_granted() -> None:
    grant = new_grant(HANA, "deal", Tier.OPERATIONS, Span(NOW), None)
    lent = Delegation(XIMENA, HANA, Tier.COORDINATION, Span(NOW))
    roster = added(ROSTER, NEW, (grant,), (lent,))
    assert roster.person(HANA) == NEW
    assert of(roster, HANA) == [grant]
    assert roster.delegations == (lent,)
    assert roster.owner(MATRIX, AccountId("@h:k")) == NEW


def test_somebody_listed_is_granted_more() -> None:
    (person,) = (p for p in ROSTER.people if p.person_id == FARID)
    grant = new_grant(FARID, "tax", Tier.COORDINATION, Span(NOW), None)
    roster = added(ROSTER, person, (grant,), ())
    assert roster.people == ROSTER.people
    assert grant in of(roster, FARID)
    with pytest.raises(Refused, match="already"):
        added(roster, person, (grant,), ())


WRONG: dict[str, tuple[Person, type[Problem]]] = {
    "no id": (replace(NEW, person_id=PersonId("Hana Ferri")), Wrong),
    "no name": (replace(NEW, name=""), Wrong),
    "an invisible role": (replace(NEW, role="\u202e"), Wrong),
    "no account": (replace(NEW, accounts={MATRIX: AccountId("a b")}), Wrong),
    "no channel": (replace(NEW, accounts={ConnectorName("No"): AccountId("a")}), Wrong),
    "no side": (replace(NEW, side=SideId("nowhere")), Missing),
    "another's account": (
        replace(NEW, accounts={MATRIX: AccountId("@farid:k.example")}),
        Refused,
    ),
    "listed otherwise": (replace(NEW, person_id=FARID), Refused),
}


@pytest.mark.parametrize(("person", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_well_formed_is_refused(person: Person, problem: type[Problem]) -> None:
    with pytest.raises(problem) as caught:
        added(ROSTER, person, (), ())
    assert caught.value.still


def test_a_strangers_delegate_and_a_strange_compartment_are_refused() -> None:
    with pytest.raises(Missing):
        added(ROSTER, NEW, (), (Delegation(PersonId("x"), HANA, Tier.COORDINATION, Span(0)),))
    with pytest.raises(Wrong):
        new_grant(HANA, "No such", Tier.COORDINATION, Span(0), None)


def test_a_move_ends_one_grant_and_begins_another() -> None:
    roster = moved(ROSTER, XIMENA, Move(NOW, highest=Tier.OPERATIONS))
    assert of(roster, XIMENA) == [
        Grant(XIMENA, DEAL, Tier.OPERATIONS, Span(NOW)),
        Grant(XIMENA, DEAL, Tier.VALUATION, Span(BEGAN, NOW)),
    ]
    assert not roster.may_see(XIMENA, DEAL, Tier.VALUATION, NOW)
    assert roster.may_see(XIMENA, DEAL, Tier.VALUATION, NOW - 1)


def test_a_move_of_side_and_role_leaves_grants_alone() -> None:
    roster = moved(ROSTER, FARID, Move(NOW, side=SideId("kestrel"), role="In-house counsel"))
    person = roster.person(FARID)
    assert person is not None
    assert (person.side, person.role) == ("kestrel", "In-house counsel")
    assert roster.grants == ROSTER.grants


def test_a_move_into_another_compartment_keeps_tier_and_end() -> None:
    into = CompartmentId("clean-team")
    roster = moved(ROSTER, FARID, Move(NOW, compartment=DEAL, into=into))
    old, new = sorted(of(roster, FARID), key=lambda g: g.span.start)
    assert old.span == Span(BEGAN, NOW)
    assert (new.compartment, new.highest) == (into, Tier.OPERATIONS)
    assert new.span == Span(NOW, parse("2026-12-31"))


def test_a_move_out_ends_everything_and_takes_what_had_not_begun() -> None:
    later = Grant(FARID, CompartmentId("tax"), Tier.COORDINATION, Span(NOW + DAY))
    roster = moved(
        in_order(replace(ROSTER, grants=(*ROSTER.grants, later))), FARID, Move(NOW, out=True)
    )
    assert of(roster, FARID) == [Grant(FARID, DEAL, Tier.OPERATIONS, Span(BEGAN, NOW))]
    assert roster.person(FARID) is not None


NO_MOVE: dict[str, tuple[PersonId, Move, type[Problem]]] = {
    "nobody": (HANA, Move(NOW), Missing),
    "no such side": (FARID, Move(NOW, side=SideId("x")), Missing),
    "no such grant": (FARID, Move(NOW, compartment=CompartmentId("tax"), out=True), Missing),
    "the same": (FARID, Move(NOW, highest=Tier.OPERATIONS), Refused),
    "an end before its beginning": (FARID, Move(NOW, highest=Tier.VALUATION, until=NOW), Wrong),
}


@pytest.mark.parametrize(("person", "move", "problem"), NO_MOVE.values(), ids=NO_MOVE.keys())
def test_a_move_to_nowhere_is_refused(person: PersonId, move: Move, problem: type[Problem]) -> None:
    with pytest.raises(problem):
        moved(ROSTER, person, move)


def test_changes_leave_nothing_out() -> None:
    """Whatever differs is told; what does not differ tells nothing (random rosters)."""
    rng = Random(5)  # noqa: S311 - examples, not secrets
    for _ in range(60):
        before = in_order(random_roster(rng))
        after = in_order(changed(rng, before))
        told = changes(before, after)
        assert bool(told) == (before != after) or _only_grants(before, after)
        for change, found in (("gains", gains(before, after)), ("loses", losses(before, after))):
            subjects = {c.subject for c in told if c.change == change}
            assert subjects == {g.person_id for g in found}
        assert changes(before, before) == []


def _only_grants(before: Roster, after: Roster) -> bool:
    """Grants may be written otherwise and let everybody read the same."""
    return replace(before, grants=after.grants) == after


def test_each_change_is_told_in_words() -> None:
    wall = Wall(DEAL, CompartmentId("tax"), Span(NOW))
    after = moved(ROSTER, XIMENA, Move(NOW, highest=Tier.OPERATIONS, role="Adviser"))
    told = changes(ROSTER, replace(after, walls=(wall,)))
    assert told == [
        Change("loses", XIMENA, "deal", "valuation", NOW),
        Change("person", XIMENA, told="another role"),
        Change("wall", "deal | tax", since=NOW, told="stands newly"),
    ]
