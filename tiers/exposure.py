"""What could get out, as points that add up: rules, parts, two figures, what it falls to. Pure.

Rules kept here:

1. The score is the plain sum of its listed parts, of each conversation and of the deal; nothing is
   capped, rounded away or hidden. A deal's score is its conversations' and its deal-wide parts.
2. A finding costs points and none earns any: closing one never raises a score, and the order in
   which findings came changes nothing.
3. What is not known is a finding like others and costs at least a point: unknown never scores
   better than known to be well.
4. What somebody knows of and accepted for a time costs as before; it only asks nobody meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

DAY = 24 * 3_600 * 1_000_000
ACT_AT, LONGEST_LINE = 40, 1_000
"""Points from which a deal's people act, as it ships and at most."""


class Figure(Enum):
    """Whose safety a rule is about."""

    MEMBERS = "members"
    """Who could read: people, accounts, devices, keys."""
    MESSAGES = "messages"
    """What could be read: texts, documents, settings of rooms, and what we know of them."""


class Severity(IntEnum):
    """How bad one finding is; in order."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


POINTS: Mapping[Severity, int] = {
    Severity.LOW: 2,
    Severity.MEDIUM: 5,
    Severity.HIGH: 12,
    Severity.CRITICAL: 24,
}
"""What one finding of a severity costs where its rule says nothing else."""
_FURTHER = 4
"""Each further finding of a rule in one conversation costs so many times less, and all of them
together no more than the first: fifty new phones are one trouble, not fifty."""


class Owner(Enum):
    """Whose work a finding is first."""

    SUBJECT = "subject"
    """The person that it is about, or who wrote."""
    OWNER = "owner"
    SECURITY_OFFICER = "security_officer"
    COUNSEL = "counsel"
    OPERATOR = "operator"


class Remedy(Enum):
    """What can be done about a finding from its card; each is one operation of the product."""

    LOOK = "look"
    PUT_RIGHT = "put_right"
    PAUSE_ROOM = "pause_room"
    RESUME_ROOM = "resume_room"
    PAUSE_PERSON = "pause_person"
    RESUME_PERSON = "resume_person"
    CALL_BACK = "call_back"
    NEW_PHONE = "new_phone"
    ATTEST = "attest"
    REVIEW = "review"
    ANCHOR = "anchor"
    MOVE = "move"
    DROP = "drop"
    ASK_AUTHOR = "ask_author"
    TEST_CHANNEL = "test_channel"
    PAUSE_CHANNEL = "pause_channel"
    RESUME_CHANNEL = "resume_channel"
    DROP_STRANGER = "drop_stranger"
    TELL_PERSON = "tell_person"
    HEARD = "heard"
    ADOPT_KEY = "adopt_key"
    EXEMPT = "exempt"
    SET_NOTICE = "set_notice"
    SHOW_NOTICE = "show_notice"
    SHUT_OUT = "shut_out"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it looks for, what it costs, and what is done about it.

    Attributes:
        rule: stable name, as findings carry it.
        figure: whose safety it is about.
        severity: where the finding itself does not say another one.
        title: what it is, in words without content.
        closes: the new fact that closes it.
        owner: whose work it is first.
        remedies: what the card offers, the first of them as its button.
        keep: how long a closed finding of it is kept, microseconds.
        weight: points of one finding; 0: as its severity says.
        on: whether it runs unless somebody turned it on.
        unknown: it says that something is not known.
        personal: it is about a person's hours or volume: off, and counted for groups only.
    """

    rule: str
    figure: Figure
    severity: Severity
    title: str
    closes: str
    owner: Owner
    remedies: tuple[Remedy, ...]
    keep: int = 90 * DAY
    weight: int = 0
    on: bool = True
    unknown: bool = False
    personal: bool = False

    def points(self, severity: Severity | None = None) -> int:
        """What one finding costs; a severer one than the rule's costs in proportion."""
        base = self.weight or POINTS[self.severity]
        found = self.severity if severity is None else severity
        return max(1, -(-base * POINTS[found] // POINTS[self.severity]))


@dataclass(frozen=True, slots=True)
class Open:
    """A finding that is open, as the score counts it.

    Attributes:
        finding: its id.
        rule: of the registry.
        severity: its own; None: its rule's.
        conversation: where it counts; None: for the whole deal.
        since: when it was first seen, microseconds UTC.
        silent: somebody knows of it and accepted it for a time.
    """

    finding: str
    rule: Rule
    severity: Severity | None = None
    conversation: str | None = None
    since: int = 0
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What the findings of one rule cost in one conversation, or for the whole deal.

    Attributes:
        findings: their ids, oldest first.
        severity: of the severest of them.
        silent: all of them are known and accepted.
    """

    rule: Rule
    conversation: str | None
    points: int
    findings: tuple[str, ...]
    severity: Severity
    since: int
    silent: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Parts that add up; the dearest first, what is silent last."""

    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(part.points for part in self.parts)

    def of(self, figure: Figure) -> int:
        """One of the two figures."""
        return sum(part.points for part in self.parts if part.rule.figure is figure)

    def within(self, conversation: str | None) -> "Score":
        """What one conversation costs; None: what belongs to none."""
        return Score(tuple(p for p in self.parts if p.conversation == conversation))

    def falls_to(self) -> tuple[int, ...]:
        """What is left when the first part is settled, the first two, and so on."""
        left, found = self.total, list[int]()
        for part in self.parts:
            left -= part.points
            found.append(left)
        return tuple(found)


class Level(Enum):
    """What a score means."""

    QUIET = "quiet"
    LOW = "low"
    RAISED = "raised"
    ACT = "act"
    STOP = "stop"


MEANING: Mapping[Level, str] = {
    Level.QUIET: "Nothing is known that could get out.",
    Level.LOW: "Small things are open. Nobody has to act today.",
    Level.RAISED: "Something could get out. Settle it before it adds up.",
    Level.ACT: "Somebody has to act now.",
    Level.STOP: "Stop what is not needed, and settle the first ones at once.",
}


def level(total: int, act_at: int) -> Level:
    """What a total means, measured by the line to act at."""
    if total == 0:
        return Level.QUIET
    if total * 2 < act_at:
        return Level.LOW
    if total < act_at:
        return Level.RAISED
    return Level.ACT if total < 2 * act_at else Level.STOP


def score(findings: Iterable[Open]) -> Score:
    """Adds up; the same findings in any order give the same score."""
    groups: defaultdict[tuple[str, str | None], list[Open]] = defaultdict(list)
    for found in {one.finding: one for one in findings}.values():
        groups[found.rule.rule, found.conversation].append(found)
    return Score(tuple(sorted((_part(group) for group in groups.values()), key=_order)))


def _part(group: Sequence[Open]) -> Part:
    costs = sorted((one.rule.points(one.severity) for one in group), reverse=True)
    further = sum(-(-cost // _FURTHER) for cost in costs[1:])
    oldest = sorted(group, key=lambda one: (one.since, one.finding))
    return Part(
        rule=oldest[0].rule,
        conversation=oldest[0].conversation,
        points=costs[0] + min(costs[0], further),
        findings=tuple(one.finding for one in oldest),
        severity=max(one.severity or one.rule.severity for one in group),
        since=oldest[0].since,
        silent=all(one.silent for one in group),
    )


def _order(part: Part) -> tuple[bool, int, int, str, str]:
    where = part.conversation or ""
    return part.silent, -part.points, -part.severity, part.rule.rule, where


@dataclass(frozen=True, slots=True)
class Was:
    """A finding and when it was open, microseconds UTC; ``until`` None: it still is."""

    open: Open
    until: int | None


@dataclass(frozen=True, slots=True)
class Day:
    """The score at an instant, and what each rule cost then."""

    at: int
    members: int
    messages: int
    causes: Mapping[str, int]


def history(findings: Iterable[Was], instants: Iterable[int]) -> tuple[Day, ...]:
    """The score as it was at each instant, by what was open then.

    Args:
        findings: every finding that was open at any of them.
        instants: microseconds UTC.
    """
    known = tuple(findings)
    return tuple(_day(known, at) for at in instants)


def _day(findings: Sequence[Was], at: int) -> Day:
    there = (w.open for w in findings if w.open.since <= at and (w.until is None or w.until > at))
    found = score(there)
    causes: defaultdict[str, int] = defaultdict(int)
    for part in found.parts:
        causes[part.rule.rule] += part.points
    return Day(at, found.of(Figure.MEMBERS), found.of(Figure.MESSAGES), dict(causes))
