"""`wallcross tier simulate`: what changed rules would do, before anybody adopts them.

Rules kept here:

1. Messages are read a few at a time and handed in; what is kept of them is their line numbers and
   what became of each. No word of them, and none of the watch list, is told, also not in a mistake.
2. A label is compared here; it is not handed in.
"""

import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from orchestrator.cli.adopting import policy_document
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.session import call
from orchestrator.cli.tier_entries import read_entries
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.tiers import (
    TEXTS,
    Effects,
    Judged,
    Rules,
    Sample,
    SimulationView,
    TextMove,
)
from tiers.tier import Tier

DIFFERS = 10
LONGEST = 256 * 1024
"""Bytes of a line that is read at all."""
AT_ONCE, MOST = 64 * 1024, TEXTS // 2
"""Bytes and messages that are handed in at once, so that an answer comes in time; a longer line
goes by itself."""
NUMBERS = 1_000
"""Line numbers that are told of each kind of change; all are counted."""
STILL = "Nothing was changed"
ORDER = {tier.value: n for n, tier in enumerate(Tier)}
_TIERS = [None, *ORDER]
MOVES = ("up", "down", "held", "asked", "let_go", "not_asked")
_WORDS = {
    "up": "to a stricter tier",
    "down": "to a weaker tier",
    "held": "newly held",
    "asked": "newly asked about",
    "let_go": "held no more",
    "not_asked": "asked about no more",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: its number, the text, and its label where it has one."""

    line: int
    sample: Sample = field(repr=False)
    label: str | None


@dataclass(slots=True)
class Told:
    """What became of all messages: counts and line numbers.

    Attributes:
        lines: by move, which lines; the first of them.
        rules: by rule, how many messages it says something of more, and of how many less.
        labels: labelled messages, and those below and above their label, before and after.
    """

    judged: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    more: Counter[str] = field(default_factory=Counter)
    less: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row, move: TextMove) -> None:
        """Counts one in."""
        self.judged += 1
        for name in moves(move):
            self.moved[name] += 1
            if len(self.lines[name]) < NUMBERS:
                self.lines[name].append(row.line)
        was, now = set(move.before.rules), set(move.after.rules)
        self.more.update(now - was)
        self.less.update(was - now)
        if row.label is not None:
            self.labels["labelled"] += 1
            self.labels.update(_against(row.label, move.before, "before"))
            self.labels.update(_against(row.label, move.after, "after"))

    @property
    def differs(self) -> bool:
        """Anything would become of any message otherwise."""
        return bool(self.moved or self.more or self.less)

    def plain(self) -> dict[str, Any]:
        """As JSON says it."""
        sides = ("under_before", "under_after", "over_before", "over_after")
        return {
            "judged": self.judged,
            "moves": {m: {"count": self.moved[m], "lines": self.lines.get(m, [])} for m in MOVES},
            "rules": {
                rule: {"more": self.more[rule], "less": self.less[rule]}
                for rule in sorted(self.more.keys() | self.less.keys())
            },
            "labelled": {name: self.labels[name] for name in ("labelled", *sides)},
        }


def moves(move: TextMove) -> Iterator[str]:
    """What differs of a message."""
    was, now = move.before, move.after
    if was.tier != now.tier:
        yield "up" if ORDER[now.tier] > ORDER[was.tier] else "down"
    if was.act != now.act:
        if now.act != "goes":
            yield now.act
        if was.act == "held":
            yield "let_go"
        elif now.act == "goes":
            yield "not_asked"


def _against(label: str, judged: Judged, when: str) -> Iterator[str]:
    if ORDER[judged.tier] != ORDER[label]:
        yield f"{'under' if ORDER[judged.tier] < ORDER[label] else 'over'}_{when}"


def simulate(
    ctx: typer.Context,
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="A policy as it would be; none: as in force.")
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option("--watch", help="Further entries: lines `name TEXT` or `amount TEXT`."),
    ] = None,
    messages: Annotated[
        Path | None,
        typer.Option("--messages", help="JSON Lines: text; subject, tier and floor if known."),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="10 when anything would differ.")
    ] = False,
) -> int:
    """What a changed policy or watch list would do to messages and to the deal; changes nothing."""
    if policy is None and watch is None:
        raise Wrong("What would change?", still=STILL, then="--policy FILE, --watch FILE or both")
    deal = named(ctx, None)
    rules = _rules(ctx, deal, policy, watch)
    told = Told()

    async def work(client: Client) -> SimulationView:
        view = await client.rules_simulate(deal, rules, effects=True)
        if messages is not None:
            await _judge(client, deal, rules, messages, told)
        return view

    found, out = call(ctx.obj, work)
    whole = {**asdict(found), "texts": told.plain() if messages is not None else None}
    out.one(whole, lambda: _lines(found, told, messages))
    return DIFFERS if exit_code and differs(found, told) else 0


def differs(found: SimulationView, told: Told) -> bool:
    """Whether anything would be otherwise."""
    effects = found.effects
    deal = effects is not None and bool(effects.channels or any(effects.counts.values()))
    return bool(found.settings or found.watched or deal or told.differs)


def _rules(ctx: typer.Context, deal: str, policy: Path | None, watch: Path | None) -> Rules:
    """The rules of the files. Raises: PolicyInvalid, Missing, Wrong."""
    document = None if policy is None else policy_document(ctx.obj.settings(), deal, policy)
    names: list[str] = []
    amounts: list[str] = []
    if watch is not None:
        with _opened(watch) as file:
            names, amounts = read_entries(line.decode("utf-8", "replace") for line in file)
    return Rules(policy=document, names=names, amounts=amounts)


async def _judge(client: Client, deal: str, rules: Rules, file: Path, told: Told) -> None:
    async for rows, view in _judged(client, deal, rules, file):
        for move in view.texts:
            told.add(rows[move.n], move)


async def _judged(
    client: Client, deal: str, rules: Rules, file: Path
) -> AsyncIterator[tuple[Sequence[Row], SimulationView]]:
    for rows in batches(file):
        yield rows, await client.rules_simulate(deal, rules, [row.sample for row in rows])


def batches(file: Path) -> Iterator[list[Row]]:
    """Messages of a file, as many at once as one request takes.

    Raises:
        Missing: there is no such file.
        Wrong: a line is no message; it is named by its number alone.
    """
    rows: list[Row] = []
    size = 0
    with _opened(file) as opened:
        number = 0
        while line := opened.readline(LONGEST + 1):
            number += 1
            if not line.strip():
                continue
            if rows and (size + len(line) > AT_ONCE or len(rows) == MOST):
                yield rows
                rows, size = [], 0
            rows.append(_row(number, line))
            size += len(line)
    if rows:
        yield rows


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError:
        raise Missing(f"There is no file {file}", still=STILL) from None


def _row(number: int, line: bytes) -> Row:
    if len(line) > LONGEST:
        raise Wrong(f"Line {number} has more than {LONGEST // 1024} KiB", still=STILL)
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not _is_message(data):
        then = 'each line is an object: {"text": "…", "tier": "operations"}, the tier if known'
        raise Wrong(f"Line {number} is no message", still=STILL, then=then)
    subject = data.get("subject")
    sample = Sample(text=data["text"], subject=subject or "", floor=data.get("floor"))
    return Row(number, sample, data.get("tier"))


def _is_message(data: Mapping[str, Any]) -> bool:
    known = all(data.get(name) in _TIERS for name in ("tier", "floor"))
    subject = data.get("subject")
    return known and isinstance(data.get("text"), str) and isinstance(subject, str | None)


def _lines(found: SimulationView, told: Told, messages: Path | None) -> Iterator[str]:
    yield f"policy {found.before[:12]} in force, {found.after[:12]} tried"
    for setting in found.settings:
        yield f"  {setting.place}: {setting.before or 'not set'} -> {setting.after or 'not set'}"
    if found.watched:
        yield f"  {found.watched} more entries on the watch list"
    if messages is not None:
        yield from _text_lines(told)
    if found.effects is not None:
        yield from _effect_lines(found.effects)
    yield f"{STILL}." if differs(found, told) else f"Nothing would differ. {STILL}."


def _text_lines(told: Told) -> Iterator[str]:
    yield f"messages: {told.judged} judged"
    for name in MOVES:
        if told.moved[name]:
            shown = ", ".join(map(str, told.lines[name][:20]))
            more = ", …" if told.moved[name] > len(told.lines[name][:20]) else ""
            yield f"  {told.moved[name]} {_WORDS[name]}: lines {shown}{more}"
    for rule in sorted(told.more.keys() | told.less.keys()):
        yield f"  {rule}: says so of {told.more[rule]} more, {told.less[rule]} less"
    if labelled := told.labels["labelled"]:
        under = f"{told.labels['under_before']} -> {told.labels['under_after']}"
        over = f"{told.labels['over_before']} -> {told.labels['over_after']}"
        yield f"  {labelled} labelled: below their label {under}, above it {over}"


def _effect_lines(effects: Effects) -> Iterator[str]:
    unread = f", {effects.unread} not read here and not judged" if effects.unread else ""
    yield f"rooms: {effects.read} as they were last read{unread}"
    for channel in effects.channels:
        state = "would fit" if channel.fits else "would fit no more"
        yield f"  {channel.channel} {state} {channel.tier}: {'; '.join(channel.because)}"
    for room in effects.rooms:
        state = "would hold what is demanded" if room.open else "would hold it no more"
        yield f"  {room.conversation} on {room.channel} {state}: {'; '.join(room.because)}"
    for who in effects.people:
        yield f"  {who.person} would {'' if who.gains else 'not '}read {who.conversation}"
    for waits in effects.waiting:
        yield f"  {waits.message} waits; {'a' if waits.open else 'no'} room would take it"
    listed = {"rooms": effects.rooms, "people": effects.people, "waiting": effects.waiting}
    for name, shown in listed.items():
        if effects.counts[name] > len(shown):
            yield f"  {effects.counts[name] - len(shown)} more of {name}"
