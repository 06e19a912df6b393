"""Who may agree to what: each rule on random people, and each found wanting once taken out."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.planted import counterexample
from tiers import approval
from tiers.approval import (
    Approver,
    Role,
    Rule,
    counted,
    met,
    missing,
    one_person,
    refuse_roles,
)
from tiers.ids import PersonId
from tiers.people import Party

NAMES = tuple(PersonId(f"p{n}") for n in range(6))
TIES = ("t0", "t1", "t2", "t3")


@st.composite
def people(draw: st.DrawFn) -> tuple[Approver, ...]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return tuple(
        Approver(
            name,
            draw(st.frozensets(st.sampled_from(list(Role)), min_size=1, max_size=2)),
            draw(st.sampled_from([None, *Party])),
            draw(st.frozensets(st.sampled_from(TIES), max_size=2)),
        )
        for name in names
    )


rules = st.builds(
    Rule,
    needed=st.integers(2, 3),
    barred=st.frozensets(st.sampled_from(NAMES), max_size=2),
    valuation_raise=st.booleans(),
    gaining=st.frozensets(st.sampled_from(list(Party))),
    roles=st.frozensets(st.sampled_from(list(Role)), max_size=2),
)
yeses = st.frozensets(st.sampled_from(NAMES))
askers = st.sampled_from([None, *NAMES])
asker_ties = st.frozensets(st.sampled_from(TIES), max_size=1)


def same_by_hand(known: tuple[Approver, ...]) -> Callable[[PersonId, PersonId], bool]:
    """Who counts as one with whom, by walking from tie to tie: an oracle of its own."""
    ties = {a.person: a.ties for a in known}

    def reached(start: PersonId) -> set[PersonId]:
        seen, grown = {start}, True
        while grown:
            held = frozenset[str]().union(*(ties[p] for p in seen))
            more = {p for p in ties if ties[p] & held} | seen
            grown, seen = more != seen, more
        return seen

    return lambda one, other: other in reached(one)


@given(people())
def test_whoever_shares_a_tie_is_one_person(known: tuple[Approver, ...]) -> None:
    first, same = one_person(known), same_by_hand(known)
    for one in first:
        for other in first:
            assert (first[one] == first[other]) == same(one, other)


@given(people(), rules, yeses, askers, asker_ties)
def test_nobody_counts_twice_nor_who_asked_or_gains(
    known: tuple[Approver, ...],
    rule: Rule,
    yes: frozenset[PersonId],
    asker: PersonId | None,
    ties: frozenset[str],
) -> None:
    found = counted(rule, known, yes, asker=asker, asker_ties=ties)
    same = same_by_hand(known)
    here = {a.person for a in known}
    for one in found:
        assert one.person in yes
        assert not rule.roles or one.roles & rule.roles
        assert not any(same(one.person, p) for p in rule.barred & here)
        assert asker is None or asker not in here or not same(one.person, asker)
        assert not any(a.ties & ties and same(one.person, a.person) for a in known)
        assert [o.person for o in found if same(one.person, o.person)] == [one.person]


@given(people(), rules, yeses, askers, asker_ties, st.integers(0, 20), st.integers(0, 20))
def test_it_is_met_only_in_time_by_two_of_whom_one_is_beyond_the_gain(
    known: tuple[Approver, ...],
    rule: Rule,
    yes: frozenset[PersonId],
    asker: PersonId | None,
    ties: frozenset[str],
    expires_at: int,
    at: int,
) -> None:
    found = counted(rule, known, yes, asker=asker, asker_ties=ties)
    if not met(rule, found, expires_at=expires_at, at=at):
        return
    assert at < expires_at
    assert len({a.person for a in found}) >= rule.needed >= 2
    if rule.valuation_raise and not any(Role.COUNSEL in a.roles for a in found):
        assert rule.gaining
        for party in rule.gaining:
            assert any(a.party not in {None, party} for a in found)


@given(people(), rules, askers, asker_ties)
def test_more_signatures_never_take_agreement_away(
    known: tuple[Approver, ...], rule: Rule, asker: PersonId | None, ties: frozenset[str]
) -> None:
    everybody = frozenset(a.person for a in known)
    able = counted(rule, known, everybody, asker=asker, asker_ties=ties)
    names = [a.person for a in known]
    for upto in range(len(names) + 1):
        found = counted(rule, known, frozenset(names[:upto]), asker=asker, asker_ties=ties)
        if not missing(rule, found):
            assert not missing(rule, able)


def test_what_gives_access_takes_two_but_for_the_control_room() -> None:
    with pytest.raises(ValueError, match="two people"):
        Rule(needed=1)
    with pytest.raises(ValueError, match="two people"):
        Rule(needed=0, roles=frozenset({Role.CONTROL_ROOM}))
    with pytest.raises(ValueError, match="two people"):
        Rule(needed=1, roles=frozenset({Role.CONTROL_ROOM, Role.OWNER}))
    assert Rule(needed=1, roles=frozenset({Role.CONTROL_ROOM})).needed == 1


@pytest.mark.parametrize(
    ("wanted", "held", "refused"),
    [
        (Role.COUNSEL, Role.OWNER, True),
        (Role.OWNER, Role.COUNSEL, True),
        (Role.CONTROL_ROOM, Role.APPROVER, True),
        (Role.APPROVER, Role.CONTROL_ROOM, True),
        (Role.SECURITY_OFFICER, Role.OWNER, True),
        (Role.COUNSEL, Role.SECURITY_OFFICER, True),
        (Role.APPROVER, Role.SECURITY_OFFICER, False),
        (Role.APPROVER, Role.COUNSEL, False),
        (Role.OWNER, Role.APPROVER, False),
        (Role.COUNSEL, Role.COUNSEL, False),
    ],
)
def test_duties_that_check_each_other_do_not_meet(
    wanted: Role, held: Role, *, refused: bool
) -> None:
    found = refuse_roles(NAMES[0], frozenset({wanted}), {NAMES[0]: frozenset({held})})
    assert (found is not None) == refused
    alone = refuse_roles(NAMES[0], frozenset({wanted, held}), {})
    assert (alone is not None) == refused


Case = tuple[tuple[Approver, ...], Rule, frozenset[PersonId], PersonId | None]


def draw_case(rng: Random) -> Case:
    def some(of: Any, most: int) -> frozenset[Any]:
        return frozenset(rng.sample(list(of), rng.randint(0, most)))

    known = tuple(
        Approver(
            name, frozenset({rng.choice(list(Role))}), rng.choice([None, *Party]), some(TIES, 1)
        )
        for name in NAMES[: rng.randint(2, 6)]
    )
    raises = rng.random() < 0.5
    rule = Rule(2, some(NAMES, 2), raises, some(Party, 2), frozenset())
    return known, rule, some(NAMES, 6), rng.choice([None, *NAMES])


def check_case(case: Case) -> None:
    """The whole of the promise, on one case."""
    known, rule, yes, asker = case
    found = approval.counted(rule, known, yes, asker=asker)
    same, here = same_by_hand(known), {a.person for a in known}
    out = (rule.barred | ({asker} if asker else set())) & here
    for one in found:
        assert one.person in yes
        assert not any(same(one.person, p) for p in out)
        assert [o for o in found if same(o.person, one.person)] == [one]
    if approval.met(rule, found, expires_at=10, at=10):
        raise AssertionError("lapsed")
    if approval.met(rule, found, expires_at=10, at=9):
        assert len(found) >= 2
        if rule.valuation_raise:
            beyond = all(any(a.party not in {None, p} for a in found) for p in rule.gaining)
            assert any(Role.COUNSEL in a.roles for a in found) or (rule.gaining and beyond)


def _without(monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any) -> None:
    monkeypatch.setattr(approval, name, wrong)


def _nobody_is_one(known: Any) -> dict[PersonId, PersonId]:
    return {a.person: a.person for a in known}


def _asker_counts(*args: Any, asker: Any = None, asker_ties: Any = frozenset()) -> Any:  # noqa: ARG001 - what is planted
    return counted(*args)


def _gain_counts(rule: Rule, *args: Any, **more: Any) -> Any:
    return counted(Rule(rule.needed), *args, **more)


def _never_lapses(rule: Rule, found: Any, *, expires_at: int, at: int) -> bool:
    return at <= expires_at and not missing(rule, found)


MORE = (Approver(PersonId("nobody"), frozenset({Role.COUNSEL}), None),)


def _one_is_enough(rule: Rule, found: Any, *, expires_at: int, at: int) -> bool:
    return at < expires_at and bool(found) and not missing(Rule(rule.needed), (*found, *MORE))


def _own_party_will_do(rule: Rule, found: Any, *, expires_at: int, at: int) -> bool:
    return at < expires_at and len(found) >= rule.needed


PLANTED: dict[str, tuple[str, Any]] = {
    "ties are not looked at": ("one_person", _nobody_is_one),
    "whoever asked agrees": ("counted", _asker_counts),
    "whoever gains agrees": ("counted", _gain_counts),
    "what has lapsed is agreed to": ("met", _never_lapses),
    "one is enough": ("met", _one_is_enough),
    "the own party raises to valuation": ("met", _own_party_will_do),
}


def test_the_product_keeps_it() -> None:
    assert counterexample(check_case, draw_case) is None


@pytest.mark.parametrize("name", PLANTED)
def test_each_rule_taken_out_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, *PLANTED[name])
    assert counterexample(check_case, draw_case) is not None
