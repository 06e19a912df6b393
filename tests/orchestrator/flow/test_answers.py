"""Only a line that is nothing but an answer is one; everything else is a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.flow.answers import Answer, Way, read_answer

CODES = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
LABELS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)


@given(
    way=st.sampled_from(Way),
    code=st.none() | CODES,
    label=st.none() | LABELS,
    room=st.sampled_from(["", " ", "\n", "  "]),
)
def test_what_the_notice_asks_for_is_read(
    way: Way, code: str | None, label: str | None, room: str
) -> None:
    text = " ".join([way.value, *([code] if code else []), *([f"#{label}"] if label else [])])
    assert read_answer(f"{room}{text}{room}") == Answer(way, code, label)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "12",
        "1.",
        "1 of them is late",
        "2 people",
        "1 0a1b2c3d and more",
        "1 0a1b2c3",
        "1 0A1B2C3D",
        "1 0a1b2c3d #",
        "1 #price now",
        "one",
        "\N{FULLWIDTH DIGIT ONE}",
        "1 0a1b2c3d 0a1b2c3d",
        "I mean 1",
    ],
)
def test_anything_else_is_a_message(text: str) -> None:
    assert read_answer(text) is None


@given(st.text(), st.sampled_from("123"))
def test_a_text_with_a_word_in_it_never_acts(text: str, way: str) -> None:
    assert read_answer(f"{way} please {text}") is None
