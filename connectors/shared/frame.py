"""How a message of ours is framed where no form but its text is there. Pure.

Rules kept here:

1. Nothing can be hidden in a plain text. So what names its author must be told from the body by its
   form alone: the first line is the author, and every other line stands behind ``> ``. A line is
   whatever any reader may take for one.
2. The author line is one line: breaks, controls and direction marks in it become spaces.
3. What our own account says stands as it is, unless it has the form of rule 1 by chance, is a
   repetition, or begins as a command does on that network: then it stands behind our own name.
4. Nothing is lost: ``parse`` gives back what ``render`` was given.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from connectors.port.messages import Content

QUOTE = "> "
OURS = "Wallcross"
"""Stands as the author where our own account speaks and the form of rule 1 is needed."""
REPEATED = " (may be a repetition)"
# what str.splitlines() takes for the end of a line, the two-character one first
_BREAK = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_QUOTED = re.compile(f"(^|{_BREAK.pattern}){re.escape(QUOTE)}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of ours as its form tells it: who, what, and whether it may be a repetition."""

    author: str | None = field(repr=False)
    text: str = field(repr=False)
    repeated: bool


def one_line(text: str) -> str:
    """Text on one line: breaks, controls and direction marks become spaces."""
    unsafe = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
    kept = "".join(" " if unicodedata.category(c) in unsafe else c for c in text)
    return " ".join(kept.split())


def render(
    content: Content,
    author_line: str | None,
    *,
    repeated: bool = False,
    commands: tuple[str, ...] = (),
) -> str:
    """What the message reads.

    Args:
        content: subject and text.
        author_line: who wrote it; None when our own account speaks.
        repeated: the reader is told that he may have seen it.
        commands: how a text begins that somebody's program may take for a command.
    """
    text = content.text
    if content.subject is not None:
        text = f"{one_line(content.subject)}\n\n{text}"
    alone = author_line is None and not repeated and not text.lstrip().startswith(commands)
    if alone and not _has_author(text):
        return text
    author = OURS if author_line is None else one_line(author_line)
    return f"{author}{REPEATED if repeated else ''}\n{_quoted(text)}"


def parse(body: str) -> Shown:
    """What a message of ours says, by its form."""
    if not _has_author(body):
        return Shown(None, body, repeated=False)
    head, _, block = body.partition("\n")
    author = head.removesuffix(REPEATED)
    named = None if author == OURS else author
    return Shown(named, _QUOTED.sub(lambda found: found.group(1), block), author != head)


def _quoted(text: str) -> str:
    return QUOTE + _BREAK.sub(lambda found: found.group() + QUOTE, text)


def _has_author(body: str) -> bool:
    """Whether a text has the form of rule 1: one line, then only lines behind the mark."""
    head, newline, block = body.partition("\n")
    if not newline or _BREAK.search(head):
        return False
    starts = [0, *(found.end() for found in _BREAK.finditer(block))]
    return all(block.startswith(QUOTE, start) for start in starts)
