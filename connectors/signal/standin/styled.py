"""``text_mode: styled``: marks in a text are interpreted and taken out of it.

Rule kept here: any text is interpreted, whoever wrote it: that is the trap. Two backslashes before
a mark keep it. Places are UTF-16 code units, as everywhere in Signal.
"""

import re

from connectors.signal.standin.model import Style

MARKS = {"**": "BOLD", "*": "ITALIC", "~": "STRIKETHROUGH", "||": "SPOILER", "`": "MONOSPACE"}
PIECE = re.compile(
    r"\\\\(?P<kept>\*\*|\|\||[*~`])|(?P<mark>\*\*|\|\||[*~`])|(?P<text>.)", re.DOTALL
)


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def interpreted(text: str) -> tuple[str, tuple[Style, ...]]:
    """The text without its marks, and what they meant; a mark without its end stays."""
    pieces = [(m["mark"], m["kept"] or m["text"] or "") for m in PIECE.finditer(text)]
    shown, styles, opened = "", [], dict[str, int]()
    for at, (mark, plain) in enumerate(pieces):
        if mark is None:
            shown += plain
        elif mark in opened:
            start = opened.pop(mark)
            styles.append(Style(start, units(shown) - start, MARKS[mark]))
        elif any(mark == later for later, _ in pieces[at + 1 :]):
            opened[mark] = units(shown)
        else:
            shown += mark
    return shown, tuple(sorted(styles, key=lambda style: style.start))
