"""A look-alike is found as a reader would be taken in by it, and decides nothing."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiers
from tiers.ids import PersonId, SideId
from tiers.lookalike import (
    LONGEST_NAME,
    Claim,
    distance,
    near,
    near_pairs,
    oddities,
    shown,
    skeleton,
)
from tiers.people import Person, Profile

NAMES = ("Ximena Park", "Viktor Sand", "Laura Penn", "Bo")
PEOPLE = tuple(
    Person(
        *(PersonId(n.lower().replace(" ", "-")), n, SideId("kestrel"), "member"),
        *(Profile.HIGH_VALUE, {}),
    )
    for n in NAMES
)


def codes(name: str, text: str = "", account: str = "b7e0") -> set[str]:
    return {o.code for o in oddities(Claim(account, name, text), PEOPLE)}


@pytest.mark.parametrize(
    "name",
    [
        *("Ximena Park", "XIMENA PARK", "Park Ximena", "Ximena  Park ", "Xiména Park"),
        "\u0425\u0456m\u0435n\u0430 P\u0430rk",  # Cyrillic letters that look Latin
        "X1mena Park",
        "Xirnena Park",
        "\u202eXimena Park",
        "Ximena\u200b Park",
    ],
)
def test_what_reads_exactly_like_a_person_is_found(name: str) -> None:
    assert "name_same" in codes(name)


@pytest.mark.parametrize("name", ["Ximena Parkk", "Ximnea Park", "Viktor Sandt", "Victor Sand"])
def test_a_mistake_of_the_hand_is_found(name: str) -> None:
    assert "name_near" in codes(name)


@pytest.mark.parametrize("name", ["Hana Ferri", "Bob", "Jo", "Park", "", "Laura"])
def test_another_name_is_another_name(name: str) -> None:
    assert codes(name) == set()


@pytest.mark.parametrize(
    "name", ["Signal Support", "Deal Security", "ADMIN", "Sicherheit", "Wallcross Bot", "Supp0rt"]
)
def test_who_calls_himself_an_office_is_found(name: str) -> None:
    assert codes(name) == {"office"}


@pytest.mark.parametrize("account", ["@ximena.park:evil.test", "ximena-park@evil.test"])
def test_an_account_may_bear_the_name(account: str) -> None:
    assert "name_same" in codes("", account=account)


@pytest.mark.parametrize(
    "text",
    [
        *("Urgent: send me the verification code", "Keep this between us, please."),
        *("Bitte sofort den Bestätigungscode", "Répondez tout de suite"),
        *("SCAN THIS qr code", "Your account will be blocked: suspicious activity"),
    ],
)
def test_first_words_that_press_are_found(text: str) -> None:
    assert codes("Hana Ferri", text) == {"urgent"}


@pytest.mark.parametrize("text", ["Hello, we met on Tuesday.", "I pinned it.", "Good morning"])
def test_ordinary_first_words_are_not(text: str) -> None:
    assert codes("Hana Ferri", text) == set()


@given(st.text(max_size=300))
def test_what_is_shown_of_a_name_is_one_short_line_that_hides_nothing(name: str) -> None:
    told = shown(name)
    assert len(told) <= LONGEST_NAME
    assert told.isprintable()
    assert not {"\n", "\r", "\u202e", "\u2066", "\u200f"} & set(told)


@given(st.text(max_size=200), st.text(max_size=2000), st.text(max_size=200))
def test_nothing_that_a_stranger_says_stops_the_looking(name: str, text: str, account: str) -> None:
    for oddity in oddities(Claim(account, name, text), PEOPLE):
        assert oddity.because
        assert text not in oddity.because or len(text) < 40, "no word of the message"


WORDS = st.text("abcdeé", max_size=8)


@given(WORDS, WORDS)
def test_the_distance_is_one(one: str, other: str) -> None:
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) == distance(other, one) <= max(len(one), len(other))
    assert near(one, one)


@given(WORDS, WORDS, st.integers(0, 4))
def test_counting_no_further_than_asked_says_the_same(one: str, other: str, most: int) -> None:
    assert (distance(one, other, most) <= most) == (distance(one, other) <= most)


@given(st.sampled_from(NAMES), st.integers(0, 20), st.sampled_from("xyz"))
def test_one_wrong_letter_in_a_long_name_is_near(name: str, place: int, letter: str) -> None:
    own = "".join(skeleton(name))
    wrong = own[: place % len(own)] + letter + own[place % len(own) + 1 :]
    assert len(own) < 4 or near(own, wrong)


DECIDING = ("policy", "routing", "decision", "documents", "membership", "remedy", "people")


@pytest.mark.parametrize("name", DECIDING)
def test_no_rule_knows_of_look_alikes(name: str) -> None:
    """Rule 1: adding or removing such a finding can change no decision, for none is given one."""
    tree = ast.parse((Path(tiers.__path__[0]) / f"{name}.py").read_text("utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not {"tiers.lookalike", "tiers.contact"} & imported


@given(st.lists(st.text("abc", max_size=11), max_size=12).map(tuple))
def test_pairs_are_those_that_a_comparison_of_each_with_each_finds(names: tuple[str, ...]) -> None:
    numbers = range(len(names))
    slow = {(n, m) for n in numbers for m in numbers if n < m and names[n] and names[m]}
    assert set(near_pairs(names)) == {(n, m) for n, m in slow if near(names[n], names[m])}


def test_a_list_of_names_that_all_read_alike_costs_no_more_than_was_asked_for() -> None:
    names = tuple(f"person{n}" for n in range(5000))
    assert len(near_pairs(names, 100)) == 101
