"""A profile changes what is shown and asked, and no decision; contacts only take away."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiers
from tiers.contact import delegates_of, may_begin, reads
from tiers.conversation import Conversation
from tiers.guarantees import Demand, Evidence, Guarantee
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    DeviceId,
    PersonId,
    SideId,
)
from tiers.people import DEAL, Delegation, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.policy import DeviceFact, Grade, RecipientFacts, TierPolicy, decide_members
from tiers.profiles import MANNERS, shown_to
from tiers.tier import Tier
from tiers.trust import KeyState

AT = 1_000
MEMORY = ConnectorName("memory")
NAMES = ("ada", "bo", "cy", "di")
SPAN = Span(0)
RULES = TierPolicy(
    demands=(Demand(Guarantee.DEVICES_VERIFIED, Evidence.VERIFIED),),
    fresh_for=60,
    grade=Grade.LAB,
    changed_key_holds=True,
    repeat_unknown=False,
    body_for=60,
    record_class="deal",
    keep_for=60,
    poison_blocks=True,
)
OTHER = CompartmentId("other")
TALKS = (
    Conversation(ConversationId("c1"), DealId("d"), "price", Tier.VALUATION, DEAL),
    Conversation(ConversationId("c2"), DealId("d"), "lunch", Tier.COORDINATION, OTHER),
)
PROFILES = st.lists(st.sampled_from(Profile), min_size=len(NAMES), max_size=len(NAMES))
GRANTS = st.lists(
    st.builds(
        Grant,
        st.sampled_from([PersonId(n) for n in NAMES]),
        st.sampled_from([DEAL, OTHER]),
        st.sampled_from(Tier),
        st.just(SPAN),
    ),
    max_size=6,
)
STATES = st.lists(st.sampled_from(KeyState), min_size=len(NAMES), max_size=len(NAMES))


def people(profiles: list[Profile]) -> tuple[Person, ...]:
    return tuple(
        Person(PersonId(n), n.title(), SideId("k"), "member", p, {MEMORY: AccountId(n)})
        for n, p in zip(NAMES, profiles, strict=True)
    )


def listed(profiles: list[Profile], grants: list[Grant], *, delegate: bool = False) -> Roster:
    side = Side(SideId("k"), "Kestrel", Party.ACQUIRER)
    delegations = (Delegation(PersonId("ada"), PersonId("di"), Tier.VALUATION, SPAN),)
    return Roster(
        host=SideId("k"),
        sides=(side,),
        people=people(profiles),
        grants=tuple(grants),
        delegations=delegations if delegate else (),
    )


@given(profiles=PROFILES, others=PROFILES, grants=GRANTS, states=STATES)
def test_no_decision_changes_with_a_profile(
    profiles: list[Profile],
    others: list[Profile],
    grants: list[Grant],
    states: list[KeyState],
) -> None:
    told = []
    for each in (profiles, others):
        roster = listed(each, grants)
        members = [
            RecipientFacts(
                *(MEMORY, AccountId(n), roster.person(PersonId(n))),
                (DeviceFact(DeviceId("A"), state),),
            )
            for n, state in zip(NAMES, states, strict=True)
        ]
        found = [
            decide_members(members, roster, talk, RULES, as_tier=talk.floor, at=AT)
            for talk in TALKS
        ]
        told.append(found)
    assert told[0] == told[1]


@given(st.sampled_from(Profile), st.lists(st.integers(), max_size=6))
def test_what_is_shown_is_a_part_of_what_anybody_may_answer(
    profile: Profile, ways: list[int]
) -> None:
    found = shown_to(profile, tuple(ways))
    assert found == tuple(ways)[: len(found)]
    assert len(shown_to(Profile.HIGH_VALUE, tuple(ways))) <= 1


def test_every_profile_has_its_line() -> None:
    assert set(MANNERS) == set(Profile)


@pytest.mark.parametrize("name", ["policy", "routing", "decision", "documents", "people", "remedy"])
def test_no_rule_is_given_a_profile(name: str) -> None:
    tree = ast.parse((Path(tiers.__path__[0]) / f"{name}.py").read_text("utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "profile"]
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert "tiers.profiles" not in imported


@given(profiles=PROFILES, grants=GRANTS, one=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
def test_a_contact_only_takes_away_and_names_who_may_instead(
    profiles: list[Profile], grants: list[Grant], one: str, other: str
) -> None:
    roster = listed(profiles, grants, delegate=True)
    who, whom = PersonId(one), PersonId(other)
    found = may_begin(who, whom, roster, TALKS, AT)
    held = roster.grants_of(who, AT) and roster.grants_of(whom, AT)
    by_hand = [
        t.conversation_id
        for t in TALKS
        if all(reads(roster, p, t, AT) for p in roster.people if p.person_id in {who, whom})
    ]
    if not held:
        assert found.because == "apart"
    elif by_hand:
        assert found
        assert list(found.shared) == by_hand
    else:
        barred = bool(delegates_of(roster, whom, AT)) and (
            next(p for p in roster.people if p.person_id == whom).profile is Profile.HIGH_VALUE
        )
        assert bool(found) == (not barred or who in delegates_of(roster, whom, AT))
        assert bool(found.through) == (not found)


def test_who_is_unknown_or_cleared_for_nothing_begins_with_nobody() -> None:
    roster = listed([Profile.ORGANISATIONAL] * 4, [])
    assert not may_begin(PersonId("ada"), PersonId("bo"), roster, TALKS, AT)
    assert not may_begin(PersonId("zed"), PersonId("bo"), roster, TALKS, AT)


def test_a_high_value_person_without_delegates_is_begun_with_directly() -> None:
    grants = [
        Grant(PersonId("ada"), DEAL, Tier.COORDINATION, SPAN),
        Grant(PersonId("bo"), OTHER, Tier.COORDINATION, SPAN),
    ]
    roster = listed([Profile.HIGH_VALUE] * 4, grants)
    assert may_begin(PersonId("bo"), PersonId("ada"), roster, TALKS, AT).because == "open"
