"""The one escape for whatever is not ours: names, labels, reasons of others.

Rules kept here:

1. What comes out is read by Streamlit's Markdown as text and nothing else: no link, image, colour,
   icon, formula, line or list, also where its plug-ins look at text that was escaped already.
2. What turns the direction of writing or is not seen at all is taken out, and so are marks that are
   piled up until they cover what stands beside them: a name looks like what it is.
"""

import re
import unicodedata

JOINER = "\u2060"
"""Seen by nobody; parts what a plug-in would take together."""
LONGEST = 200
MOST_MARKS = 3
"""Combining marks on one letter: more than any language writes."""
_UNSEEN = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))
) | frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Letters, marks and signs that are drawn as nothing (Unicode, Default_Ignorable_Code_Point)."""
_PILED = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&=^\"'])")
_TOGETHER = re.compile(r"(?i)(?<=:)(?=\S)|(?<=@)(?=\S)|(?<=www)(?=\.)|(?<=-)(?=>)|(?<=<)(?=-)")


def plain(text: str) -> str:
    """A text on one line, without what nobody sees, cut to a sane length."""
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or _visible(c))
    line = _heaps(" ".join(seen.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def safe(text: object) -> str:
    """Whatever is not ours, as Markdown that shows just it."""
    return _MARKS.sub(r"\\\1", _TOGETHER.sub(JOINER, plain(str(text))))


def _visible(character: str) -> bool:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}
    return not hidden and character not in _UNSEEN


def _heaps(line: str) -> str:
    """A line whose letters bear a few marks each."""
    return re.sub(f"({_PILED.pattern}{{{MOST_MARKS}}}){_PILED.pattern}+", r"\1", line)
