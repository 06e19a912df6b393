"""A text as its reader sees it, with the way back to what was sent.

Rule kept here: everything the classifier looks at passes through :func:`normalise` first, and every
character of the result knows where in the original it came from, so that a reason can name its
place without quoting it. Time grows with the length of the text and with nothing else.

Order: invisible and combining characters, compatibility forms and look-alikes; unnatural case;
words broken at line ends; letters set apart; digits among letters; number words. What had to be
put together again is counted (``restored``): a text that needed much of it was disguised.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tiers import confusables, numberwords

NO_WORDS: Mapping[str, float] = {}
"""A lexicon that knows nothing: broken words are then joined only where a hyphen says so."""

_UNUSUAL = re.compile(r"[^\n\t\x20-\x7e]+")
_ENTITY = re.compile(r"&#(x[0-9a-fA-F]{1,5}|[0-9]{1,6});|&(nbsp|shy|amp|euro|pound|zwj|zwnj);")
_NAMED = {"nbsp": " ", "shy": "", "amp": "&", "euro": "€", "pound": "£", "zwj": "", "zwnj": ""}
_HYPHENATED = re.compile(r"(?<=[^\W\d_])-[ \t]*\n[ \t]*(?=[^\W\d_])")
_LINE_END = re.compile(r"(?<!\w)([^\W\d_]{1,24})([ \t]*\n[ \t]*)(?=([^\W\d_]{1,24})(?!\w))")
_APART = re.compile(r"(?<![\w])[^\W_](?:([ \t.\-_*·|]|[ \t]?\n)[^\W_])(?:\1[^\W_]){2,}(?!\w)")
_LEET = re.compile(r"(?<!\w)(?=[A-Za-z0]?[a-z]*[0134578])[A-Za-z0][a-z0134578]{1,30}[a-z](?!\w)")
_LEET_DIGIT = str.maketrans("0134578", "oieastb")
_SENTENCE = re.compile(r"(?:^|(?<=[.!?:]\s)|(?<=\n))[a-z]|\bi\b")
_SHOUTED = 0.35
_LAST_LATIN = 0x24F
_LAST_CODE_POINT = 0x10FFFF
_FEW_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text after :func:`normalise`.

    Attributes:
        text: what the classifier reads.
        offsets: for each character of ``text`` its index in the original, and the original's
            length at the end.
        restored: how many words had to be put together or read through a disguise.
        foreign: share of the original's letters that belong to no Latin script, 0 to 1.
        uneasy: it was written in capitals or in mixed case, so that a score of it may be too low.
    """

    text: str = field(repr=False)
    offsets: "array[int]" = field(repr=False)
    restored: int
    foreign: float
    uneasy: bool

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that became ``text[start:end]``."""
        last = end
        while last < len(self.offsets) - 1 and self.offsets[last] <= self.offsets[end - 1]:
            last += 1
        return self.offsets[start], self.offsets[last]

    @property
    def bare(self) -> str:
        """``text`` without accents, of the same length: what the rules read."""
        if self.text.isascii():
            return self.text
        return "".join(confusables.bare(c) for c in self.text)


class _Draft:
    """A text under repair; edits keep the offsets in step."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offsets = array("l", range(len(text) + 1))
        self.restored = 0

    def edit(self, edits: Iterable[tuple[int, int, str]]) -> None:
        """Replace spans (start, end, replacement), given in order and without overlap."""
        pieces: list[str] = []
        offsets = array("l")
        at = 0
        for start, end, replacement in edits:
            pieces += (self.text[at:start], replacement)
            offsets.extend(self.offsets[at:start])
            offsets.extend(_spread(self.offsets, start, end, len(replacement)))
            at = end
        if pieces:
            offsets.extend(self.offsets[at:])
            self.text = "".join((*pieces, self.text[at:]))
            self.offsets = offsets

    def substitute(self, found: re.Pattern[str], made: Callable[[re.Match[str]], str]) -> int:
        """Replace each match by what ``made`` returns; returns how many really changed."""
        edits = []
        for match in found.finditer(self.text):
            replacement = made(match)
            if replacement != match.group():
                edits.append((match.start(), match.end(), replacement))
        self.edit(edits)
        return len(edits)


def _spread(offsets: "array[int]", start: int, end: int, length: int) -> "array[int]":
    """Offsets for a replacement: one to one where the length stayed, else all at the start."""
    if length == end - start:
        return offsets[start:end]
    return array("l", [offsets[start]]) * length


def normalise(text: str, lexicon: Mapping[str, float] = NO_WORDS) -> Normalised:
    """Read a text as a person would see it.

    Args:
        text: any text, hostile or not.
        lexicon: lower-case words with their log-probability; decides whether what stands on two
            sides of a line end is one word, and where letters run together come apart.

    Returns:
        The readable text with the offsets of its characters in ``text``.
    """
    draft = _Draft(text)
    foreign = _foreign_share(text)
    if "&" in text:
        draft.substitute(_ENTITY, _entity)
    draft.edit(_folded(draft.text))
    uneasy = _calm_case(draft)
    draft.substitute(_HYPHENATED, lambda _match: "")
    draft.restored += _join_line_ends(draft, lexicon)
    draft.restored += draft.substitute(_APART, lambda m: _together(m, lexicon))
    draft.restored += draft.substitute(_LEET, _unleet)
    draft.edit(numberwords.edits(draft.text))
    return Normalised(draft.text, draft.offsets, draft.restored, foreign, uneasy)


def _foreign_share(text: str) -> float:
    """Share of letters outside the Latin script in the first 4,000 characters."""
    if text.isascii():
        return 0.0
    letters = [c for c in text[:4000] if c.isalpha()]
    foreign = sum(1 for c in letters if ord(c) > _LAST_LATIN and confusables.is_foreign_letter(c))
    return foreign / len(letters) if letters else 0.0


def _entity(match: re.Match[str]) -> str:
    """The character of a numeric or common named HTML entity."""
    number, name = match.groups()
    if name:
        return _NAMED[name]
    value = int(number[1:], 16) if number[0] == "x" else int(number)
    return chr(value) if value <= _LAST_CODE_POINT else ""


def _folded(text: str) -> list[tuple[int, int, str]]:
    """Edits that fold every unusual character, a mark together with its letter."""
    edits: list[tuple[int, int, str]] = []
    for run in _UNUSUAL.finditer(text):
        base = text[run.start() - 1] if run.start() else ""
        for at, character in enumerate(run.group(), run.start()):
            if confusables.is_mark(character):
                base = _mark(edits, base, at, character)
                continue
            base = confusables.fold(character)
            if base != character:
                edits.append((at, at + 1, base))
    return edits


def _mark(edits: list[tuple[int, int, str]], base: str, at: int, mark: str) -> str:
    """Join a mark to the letter before it, or drop it; returns the letter as it is now."""
    joined = confusables.join_mark(base, mark) if len(base) == 1 else base
    if joined == base:
        edits.append((at, at + 1, ""))
    elif edits and edits[-1][1] == at:
        edits[-1] = (edits[-1][0], at + 1, joined)
    else:
        edits.append((at - 1, at + 1, joined))
    return joined


def _calm_case(draft: _Draft) -> bool:
    """Lower a text with too many capitals, but for the first letters of its sentences."""
    sample = draft.text[:4000]
    letters = sum(map(str.isalpha, sample))
    if letters < _FEW_LETTERS or sum(map(str.isupper, sample)) < _SHOUTED * letters:
        return False
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in draft.text)
    draft.text = _SENTENCE.sub(lambda match: match.group().upper(), lowered)
    return True


def _join_line_ends(draft: _Draft, lexicon: Mapping[str, float]) -> int:
    """Join words that a line end cuts; a line end between two words stays."""
    edits = [
        (match.start(2), match.end(2), "")
        for match in _LINE_END.finditer(draft.text)
        if _is_one_word(match.group(1), match.group(3), lexicon)
    ]
    draft.edit(edits)
    return len(edits)


def _is_one_word(left: str, right: str, lexicon: Mapping[str, float]) -> bool:
    """Whether two pieces are likelier one word than two."""
    whole = lexicon.get((left + right).lower())
    apart = (lexicon.get(left.lower()), lexicon.get(right.lower()))
    if apart[0] is not None and apart[1] is not None:
        return whole is not None and whole > apart[0] + apart[1]
    fragments = bool(lexicon) and apart == (None, None) and left.islower() and right.islower()
    return whole is not None or fragments


def _together(match: re.Match[str], lexicon: Mapping[str, float]) -> str:
    """Letters set apart, put together, and taken apart again into words; not so mere digits."""
    run = re.sub(r"[\W_]+", "", match.group())
    if sum(map(str.isdigit, run)) * 2 >= len(run):
        return match.group()
    return " ".join(split_words(run, lexicon))


def split_words(run: str, lexicon: Mapping[str, float], longest: int = 18) -> list[str]:
    """The likeliest words of a run of letters; the run itself where the lexicon knows nothing."""
    lowered = run.lower()
    if not lexicon or lowered in lexicon:
        return [run]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(lowered) + 1):
        options = (
            (best[start][0] + lexicon.get(lowered[start:end], -16.0 - 4.0 * (end - start)), start)
            for start in range(max(0, end - longest), end)
        )
        best.append(max(options))
    words, end = [], len(lowered)
    while end:
        start = best[end][1]
        words.append(run[start:end])
        end = start
    return words[::-1]


def _unleet(match: re.Match[str]) -> str:
    """A word with a few digits in the place of letters."""
    word = match.group()
    digits = sum(map(str.isdigit, word))
    return word.translate(_LEET_DIGIT) if digits and len(word) >= 3 * digits else word
