"""Evidence counts when it was seen, by somebody named, not long ago, and nothing contradicts it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import DAY, START
from tests.tiers.planted import caught, counterexample
from tiers import guarantees
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source, common, in_words

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


# --- what several rooms together promise ----------------------------------------------------------


@dataclass(frozen=True)
class Mirrored:
    demand: Demand
    rooms: tuple[tuple[Holding, ...], ...]


def draw_mirrored(rng: Random) -> Mirrored:
    return Mirrored(draw(rng).demand, tuple(draw(rng).holdings for _ in range(rng.randint(1, 3))))


def check_as_weak_as_the_weakest(case: Mirrored) -> None:
    together = common(case.rooms, START)
    if case.demand.met_by(together, START):
        assert all(case.demand.met_by(room, START) for room in case.rooms)
    assert len({h.guarantee for h in together}) == len(together)


def check_what_all_promise_is_promised(case: Mirrored) -> None:
    for guarantee in TWO:
        each = [any(h.guarantee is guarantee and _stands(h) for h in room) for room in case.rooms]
        assert (guarantee in {h.guarantee for h in common(case.rooms, START)}) == all(each)


def _stands(holding: Holding) -> bool:
    if holding.evidence is Evidence.REQUESTED:
        return False
    named = holding.evidence is not Evidence.ATTESTED or holding.by is not None
    return named and 0 <= START - holding.at <= LAPSE[holding.evidence]


TOGETHER = [check_as_weak_as_the_weakest, check_what_all_promise_is_promised]


@pytest.mark.parametrize("check", TOGETHER)
def test_rooms_together_promise_what_each_does(check: Callable[[Mirrored], None]) -> None:
    assert counterexample(check, draw_mirrored) is None


def _strongest(guarantee: Guarantee, rooms: list[tuple[Holding, ...]], at: int) -> Holding | None:
    return max(
        (h for room in rooms for h in room if h.guarantee is guarantee and h.stands(at)),
        key=lambda h: h.evidence,
        default=None,
    )


def _first_room_speaks(
    guarantee: Guarantee, rooms: list[tuple[Holding, ...]], at: int
) -> Holding | None:
    return WEAKEST(guarantee, rooms[:1], at)


def _shortest(guarantee: Guarantee, rooms: list[tuple[Holding, ...]], at: int) -> Holding | None:
    found = WEAKEST(guarantee, rooms, at)
    values = [
        h.value for room in rooms for h in room if h.guarantee is guarantee and h.value is not None
    ]
    return replace(found, value=min(values)) if found and values else found


WEAKEST = guarantees._weakest


@pytest.mark.parametrize("broken", [_strongest, _first_room_speaks, _shortest])
def test_rooms_together_never_promise_more_than_one_of_them(
    broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarantees, "_weakest", broken)
    assert any(caught(check, draw_mirrored) for check in TOGETHER)


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_every_guarantee_has_words_for_a_reader_who_knows_none_of_ours(
    guarantee: Guarantee,
) -> None:
    said = in_words(Demand(guarantee, Evidence.VERIFIED))
    assert guarantee.value not in said
    assert "_" not in said


@pytest.mark.parametrize(
    ("at_most", "words"),
    [
        (7 * 86_400_000_000, "7 days"),
        (86_400_000_000, "1 day"),
        (36 * 3_600_000_000, "36 hours"),
        (90 * 60_000_000, "90 minutes"),
        (30_000_000, "30 seconds"),
    ],
)
def test_a_timers_bound_is_said_in_whole_units(at_most: int, words: str) -> None:
    said = in_words(Demand(Guarantee.TIMER, Evidence.VERIFIED, at_most))
    assert said == f"messages disappear from this room after at most {words}"
