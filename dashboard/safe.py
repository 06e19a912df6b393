"""The one escape for whatever is not ours: names, labels, reasons of others.

Rules kept here:

1. What comes out is read by Streamlit's Markdown as text and nothing else: no link, image, colour,
   icon, formula, line or list, also where its plug-ins look at text that was escaped already.
2. What turns the direction of writing or is not seen at all is taken out: a name looks like what
   it is.
"""

import re
import unicodedata

JOINER = "\u2060"
"""Seen by nobody; parts what a plug-in would take together."""
LONGEST = 200
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&=^\"'])")
_TOGETHER = re.compile(r"(?i)(?<=:)(?=\S)|(?<=@)(?=\S)|(?<=www)(?=\.)|(?<=-)(?=>)|(?<=<)(?=-)")


def plain(text: str) -> str:
    """A text on one line, without what nobody sees, cut to a sane length."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or _visible(c))
    line = " ".join(seen.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def safe(text: object) -> str:
    """Whatever is not ours, as Markdown that shows just it."""
    return _MARKS.sub(r"\\\1", _TOGETHER.sub(JOINER, plain(str(text))))


def _visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
