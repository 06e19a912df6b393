"""Reading as a person would, with the way back, in bounded time."""

# ruff: noqa: RUF001 - look-alike characters are the subject of this file

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers.normalise import normalise, split_words

WORDS = {"offer": -8.0, "price": -8.0, "we": -6.0, "the": -5.0, "off": -7.0, "ice": -9.0}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("o\u200bf\u00adfer", "offer"),
        ("оffеr рriсе", "offer price"),
        ("ｏｆｆｅｒ 𝐩𝐫𝐢𝐜𝐞", "offer price"),
        ("o f f e r  p r i c e", "offer  price"),
        ("w.e.o.f.f.e.r", "we offer"),
        ("val-\nuation", "valuation"),
        ("of\nfer", "offer"),
        ("the\nprice", "the\nprice"),
        ("0ffer pr1ce", "offer price"),
        ("room 4b, h2o, Q4, 10am, 4th", "room 4b, h2o, Q4, 10am, 4th"),
        ("o\u0336f\u0336fer u\u0308ber", "offer über"),
        ("&#111;ffer&nbsp;price", "offer price"),
        ("٢٧ million", "27 million"),
    ],
)
def test_what_a_reader_sees(sent: str, read: str) -> None:
    assert normalise(sent, WORDS).text == read


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("forty-two and a half", "42.5"),
        ("twenty-seven fifty", "27.50"),
        ("one thousand two hundred and fifty", "1250"),
        ("seven hundred thousand", "700 thousand"),
        ("twenty-seven point five zero", "27.50"),
        ("siebenundzwanzig", "27"),
        ("dreitausendzweihundert", "3200"),
        ("quatre-vingt-dix-sept", "97"),
        ("neuf millions", "9 millions"),
        ("no one", "no one"),
        ("Bitte Achtung geben", "Bitte Achtung geben"),
        ("seize the day", "seize the day"),
    ],
)
def test_number_words(words: str, digits: str) -> None:
    assert normalise(words).text == digits


def test_offsets_lead_back_to_the_original() -> None:
    sent = "so: o\u200bf f\u00e9\u0301e twenty-seven million, оk"
    read = normalise(sent)
    at = read.text.index("27")
    start, end = read.original(at, at + 2)
    assert sent[start:end] == "twenty-seven"


@given(st.text(max_size=400))
def test_offsets_are_monotone_and_complete(text: str) -> None:
    read = normalise(text, WORDS)
    assert len(read.offsets) == len(read.text) + 1
    assert list(read.offsets) == sorted(read.offsets)
    assert read.offsets[-1] == len(text)
    assert len(read.bare) == len(read.text)


@given(st.text(alphabet="abcdefgh ,.\n", max_size=200))
def test_ordinary_text_stays_as_it_is_without_a_lexicon(text: str) -> None:
    read = normalise(text)
    assert read.restored or read.text == text


def test_letters_run_together_come_apart_where_words_are_known() -> None:
    assert split_words("weoffertheprice", WORDS) == ["we", "offer", "the", "price"]
    assert split_words("zzyzx", {}) == ["zzyzx"]


HOSTILE = [
    "\u0301",
    "a\u0301",
    "a ",
    "a\n",
    "a1",
    "two ",
    "ein",
    "-",
    "и",
    "&#1",
    "aB",
    "ﷺ",
    "1 000 ",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_length_only(unit: str) -> None:
    """Ten times the text is ten times the work of this process, not a hundred times."""

    def work(length: int) -> float:
        text = (unit * length)[:length]
        before = process_time()
        _ = normalise(text, WORDS).bare
        return process_time() - before

    small, large = (min(work(length) for _ in range(3)) for length in (20_000, 200_000))
    assert large < 40 * small + 0.05
