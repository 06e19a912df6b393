"""Evidence counts when it was seen, by somebody named, not long ago, and nothing contradicts it."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import DAY, START
from tests.tiers.planted import caught, counterexample
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source

LAPSE = {Evidence.ATTESTED: 30 * DAY, Evidence.VERIFIED: DAY}
AGES = (-1, 0, 1, DAY, DAY + 1, 30 * DAY, 30 * DAY + 1)
VALUES = (None, 0, 1, 7 * DAY, 7 * DAY + 1)
TWO = (Guarantee.TIMER, Guarantee.INVITE_ONLY)


@dataclass(frozen=True)
class Held:
    demand: Demand
    holdings: tuple[Holding, ...]


def draw(rng: Random) -> Held:
    demand = Demand(rng.choice(TWO), rng.choice(list(Evidence)), rng.choice((None, 7 * DAY)))
    holdings = tuple(
        Holding(
            rng.choice(TWO),
            rng.choice(list(Evidence)),
            rng.choice(list(Source)),
            START - rng.choice(AGES),
            rng.choice(VALUES),
            rng.choice((None, "person-1")),
        )
        for _ in range(rng.randint(0, 3))
    )
    return Held(demand, holdings)


def check_met(held: Held) -> None:
    demand, same = held.demand, [h for h in held.holdings if h.guarantee is held.demand.guarantee]
    seen = [h for h in same if h.evidence is not Evidence.REQUESTED and h.evidence >= demand.least]
    current = [h for h in seen if 0 <= START - h.at <= LAPSE[h.evidence]]
    named = [h for h in current if h.evidence is Evidence.VERIFIED or h.by]
    if demand.at_most is not None:
        named = [h for h in named if h.value is not None]
        if any(h.value is not None and not 0 < h.value <= demand.at_most for h in same):
            named = []
    assert demand.met_by(held.holdings, START) == bool(named)


@given(st.builds(draw, st.randoms(use_true_random=False)))
def test_met_by_what_stands_alone(held: Held) -> None:
    check_met(held)


def test_the_search_finds_nothing() -> None:
    assert counterexample(check_met, draw) is None


@given(st.sampled_from(Guarantee), st.sampled_from(Evidence), st.sampled_from(Source))
def test_what_was_requested_never_counts(
    guarantee: Guarantee, least: Evidence, source: Source
) -> None:
    asked = Holding(guarantee, Evidence.REQUESTED, source, START, 1, "person-1")
    assert not Demand(guarantee, least, 7 * DAY).met_by([asked], START)
    assert not Demand(guarantee, least).met_by([asked], START)


def _at_any_time(self: Holding, _at: int) -> bool:
    return self.evidence is not Evidence.REQUESTED


def _requested_counts(self: Holding, at: int) -> bool:
    return 0 <= at - self.at <= 30 * DAY


PLANTED = {
    "evidence never lapses": (Holding, "stands", _at_any_time),
    "what was requested counts": (Holding, "stands", _requested_counts),
    "no bound": (Demand, "_within", lambda _self, _holding: True),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[name])
    assert caught(check_met, draw)
