"""Keyed fingerprints of texts: whether a passage of one stands in another. Pure.

Rules kept here:

1. A fingerprint is a keyed hash of three words in a row, none of it readable without the key. For
   whoever has the key it can be guessed: it is content, and lives no longer than content.
2. What everybody writes says nothing: runs of function words and courtesies, addresses, times, the
   heads of forwarded mails, signatures and notices of confidentiality leave no fingerprint.
3. One shared phrase is chance. A passage is found where at least four different fingerprints of one
   text stand within forty words, with three words of substance among them: ten of both together.
   What is repeated counts once, and a single letter or digit is no substance: counting up is none.
4. What also stands in a text of a tier as low is not restricted, wherever else it stands.

Source: Schleimer, Wilkerson and Aiken, Winnowing: Local Algorithms for Document Fingerprinting,
SIGMOD 2003. Its window is 1 (every run is kept) up to ``SHORT`` words, since messages are short and
thinning loses passages that were edited; 4 beyond. docs/leak-risk.md has the measurements.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tiers.ids import RuleId
from tiers.normalise import normalise
from tiers.tier import Tier
from tiers.winnowing_words import COMMON, LEGAL, folded

RESTRICTED: Final = RuleId("restricted.text")
"""Rule of evidence that a text has a passage of a stricter one."""
RUN: Final = 3
SHORT: Final = 2_000
WINDOW: Final = 4
LEAST_RUNS: Final = 4
LEAST_WORDS: Final = 3
ENOUGH: Final = 10
SPAN: Final = 40
HASH_BYTES: Final = 8
LONGEST: Final = 200_000
"""Characters of a text that are looked at."""
_WORD = re.compile(r"[^\W_]+")
_SOLID = re.compile(r"\S+")
_LINK = re.compile(r"https?\S+|www\.\S+")
_TIME = re.compile(
    r"\b\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:am|pm|uhr|h)?\b|\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"\b(?:from|to|von|an|de|à|sent|date|cc|bcc)\s*:[^\n]{0,400}?"
    r"(?:\n[^\n]{0,400}?){0,6}?\b(?:subject|betreff|objet)\s*:",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"(?m)^[ \t]*(?:>[ \t]?|\|[ \t])+")
_SIGNED = re.compile(r"(?m)^--[ \t]*$")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LEGAL_WORDS: Final = 4
"""Words of notices in one paragraph that make it one."""


@dataclass(frozen=True, slots=True)
class Run:
    """A few words in a row.

    Attributes:
        at: number of its first word.
        start, end: characters of the text that was read.
    """

    at: int
    start: int
    end: int
    words: tuple[str, ...] = field(repr=False)

    @property
    def substance(self) -> tuple[str, ...]:
        """Its words that not everybody writes."""
        return tuple(word for word in self.words if _says(word))


def _says(word: str) -> bool:
    return len(word) > 1 and word not in COMMON


def runs(text: str) -> tuple[Run, ...]:
    """Every run of a text that says something, in order.

    Args:
        text: as it was written.
    """
    read = normalise(_plain(text[:LONGEST]))
    found = [(m.group().casefold(), *m.span()) for m in _WORD.finditer(read.bare)]
    made = []
    words, says = [word for word, _, _ in found], [_says(word) for word, _, _ in found]
    for at in range(len(found) - RUN + 1):
        if any(says[at : at + RUN]):
            start, end = read.original(found[at][1], found[at + RUN - 1][2])
            made.append(Run(at, start, end, tuple(words[at : at + RUN])))
    return tuple(made)


def _plain(text: str) -> str:
    """The same text with blanks where what says nothing stood: places stay where they were."""
    signed = _SIGNED.search(text)
    if signed is not None and signed.start() > len(text) // 4:
        text = text[: signed.start()]
    for pattern in (_QUOTED, _HEAD):
        text = pattern.sub(_blank, text)
    return _without_notices(_TIME.sub(_blank, _SOLID.sub(_without_addresses, text)))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _without_addresses(match: re.Match[str]) -> str:
    """Blanks for mail addresses, paths and links; each letter is looked at a few times at most."""
    word = match.group()
    first = word.find("/", 1)
    path = first > 0 and word.find("/", first + 2) > 0
    if path or "@" in word or "\\" in word:
        return " " * len(word)
    return _LINK.sub(_blank, word)


def _without_notices(text: str) -> str:
    """Paragraphs that are notices of confidentiality, liability or viruses say nothing."""
    kept, last = [], 0
    for gap in (*_PARAGRAPH.finditer(text), None):
        end = len(text) if gap is None else gap.start()
        after = len(text) if gap is None else gap.end()
        part = text[last:end]
        said = LEGAL.intersection(map(folded, set(_WORD.findall(part))))
        kept.append(" " * len(part) if len(said) >= _LEGAL_WORDS else part)
        kept.append(text[end:after])
        last = after
    return "".join(kept)


def digest(words: Sequence[str]) -> bytes:
    """What the keyed hash of a run is made over; to be kept nowhere."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=16).digest()


def mark(digested: bytes, key: bytes) -> int:
    """The fingerprint of a run: a keyed hash as a signed integer of 64 bits.

    Args:
        digested: ``digest`` of its words.
        key: secret, 16 to 64 bytes.
    """
    found = hashlib.blake2b(digested, digest_size=HASH_BYTES, key=key).digest()
    return int.from_bytes(found, "big", signed=True)


def winnowed(marks: Sequence[int]) -> tuple[int, ...]:
    """Those that are kept of a text: all of a short one, the least of each window of a long one.

    Of a run of ``WINDOW`` marks at least one is kept: what shares ``WINDOW + RUN - 1`` words in a
    row shares a mark.
    """
    if len(marks) <= SHORT:
        return tuple(dict.fromkeys(marks))
    windows = (marks[i : i + WINDOW] for i in range(len(marks) - WINDOW + 1))
    return tuple(dict.fromkeys(min(window) for window in windows))


@dataclass(frozen=True, slots=True)
class Prints:
    """What is kept of a text that goes to a conversation.

    Attributes:
        period: of the keys.
        marks: keyed hashes, by the tier whose key they are under.
    """

    period: int
    marks: Mapping[Tier, tuple[int, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a text that stands in another one.

    Attributes:
        source: which one.
        runs: how many different ones of its runs.
        start, end: characters.
    """

    source: str
    runs: int
    start: int
    end: int


def passages(found: Iterable[Run], sources: Mapping[int, Iterable[str]]) -> tuple[Passage, ...]:
    """The best passage of each source that is no chance, the longest first.

    Args:
        found: runs of the text that is looked at.
        sources: by number of a run: the texts that it stands in.
    """
    shared: defaultdict[str, list[Run]] = defaultdict(list)
    for run in found:
        for source in sources.get(run.at, ()):
            shared[source].append(run)
    best = (_best(source, same) for source, same in shared.items() if len(same) >= LEAST_RUNS)
    return tuple(sorted((p for p in best if p is not None), key=lambda p: (-p.runs, p.source)))


def _best(source: str, shared: Sequence[Run]) -> Passage | None:
    best, first = None, 0
    for last, run in enumerate(shared):
        while run.at - shared[first].at > SPAN:
            first += 1
        window = shared[first : last + 1]
        if len(window) < LEAST_RUNS or (best is not None and len(window) <= best.runs):
            continue
        different = len({one.words for one in window})
        if different < LEAST_RUNS or (best is not None and different <= best.runs):
            continue
        words = len({word for one in window for word in one.substance})
        if different + words >= ENOUGH and words >= LEAST_WORDS:
            best = Passage(source, different, window[0].start, run.end)
    return best
