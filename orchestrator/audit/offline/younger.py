"""Tells an export that is older than what was kept outside from one cut short or rewritten.

Rules kept here:

1. A statement is younger than the export only when it leads back to the export's last one,
   predecessor by predecessor and number by number, in the same home. A gap is no proof.
2. Its host's signature must be valid by a key in the export. What lies between needs none: the
   signed statement fixes it by its hash.
3. Two statements of one number are a fork: the host told two stories.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from orchestrator.audit.offline.report import Outside, Younger
from orchestrator.audit.offline.values import (
    HASH_BYTES,
    Unreadable,
    bytes_of,
    instant_of,
    iso,
    json_object,
    text_of,
)


@dataclass(frozen=True)
class Stated:
    """What a statement says of itself, and its hash."""

    n: int
    at: int
    home: str
    prev: str
    digest: bytes


def stated(raw: bytes) -> Stated:
    """Reads a statement.

    Raises:
        Unreadable: it is none.
    """
    row = json_object(raw)
    if type(row["n"]) is not int or row["n"] < 1:
        raise Unreadable("holds a statement without a number")
    prev = bytes_of(row, "prev", HASH_BYTES).hex()
    return Stated(row["n"], instant_of(row), text_of(row, "home"), prev, sha256(raw).digest())


def linked(head: bytes, links: Sequence[bytes]) -> tuple[bytes, ...]:
    """Returns the statements before ``head`` that were kept with it.

    Raises:
        Unreadable: they do not lead to it.
    """
    for before, after in pairwise([*links, head]):
        if stated(after).prev != sha256(before).hexdigest():
            raise Unreadable("holds statements that do not lead to the one that they came with")
    return tuple(links)


def all_stated(outside: Iterable[Outside]) -> Iterator[tuple[str, Stated]]:
    """Yields every statement that was kept, those in between too, with the name of its file."""
    for item in outside:
        for raw in (*item.links, *([item.statement] if item.statement else [])):
            yield item.name, stated(raw)


def following(
    home: str, last: int, digest: bytes, outside: Sequence[Outside]
) -> Mapping[bytes, Stated]:
    """Returns the statements that follow the export's last one without a gap, by their hash.

    Args:
        home: the export's home.
        last: the number of the last statement in the export.
        digest: its hash.
        outside: what was kept.
    """
    after = {one.prev: one for _, one in all_stated(outside) if one.home == home}
    found: dict[bytes, Stated] = {}
    one = after.get(digest.hex())
    while one is not None and one.n == last + len(found) + 1:
        found[one.digest] = one
        one = after.get(one.digest.hex())
    return found


def contradictions(
    home: str, digests: Sequence[bytes], outside: Sequence[Outside]
) -> Iterator[tuple[str, int]]:
    """Yields file and number of each statement that tells another story than a second one.

    Args:
        home: the export's home.
        digests: hashes of the export's statements, from number 1.
        outside: what was kept.
    """
    told = dict(enumerate(digests, 1))
    for name, one in all_stated(outside):
        if one.home == home and told.setdefault(one.n, one.digest) != one.digest:
            yield name, one.n


def summed(
    younger: Mapping[bytes, Stated], outside: Iterable[Outside], last: int
) -> Younger | None:
    """Returns what the reader is told of the younger statements; None when there are none."""
    kept = [younger[item.digest] for item in outside if item.digest in younger]
    if not kept:
        return None
    first, newest = next(iter(younger.values())), max(kept, key=lambda one: one.n)
    return Younger(newest.n - last, newest.n, iso(first.at), iso(newest.at))
