"""Judges a run by what its senders were told and by what the far side wrote down, nothing else.

Rules that it holds a run to:

1. What was accepted arrived in its own room; where the policy never repeats, it may instead be
   one that people are told of as *possibly delivered*.
2. What arrived first of each, in each lane, came in the order of acceptance.
3. What arrived twice bears the same delivery key, and every arrival but the first says of itself
   that it may be a repetition; where the policy never repeats, nothing arrives twice.
4. Nothing arrived that nobody was told is accepted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a sender was told: accepted, for this room, in this order."""

    room: str
    sha256: str
    message: str | None = None


@dataclass(slots=True)
class SendersLog:
    """What all senders were told, lane by lane in the order of their acceptance."""

    told: list[Told] = field(default_factory=list)

    def lanes(self) -> dict[str, list[str]]:
        """Hashes by room."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.told:
            found[each.room].append(each.sha256)
        return dict(found)


def verdict(
    log: SendersLog,
    record: Iterable[Line],
    *,
    account: str = "wallcross",
    once: Collection[str] = (),
    possibly: Collection[str] = (),
) -> list[str]:
    """What is wrong; nothing when the run was as it must be.

    Args:
        log: of the senders.
        record: of the far side.
        account: whose arrivals are judged.
        once: rooms whose policy never repeats by itself.
        possibly: ids of messages that people are told of as possibly delivered.
    """
    lanes = log.lanes()
    lines = [
        line
        for line in record
        if line.get("account") == account
        and line["room"] in lanes
        and line.get("author_line", True)  # what we tell a room ourselves has no author
    ]
    arrived = _arrivals(lines)
    doubtful = {each.sha256 for each in log.told if each.message in possibly and each.room in once}
    return [
        *_lost(lanes, arrived, doubtful),
        *_out_of_order(lanes, arrived),
        *_silently_twice(arrived, once),
        *_never_accepted(lanes, arrived),
    ]


Arrived = Mapping[str, Sequence[Line]]


def _arrivals(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line["kind"] == "arrived":
            found[line["room"]].append(line)
    return {room: sorted(seen, key=lambda line: int(line["n"])) for room, seen in found.items()}


def _lost(lanes: Mapping[str, list[str]], arrived: Arrived, doubtful: set[str]) -> Iterator[str]:
    for room, told in lanes.items():
        there = {line["sha256"] for line in arrived.get(room, ())}
        missing = [sha for sha in told if sha not in there and sha not in doubtful]
        if missing:
            yield f"lost: {len(missing)} of {len(told)} in {room}"


def _out_of_order(lanes: Mapping[str, list[str]], arrived: Arrived) -> Iterator[str]:
    for room, told in lanes.items():
        first = list(dict.fromkeys(line["sha256"] for line in arrived.get(room, ())))
        there = set(first)
        if [sha for sha in told if sha in there] != [sha for sha in first if sha in set(told)]:
            yield f"out of order: {room}"


def _silently_twice(arrived: Arrived, once: Collection[str]) -> Iterator[str]:
    for room, lines in arrived.items():
        by_text: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            by_text[line["sha256"]].append(line)
        for same in by_text.values():
            if len(same) > 1 and room in once:
                yield f"twice where nothing is repeated: {room}"
            if len({line["key"] for line in same}) > 1:
                yield f"twice under two keys: {room}"
            if not all(line["marked"] for line in same[1:]):
                yield f"twice and not marked: {room}"


def _never_accepted(lanes: Mapping[str, list[str]], arrived: Arrived) -> Iterator[str]:
    for room, lines in arrived.items():
        stray = {line["sha256"] for line in lines} - set(lanes[room])
        if stray:
            yield f"never accepted there: {len(stray)} in {room}"
