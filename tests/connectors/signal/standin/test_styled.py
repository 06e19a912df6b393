"""Marks in a text: what they come to, for any text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from connectors.signal.standin.clock import FarClock
from connectors.signal.standin.styled import MARKS, interpreted, units

TEXTS = st.text(alphabet=st.sampled_from("ab *~|`\\🔒é"), max_size=40)


@given(TEXTS)
def test_styles_lie_inside_the_text_that_is_shown(text: str) -> None:
    shown, styles = interpreted(text)
    assert units(shown) <= units(text)
    for style in styles:
        assert style.style in MARKS.values()
        assert 0 <= style.start <= style.start + style.length <= units(shown)


@given(st.text(alphabet=st.characters(blacklist_characters="*~|`\\"), max_size=40))
def test_a_text_without_marks_stays(text: str) -> None:
    assert interpreted(text) == (text, ())


@given(TEXTS)
def test_nothing_but_marks_and_their_escapes_is_taken_away(text: str) -> None:
    plain = re.compile(r"[*~|`\\]")
    assert plain.sub("", interpreted(text)[0]) == plain.sub("", text)


def test_places_are_utf_16_code_units() -> None:
    ((style,),) = [interpreted("🔒 **b**")[1]]
    assert (style.start, style.length) == (3, 1)


def test_a_mark_without_its_end_stays() -> None:
    assert interpreted("2 * 3") == ("2 * 3", ())


@given(st.lists(st.integers(0, 5000), max_size=20))
def test_an_author_never_has_the_same_millisecond_twice(steps: list[int]) -> None:
    clock, stamps = FarClock(), []
    for step in steps:
        clock.advance(step)
        stamps.append(clock.stamp("ann"))
    assert stamps == sorted(set(stamps))
