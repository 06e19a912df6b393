"""The page says what the judge says."""

import re
from pathlib import Path

from connectors.pgpmail.judge.words import REASONS, MailClass, Verdict

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "channels" / "mail-judge.md").read_text("utf-8")
SOURCES = (ROOT / "connectors" / "pgpmail").rglob("*.py")


def test_every_word_is_on_the_page() -> None:
    assert [word for word in (*Verdict, *MailClass) if f"`{word.value}`" not in PAGE] == []
    assert (
        dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)).items() >= REASONS.items()
    )


def test_the_order_on_the_page_is_the_order_of_the_verdicts() -> None:
    table = PAGE[PAGE.index("| verdict |") : PAGE.index("Class beside it")]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [word.value for word in Verdict]


def test_every_reason_has_words_and_every_word_is_used() -> None:
    text = "".join(path.read_text("utf-8") for path in SOURCES if path.name != "words.py")
    assert [code for code in REASONS if f'"{code}"' not in text] == []
