"""`bench leaks`: how many planted leaks a whole home finds, and what it finds where there is none.

Rules kept here:

1. Everything goes the product's own way: handed in at its door, judged, held or routed, with the
   classifier that ships. What counts is the finding on that very message.
2. Texts are made up (``orchestrator.bench.leaks_text``). Half of the leaks are of seeds that nobody
   looked at while rules were made; they are told apart.
3. Pieces of texts of other kinds (``orchestrator.bench.leaks_kinds``), pasted in each way, are told
   by kind and by way.
4. Labelled mails, where a file of them is given, are written into rooms of their labelled tier by
   people whom the roster knows; findings of *above the room's tier* are told beside the others.
"""

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.bench import leaks_kinds as kinds
from orchestrator.bench import leaks_text as made
from orchestrator.bench.home import OpensRuntime
from orchestrator.bench.leaks_false import false_alarms
from orchestrator.bench.leaks_home import Room, room
from orchestrator.flow.port import Classifies
from tiers.tier import Tier

SOURCES, LEAKS, CHATTER = 60, 100, 60
ABOVE: Final = frozenset({"above_room"})
"""What says that a message, or all of a conversation, reads like a stricter tier."""
LEAST_FOUND: Final = 0.95
MOST_FALSE: Final = 2
"""Findings in 1,000 labelled mails, those of ``ABOVE`` left out."""
TUNED: Final = 1
"""The seed that rules were looked at with; every other is held out."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What became of the leaks of one seed."""

    seed: int
    planted: Counter[str]
    found: Counter[str]
    false: Counter[str]
    """Findings on ordinary and restricted texts, by rule."""
    texts: int


async def plant(room_of: Room, seed: int, count: int) -> Planted:
    """Writes restricted and ordinary texts, then leaks among ordinary ones, and counts."""
    draw = random.Random(seed)  # noqa: S311 - the same texts each time, and no secret
    sources = made.restricted(draw, SOURCES)
    innocent = [await room_of.say(s.tier, s.text) for s in sources]
    innocent += [await room_of.say("coordination", t) for t in made.chatter(draw, CHATTER)]
    told = [(leak, await _leaked(room_of, draw, leak)) for leak in made.leaks(draw, sources, count)]
    found = await room_of.findings()
    return Planted(
        seed,
        Counter(leak.kind for leak, _ in told),
        Counter(leak.kind for leak, mid in told if leak.rule in found.get(mid, ())),
        Counter(rule for mid in innocent for rule in found.get(mid, ())),
        len(innocent),
    )


async def _leaked(room_of: Room, draw: random.Random, leak: made.Leak) -> str:
    if leak.attached:
        return await room_of.say(leak.to, made.ordinary(draw), file=leak.text)
    return await room_of.say(leak.to, leak.text)


@dataclass(frozen=True, slots=True)
class Pasted:
    """What became of pieces of texts of many kinds, each pasted in many ways."""

    planted: Counter[tuple[str, str]]
    """By kind of text and way."""
    found: Counter[tuple[str, str]]


async def paste(room_of: Room, seed: int, each: int) -> Pasted:
    """Writes restricted texts of each kind, then a piece of each, lower; and counts findings."""
    draw = random.Random(seed)  # noqa: S311 - the same texts each time, and no secret
    sources = kinds.made(draw, each)
    for source in sources:
        await room_of.say(Tier.VALUATION.value, source.text)
    lower = (Tier.COORDINATION.value, Tier.OPERATIONS.value)
    told = [
        (piece, await room_of.say(lower[n % 2], piece.text))
        for n, piece in enumerate(kinds.pasted(draw, sources))
    ]
    found = await room_of.findings()
    return Pasted(
        Counter((p.kind, p.way) for p, _ in told),
        Counter((p.kind, p.way) for p, mid in told if "restricted_text" in found.get(mid, ())),
    )


@dataclass(frozen=True, slots=True)
class Mails:
    """What was found on labelled mails, each in a room of its tier."""

    mails: int
    rules: Counter[str]


async def mails(room_of: Room, rows: Sequence[Mapping[str, Any]]) -> Mails:
    """Writes each mail into the conversation of its labelled tier, and counts findings by rule."""
    for row in rows:
        await room_of.say(str(row["tier"]), str(row["text"]), subject=str(row.get("subject") or ""))
    found = await room_of.findings()
    return Mails(len(rows), Counter(rule for rules in found.values() for rule in rules))


def leaks_report(
    opens: OpensRuntime,
    classifier: Classifies,
    note: Callable[[str], None],
    *,
    labelled: Path | None = None,
    seeds: Sequence[int] = (TUNED, 2),
    count: int = LEAKS,
    texts: bool = False,
) -> dict[str, object]:
    """Runs all of it; shares of leaks found, each kind apart, and false findings in 1,000.

    Args:
        opens: opens a home.
        classifier: what messages are judged by.
        note: told what is done now.
        labelled: a file of labelled mails; None: none are written.
        seeds: of the planted leaks.
        count: how many are planted.
        texts: false alarms are counted over texts of this machine, too.
    """
    lines = () if labelled is None else labelled.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line]
    with tempfile.TemporaryDirectory(prefix="wallcross-leaks-") as folder:
        base = Path(folder)
        report = asyncio.run(_report(opens, classifier, note, base, rows, seeds, count))
        if texts:
            more = asyncio.run(false_alarms(opens, classifier, note, base))
            report |= more | {"ok": bool(report["ok"]) and bool(more["ok"])}
    return report


async def _report(
    opens: OpensRuntime,
    classifier: Classifies,
    note: Callable[[str], None],
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    count: int,
) -> dict[str, object]:
    each = []
    for seed in seeds:
        note(f"{count // len(seeds)} leaks of seed {seed}")
        async with room(opens, classifier, folder, f"seed-{seed}") as home:
            each.append(await plant(home, seed, count // len(seeds)))
    pasted = []
    for seed in seeds:
        note(f"pieces of texts of {len(kinds.KINDS)} kinds, seed {seed}")
        async with room(opens, classifier, folder, f"kinds-{seed}") as home:
            pasted.append(await paste(home, seed, len(kinds.WAYS)))
    report = dict(_planted(each)) | dict(_pasted(pasted))
    report["ok"] = _enough(each) and bool(report.pop("enough"))
    if rows:
        note(f"{len(rows)} labelled mails")
        async with room(opens, classifier, folder, "mails") as home:
            said = await mails(home, rows)
        report |= dict(_mails(said))
        report["ok"] = bool(report["ok"]) and 1000 * _false(said) <= MOST_FALSE * said.mails
    return report


def _enough(each: Sequence[Planted]) -> bool:
    found = sum(one.found.total() for one in each)
    return found >= LEAST_FOUND * sum(one.planted.total() for one in each)


def _false(found: Mails) -> int:
    return sum(n for rule, n in found.rules.items() if rule not in ABOVE)


def _planted(each: Sequence[Planted]) -> Iterator[tuple[str, object]]:
    planted, found = Counter[str](), Counter[str]()
    for one in each:
        planted += one.planted
        found += one.found
    yield "leaks", planted.total()
    yield "found", found.total()
    yield "share", round(found.total() / planted.total(), 3)
    for one in each:
        name = "tuned" if one.seed == TUNED else f"held_out_{one.seed}"
        yield f"share_{name}", round(one.found.total() / one.planted.total(), 3)
    yield "by_kind", {kind: f"{found[kind]}/{planted[kind]}" for kind in sorted(planted)}
    innocent = sum(one.texts for one in each)
    false = sum((Counter(one.false) for one in each), Counter[str]())
    yield "innocent_texts", innocent
    yield "false_on_innocent", {rule: false[rule] for rule in sorted(false)}


def _pasted(each: Sequence[Pasted]) -> Iterator[tuple[str, object]]:
    planted, found = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one in each:
        planted += one.planted
        found += one.found
    yield "pieces", planted.total()
    yield "pieces_found", found.total()
    for place, name in enumerate(("pieces_by_kind", "pieces_by_way")):
        have, seen = Counter[str](), Counter[str]()
        for key, count in planted.items():
            have[key[place]] += count
            seen[key[place]] += found[key]
        yield name, {one: f"{seen[one]}/{have[one]}" for one in have}
    yield "enough", found.total() >= LEAST_FOUND * planted.total()


def _mails(found: Mails) -> Iterator[tuple[str, object]]:
    rest = {rule: n for rule, n in sorted(found.rules.items()) if rule not in ABOVE}
    above = {rule: n for rule, n in sorted(found.rules.items()) if rule in ABOVE}
    yield "mails", found.mails
    yield "false_per_1000", round(1000 * _false(found) / found.mails, 2)
    yield "false_by_rule", rest
    yield "above_room_by_rule", above
    yield "above_room_per_1000", round(1000 * sum(above.values()) / found.mails, 2)
