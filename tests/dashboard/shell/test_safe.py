"""Whatever comes from outside is one line of text, and nothing that Markdown would make of it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.safe import JOINER, LONGEST, plain, safe

ATTACKS = [
    "![x](https://evil.example/p.png)",
    "[Approved by the CISO](https://evil.example)",
    ":red[Approved]",
    ":material/home:",
    "$\\frac{1}{2}$",
    "<img src=x onerror=alert(1)>",
    "www.evil.example",
    "https://evil.example",
    "ines@evil.example",
    "# head",
    "- item\n- item",
    "a -> b",
    ":smile:",
    "`code` ~~gone~~ **bold** _thin_",
    "| a | b |\n|---|---|",
    "&lt;b&gt;",
]
MARKS = re.compile(r"(?<!\\)(?:\\\\)*([`*_{}\[\]()#+\-.!|~<>$:&])")


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_an_attack_is_markup(text: str) -> None:
    found = safe(text)
    assert "\n" not in found
    assert not MARKS.search(found)
    assert not re.search(r"www\\\.|@\w|:/", found.replace("\\:", ":").replace("\\@", "@"))


@pytest.mark.parametrize("text", ATTACKS)
def test_it_still_reads_as_it_was_written(text: str) -> None:
    shown = re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", safe(text)).replace(JOINER, "")
    assert shown == plain(text)


@given(st.text(max_size=400))
def test_whatever_it_is_it_is_one_line_of_what_can_be_seen(text: str) -> None:
    found = plain(text)
    assert len(found) <= LONGEST
    assert not [c for c in found if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"}]
    assert not MARKS.search(safe(text))


def test_what_turns_the_writing_is_taken_out() -> None:
    assert plain("Ada\u202eevil\u2066\u200bx") == "Adaevilx"
    assert safe(7) == "7"


@pytest.mark.parametrize(
    "character",
    ["\u3164", "\u115f", "\uffa0", "\u2800", "\u034f", "\u180b", "\ufe0f", "\U000e0100"],
)
def test_what_is_drawn_as_nothing_makes_no_other_name(character: str) -> None:
    assert plain(f"Ada{character} Lind{character}qvist") == "Ada Lindqvist"
    assert plain(character * 3) == ""


def test_marks_are_not_piled_up_over_what_stands_beside() -> None:
    assert plain("A" + "\u0301" * 90 + "da") == "A" + "\u0301" * 3 + "da"
    assert plain("Nguye\u0302\u0303n") == "Nguye\u0302\u0303n"
