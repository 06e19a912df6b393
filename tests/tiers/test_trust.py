"""A key is trusted by a ceremony of two people only, and what was burnt stays burnt."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers import trust
from tiers.ids import PersonId
from tiers.trust import (
    LAPSES_SOON,
    KeyEvent,
    KeyState,
    NotPossible,
    after,
    check_ceremony,
    counts_as,
    lapses_soon,
)

NEVER_AGAIN = {KeyState.REVOKED, KeyState.COMPROMISED}
TRUSTED = {KeyState.PINNED, KeyState.VERIFIED}
FROM = {
    KeyState.SEEN: {"pin": "pinned", "ceremony": "verified", "replaced": "superseded"},
    KeyState.PINNED: {"ceremony": "verified", "replaced": "superseded"},
    KeyState.VERIFIED: {"ceremony": "verified", "replaced": "superseded"},
    KeyState.SUPERSEDED: {},
    KeyState.REVOKED: {},
    KeyState.COMPROMISED: {},
}


def reached(state: KeyState, events: list[KeyEvent]) -> list[tuple[KeyEvent, KeyState]]:
    """The states gone through; what is not possible leaves the state as it is."""
    path = []
    for event in events:
        try:
            state = after(state, event)
        except NotPossible:
            continue
        path.append((event, state))
    return path


def check_table() -> None:
    for state, event in product(KeyState, KeyEvent):
        following = trust.TRANSITIONS[state].get(event)
        if state in NEVER_AGAIN:
            assert following in {None, KeyState.COMPROMISED}
        if following is KeyState.VERIFIED:
            assert event is KeyEvent.CEREMONY
        if following is KeyState.PINNED:
            assert (state, event) == (KeyState.SEEN, KeyEvent.PIN)
        assert following is not KeyState.SEEN


def test_the_table_keeps_the_rules() -> None:
    check_table()


@pytest.mark.parametrize(("state", "event"), list(product(KeyState, KeyEvent)))
def test_each_change_is_the_expected_one(state: KeyState, event: KeyEvent) -> None:
    burnt = {"revoke": "revoked", "compromise": "compromised"}
    if state is KeyState.REVOKED:
        burnt.pop("revoke")
    elif state is KeyState.COMPROMISED:
        burnt.clear()
    expected = (FROM[state] | burnt).get(event.value)
    if expected is None:
        with pytest.raises(NotPossible, match=event.value):
            after(state, event)
    else:
        assert after(state, event).value == expected


@given(st.sampled_from(sorted(NEVER_AGAIN, key=str)), st.lists(st.sampled_from(KeyEvent)))
def test_no_path_leads_back(state: KeyState, events: list[KeyEvent]) -> None:
    assert all(following in NEVER_AGAIN for _, following in reached(state, events))


@given(st.sampled_from(KeyState), st.lists(st.sampled_from(KeyEvent)))
def test_verified_only_by_ceremony_on_every_path(state: KeyState, events: list[KeyEvent]) -> None:
    for event, following in reached(state, events):
        assert (following is KeyState.VERIFIED) == (event is KeyEvent.CEREMONY)


@given(st.lists(st.sampled_from(KeyEvent)))
def test_a_replaced_key_is_never_trusted_again(events: list[KeyEvent]) -> None:
    assert not TRUSTED & {following for _, following in reached(KeyState.SUPERSEDED, events)}


PLANTED = {
    "revoked comes back": (KeyState.REVOKED, KeyEvent.CEREMONY, KeyState.VERIFIED),
    "compromised is pinned": (KeyState.COMPROMISED, KeyEvent.PIN, KeyState.PINNED),
    "verified by a pin": (KeyState.PINNED, KeyEvent.PIN, KeyState.VERIFIED),
    "superseded is seen anew": (KeyState.SUPERSEDED, KeyEvent.REPLACED, KeyState.SEEN),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state, event, following = PLANTED[name]
    monkeypatch.setitem(trust.TRANSITIONS[state], event, following)
    with pytest.raises(AssertionError):
        check_table()


@given(*(st.sampled_from("abc").map(PersonId) for _ in range(3)))
def test_a_ceremony_takes_two_others(owner: PersonId, one: PersonId, other: PersonId) -> None:
    if len({owner, one, other}) == 3:
        check_ceremony(owner, one, other)
    else:
        with pytest.raises(NotPossible):
            check_ceremony(owner, one, other)


INSTANTS = st.integers(0, 4_000_000_000_000_000)


@given(st.sampled_from(KeyState), INSTANTS, INSTANTS, INSTANTS)
def test_time_makes_no_key_more_trusted(state: KeyState, since: int, at: int, lasts: int) -> None:
    counted = counts_as(state, since, at, lasts)
    assert counted is state or (state, counted) == (KeyState.VERIFIED, KeyState.PINNED)
    assert (counted is KeyState.VERIFIED) == (
        state is KeyState.VERIFIED and since <= at < since + lasts
    )


@given(INSTANTS, INSTANTS, INSTANTS)
def test_it_is_said_before_a_ceremony_lapses(since: int, at: int, lasts: int) -> None:
    if at >= since and counts_as(KeyState.VERIFIED, since, at, lasts) is KeyState.PINNED:
        assert lapses_soon(KeyState.VERIFIED, since, at, lasts)
    assert lapses_soon(KeyState.VERIFIED, since, since + lasts - LAPSES_SOON, lasts)
    assert not lapses_soon(KeyState.PINNED, since, at, lasts)
