"""Which language a text is in, and whether our seed phrases cover it.

Rule kept here: a text that our phrases do not cover is read one tier up, since the scores mean less
there. Very short texts say nothing about their language; they are read in the conversation's.
"""

import re
from collections.abc import Callable

Identify = Callable[[str], tuple[str, float]]
"""A text in, its likeliest language (ISO 639-1) and the probability of it out."""

COVERED = frozenset({"en", "de", "fr"})
UNKNOWN = "und"
LEAST_LETTERS = 20
_FOREIGN = 0.3
_SURE = 0.95
_TELLING = 0.12
_FEW_LETTERS = 60
_WORD = re.compile(r"[^\W\d_]+")
_COMMON = {
    "en": "the and of to is are for you we that this with will be have on it not your our can my"
    " please if was at from as by or do they he she his her has been would should could i all"
    " thanks let know what when there about me",
    "de": "und der das ist nicht wir ich sie für auf den dem ein eine zu mit von im bitte wird"
    " haben sind auch noch bei oder aber nach wie uns ihr kann werden zum zur einen einer danke",
    "fr": "le les des est une dans que pour sur nous vous pas avec par au aux ce cette ont sont"
    " qui je il elle merci plus leur être du et sera notre votre mais ne",
}
_BY_WORD = {word: language for language, words in _COMMON.items() for word in words.split()}


def language(text: str, foreign: float, usual: str | None, identify: Identify | None) -> str:
    """The language of a text.

    Args:
        text: normalised text.
        foreign: share of its letters outside the Latin script before folding.
        usual: the conversation's language, if known.
        identify: a language identifier, asked only where common words do not tell.

    Returns:
        ISO 639-1, or ``und`` where nobody can say.
    """
    if foreign > _FOREIGN:
        return _identified(text, identify)
    letters = sum(map(str.isalpha, text[:4000]))
    if letters < LEAST_LETTERS:
        return usual or "en"
    told = by_common_words(text[:4000])
    if told is not None:
        return told
    guess = _identified(text[:4000], identify)
    short = letters < _FEW_LETTERS
    return (usual or "en") if guess == UNKNOWN and short else guess


def covered(name: str) -> bool:
    """Whether our seed phrases have this language."""
    return name in COVERED


def by_common_words(text: str) -> str | None:
    """English, German or French where enough of the words are that language's commonest."""
    words = _WORD.findall(text.lower())
    counts = dict.fromkeys(_COMMON, 0)
    for word in words:
        named = _BY_WORD.get(word)
        if named is not None:
            counts[named] += 1
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > _TELLING * len(words) else None


def _identified(text: str, identify: Identify | None) -> str:
    """What the identifier is sure of."""
    if identify is None:
        return UNKNOWN
    name, probability = identify(text)
    return name if probability >= _SURE else UNKNOWN
