"""Classified and placed together: whatever a model says, nothing goes below its floor or unasked.

The model here is any model: its log-odds are drawn at random, window by window. What is read, ruled
and placed is the product's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.planted import caught, counterexample
from tiers import classify, routing
from tiers.classify import Classification, Classifier, Context, Part
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId
from tiers.people import DEAL
from tiers.routing import Held, Placed
from tiers.scoring import LogOdds
from tiers.tier import Strength, Tier
from tiers.watch import watch_list

ORDER = ("coordination", "operations", "valuation")
SAYINGS = (
    "see you at four in the lobby",
    "the offer is EUR 450 million for all of the shares",
    "we could live with 7.2x EBITDA in the bid",
    "the data room opens tomorrow",
    "lunch is 12 euros",
    "project falcon goes to the board",
    "das Angebot liegt bei 1,2 Mrd. Euro",
    "ok",
)
WATCH = watch_list(("falcon",), ())


@dataclass(frozen=True)
class AnyModel:
    """A scorer that says what it was told to say."""

    said: tuple[LogOdds, ...]
    fingerprint: str = "any"

    @property
    def lexicon(self) -> Mapping[str, float]:
        return {}

    def windows(self, text: str) -> Iterator[LogOdds]:
        return iter(self.said if text else ())


@dataclass(frozen=True)
class Written:
    """A message, a model, and the conversations of its author."""

    texts: tuple[str, ...]
    model: AnyModel | None
    context: Context
    bound: Conversation | None
    choices: tuple[Conversation, ...]

    def classified(self) -> Classification:
        parts = [Part(kind, text) for kind, text in zip(KINDS, self.texts, strict=False)]
        return Classifier(self.model).classify(parts, self.context)


KINDS = ("body", "subject", "quote", "filename")


def _odds(rng: Random) -> LogOdds:
    return LogOdds(rng.uniform(-3, 3), rng.uniform(-3, 3))


def draw(rng: Random) -> Written:
    choices = tuple(
        Conversation(
            ConversationId(f"conv-{n}"), DealId("deal-1"), "", rng.choice(list(Tier)), DEAL
        )
        for n in range(rng.randint(1, 4))
    )
    bound = rng.choice([None, *choices])
    model = AnyModel(tuple(_odds(rng) for _ in range(rng.randint(0, 3))))
    context = Context(
        floor=bound.floor if bound else None,
        watch=WATCH if rng.random() < 0.5 else Context().watch,
        answers=rng.choice([None, *Tier]),
        attachments=rng.choice([None, None, *Tier]),
        unread=rng.random() < 0.1,
    )
    texts = tuple(rng.choice(SAYINGS) for _ in range(rng.randint(1, 4)))
    return Written(texts, rng.choice((model, model, None)), context, bound, choices)


WRITTEN = st.builds(draw, st.randoms(use_true_random=False))


def rank(tier: Tier) -> int:
    return ORDER.index(tier.value)


def check_nothing_above_its_room_passes_unasked(written: Written) -> None:
    found = written.classified()
    answer = routing.place(written.bound, found.tier, found.strength, written.choices)
    if written.bound is None:
        if isinstance(answer, Placed):
            assert rank(answer.as_tier) >= rank(found.tier)
        return
    above = rank(found.tier) > rank(written.bound.floor)
    assert (isinstance(answer, Held) or answer.asked) == above
    if isinstance(answer, Placed):
        assert answer.conversation == written.bound
        assert rank(answer.as_tier) >= rank(written.bound.floor)


@given(WRITTEN)
def test_nothing_above_its_room_passes_unasked(written: Written) -> None:
    check_nothing_above_its_room_passes_unasked(written)


def test_the_search_finds_nothing() -> None:
    found = counterexample(check_nothing_above_its_room_passes_unasked, draw, tries=1_000)
    assert found is None


@given(WRITTEN)
def test_what_holds_has_precise_evidence_and_only_that_holds(written: Written) -> None:
    if written.bound is None:
        return
    found = written.classified()
    floor = rank(written.bound.floor)
    precise = [e for e in found.evidence if e.strength is Strength.HOLD and rank(e.tier) > floor]
    answer = routing.place(written.bound, found.tier, found.strength, written.choices)
    assert isinstance(answer, Held) == bool(precise)


@pytest.mark.parametrize("unplanned", [Strength.NONE, Strength.ASK])
def test_each_strength_is_tried(unplanned: Strength) -> None:
    rng = Random(1)  # noqa: S311 - examples, not secrets
    seen = {draw(rng).classified().strength for _ in range(200)}
    assert seen >= {unplanned, Strength.HOLD}


def _never_raises(*_: object) -> Strength:
    return Strength.NONE


def _only_asks_when_sure(found: Classification, floor: Tier | None) -> Strength:
    sure = floor is not None and any(
        e.strength is Strength.HOLD and e.tier > floor for e in found.evidence
    )
    return Strength.HOLD if sure else Strength.NONE


@pytest.mark.parametrize("broken", [_never_raises, _only_asks_when_sure])
def test_a_planted_violation_is_caught(broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "strength_above", broken)
    assert caught(check_nothing_above_its_room_passes_unasked, draw)
