"""Invariant 2: no message below its floor, none to a weaker conversation, none by a guess.

The classifier is taken for arbitrary: whatever tier and strength it says, the treatment keeps the
floor, and what it says precisely is not placed in the conversation that is too weak for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import sound
from tests.tiers.planted import caught, counterexample
from tiers import routing
from tiers.conversation import Conversation
from tiers.decision import Decision
from tiers.ids import CompartmentId, ConversationId, DealId, SideId
from tiers.people import DEAL
from tiers.routing import Held, Placed, Route
from tiers.tier import Strength, Tier

ORDER = ("coordination", "operations", "valuation")
IN_BOUND, BY_TIER = routing._in_bound, routing._by_tier


@dataclass(frozen=True)
class Asked:
    """A message as the classifier and its author leave it."""

    bound: Conversation | None
    tier: Tier
    strength: Strength
    choices: tuple[Conversation, ...]


def draw(rng: Random) -> Asked:
    choices = tuple(_conversation(rng, n) for n in range(rng.randint(0, 5)))
    bound = rng.choice([None, *choices])
    return Asked(bound, rng.choice(list(Tier)), rng.choice(list(Strength)), choices)


def _conversation(rng: Random, n: int) -> Conversation:
    return Conversation(
        ConversationId(f"conv-{n}"),
        DealId("deal-1" if rng.random() < 0.95 else "deal-2"),
        f"label {n}",
        rng.choice(list(Tier)),
        DEAL if rng.random() < 0.95 else CompartmentId("clean-team"),
        rng.choice((None, None, SideId("side-1"))),
    )


ASKED = st.builds(draw, st.randoms(use_true_random=False))


def placed(asked: Asked) -> Placed | Held:
    return routing.place(asked.bound, asked.tier, asked.strength, asked.choices)


def rank(tier: Tier) -> int:
    return ORDER.index(tier.value)


def check_never_below_the_floor(asked: Asked) -> None:
    answer = placed(asked)
    if isinstance(answer, Placed):
        assert rank(answer.as_tier) >= rank(answer.conversation.floor)
    elif answer.conversation is not None:
        assert rank(answer.tier) >= rank(answer.conversation.floor)


def check_precise_evidence_stops(asked: Asked) -> None:
    answer = placed(asked)
    if asked.bound is None:
        return
    above = rank(asked.tier) > rank(asked.bound.floor)
    if above and asked.strength is Strength.HOLD:
        assert isinstance(answer, Held)
        assert not answer.decision
        assert list(answer.choices) == [
            c for c in asked.choices if rank(c.floor) >= rank(asked.tier)
        ]
    else:
        assert isinstance(answer, Placed)
        assert answer.conversation == asked.bound
        assert answer.asked == (above and asked.strength is Strength.ASK)


def check_intake_goes_up_and_never_guesses(asked: Asked) -> None:
    if asked.bound is not None:
        return
    answer = placed(asked)
    open_to = [c for c in asked.choices if rank(c.floor) >= rank(asked.tier)]
    least = min((rank(c.floor) for c in open_to), default=None)
    fitting = [c for c in open_to if rank(c.floor) == least]
    one_place = len({(c.deal_id, c.compartment) for c in asked.choices}) <= 1
    assert isinstance(answer, Placed) == (len(fitting) == 1 and one_place)
    if isinstance(answer, Placed):
        assert [answer.conversation] == fitting
        assert rank(answer.as_tier) >= rank(asked.tier)
        assert not answer.asked
    else:
        assert not answer.decision
        assert rank(answer.tier) == rank(asked.tier)


CHECKS: tuple[Callable[[Asked], None], ...] = (
    check_never_below_the_floor,
    check_precise_evidence_stops,
    check_intake_goes_up_and_never_guesses,
)


@pytest.mark.parametrize("check", CHECKS)
@given(asked=ASKED)
def test_whatever_the_classifier_says(check: Callable[[Asked], None], asked: Asked) -> None:
    check(asked)


@pytest.mark.parametrize("check", CHECKS)
def test_the_search_finds_nothing(check: Callable[[Asked], None]) -> None:
    assert counterexample(check, draw) is None


@given(ASKED)
def test_a_held_message_is_offered_only_where_its_author_may_write(asked: Asked) -> None:
    answer = placed(asked)
    if isinstance(answer, Held):
        assert set(answer.choices) <= set(asked.choices)


@given(asked=ASKED, strength=st.sampled_from(Strength))
def test_the_intake_goes_by_tier_alone(asked: Asked, strength: Strength) -> None:
    unbound = replace(asked, bound=None)
    assert placed(unbound) == placed(replace(unbound, strength=strength))


@given(st.sampled_from(Tier), st.sampled_from(Tier))
def test_a_treatment_below_the_floor_cannot_be_written_down(floor: Tier, tier: Tier) -> None:
    conversation = Conversation(ConversationId("c"), DealId("d"), "", floor, DEAL)
    if rank(tier) >= rank(floor):
        assert Placed(conversation, tier).as_tier is tier
    else:
        with pytest.raises(ValueError, match="never treated below"):
            Placed(conversation, tier)


@given(st.randoms(use_true_random=False), st.sampled_from(Tier), st.sampled_from(Strength))
def test_classified_placed_and_routed(rng: Random, tier: Tier, strength: Strength) -> None:
    """Whatever is classified, no leg carries it in a conversation or as a tier below its floor."""
    case = sound(rng, 4)
    other = replace(case.conversation, conversation_id=ConversationId("conv-2"))
    bound = rng.choice((case.conversation, other, None))
    found = routing.place(bound, tier, strength, (case.conversation, other))
    if isinstance(found, Held):
        return
    answer = routing.route(
        found, case.rooms, case.roster, case.policy, at=case.at, clock_trusted=True
    )
    assert rank(found.as_tier) >= rank(found.conversation.floor)
    if isinstance(answer, Route) and answer.legs:
        assert answer.placed.conversation == case.conversation
        assert {leg.binding.conversation_id for leg in answer.legs} == {
            case.conversation.conversation_id
        }


def _as_the_message(
    bound: Conversation, tier: Tier, _strength: Strength, _choices: object
) -> Placed | Held:
    return Placed(bound, tier)


def _unstopped(
    bound: Conversation, tier: Tier, _strength: Strength, choices: tuple[Conversation, ...]
) -> Placed | Held:
    return IN_BOUND(bound, tier, Strength.ASK, choices)


def _offers_all(
    bound: Conversation, tier: Tier, strength: Strength, choices: tuple[Conversation, ...]
) -> Placed | Held:
    answer = IN_BOUND(bound, tier, strength, choices)
    return replace(answer, choices=choices) if isinstance(answer, Held) else answer


def _never_asks(
    bound: Conversation, tier: Tier, strength: Strength, choices: tuple[Conversation, ...]
) -> Placed | Held:
    answer = IN_BOUND(bound, tier, strength, choices)
    return answer if isinstance(answer, Held) else replace(answer, asked=False)


def _guesses(tier: Tier, choices: tuple[Conversation, ...]) -> Placed | Held:
    fitting = sorted((c for c in choices if c.floor >= tier), key=lambda c: rank(c.floor))
    return Placed(fitting[0], fitting[0].floor) if fitting else BY_TIER(tier, choices)


def _takes_the_weakest(tier: Tier, choices: tuple[Conversation, ...]) -> Placed | Held:
    weakest = sorted(choices, key=lambda c: rank(c.floor))
    return Placed(weakest[0], max(tier, weakest[0].floor)) if weakest else BY_TIER(tier, choices)


def _across_deals(tier: Tier, choices: tuple[Conversation, ...]) -> Placed | Held:
    return BY_TIER(
        tier, tuple(replace(c, deal_id=DealId("deal-1"), compartment=DEAL) for c in choices)
    )


PLANTED: dict[str, tuple[Callable[[Asked], None], str, Callable[..., Placed | Held]]] = {
    "treated as the message alone": (CHECKS[0], "_in_bound", _as_the_message),
    "precise evidence only asks": (CHECKS[1], "_in_bound", _unstopped),
    "weaker ways out are offered": (CHECKS[1], "_in_bound", _offers_all),
    "nobody is asked": (CHECKS[1], "_in_bound", _never_asks),
    "one of several is guessed": (CHECKS[2], "_by_tier", _guesses),
    "the intake goes to the weakest": (CHECKS[2], "_by_tier", _takes_the_weakest),
    "deals and compartments are mixed": (CHECKS[2], "_by_tier", _across_deals),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check, rule, broken = PLANTED[name]
    monkeypatch.setattr(Placed, "__post_init__", lambda _self: None)
    monkeypatch.setattr(routing, rule, broken)
    assert caught(check, draw)


def test_a_decision_to_hold_is_never_empty() -> None:
    answer = routing.place(None, Tier.VALUATION, Strength.NONE, ())
    assert isinstance(answer, Held)
    assert answer.decision != Decision()
    assert not answer.decision
