"""Number words without end are read like any others: no run of them stops the reading."""

import pytest

from tiers import numberwords


@pytest.mark.parametrize("word", ["one hundred ", "hundred ", "thousand ", "cent ", "mille "])
def test_a_long_run_is_read(word: str) -> None:
    [(start, end, digits)] = numberwords.edits(word * 20_000)
    assert (start, end) == (0, len(word) * 20_000 - 1)
    assert digits[0] == "1"
    assert max(map(len, digits.split())) <= len("thousand")


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("twenty-seven hundred", "2700"),
        ("two hundred thousand", "200 thousand"),
        ("one hundred one hundred", "101 100"),
    ],
)
def test_a_hundred_ends_a_number_that_has_one(words: str, digits: str) -> None:
    assert [found[2] for found in numberwords.edits(words)] == [digits]
