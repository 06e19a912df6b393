"""M of N: the asker never counts, nobody counts twice, and what expired is not met."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.planted import caught, counterexample
from tiers.ids import PersonId
from tiers.quorum import Quorum

PEOPLE = st.frozensets(st.sampled_from([PersonId(name) for name in "abcdefgh"]))
QUORUMS = st.builds(Quorum, st.integers(-1, 5), PEOPLE, PEOPLE, st.integers(0, 20))


def check_met(quorum: Quorum) -> None:
    for at in (0, quorum.expires_at - 1, quorum.expires_at, quorum.expires_at + 1):
        others = [p for p in quorum.approved if p not in quorum.barred]
        enough = quorum.needed >= 1 and len(others) >= quorum.needed
        assert quorum.met(at) == (enough and at < quorum.expires_at)


@given(QUORUMS)
def test_enough_others_in_time(quorum: Quorum) -> None:
    check_met(quorum)


def draw(rng: Random) -> Quorum:
    people = [PersonId(letter) for letter in "abcdefgh"]
    return Quorum(
        rng.randint(-1, 4),
        frozenset(rng.sample(people, rng.randint(0, 3))),
        frozenset(rng.sample(people, rng.randint(0, 6))),
        rng.randint(1, 20),
    )


def test_the_search_finds_nothing() -> None:
    assert counterexample(check_met, draw) is None


@given(QUORUMS, st.integers(0, 25))
def test_the_askers_own_word_changes_nothing(quorum: Quorum, at: int) -> None:
    asker = PersonId("asker")
    barred = replace(quorum, barred=quorum.barred | {asker})
    agreed = replace(barred, approved=barred.approved | {asker})
    assert (agreed.met(at), agreed.missing, agreed.counted) == (
        barred.met(at),
        barred.missing,
        barred.counted,
    )


@given(QUORUMS)
def test_what_is_missing_is_what_it_takes(quorum: Quorum) -> None:
    fresh = frozenset(PersonId(f"new-{n}") for n in range(quorum.missing))
    enough = replace(quorum, approved=quorum.approved | fresh)
    assert enough.met(quorum.expires_at - 1) == (quorum.needed >= 1)
    if fresh:
        assert not replace(enough, approved=enough.approved - {min(fresh)}).met(0)


PLANTED = {
    "the asker counts": ("counted", property(lambda self: self.approved)),
    "nobody is needed": ("missing", property(lambda _self: 0)),
    "it never expires": ("met", lambda self, _at: self.needed >= 1 and self.missing == 0),
    "none needed is met": ("met", lambda self, at: at < self.expires_at and self.missing == 0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quorum, *PLANTED[name])
    assert caught(check_met, draw)
