"""Keyed fingerprints of texts: whether a passage of one stands in another. Pure.

Rules kept here:

1. A fingerprint is a keyed hash of three words in a row, none of it readable without the key. For
   whoever has the key it can be guessed: it is content, and lives no longer than content.
2. What everybody writes says nothing: addresses, times, the heads of forwarded mails, signatures,
   notices of confidentiality and licences of software leave no fingerprint. Runs of function words
   and courtesies are looked for nowhere; they are counted only within a passage that others show.
3. A shared phrase is chance, and so are many of them, here and there. A passage is found where
   pieces of one text stand near each other that are of three shared runs at least, each as close
   to the next as winnowing leaves those of a copy; together they cover twelve words, with five
   different runs and three words of substance. What is repeated counts once, and a single letter or
   digit is no substance: counting up is none.
4. What also stands in a text of a tier as low is not restricted, wherever else it stands.

Source: Schleimer, Wilkerson and Aiken, Winnowing: Local Algorithms for Document Fingerprinting,
SIGMOD 2003. Its window is 1 (every run is kept) up to ``SHORT`` words, since messages are short and
thinning loses passages that were edited; 4 beyond. docs/leak-risk.md has the measurements.
"""

import hashlib
import re
from bisect import bisect
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tiers.ids import RuleId
from tiers.normalise import normalise
from tiers.tier import Tier
from tiers.winnowing_words import COMMON, NOTICE_WORDS, NOTICES, Notice, folded, spelled

RESTRICTED: Final = RuleId("restricted.text")
"""Rule of evidence that a text has a passage of a stricter one."""
RUN: Final = 3
SHORT: Final = 2_000
WINDOW: Final = 4
PIECE_RUNS: Final = 3
"""Shared runs that stand close together, below which they are chance."""
LEAST_RUNS: Final = 5
LEAST_WORDS: Final = 3
ENOUGH: Final = 12
"""Words that are covered by shared runs."""
SPAN: Final = 40
"""Words between two pieces of one passage at most: what others wrote between quoted lines."""
HASH_BYTES: Final = 8
LONGEST: Final = 200_000
"""Characters of a text that are looked at."""
_WORD = re.compile(r"[^\W_]+")
_COUNTED = re.compile(r"(?<!\d)\d{1,3}(?:[.,']\d{3})+(?!\d)|[^\W_]+")
_BETWEEN_DIGITS = str.maketrans("", "", ".,'")
_SOLID = re.compile(r"\S+")
_LINK = re.compile(r"https?\S+|www\.\S+")
_TIME = re.compile(
    r"\b\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\s*(?:am|pm|uhr|h)?\b|\b\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}\b",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"\b(?:(?P<first>from|to|von|an|de|à|sent|date|cc|bcc)|(?P<last>subject|betreff|objet))\s{0,3}:",
    re.IGNORECASE,
)
_HEAD_LINES, _HEAD_LENGTH, _HEAD_NAMES = 6, 1_000, 2
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,120}>")
_QUOTED = re.compile(r"(?m)^[ \t]*(?:>[ \t]?|\|[ \t])+")
_LINE_END = re.compile(r"\n")
# A signature is a few short lines: what is quoted below it, or stands there at length, is read.
_SIGNED = re.compile(r"(?m)^--[ \t]*\n(?:(?![ \t]*(?:[>|\n]|-{3}))[^\n]{1,60}(?:\n|\Z)){0,5}")
NOTICE_GAP: Final = 12
"""Words between two of a notice's words at most."""


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

    @property
    def usual(self) -> bool:
        """It is made of words that everybody writes: by itself it is looked for nowhere."""
        return not any(map(_says, self.words))


def _says(word: str) -> bool:
    return len(word) > 1 and word not in COMMON


def runs(text: str) -> tuple[Run, ...]:
    """Every run of a text, in order.

    Args:
        text: as it was written.
    """
    read = normalise(_plain(text[:LONGEST]))
    found = [(_compared(m.group()), *m.span()) for m in _COUNTED.finditer(read.bare)]
    words = [word for word, _, _ in found]
    made = []
    for at in range(len(found) - RUN + 1):
        start, end = read.original(found[at][1], found[at + RUN - 1][2])
        made.append(Run(at, start, end, tuple(words[at : at + RUN])))
    return tuple(made)


def _compared(word: str) -> str:
    """A word as texts are compared; a figure without what sets its thousands apart."""
    return spelled(word.casefold().translate(_BETWEEN_DIGITS))


def _plain(text: str) -> str:
    """The same text with blanks where what says nothing stood: places stay where they were."""
    quarter = len(text) // 4
    text = _SIGNED.sub(lambda m: _blank(m) if m.start() > quarter else m[0], text)
    for pattern in (_QUOTED, _TAG):
        text = pattern.sub(_blank, text)
    text = _blanked(text, _heads(text))
    return _without_notices(_TIME.sub(_blank, _SOLID.sub(_without_addresses, text)))


def _heads(text: str) -> Iterator[tuple[int, int]]:
    """Heads of forwarded mails, from the first of two names at least to the subject's.

    Each name of a line is taken up and let go once, so that a text of nothing else costs no more.
    """
    lines = [found.start() for found in _LINE_END.finditer(text)]
    open_at: deque[int] = deque()
    for name in _HEAD.finditer(text):
        if name["first"]:
            open_at.append(name.start())
            continue
        while open_at and not _is_head(lines, open_at[0], name.end()):
            open_at.popleft()
        if len(open_at) >= _HEAD_NAMES:
            yield open_at[0], name.end()
        open_at.clear()


def _is_head(lines: Sequence[int], start: int, end: int) -> bool:
    between = bisect(lines, end) - bisect(lines, start)
    return end - start <= _HEAD_LENGTH and between <= _HEAD_LINES


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The same text with blanks in some places, given in order and without overlap."""
    kept: list[str] = []
    last = 0
    for start, end in spans:
        kept += (text[last:start], " " * (end - start))
        last = end
    return "".join((*kept, text[last:]))


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
    """Notices of confidentiality, and licences of software, say nothing: what else stands does."""
    words = ((n, folded(m[0]), m) for n, m in enumerate(_WORD.finditer(text)))
    listed = [(n, word, *match.span()) for n, word, match in words if word in NOTICE_WORDS]
    spans = sorted(span for notice in NOTICES for span in _notices(notice, listed))
    return _blanked(text, _merged(spans))


_Listed = tuple[int, str, int, int]
"""Number, folded form and place of a word that notices are made of."""


def _notices(notice: Notice, listed: Sequence[_Listed]) -> Iterator[tuple[int, int]]:
    """Where words of a kind of notice stand close together, and are enough for one."""
    cluster: list[_Listed] = []
    for one in (*(one for one in listed if one[1] in notice.words), None):
        if cluster and (one is None or one[0] - cluster[-1][0] > NOTICE_GAP):
            if notice.fits({word for _, word, _, _ in cluster}):
                yield cluster[0][2], cluster[-1][3]
            cluster = []
        if one is not None:
            cluster.append(one)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same places without overlap; they are given in order."""
    last = 0
    for start, end in spans:
        if end > last:
            yield max(start, last), end
            last = end


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
    pieces = [piece for piece in _pieces(shared) if len(piece) >= PIECE_RUNS]
    for last, piece in enumerate(pieces):
        while piece[0].at - pieces[first][-1].at > SPAN:
            first += 1
        found = _passage(source, pieces[first : last + 1])
        if found is not None and (best is None or found.runs > best.runs):
            best = found
    return best


def _pieces(shared: Sequence[Run]) -> list[list[Run]]:
    """Shared runs that stand as close together as winnowing leaves those of a copy."""
    pieces: list[list[Run]] = []
    for run in shared:
        if not pieces or run.at - pieces[-1][-1].at > WINDOW:
            pieces.append([])
        pieces[-1].append(run)
    return pieces


def _passage(source: str, pieces: Sequence[Sequence[Run]]) -> Passage | None:
    found = [run for piece in pieces for run in piece]
    covered = {run.at + n for run in found for n in range(RUN)}
    different = len({run.words for run in found})
    substance = {word for run in found for word in run.substance}
    if len(covered) < ENOUGH or different < LEAST_RUNS or len(substance) < LEAST_WORDS:
        return None
    return Passage(source, different, found[0].start, found[-1].end)
