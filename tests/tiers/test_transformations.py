"""Twenty ways to disguise a text (docs/tiers.md lists them): none lowers its tier."""

# ruff: noqa: RUF001 - look-alike characters are the subject of this file

import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiers.classify import Part
from tiers.model import load_classifier
from tiers.tier import Tier

Transformation = Callable[[str], str]
LOWER = "abcdefghijklmnopqrstuvwxyz"
CYRILLIC = str.maketrans("aceopxyijsABCEHKMOPTX", "асеорхуіјѕАВСЕНКМОРТХ")
GREEK = str.maketrans("oviABEHIKMNOPTXYZ", "ονιΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
SMALL_CAPITALS = str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
TEENS = "fifteen sixteen seventeen eighteen nineteen"
SMALL = (UNITS + " " + TEENS).split()
TENS = ("", "", *["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])


def inside_words(mark: str, least: int = 4) -> Transformation:
    """Put a mark in the middle of each longer word."""
    word = re.compile(rf"[^\W\d_]{{{least},}}")

    def change(text: str) -> str:
        return word.sub(
            lambda m: m.group()[: len(m.group()) // 2] + mark + m.group()[len(m.group()) // 2 :],
            text,
        )

    return change


def shifted(first: int, letters: str = LOWER) -> Transformation:
    """Letters moved to another block of Unicode."""
    table = {ord(c): chr(first + i) for i, c in enumerate(letters)}
    return lambda text: text.translate(table)


def apart(mark: str) -> Transformation:
    """Letters of each longer word set apart; words twice as far."""

    def change(text: str) -> str:
        spread = re.sub(r"[^\W\d_]{4,}", lambda m: mark.join(m.group()), text)
        return spread if mark != " " else re.sub(r"(?<=\w) (?=\w\w)|(?<=\w\w) (?=\w)", "  ", spread)

    return change


def in_words(number: int) -> str:
    """A number up to 999,999 in English words."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + (f"-{SMALL[number % 10]}" if number % 10 else "")
    scale, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f" and {in_words(number % scale)}" if number % scale else ""
    return f"{in_words(number // scale)} {name}{rest}"


def spelled(text: str) -> str:
    """Whole numbers written out."""
    return re.sub(r"(?<![\d.,])\d{1,6}(?![\d.,]*\d)", lambda m: in_words(int(m.group())), text)


def broken_lines(text: str) -> str:
    """A line break inside every fourth longer word."""
    count = 0

    def cut(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        word = match.group()
        return word if count % 4 else word[: len(word) // 2] + "\n" + word[len(word) // 2 :]

    return re.sub(r"[^\W\d_]{7,}", cut, text)


def alternating(text: str) -> str:
    """UpPeR aNd LoWeR."""
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text))


def leet(text: str) -> str:
    """One letter of each longer word as a digit."""
    digits = {"o": "0", "i": "1", "e": "3", "a": "4"}
    return re.sub(
        r"(?<=[a-z])[oiea](?=[a-z]+)",
        lambda m: digits[m.group()],
        text,
        count=max(1, len(text) // 40),
    )


TRANSFORMATIONS: dict[str, Transformation] = {
    "zero-width space in words": inside_words("\u200b"),
    "zero-width joiner in words": inside_words("\u200d"),
    "soft hyphen in words": inside_words("\u00ad"),
    "bidirectional controls": lambda t: "\u202d" + inside_words("\u202c\u202d")(t) + "\u202c",
    "Cyrillic look-alikes": lambda t: t.translate(CYRILLIC),
    "Greek look-alikes": lambda t: t.translate(GREEK),
    "full-width letters": shifted(0xFF41),
    "mathematical bold letters": shifted(0x1D41A),
    "letters in circles": shifted(0x24D0),
    "small capitals": lambda t: t.translate(SMALL_CAPITALS),
    "combining marks on letters": lambda t: re.sub(r"([a-z])(?=[a-z])", "\\1\u0336\u0335", t),
    "letters apart by blanks": apart(" "),
    "letters apart by full stops": apart("."),
    "hyphen and line break in words": inside_words("-\n", 8),
    "line breaks inside words": broken_lines,
    "unusual blanks": lambda t: t.replace(" ", "\u00a0").replace("\u00a0", "\u2009", 3),
    "Arabic-Indic digits": shifted(0x0660, "0123456789"),
    "full-width digits": shifted(0xFF10, "0123456789"),
    "numbers in words": spelled,
    "alternating case": alternating,
    "capitals only": str.upper,
    "digits for letters": leet,
    "HTML entities": lambda t: re.sub(r"[aeiou]", lambda m: f"&#{ord(m.group())};", t),
}

OPENINGS = ("", "Anna, ", "Team, one more thing: ", "Before I forget: ")
SUBJECTS = ("the northern plant", "their stake", "the packaging division", "the fund's shares")
SENTENCES = (
    "we should offer 48 million for {x} and keep 6 in reserve.",
    "they want 27 euros a share for {x}, our limit is 31.",
    "my view is that the owner of {x} will sell if we raise the bid.",
    "the bank would lend 300 million against {x} at a margin of 250 basis points.",
    "do not tell the other bidder that we looked at {x} and walked away.",
    "please send the amended contract for {x} to counsel before Thursday.",
    "the auditors need the lease files of {x} and 12 invoices from March.",
    "the filing for {x} is with the agency, the second questionnaire has 40 questions.",
    "payroll of {x} moves to the new system after closing, HR has the list.",
    "the environmental report on {x} is missing from the data room.",
    "can we meet on Tuesday at 9 in the small room to talk about the trip?",
    "lunch is at 12, please tell the kitchen if you do not come.",
)
ENDINGS = ("", " Thanks.", " Please call me.", " More tomorrow.", " Regards, Paul")
MESSAGES = [
    opening + sentence.format(x=SUBJECTS[(i + j) % len(SUBJECTS)]) + ENDINGS[(i + k) % len(ENDINGS)]
    for i, sentence in enumerate(SENTENCES)
    for j, opening in enumerate(OPENINGS)
    for k in range(5)
][:200]


@cache
def tier_of(text: str) -> Tier:
    return load_classifier().classify([Part("body", text)]).tier


def lowered(message: str, name: str) -> bool:
    return tier_of(TRANSFORMATIONS[name](message)) < tier_of(message)


def test_the_published_list_has_twenty_and_more() -> None:
    assert len(TRANSFORMATIONS) >= 20
    assert len(set(MESSAGES)) == 200
    assert {tier_of(m) for m in MESSAGES[::7]} >= {Tier.VALUATION, Tier.OPERATIONS}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MESSAGES), st.sampled_from(sorted(TRANSFORMATIONS)))
def test_no_transformation_lowers_a_tier(message: str, name: str) -> None:
    assert not lowered(message, name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS))
def test_no_transformation_lowers_any_of_the_messages(name: str) -> None:
    assert [i for i, message in enumerate(MESSAGES) if lowered(message, name)] == []


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS))
def test_each_transformation_changes_something(name: str) -> None:
    assert any(TRANSFORMATIONS[name](m) != m for m in MESSAGES)


def test_a_transformation_would_lower_a_tier_if_nothing_were_normalised() -> None:
    """The property has teeth: the raw text of some disguise scores below its original."""
    classifier = load_classifier()
    assert classifier._scorer is not None
    message = "we should offer 48 million for their stake and keep 6 in reserve."
    plain = next(iter(classifier._scorer.windows(message)))
    disguised = next(
        iter(classifier._scorer.windows(TRANSFORMATIONS["Cyrillic look-alikes"](message)))
    )
    assert disguised.valuation < plain.valuation - 0.3
