"""A kept yes says at every instant what a decision made at that instant says."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.clock import SECOND
from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.deals.book import DealView
from orchestrator.flow import standing
from orchestrator.flow.standing import LONGEST, Standing
from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import LAPSES, Evidence, Guarantee, Holding, Source
from tiers.ids import (
    AccountId,
    CompartmentId,
    ConnectorName,
    ConversationId,
    DealId,
    PersonId,
    RoomId,
    SideId,
)
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.policy import Grade, RecipientFacts, RoomFacts
from tiers.routing import Placed, RoomView, decide_leg
from tiers.tier import Tier

NET, ROOM, SIDE = ConnectorName("net"), RoomId("room"), SideId("one")
T0 = 1_800_000_000_000_000
POLICY = to_policy(read_policy(default_text()), made_up=True)
FRESH = POLICY.tiers[Tier.COORDINATION].fresh_for
TALK = Conversation(ConversationId("cnv_1"), DealId("deal_1"), "talk", Tier.COORDINATION, DEAL)
BINDING = RoomBinding(NET, ROOM, TALK.conversation_id, SIDE)
HELD = (Guarantee.ENCRYPTED_IN_TRANSIT, Guarantee.INVITE_ONLY, Guarantee.MEMBERS_READABLE)
PEOPLE = tuple(
    Person(PersonId(n), n, SIDE, "member", Profile.ORGANISATIONAL, {NET: AccountId(n)})
    for n in ("ada", "ben")
)
INSTANTS = st.integers(T0 - 3 * SECOND, T0 + 3 * SECOND)
SPANS = st.builds(
    lambda start, length: Span(start, None if length is None else start + length),
    st.sampled_from([0, T0 - SECOND]) | INSTANTS,
    st.none() | st.integers(1, 4 * SECOND),
)
OTHER = CompartmentId("other")


def deal(grants: tuple[Grant, ...], walls: tuple[Wall, ...] = ()) -> DealView:
    roster = Roster(SIDE, (Side(SIDE, "One", Party.ACQUIRER),), PEOPLE, grants, walls)
    conversations, rooms = {TALK.conversation_id: TALK}, {TALK.conversation_id: (BINDING,)}
    return DealView(
        TALK.deal_id, "DEAL", True, roster, "0" * 64, POLICY, conversations, rooms  # noqa: FBT003 - in the order of the class
    )  # fmt: skip


def granted(*spans: Span) -> tuple[Grant, ...]:
    return tuple(
        Grant(p.person_id, DEAL, Tier.COORDINATION, s) for p, s in zip(PEOPLE, spans, strict=True)
    )


def view(read_at: int = T0, evidence: Evidence = Evidence.VERIFIED, of: int = T0) -> RoomView:
    by = "ada" if evidence is Evidence.ATTESTED else None
    holdings = tuple(Holding(g, evidence, Source.SERVER, of, by=by) for g in HELD)
    facts = RoomFacts(holdings, read_at, read_at, True, None, Grade.LAB, True, SIDE)  # noqa: FBT003 - in the order of the class
    members = tuple(RecipientFacts(NET, AccountId(p.person_id), p, None) for p in PEOPLE)
    return RoomView(BINDING, facts, members)


PLACED = Placed(TALK, Tier.COORDINATION)
FOR_EVER = granted(Span(0), Span(0))


def fresh(seen: RoomView, of: DealView, at: int, *, trusted: bool = True) -> Any:
    return decide_leg(seen, PLACED, of.roster, of.policy, at=at, clock_trusted=trusted)


class Counted:
    """How often the rules were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        monkeypatch.setattr(standing, "decide_leg", self)

    def __call__(self, *args: Any, **named: Any) -> Any:
        self.asked += 1
        return decide_leg(*args, **named)


@settings(deadline=None)
@given(
    spans=st.tuples(SPANS, SPANS),
    wall=st.none() | SPANS,
    read=st.sampled_from([T0 - FRESH - SECOND, T0 - FRESH, T0 - FRESH + SECOND, T0]) | INSTANTS,
    evidence=st.sampled_from([Evidence.ATTESTED, Evidence.VERIFIED]),
    old=st.sampled_from([0, -1, SECOND]) | st.integers(-3 * SECOND, 3 * SECOND),
    lapsing=st.booleans(),
    at=st.lists(st.tuples(INSTANTS, st.booleans()), min_size=1, max_size=12),
    ordered=st.booleans(),
)
def test_it_says_what_the_rules_say_at_that_instant(
    spans: tuple[Span, Span],
    wall: Span | None,
    read: int,
    evidence: Evidence,
    old: int,
    lapsing: bool,
    at: list[tuple[int, bool]],
    ordered: bool,
) -> None:
    walls = () if wall is None else (Wall(DEAL, OTHER, wall),)
    beyond = tuple(Grant(p.person_id, OTHER, Tier.COORDINATION, Span(0)) for p in PEOPLE)
    of = deal(granted(*spans) + (beyond if walls else ()), walls)
    seen = view(read, evidence, T0 - (LAPSES[evidence] if lapsing else 0) + old)
    kept = Standing()
    for instant, trusted in sorted(at) if ordered else at:
        found = kept.decide(seen, PLACED, of, at=instant, clock_trusted=trusted)
        assert found.effect is fresh(seen, of, instant, trusted=trusted).effect


SOON = T0 + LONGEST // 2
ENDING = granted(Span(0), Span(0, SOON))
BEYOND = tuple(Grant(p.person_id, OTHER, Tier.COORDINATION, Span(0)) for p in PEOPLE)
GOES_UP = (Wall(DEAL, OTHER, Span(SOON)),)


@pytest.mark.parametrize(
    ("seen", "of"),
    [
        pytest.param(view(), deal(ENDING), id="a clearance ends"),
        pytest.param(view(), deal((*FOR_EVER, *BEYOND), GOES_UP), id="a wall goes up"),
        pytest.param(view(SOON - FRESH - 1), deal(FOR_EVER), id="a reading is stale"),
        *(
            pytest.param(view(T0, e, SOON - LAPSES[e] - 1), deal(FOR_EVER), id=f"{e.name} lapses")
            for e in (Evidence.ATTESTED, Evidence.VERIFIED)
        ),
    ],
)
def test_what_time_alone_ends_ends_at_that_instant(seen: RoomView, of: DealView) -> None:
    kept = Standing()
    for at in (T0, SOON - 1):
        assert fresh(seen, of, at)
        assert kept.decide(seen, PLACED, of, at=at, clock_trusted=True)
    assert not fresh(seen, of, SOON)
    assert not kept.decide(seen, PLACED, of, at=SOON, clock_trusted=True)


def test_it_asks_once_for_a_burst_and_again_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    rules, kept, seen, of = Counted(monkeypatch), Standing(), view(), deal(FOR_EVER)
    for at in range(T0, T0 + LONGEST, LONGEST // 10):
        assert kept.decide(seen, PLACED, of, at=at, clock_trusted=True)
    assert rules.asked == 1
    assert kept.decide(seen, PLACED, of, at=T0 + LONGEST, clock_trusted=True)
    assert rules.asked == 2


@pytest.mark.parametrize(
    ("seen", "placed", "of", "at"),
    [
        pytest.param(view(), PLACED, None, T0, id="another reading"),
        pytest.param(None, PLACED, deal(FOR_EVER), T0, id="another roster"),
        pytest.param(None, replace(PLACED, as_tier=Tier.OPERATIONS), None, T0, id="another tier"),
        pytest.param(None, PLACED, None, T0 - 1, id="an earlier clock"),
    ],
)
def test_another_fact_is_decided_anew(
    monkeypatch: pytest.MonkeyPatch,
    seen: RoomView | None,
    placed: Placed,
    of: DealView | None,
    at: int,
) -> None:
    first, known = view(), deal(FOR_EVER)
    kept = Standing()
    assert kept.decide(first, PLACED, known, at=T0, clock_trusted=True)
    rules = Counted(monkeypatch)
    kept.decide(seen or first, placed, of or known, at=at, clock_trusted=True)
    assert rules.asked == 1


def test_a_no_is_decided_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rules, kept, seen, of = Counted(monkeypatch), Standing(), view(), deal(())
    for _ in range(3):
        assert not kept.decide(seen, PLACED, of, at=T0, clock_trusted=True)
    assert rules.asked == 3
