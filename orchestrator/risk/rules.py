"""Rules over signals: what is raised, and what a signal shows to be over.

Rules kept here:

1. Pure: signals in, a ruling out. What a signal cannot tell is not judged: a finding about it stays
   open, and that it cannot be told is a finding of its own.
2. A finding's subject is stable: the same trouble is the same finding, whoever looks and when.
3. Reasons name people, rooms' channels and times; never a word of a message.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.clock import DAY, HOUR, MINUTE, iso
from orchestrator.deals.findings import Raised
from orchestrator.risk.signals import (
    Certificate,
    Listed,
    OwnKey,
    RoomSignal,
    Seated,
    SideVolume,
    Signals,
)
from tiers.exposure import Remedy
from tiers.exposure_rules import rule_of
from tiers.guarantees import Demand, Guarantee, in_words
from tiers.ids import PersonId
from tiers.lookalike import near, near_pairs, skeleton
from tiers.trust import KeyState

PATIENCE: Final = MINUTE
"""For how long a room may fail to be read before it is a finding: networks hiccup."""
EXPIRES_SOON: Final = 21 * DAY
ENDS_SOON: Final = 7 * DAY
ROTATE_AFTER: Final = 366 * DAY
UNUSED_AFTER: Final = 30 * DAY
LOOK_EVERY: Final = 180 * DAY
UNANCHORED_AFTER: Final = 6 * HOUR
LEAST_PEOPLE: Final = 5
MOST_ALIKE: Final = 100
"""Pairs of names on a list that are told one by one."""
_MANY, _NIGHT = 4, 30
EVERYTHING: Final = "*"
"""Stands for every subject of a rule, where a signal tells all of them."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What rules came to.

    Attributes:
        raised: by rule and subject.
        judged: rules and subjects that the signals tell about; with ``EVERYTHING``, of a whole
            rule. Open findings of these that are not raised are over.
    """

    raised: dict[Key, Raised]
    judged: frozenset[Key]

    def over(self, rule: str, subject: str) -> bool:
        """Whether an open finding is shown to be over."""
        known = (rule, subject) in self.judged or (rule, EVERYTHING) in self.judged
        return known and (rule, subject) not in self.raised


Answer = tuple[list[tuple[Key, Raised]], list[Key]]
"""What one rule raises, and what it could judge."""


def judge(signals: Signals) -> Ruling:
    """Runs every rule."""
    raised: dict[Key, Raised] = {}
    judged: set[Key] = set()
    for found, known in (*_rooms(signals), *_deal(signals)):
        raised |= dict(found)
        judged |= set(known)
    return Ruling(raised, frozenset(judged))


def _rooms(signals: Signals) -> Iterator[Answer]:
    for room in signals.rooms:
        yield from (rule(room) for rule in _OF_ROOM)


def _deal(signals: Signals) -> Iterator[Answer]:
    at = signals.at
    yield _written(signals)
    if signals.people is not None:
        yield _alike(signals.people, signals.rooms)
        yield _stale(signals.people, at)
    if signals.certificates is not None:
        yield _expiring(signals.certificates, at)
    if signals.keys is not None:
        yield _rotating(signals.keys, at)
    if signals.record is not None:
        yield _anchored(signals)
    yield from _aggregated(signals)


# Rooms.


def _settings(room: RoomSignal) -> Answer:
    if room.holdings is None:
        return [], []
    found: list[tuple[Key, Raised]] = []
    known = [(rule, room.place) for rule in {*_SETTING.values(), "timer_long"}]
    for demand in room.demands:
        rule = _SETTING.get(demand.guarantee)
        if rule is not None and not demand.met_by(room.holdings, room.at):
            rule = _timer(demand, room) if demand.guarantee is Guarantee.TIMER else rule
            why = f"not shown: {in_words(demand)}"
            found.append(((rule, room.place), _raise(rule, why)))
    return found, known


_SETTING: Final = {
    Guarantee.TIMER: "timer_off",
    Guarantee.NO_PUBLIC_LINK: "link_on",
    Guarantee.INVITE_ONLY: "open_door",
    Guarantee.HISTORY_HIDDEN: "history_visible",
    Guarantee.END_TO_END_ENCRYPTED: "encryption_off",
    Guarantee.ENCRYPTED_IN_TRANSIT: "encryption_off",
}


def _timer(demand: Demand, room: RoomSignal) -> str:
    """Off, or on and too long."""
    told = [h.value for h in room.holdings or () if h.guarantee is demand.guarantee]
    long = any(value is not None and value > 0 for value in told)
    return "timer_long" if long else "timer_off"


def _unread(room: RoomSignal) -> Answer:
    """What could not be read for longer than networks hiccup; what is paused is told elsewhere."""
    known = [("posture_unreadable", room.place), ("members_unreadable", room.place)]
    since = room.unread_since
    if since is None or room.still:
        return [], known
    if room.at - since < PATIENCE:
        return [], []
    found: list[tuple[Key, Raised]] = []
    when = f"since {iso(since)[:16]} UTC"
    if room.holdings is None:
        why = f"its settings could not be read {when}; what holds there is not known"
        found.append((known[0], _raise("posture_unreadable", why)))
    if room.members is None or not room.whole:
        why = f"its list of members could not be read whole {when}"
        found.append((known[1], _raise("members_unreadable", why)))
    return found, known


def _devices(room: RoomSignal) -> Answer:
    """Devices that nobody compared, where every one must be; and those that cannot be read."""
    rules = ("unverified_device", "devices_unreadable", "changed_key")
    if room.members is None or not room.whole:
        return [], []
    known = [(rule, room.place) for rule in rules]
    if not room.verified:
        return [], known
    found = []
    for rule, holds in _DEVICES:
        whose = sorted({_who(m) for m in room.members if holds(m)})
        if whose:
            found.append(((rule, room.place), _raise(rule, f"{_named(whose)}: {_WORDS[rule]}")))
    return found, known


def _unverified(member: Seated) -> bool:
    devices = member.devices or ()
    return member.person is not None and any(d.state is KeyState.PINNED for d in devices)


def _changed(member: Seated) -> bool:
    """A key that nobody compared beside one that was compared, or that took its place."""
    states = [d.state for d in member.devices or ()]
    return any(state in _TAKEN_OUT for state in states)


_TAKEN_OUT = {KeyState.SUPERSEDED, KeyState.REVOKED, KeyState.COMPROMISED}


def _no_devices(member: Seated) -> bool:
    return member.person is not None and member.devices is None


_DEVICES: Final[tuple[tuple[str, Callable[[Seated], bool]], ...]] = (
    ("unverified_device", _unverified),
    ("devices_unreadable", _no_devices),
    ("changed_key", _changed),
)
_WORDS: Final = {
    "unverified_device": "nobody compared a key that reads here",
    "devices_unreadable": "the network does not tell which devices read here",
    "changed_key": "a key that counts no more reads here",
}


def _who(member: Seated) -> str:
    return member.name or "somebody on no list"


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004 - read aloud


_OF_ROOM: Final[tuple[Callable[[RoomSignal], Answer], ...]] = (_settings, _unread, _devices)


# People.


def _alike(people: Sequence[Listed], rooms: Sequence[RoomSignal]) -> Answer:
    """Two of the roster whose names read alike, and strangers in rooms who read like one of it."""
    found = []
    read = [(one, "".join(skeleton(one.name))) for one in people]
    pairs = near_pairs(tuple(name for _, name in read), MOST_ALIKE)
    if len(pairs) > MOST_ALIKE:  # a list of such names: nobody looks at each two of them
        why = f"more than {MOST_ALIKE} pairs of names on the list read alike: compare accounts"
        found.append((("lookalike_name", "list"), _raise("lookalike_name", why, severity="low")))
        pairs = ()
    for n, m in pairs:
        one, other = people[n], people[m]
        pair = sorted((one.person, other.person))
        why = f"{one.name} and {other.name} are on the list, and their names read alike"
        raised = _raise("lookalike_name", why, severity="low")
        found.append((("lookalike_name", "+".join(pair)), raised))
    for room in rooms:
        for member in room.members or ():
            like = _like(member, read)
            if like is not None:
                why = f"an account on no list is in a room, and reads like {like.name}"
                subject = f"{room.place} {like.person}"
                found.append((("lookalike_name", subject), _raise("lookalike_name", why)))
    unread = any(room.members is None or not room.whole for room in rooms)
    known = [key for key, _ in found] if unread else [("lookalike_name", EVERYTHING)]
    return found, known


def _like(member: Seated, people: Sequence[tuple[Listed, str]]) -> Listed | None:
    if member.person is not None:
        return None
    local = member.account.lstrip("@+").partition(":")[0].partition("@")[0]
    name = "".join(skeleton(local))
    plain = name and not local.replace("-", "").isdigit()
    return next((one for one, read in people if plain and near(name, read)), None)


def _stale(people: Sequence[Listed], at: int) -> Answer:
    """Clearances that nobody looked at for half a year, ended ones, and those that nobody uses."""
    found = []
    for one in people:
        why = _why_stale(one, at)
        if why is not None:
            raised = _raise("stale_clearance", why, one.person)
            found.append((("stale_clearance", str(one.person)), raised))
    return found, [("stale_clearance", EVERYTHING)]


def _why_stale(one: Listed, at: int) -> str | None:
    if one.ends is not None and one.ends <= at:
        return f"{one.name}'s clearance is over, and he is in a room" if one.seated else None
    if not one.highest:
        return None
    since = max(one.since, one.looked)
    if one.ends is None and at - since >= LOOK_EVERY:
        return f"{one.name} is cleared since {iso(one.since)[:10]}, and nobody looked at it since"
    if not one.seated and at - since >= UNUSED_AFTER:
        return f"{one.name} is cleared since {iso(one.since)[:10]}, and was seen in no room"
    return None


def _ending(ends: int, at: int) -> str:
    """When a key ends, in words; 0 stands for one that cannot be used now, whenever it ends."""
    if ends == 0:
        return "cannot be used now"
    return f"{'ended' if ends <= at else 'ends'} on {iso(ends)[:10]}"


def _expiring(certificates: Sequence[Certificate], at: int) -> Answer:
    found = []
    for one in certificates:
        if one.ends is not None and one.ends - at <= EXPIRES_SOON:
            why = f"the key that {one.name} reads with {_ending(one.ends, at)}"
            severity = "high" if one.ends - at <= ENDS_SOON else "medium"
            raised = _raise("adviser_key_expires", why, one.person, severity)
            raised = replace(raised, remedy="wallcross key expire-soon")
            found.append((("adviser_key_expires", one.subject), raised))
    return found, [("adviser_key_expires", EVERYTHING)]


def _rotating(keys: Sequence[OwnKey], at: int) -> Answer:
    found = []
    for one in keys:
        if at - one.since >= ROTATE_AFTER:
            called = one.called or f"{one.subject} key"
            renew = f"; {one.then}" if one.then else ""
            why = f"the {called} is in use since {iso(one.since)[:10]}{renew}"
            raised = _raise("rotation_overdue", why)
            found.append((("rotation_overdue", one.subject), raised))
    return found, [("rotation_overdue", EVERYTHING)]


# The record, and what was written.


def _anchored(signals: Signals) -> Answer:
    record, subject = signals.record, signals.deal
    known = [("unanchored", EVERYTHING)]
    if record is None:
        return [], []
    if not record.anchors:
        why = "no anchor is configured: nobody outside this host could tell a record made anew"
        return [(("unanchored", subject), _raise("unanchored", why))], known
    if record.waits < UNANCHORED_AFTER:
        return [], known
    hours = record.waits // HOUR
    why = f"the oldest entry that no anchor has seen is {hours} hours old"
    return [(("unanchored", subject), _raise("unanchored", why, None, "high"))], known


def _written(signals: Signals) -> Answer:
    """Findings about messages are raised where messages are judged; here they end."""
    gone = [one for one in signals.wrote if one.gone is not None]
    return [], [(one.rule, one.subject) for one in gone]


# About groups of people; off until turned on.


def _aggregated(signals: Signals) -> Iterator[Answer]:
    for rule, odd in _VOLUMES:
        if rule not in signals.on:
            yield [], [(rule, EVERYTHING)]
        elif signals.volumes is not None:
            yield _odd(rule, odd, signals.volumes)


def _odd(rule: str, odd: Callable[[SideVolume], str | None], sides: Sequence[SideVolume]) -> Answer:
    found = []
    for side in sides:
        why = odd(side) if side.people >= LEAST_PEOPLE else None
        if why is not None:
            found.append(((rule, f"side {side.side}"), _raise(rule, why)))
    return found, [(rule, EVERYTHING)]


def _more(side: SideVolume) -> str | None:
    if not side.before or side.week < _MANY * side.before:
        return None
    return f"a side wrote {side.week // side.before} times as much this week as before"


def _late(side: SideVolume) -> str | None:
    if side.night - side.night_before < _NIGHT:
        return None
    return "a side writes at night, as it did not before"


_VOLUMES: Final = (("volume_unusual", _more), ("hours_unusual", _late))


def _raise(
    rule: str, why: str, owner: PersonId | None = None, severity: str | None = None
) -> Raised:
    found = rule_of(rule)
    grave = severity or found.severity.name.lower()
    return Raised(rule, grave, (why,), _THEN.get(found.remedies[0], _SHOW), owner)


_SHOW: Final = "wallcross risk list"
_THEN: Final = {
    Remedy.PUT_RIGHT: "wallcross plan",
    Remedy.CALL_BACK: "wallcross person callback PERSON",
    Remedy.REVIEW: "wallcross roster review --by PERSON",
}
