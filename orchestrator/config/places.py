"""Finds the line of a setting in a TOML text, so that a mistake is shown where it stands.

Rule kept here: this reads for the eye only. What a file means is decided by the TOML parser; where
this finds nothing, the dotted path alone is told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_ARRAY = re.compile(r"\s*\[\[\s*([^\[\]]+?)\s*\]\]\s*(#.*)?$")
_KEY = re.compile(
    r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'")
_FENCES = ('"""', "'''")

Path = tuple[str, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Maps each table and key of a TOML text to its line, counted from 1."""
    found: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in _outside_fences(text):
        if array := _ARRAY.match(line):
            name = _split(array[1])
            table = (*name, str(counts.get(name, 0)))
            counts[name] = counts.get(name, 0) + 1
            found.setdefault(table, number)
        elif header := _TABLE.match(line):
            table = _split(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_split(key[1])), number)
    return found


def nearest(lines: Mapping[Path, int], path: Sequence[str]) -> int | None:
    """The line of ``path``, or of the closest table above it that is written."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(tuple(path[:length]))) is not None:
            return line
    return None


def _split(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _outside_fences(text: str) -> Iterator[tuple[int, str]]:
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if inside is None:
            yield number, line
        for fence in _FENCES:
            if inside in {None, fence} and line.count(fence) % 2:
                inside = None if inside else fence
                break
