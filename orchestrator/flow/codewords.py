"""Words that a person sends to show that an account is his: short, and not taken for one another.

Rules kept here:

1. There are 1,024, so that six drawn at random are 60 bits. No two differ by one letter only, and
   words that sound like others are left out: they are read out on a telephone.
2. What is read is taken as people type it: capitals, commas and line ends mean nothing. What is
   not six of these words and nothing else is no code.
"""

import re
import secrets
from importlib import resources

WORDS = tuple(
    (resources.files("orchestrator.flow") / "codewords.csv")
    .read_text("ascii")
    .replace("\n", ",")
    .strip(",")
    .split(",")
)
COUNT = 6
_KNOWN = frozenset(WORDS)
_BETWEEN = re.compile(r"[\s,.;-]+")
_LONGEST = 120
"""Characters; longer texts are not looked at."""


def draw() -> tuple[str, ...]:
    """Six words, each of all by chance."""
    return tuple(secrets.choice(WORDS) for _ in range(COUNT))


def read_words(text: str) -> tuple[str, ...] | None:
    """The six words that a text is and nothing else; None for any other text."""
    if len(text) > _LONGEST:
        return None
    found = tuple(_BETWEEN.sub(" ", text.casefold()).split())
    return found if len(found) == COUNT and _KNOWN.issuperset(found) else None
