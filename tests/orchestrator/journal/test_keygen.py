"""Keys made and split: any M of N of every side open, fewer never, each share tested alone."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journal import bech32
from orchestrator.journal.errors import BadShare
from orchestrator.journal.keygen import Group, combine, generate, try_share

SIDES = (Group("acquirer", 2, 3), Group("target", 2, 3))
KEY = generate("joint", SIDES)
A, T = KEY.shares["acquirer"], KEY.shares["target"]


@pytest.mark.parametrize("one", list(combinations(range(3), 2)))
@pytest.mark.parametrize("two", list(combinations(range(3), 2)))
def test_any_two_of_three_of_both_sides_open(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    identity = combine(KEY.public, [*(A[n] for n in one), *(T[n] for n in two)])
    assert str(identity.to_public()) == KEY.public["recipient"]


def test_more_than_enough_shares_do_no_harm() -> None:
    assert combine(KEY.public, [*A, *T, A[0]])


@pytest.mark.parametrize(
    ("shares", "missing"),
    [
        ([], "2 more of acquirer, 2 more of target"),
        ([A[0], *T], "1 more of acquirer"),
        ([A[0], A[0], *T], "1 more of acquirer"),
        (list(A), "2 more of target"),
    ],
)
def test_too_few_shares_say_how_many_are_missing(shares: list[str], missing: str) -> None:
    with pytest.raises(BadShare, match=missing):
        combine(KEY.public, shares)


def test_each_share_is_tested_alone() -> None:
    for name, shares in KEY.shares.items():
        for number, share in enumerate(shares, start=1):
            found = try_share(KEY.public, "  " + share.upper().replace(" ", "\n "))
            assert (found.group, found.number, found.needed, found.of) == (name, number, 2, 3)


@given(st.data())
def test_a_mistyped_share_is_refused_without_repeating_it(data: st.DataObject) -> None:
    words = A[0].split()
    at = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from(T[0].split()).filter(lambda word: word != words[at]))
    wrong = " ".join([*words[:at], other, *words[at + 1 :]])
    with pytest.raises(BadShare, match="mistyped") as caught:
        try_share(KEY.public, wrong)
    with pytest.raises(BadShare) as fixed:
        try_share(KEY.public, "no share at all")
    assert str(caught.value) == str(fixed.value), "the same words whatever was typed"
    assert caught.value.__suppress_context__


def test_a_share_of_another_key_is_refused() -> None:
    other = generate("joint", SIDES)
    with pytest.raises(BadShare, match="another journal key"):
        try_share(KEY.public, other.shares["acquirer"][0])
    with pytest.raises(BadShare, match="another journal key"):
        combine(KEY.public, [*A, *other.shares["target"]])
    with pytest.raises(BadShare, match="mistyped"):
        try_share(KEY.public, "not words of the list")
    lying = other.public | {"recipient": KEY.public["recipient"]}
    with pytest.raises(BadShare, match="another key"):
        combine(lying, [s for shares in other.shares.values() for s in shares])


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [Group("a", 0, 3)],
        [Group("a", 4, 3)],
        [Group("a", 1, 3)],
        [Group("a", 2, 17)],
        [Group("a", 2, 3), Group("a", 2, 3)],
    ],
)
def test_splits_that_protect_nothing_are_refused(groups: list[Group]) -> None:
    with pytest.raises(BadShare):
        generate("joint", groups)


def test_one_person_alone_is_allowed_for_a_side_that_wants_it() -> None:
    key = generate("side_1", [Group("side_1", 1, 1)])
    assert combine(key.public, key.shares["side_1"])


def test_neither_public_file_nor_repr_nor_disk_holds_the_private_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    key = generate("joint", SIDES)
    identity = combine(key.public, [s for shares in key.shares.values() for s in shares])
    shown = repr(key) + str(key.public)
    assert str(identity) not in shown
    assert not any(share in shown for shares in key.shares.values() for share in shares)
    assert list(tmp_path.iterdir()) == []


@given(st.binary(min_size=32, max_size=32))
def test_bech32_is_what_age_reads_and_writes(secret: bytes) -> None:
    text = bech32.encode("age-secret-key-", secret).upper()
    assert str(pyrage.x25519.Identity.from_str(text)) == text
    assert bech32.decode("age-secret-key-", text) == secret


@given(st.data())
def test_bech32_refuses_any_other_letter(data: st.DataObject) -> None:
    text = bech32.encode("age-secret-key-", bytes(32))
    at = data.draw(st.integers(len("age-secret-key-1"), len(text) - 1))
    other: Any = data.draw(
        st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7lb1").filter(
            lambda letter: letter != text[at]
        )
    )
    with pytest.raises(BadShare):
        bech32.decode("age-secret-key-", text[:at] + other + text[at + 1 :])
