"""Words stand for the whole key, whatever a network shows, and lead to no other one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import words
from connectors.port.words import is_read_as, words_for, words_of

SAFETY_NUMBER = "".join(f"{n:05}" for n in range(12345, 12357))
KINDS = [
    st.binary(min_size=20, max_size=32).map(bytes.hex),
    st.text("0123456789", min_size=60, max_size=60),
    st.binary(min_size=32, max_size=32).map(lambda b: base64.b64encode(b).decode().rstrip("=")),
    st.text(min_size=1, max_size=40),
]


def test_the_published_list_is_read_as_published() -> None:
    """Source: the PGP word list, its own example (E582 94F2 E9A2 2748 6E8B)."""
    expected = "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa"
    assert " ".join(words_of("E582 94F2 E9A2 2748 6E8B")) == expected


def test_both_lists_are_whole() -> None:
    even, odd = words._EVEN, words._ODD  # the lists themselves are under test
    assert (len(set(even)), len(set(odd)), len({*even} & {*odd})) == (256, 256, 0)


def test_a_safety_number_has_as_many_words_as_it_has_bytes() -> None:
    assert len(words_for(SAFETY_NUMBER)) == 25
    spaced = " ".join(SAFETY_NUMBER[n : n + 5] for n in range(0, 60, 5))
    assert words_for(spaced) == words_for(SAFETY_NUMBER)


@pytest.mark.parametrize("kind", KINDS)
def test_what_differs_reads_differently(kind: st.SearchStrategy[str]) -> None:
    @given(one=kind, other=kind)
    def differs(one: str, other: str) -> None:
        same = "".join(one.split()).casefold() == "".join(other.split()).casefold()
        if not same:
            assert words_for(one) != words_for(other)

    differs()


@given(st.one_of(KINDS))
def test_a_key_is_read_as_its_words_whatever_their_case(key: str) -> None:
    said = " ".join(words_for(key))
    assert is_read_as(key, said)
    assert is_read_as(key, said.upper())
    assert not is_read_as(key, " ".join(words_for(key)[:-1]))
    assert not is_read_as(key, "")


def test_another_order_is_heard() -> None:
    said = list(words_for(SAFETY_NUMBER))
    said[3], said[4] = said[4], said[3]
    assert not is_read_as(SAFETY_NUMBER, " ".join(said))
