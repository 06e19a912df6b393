"""More made-up restricted texts, of kinds that are built unlike each other, and ways to paste them.

Rules kept here:

1. No template or list of words is shared with ``leaks_text``, nor between two kinds: a rule that
   was made for the words of one gains nothing with another.
2. A kind is how a text is built (clauses, bullets, cells, lines of a chat, a thread of mails,
   German, French, a scan); a way is what is done to a piece of it. Every way is tried with every
   kind.
3. A piece is at least twenty words of the text in a row, as its reader counts words: what stands
   between blanks and has a letter or digit. What a way adds or changes comes on top.
4. Names and figures are drawn anew each time. No leak is a paraphrase.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from orchestrator.bench.leaks_phrases import (
    BULLETS,
    CELLS,
    CHAT,
    CLAUSES,
    FRENCH,
    GERMAN,
    MEMO,
    SLOTS,
    THREAD,
)

LEAST: Final = 20
_SLOT = re.compile(r"\{(\w+)\}")
_WORDLIKE = re.compile(r"\S*[^\W_]\S*")
_NAME_PARTS: Final = (
    *("Ald", "Bren", "Corv", "Dask", "Elm", "Fjor", "Gan", "Hest", "Ister", "Jor", "Kel", "Lund"),
    *("Mor", "Nar", "Osk", "Pell", "Quen", "Rav", "Sten", "Tol", "Ulv", "Ves", "Wick", "Yar"),
)
_NAME_ENDS: Final = (
    "ane",
    "berg",
    "by",
    "dal",
    "eth",
    "holm",
    "ic",
    "mark",
    "o",
    "stad",
    "wen",
    "ys",
)
_LOOKS: Final = str.maketrans({"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х"})  # noqa: RUF001 - letters that look alike are what is tried
_WIDE: Final = {n: chr(n + 0xFEE0) for n in range(0x21, 0x7F)}


@dataclass(frozen=True, slots=True)
class Made:
    """A restricted text.

    Attributes:
        kind: how it is built.
    """

    kind: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A piece of a restricted text, as it is written elsewhere.

    Attributes:
        way: what was done to it.
        of: number of its source.
    """

    kind: str
    way: str
    of: int
    text: str = field(repr=False)


def made(draw: random.Random, each: int) -> list[Made]:
    """Texts of every kind, so many of each."""
    return [Made(kind, build(draw)) for kind, build in KINDS.items() for _ in range(each)]


def pasted(draw: random.Random, sources: list[Made]) -> Iterator[Pasted]:
    """Of every source a piece in each way in turn, so that every kind meets every way."""
    turns: dict[str, int] = {}
    ways = tuple(WAYS.items())
    for n, source in enumerate(sources):
        turn = turns[source.kind] = turns.get(source.kind, -1) + 1
        way, change = ways[turn % len(ways)]
        yield Pasted(source.kind, way, n, change(draw, _piece(draw, source.text)))


def filled(draw: random.Random, template: str) -> str:
    """A template with each slot drawn anew."""
    return _SLOT.sub(lambda found: _slot(draw, found[1]), template)


def _slot(draw: random.Random, name: str) -> str:
    drawn = _DRAWN.get(name)
    return filled(draw, draw.choice(SLOTS[name])) if drawn is None else drawn(draw)


_DRAWN: Final[dict[str, Callable[[random.Random], str]]] = {
    "name": lambda draw: draw.choice(_NAME_PARTS) + draw.choice(_NAME_ENDS),
    "n": lambda draw: str(draw.randint(2, 19)),
    "nn": lambda draw: str(draw.randint(21, 998)),
    "cell": lambda draw: f"{draw.randint(1, 98)},{draw.randint(100, 999)}",
    "rate": lambda draw: f"{draw.randint(1, 39)}.{draw.randint(0, 9)}",
    "year": lambda draw: str(draw.randint(2019, 2034)),
}


def _sentences(templates: tuple[str, ...], count: int, join: str) -> Callable[[random.Random], str]:
    def build(draw: random.Random) -> str:
        return join.join(filled(draw, one) for one in draw.sample(templates, count))

    return build


def _clauses(draw: random.Random) -> str:
    number = draw.randint(2, 14)
    chosen = draw.sample(CLAUSES, 3)
    return "\n\n".join(f"{number}.{n} {filled(draw, one)}" for n, one in enumerate(chosen, 1))


def _bullets(draw: random.Random) -> str:
    sign = draw.choice(("-", "•", "*", "–"))  # noqa: RUF001 - how lists are written
    return "\n".join(f"{sign} {filled(draw, one)}" for one in draw.sample(BULLETS, 7))


def _cells(draw: random.Random) -> str:
    between = draw.choice(("\t", " | ", ";", "    "))
    start = draw.randint(2021, 2027)
    head = between.join(
        ("EURm", *(f"{year}{'AE'[year > start]}" for year in range(start, start + 4)))
    )
    rows = (between.join((filled(draw, one), *_row(draw))) for one in draw.sample(CELLS, 9))
    return "\n".join((head, *rows))


def _row(draw: random.Random) -> list[str]:
    return [
        filled(draw, draw.choice(("{cell}", "{nn}.{n}", "{rate}%", "({nn})"))) for _ in range(4)
    ]


def _chat(draw: random.Random) -> str:
    names = draw.sample(_NAME_PARTS, 2)
    lines = (filled(draw, one) for one in draw.sample(CHAT, 8))
    return "\n".join(f"{names[n % 2].lower()}: {line}" for n, line in enumerate(lines))


def _thread(draw: random.Random) -> str:
    top, below = (" ".join(filled(draw, one) for one in draw.sample(THREAD, 3)) for _ in range(2))
    who, to = (filled(draw, "{name}") for _ in range(2))
    quoted = "\n".join(f"> {line}" for line in _lines(below.split(), 9))
    return f"{to},\n\n{top}\n\n{who}\n\nOn Tue, {who} wrote:\n{quoted}"


KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "clauses": _clauses,
    "bullets": _bullets,
    "cells": _cells,
    "chat": _chat,
    "thread": _thread,
    "German": _sentences(GERMAN, 4, " "),
    "French": _sentences(FRENCH, 4, " "),
    "scan": _sentences(MEMO, 4, " "),
}


def _piece(draw: random.Random, text: str) -> str:
    """Of a text at least twenty words in a row, with what stands between them."""
    spans = [match.span() for match in _WORDLIKE.finditer(text)]
    length = min(len(spans), draw.randint(LEAST, LEAST + 12))
    at = draw.randint(0, len(spans) - length)
    return text[spans[at][0] : spans[at + length - 1][1]]


def _lines(words: list[str], width: int) -> Iterator[str]:
    return (" ".join(words[i : i + width]) for i in range(0, len(words), width))


def _as_it_was(_: random.Random, piece: str) -> str:
    return piece


def _ends(draw: random.Random, piece: str) -> str:
    """Other words at both ends, without a line between."""
    before, after = draw.choice(_BEFORE), draw.choice(_AFTER)
    return f"{before} {piece} {after}"


_BEFORE: Final = ("as I read it,", "fyi from upstairs:", "they now say that", "heads up -")
_AFTER: Final = (
    "- what do you make of it?",
    "and so on",
    "(not for the minutes)",
    "or roughly that",
)


def _broken(draw: random.Random, piece: str) -> str:
    return "\n".join(_lines(piece.split(), draw.randint(3, 7)))


def _quoted(draw: random.Random, piece: str) -> str:
    sign = draw.choice(("> ", ">> ", "> > ", "| ", ">"))
    return "\n".join(sign + line for line in _lines(piece.split(), draw.randint(6, 10)))


def _case(draw: random.Random, piece: str) -> str:
    return draw.choice((piece.upper(), piece.lower(), piece.swapcase()))


def _unicode(draw: random.Random, piece: str) -> str:
    return draw.choice(
        (
            piece.translate(_LOOKS),
            piece.translate(_WIDE),
            piece.replace(" ", "\u00a0"),
            re.sub(r"(?<=[^\W_]{2})(?=[^\W_]{2})", "\u200b", piece),
            re.sub(r"(?<=[^\W_]{3})(?=[^\W_]{3})", "\u00ad", piece),
        )
    )


def _commented(draw: random.Random, piece: str) -> str:
    """Lines of the piece with remarks between them, as people answer within a mail."""
    parts = list(_lines(piece.split(), draw.randint(7, 10)))
    return "".join(f"> {part}\n{draw.choice(_REMARKS)}\n" for part in parts)


_REMARKS: Final = (
    *("Really?", "I doubt it.", "This is the point, as I said on the train.", "See below", "Hm."),
    *("We knew that since the spring, and nobody did anything about it.", "+1", "Who told you?"),
)


def _one_other(draw: random.Random, piece: str) -> str:
    """One word in the middle third is another one."""
    words = piece.split(" ")
    third = len(words) // 3
    words[draw.randint(third, 2 * third)] = draw.choice(("roughly", "xyz", "presumably", "[...]"))
    return " ".join(words)


def _marked_up(draw: random.Random, piece: str) -> str:
    words = piece.split(" ")
    for n in draw.sample(range(len(words)), len(words) // 4):
        words[n] = draw.choice(("**{}**", "_{}_", "“{}”", "<b>{}</b>")).format(words[n])
    return " ".join(words)


def _scanned(draw: random.Random, piece: str) -> str:
    """Lines of a column: long words parted at line ends, and the foot of a page among them."""
    lines = []
    for line in _lines(piece.split(), draw.randint(4, 6)):
        last = line.rpartition(" ")[2]
        cut = len(last) // 2
        parted = last.isalpha() and last.isascii() and cut > 3  # noqa: PLR2004 - long enough to part
        lines.append(f"{line[:-cut]}-\n{line[-cut:]}" if parted else line)
    lines.insert(len(lines) // 2, f"\n- {draw.randint(2, 80)} -\n")
    return "\n".join(lines)


def _forwarded(draw: random.Random, piece: str) -> str:
    who, to = (filled(draw, "{name}") for _ in range(2))
    head = f"From: {who}\nSent: 3 March 2031 10:12\nTo: {to}\nSubject: FW: draft\n\n"
    return f"See below.\n\n-----Original Message-----\n{head}{piece}"


WAYS: Final[dict[str, Callable[[random.Random, str], str]]] = {
    "as it was": _as_it_was,
    "other ends": _ends,
    "line breaks": _broken,
    "quoted": _quoted,
    "case": _case,
    "unicode": _unicode,
    "comments between": _commented,
    "one other word": _one_other,
    "markup": _marked_up,
    "scanned": _scanned,
    "forwarded": _forwarded,
}
