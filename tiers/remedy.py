"""What is to be done about drift: ordered acts, and what is kept back, each with its reason.

Rules kept here:

1. Removals first, everywhere, before anybody is let in anywhere.
2. Only a list that is whole and fresh removes anybody or lets anybody in.
3. An account that nobody on the roster owns is a finding first: it is removed from the second
   reading on, once a finding about it stands.
4. At most so many people are put out of a room in one run, and never more than the policy's share
   of it (one, where the share is less than one). The rest waits for the next run.
5. Our own accounts and the standby's are never put out, nor is the last person who is an admin:
   somebody else is made one first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, PersonId, RoomId
from tiers.membership import Difference, Drift, DriftKind, Observed, Standard, human_admins


class ActKind(Enum):
    """One act on a network; a plan runs in this order."""

    REMOVE = "remove"
    DEMOTE = "demote"
    HARDEN = "harden"
    ROTATE = "rotate"
    INVITE = "invite"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to be asked of a network.

    Attributes:
        account: whose; None where it is about the room.
        person: who owns the account; None where nobody is known to.
        because: a code.
    """

    kind: ActKind
    connector: ConnectorName
    room: RoomId
    account: AccountId | None
    person: PersonId | None
    because: str

    @property
    def place(self) -> Place:
        """Channel and room."""
        return self.connector, self.room


@dataclass(frozen=True, slots=True)
class HeldAct:
    """An act that is kept back, and why, as a code."""

    act: Act
    reason: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do.

    Attributes:
        acts: in the order in which they run.
        held: what a cap, a protection or the list as it was read keeps back.
        left: what no act of ours can put right.
    """

    acts: tuple[Act, ...]
    held: tuple[HeldAct, ...]
    left: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Ability:
    """What a channel can be asked for."""

    members: bool
    settings: bool
    keys: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One room with its drift.

    Attributes:
        noted: accounts on no roster of which a finding stands already.
        protected: accounts of ours, on any channel.
        judged_at: when its reading was looked at, microseconds UTC; None: with the others.
    """

    standard: Standard
    observed: Observed
    drift: Drift
    able: Ability
    noted: frozenset[AccountId] = frozenset()
    protected: frozenset[AccountId] = frozenset()
    judged_at: int | None = None


def remedy(cases: Iterable[Case], at: int) -> Remedy:
    """What to do about the drift of rooms, at ``at`` (microseconds UTC).

    Whether a list is fresh is told at the instant at which its room was looked at: whoever acts
    reads it again before he puts anybody out.
    """
    acts: list[Act] = []
    held: list[HeldAct] = []
    left: list[Difference] = []
    for case in cases:
        own = [_Wanted(d, act) for d in case.drift.differences if (act := _act(d)) is not None]
        left += [d for d in case.drift.differences if _act(d) is None]
        _settle(case, own, at if case.judged_at is None else case.judged_at, acts, held)
    order = {kind: n for n, kind in enumerate(ActKind)}
    return Remedy(tuple(sorted(acts, key=lambda a: order[a.kind])), tuple(held), tuple(left))


@dataclass(frozen=True, slots=True)
class _Wanted:
    difference: Difference
    act: Act


_ANSWER: Mapping[DriftKind, ActKind] = {
    DriftKind.UNKNOWN: ActKind.REMOVE,
    DriftKind.EXTRA: ActKind.REMOVE,
    DriftKind.SETTING: ActKind.HARDEN,
    DriftKind.MISSING: ActKind.INVITE,
    DriftKind.STANDBY_MISSING: ActKind.INVITE,
}


def _act(difference: Difference) -> Act | None:
    kind = _ANSWER.get(difference.kind)
    if difference.kind is DriftKind.WRONG_ROLE:
        kind = ActKind.DEMOTE if difference.because == "admin" else ActKind.PROMOTE
    if kind is None:
        return None
    who = difference.account, difference.person
    return Act(kind, *difference.place, *who, difference.because)


def _settle(
    case: Case, wanted: list[_Wanted], at: int, acts: list[Act], held: list[HeldAct]
) -> None:
    allowed: list[_Wanted] = []
    for one in wanted:
        no = _not_now(case, one, at)
        if no is None:
            allowed.append(one)
        else:
            held.append(HeldAct(one.act, no))
    keeper = _keeper(case, allowed)
    if keeper is not None:
        held.append(HeldAct(keeper.act, "last_owner"))
    rest = [w.act for w in allowed if w is not keeper and w.act.kind is not ActKind.REMOVE]
    going = [w for w in allowed if w is not keeper and w.act.kind is ActKind.REMOVE]
    going.sort(key=lambda w: w.difference.kind is not DriftKind.UNKNOWN)  # strangers first
    most = case.standard.limits.removals(_people(case))
    out = [w.act for w in going[:most]]
    held += [HeldAct(w.act, "cap") for w in going[most:]]
    acts += [*out, *_once(a for a in rest if a.kind is ActKind.HARDEN)]
    acts += [a for a in rest if a.kind is not ActKind.HARDEN]
    if out and case.able.keys:
        acts.append(Act(ActKind.ROTATE, *case.observed.place, None, None, "removed"))


def _people(case: Case) -> int:
    """Everybody in a room but accounts of ours, by the last reading."""
    bots = {case.observed.ours, case.standard.standby}
    return sum(m.account not in bots for m in case.observed.members or ())


def _once(acts: Iterable[Act]) -> Iterator[Act]:
    """One act hardens a room, whatever it is that differs."""
    found = tuple(acts)
    if found:
        because = found[0].because if len(found) == 1 else "settings"
        yield Act(ActKind.HARDEN, found[0].connector, found[0].room, None, None, because)


def _not_now(case: Case, wanted: _Wanted, at: int) -> str | None:
    """Why an act is kept back whatever the caps say; None: it is not."""
    act, observed = wanted.act, case.observed
    if act.kind is ActKind.HARDEN:
        settings = {*(g.value for g in observed.can), "gate"}
        return None if case.able.settings and act.because in settings else "not_offered"
    if not case.able.members:
        return "not_offered"
    if not observed.complete:
        return "incomplete"
    fresh_for = case.standard.tier.fresh_for
    if observed.members_at is None or not 0 <= at - observed.members_at <= fresh_for:
        return "stale"
    return _protected(case, wanted)


def _protected(case: Case, wanted: _Wanted) -> str | None:
    act, difference = wanted.act, wanted.difference
    if act.kind not in {ActKind.REMOVE, ActKind.DEMOTE}:
        return None
    if act.account in case.protected | {case.observed.ours, case.standard.standby}:
        return "protected"
    if difference.kind is DriftKind.UNKNOWN and act.account not in case.noted:
        return "first_seen"
    return "paused" if difference.because == "paused" else None


def _keeper(case: Case, allowed: list[_Wanted]) -> _Wanted | None:
    """The act that would leave a room without any admin but us, if one would; strangers aside."""
    strange = {d.account for d in case.drift.differences if d.kind is DriftKind.UNKNOWN}
    admins = {a for a in human_admins(case.standard, case.observed) if a not in strange}
    loses = [w for w in allowed if w.act.kind in {ActKind.REMOVE, ActKind.DEMOTE}]
    losing = [w for w in loses if w.act.account in admins]
    if not losing or admins - {w.act.account for w in losing}:
        return None
    return max(losing, key=lambda w: w.act.kind is ActKind.DEMOTE)
