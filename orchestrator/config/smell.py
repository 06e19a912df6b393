"""Tells a secret by its looks, so that none stays in a file that is copied and mailed around.

Rules kept here:

1. A value under a name such as `password` is a secret unless it is a reference.
2. A value in a form that only secrets have (a private key, a token of a known service, a long
   random string, a password inside an address) is a secret whatever its name.
3. The value itself is never repeated: what is found is told by its place.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from orchestrator.config.model import REFERENCE

_NAMES = re.compile(
    r"(^|[_-])(password|passwd|passphrase|pass|pin|secret|token|api_?key|private_?key|"
    r"access_?key|pickle_?key|credential|credentials)s?$",
    re.IGNORECASE,
)
_FORMS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"AGE-SECRET-KEY-1", re.IGNORECASE),
    re.compile(r"\b(syt|mct|xox[abprs]|gh[pousr]|glpat|sk|AKIA)[-_]?[A-Za-z0-9_-]{12,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\."),
    re.compile(r"://[^/\s:@]+:[^/\s@]+@"),
)
_DENSE = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_BITS = 3.2
"""Per character; words joined by _ or - stay below, random hexadecimal lies above."""

Place = tuple[str, ...]


def secrets_in(data: object, place: Place = ()) -> Iterator[Place]:
    """Yields the place of each value that looks like a secret."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from secrets_in(value, (*place, str(key)))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from secrets_in(value, (*place, str(index)))
    elif _is_secret(data, place):
        yield place


def _is_secret(value: object, place: Place) -> bool:
    if not isinstance(value, str) or not value or REFERENCE.fullmatch(value):
        return False
    named = bool(place) and _NAMES.search(place[-1]) is not None
    return named or any(form.search(value) for form in _FORMS) or _random(value)


_PATH = re.compile(r"(unix:)?/")
_WITHIN = re.compile(r"[/_-]")
_ADDRESS = re.compile(r"https?://")


def _random(value: str) -> bool:
    """Whether it holds a long random word.

    Of a path each word of each part is one by itself, and each part of an address.
    """
    words = [value]
    if _PATH.match(value):
        words = _WITHIN.split(value)
    elif _ADDRESS.match(value):
        words = value.split("/")
    return any(
        _entropy(word) > _BITS and sum(c.isdigit() for c in word) >= len(word) // 8
        for part in words
        for word in _DENSE.findall(part)
    )


def _entropy(word: str) -> float:
    counts = Counter(word)
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values())
