"""The rules: facts in, a decision with all its reasons out. Pure, for one recipient or one room.

Rules kept here (docs/architecture.md, invariants 1, 3, 13 and 14):

1. Nothing is allowed that was not checked. Each check of a room answers, also when it allows;
   its members are checked one by one, and those who may read answer together.
2. The recipients of a room are its members as read back. An unknown account, one without
   clearance, an empty, incomplete or stale list: hold. Whose an account is says the roster in
   force, at each decision anew.
3. A guarantee counts with the evidence that the tier accepts; what was only requested never does.
4. All reasons against are reported, not the first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from tiers.conversation import Conversation
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.exposure import ACT_AT
from tiers.guarantees import Demand, Guarantee, Holding, in_words
from tiers.ids import AccountId, ConnectorName, DeviceId, RuleId, SideId
from tiers.people import Person, Roster
from tiers.tier import Tier
from tiers.trust import VERIFIED_FOR, KeyState


class Grade(IntEnum):
    """How a connector was proven; policy demands one for each tier."""

    NONE = 0
    LAB = 1
    FIELD = 2
    FIT = 3


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What one tier demands, as the adopted policy says.

    Attributes:
        demands: guarantees with the least evidence and a bound.
        fresh_for: how old a posture or list of members may be, microseconds.
        grade: the least grade of the channel.
        changed_key_holds: a device of a member that is new, changed or cannot be read holds the
            message; else it is a finding.
        repeat_unknown: a delivery of unknown outcome is sent again (marked), else a person decides.
        body_for: how long a body is kept at most when it is not delivered, microseconds.
        record_class: of the journal.
        keep_for: how long the journal keeps it, microseconds.
        poison_blocks: a dead head of a lane blocks it until a person acts; else it is skipped.
        mirrored: its conversations may have people in several rooms, so that what is written in
            one is carried to the others.
        channels: a person with several accounts sits on the first of these that he has one on.
        attested_accounts: an account is enough of which his side's counsel says that it is his;
            else he proved it himself, or it stands on the adopted roster.
        verified_for: for how long a ceremony over a key speaks, microseconds.
    """

    demands: tuple[Demand, ...]
    fresh_for: int
    grade: Grade
    changed_key_holds: bool
    repeat_unknown: bool
    body_for: int
    record_class: str
    keep_for: int
    poison_blocks: bool
    mirrored: bool = False
    channels: tuple[ConnectorName, ...] = ()
    attested_accounts: bool = False
    verified_for: int = VERIFIED_FOR

    @property
    def devices_verified(self) -> bool:
        """Every device of every member must have been verified by two people."""
        return any(d.guarantee is Guarantee.DEVICES_VERIFIED for d in self.demands)


@dataclass(frozen=True, slots=True)
class DocumentPolicy:
    """What a formal document demands, whatever its tier.

    Attributes:
        rules: of the rooms that it goes to.
        valuation_to: sides whose people may be sent a VALUATION document.
    """

    rules: TierPolicy
    valuation_to: frozenset[SideId] = frozenset()


@dataclass(frozen=True, slots=True)
class MembershipPolicy:
    """How rooms are brought back to the roster.

    Attributes:
        at_once: who is listed and cleared no more is put out without a person's word, as long as
            nothing else waits for one.
        most: removals from one room in one run.
        one_in: never more than one in so many of the room's people, or one where they are fewer.
    """

    at_once: bool = False
    most: int = 3
    one_in: int = 4

    def removals(self, people: int) -> int:
        """How many of a room's ``people`` one run may put out."""
        return min(self.most, max(1, people // self.one_in))


_DAY = 24 * 3_600 * 1_000_000
NOTICE_GRACE, LONGEST_GRACE = 7 * _DAY, 30 * _DAY
"""For how long an acknowledgement counts after a notice's wording changed: as it ships, at most."""
REVIEW_EVERY, LONGEST_REVIEW = 90 * _DAY, 366 * _DAY
"""How often somebody looks through who may see what: as it ships, at most."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A deal's policy in force.

    Attributes:
        hash: of the adopted document.
        tiers: one entry for each tier, none missing.
        topics: topic to tier.
        held_for: time within which a held message must be settled, microseconds.
        lab_allowed: the deal is marked made-up, so a channel's grade *lab* is enough.
        documents: of formal documents; None: the policy says nothing of them, and none goes.
        membership: how rooms are brought back to the roster.
        notice_grace: for how long an acknowledgement of a side's notice counts after its wording
            changed, microseconds.
        review_every: how often somebody is to look through who may see what, microseconds.
        act_at: points of leak risk from which the deal's people act.
        risk_on: rules of leak risk about groups of people that somebody turned on.

    Raises:
        ValueError: a tier has no entry.
    """

    hash: str
    tiers: Mapping[Tier, TierPolicy]
    topics: Mapping[str, Tier]
    held_for: int
    lab_allowed: bool = False
    documents: DocumentPolicy | None = None
    membership: MembershipPolicy = MembershipPolicy()
    notice_grace: int = NOTICE_GRACE
    review_every: int = REVIEW_EVERY
    act_at: int = ACT_AT
    risk_on: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        missing = [tier.value for tier in Tier if tier not in self.tiers]
        if missing:
            raise ValueError(f"the policy says nothing of the tier {', '.join(missing)}")


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """A member's device as read back, with the state its key has with us."""

    device: DeviceId
    state: KeyState | None


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """One member of a room as read back.

    Attributes:
        devices: every device that can read; None where the network does not tell.
    """

    connector: ConnectorName
    account: AccountId
    person: Person | None
    devices: tuple[DeviceFact, ...] | None


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """A room as read back, with what we know beside it.

    Attributes:
        holdings: guarantees, attestations merged in.
        posture_at: when the posture was read, None if it could not be.
        members_at: when the members were read, None if they could not be.
        complete: the list of members was whole.
        paused: why the room stands still, None if it runs.
        grade: of its channel in this installation.
        journal_ready: there is a journal key for it, or counsel's signed decision.
        host: the side whose host carries it.
    """

    holdings: tuple[Holding, ...]
    posture_at: int | None
    members_at: int | None
    complete: bool
    paused: str | None
    grade: Grade
    journal_ready: bool
    host: SideId


def decide_recipient(
    who: RecipientFacts,
    roster: Roster,
    conversation: Conversation,
    tier: TierPolicy,
    *,
    as_tier: Tier,
    at: int,
) -> Decision:
    """Whether one member may read a message of ``as_tier`` in ``conversation`` at ``at``."""
    person = roster.owner(who.connector, who.account)
    if person is None or who.person is None or who.person.person_id != person.person_id:
        stranger = "an account that nobody on the list owns is a member"
        return Decision((_check("known", ok=False, otherwise=stranger, subject=who.account),))
    until = roster.attested.get((who.connector, who.account))
    vouched = _vouched(person, until, tier, at) if until is not None else ()
    against = (*_against(person, roster, conversation, as_tier, at), *vouched)
    found = (*against, *_devices(who.devices, person, tier))
    return Decision(tuple(_hold(rule, no, who.account) for rule, no in found)) if found else _MAY


def decide_members(
    members: Iterable[RecipientFacts],
    roster: Roster,
    conversation: Conversation,
    tier: TierPolicy,
    *,
    as_tier: Tier,
    at: int,
) -> Decision:
    """Whether every member of a room may read: one reason if so, else all reasons against.

    A room without readers is held: an empty list is what a failed reading looks like.
    """
    found = [
        decide_recipient(who, roster, conversation, tier, as_tier=as_tier, at=at) for who in members
    ]
    if not found:
        return Decision((_hold("readers", "the room has no member who would read it"),))
    if all(found):
        return Decision((Reason(_READERS, Effect.ALLOW, f"each of {len(found)} members checked"),))
    return all_of(decision for decision in found if not decision)


def decide_room(
    room: RoomFacts, conversation: Conversation, tier: TierPolicy, *, lab_allowed: bool, at: int
) -> Decision:
    """Whether a room may be given a message that ``tier`` governs, its members aside."""
    least = Grade.LAB if lab_allowed else tier.grade
    graded = f"the channel is proven {room.grade.name.lower()}, demanded: {least.name.lower()}"
    private_host = conversation.side is None or room.host == conversation.side
    found = (
        (
            "paused",
            room.paused is None,
            f"the room is paused: {(room.paused or '').removeprefix('reading:')}",
        ),
        ("complete", room.complete, "the list of members is not complete"),
        ("grade", room.grade >= least, graded),
        ("journal", room.journal_ready, "no journal key and no signed decision of counsel"),
        ("host", private_host, "another side's host may not carry a private conversation"),
    )
    demanded = (d for d in tier.demands if d.guarantee is not Guarantee.DEVICES_VERIFIED)
    return Decision(
        (
            *(_check(rule, ok=ok, otherwise=no) for rule, ok, no in found),
            _fresh("posture", room.posture_at, tier.fresh_for, at),
            _fresh("members", room.members_at, tier.fresh_for, at),
            *(_demand(demand, room.holdings, at) for demand in demanded),
        )
    )


def clock_decision(*, trusted: bool) -> Decision:
    """Holds everything while the clock cannot be trusted (time never turns back to permit)."""
    doubt = "the clock is earlier than the record or off its source"
    return Decision((_check("clock", ok=trusted, otherwise=doubt),))


_READERS = RuleId("readers")
_MAY = Decision((Reason(_READERS, Effect.ALLOW, "checked"),))


def _against(
    person: Person, roster: Roster, conversation: Conversation, as_tier: Tier, at: int
) -> Iterator[tuple[str, str]]:
    compartment, side = conversation.compartment, conversation.side
    if not roster.may_see(person.person_id, compartment, as_tier, at):
        yield "cleared", f"{person.name} has no clearance for this tier now"
    if roster.walled_off(person.person_id, compartment, at):
        yield "wall", f"a wall stands between {person.name} and this compartment"
    if side is not None and person.side != side:
        yield "side", f"{person.name} is not of the side that this is private to"


def _vouched(person: Person, until: int, tier: TierPolicy, at: int) -> Iterator[tuple[str, str]]:
    """What stands against an account that only counsel says is a person's."""
    if at >= until:
        yield "attested", f"counsel's word that this is {person.name}'s account has lapsed"
    elif not tier.attested_accounts:
        yield "attested", f"{person.name} has not proved himself that this account is his"


def _check(rule: str, *, ok: bool, otherwise: str, subject: str = "") -> Reason:
    if ok:
        return Reason(RuleId(rule), Effect.ALLOW, "checked", subject)
    return _hold(rule, otherwise, subject)


def _hold(rule: str, because: str, subject: str = "") -> Reason:
    return Reason(RuleId(rule), Effect.HOLD, because, subject)


def _fresh(what: str, read_at: int | None, fresh_for: int, at: int) -> Reason:
    if read_at is None:
        return _check(what, ok=False, otherwise=f"the {what} of the room could not be read")
    age = at - read_at
    stale = f"the {what} of the room was read {age // 1_000_000} s ago"
    return _check(what, ok=0 <= age <= fresh_for, otherwise=stale)


def _demand(demand: Demand, holdings: tuple[Holding, ...], at: int) -> Reason:
    name = demand.guarantee.value
    missing = f"nobody has shown, as this tier demands, that {in_words(demand)}"
    return _check("guarantee", ok=demand.met_by(holdings, at), otherwise=missing, subject=name)


_NEVER = frozenset({KeyState.REVOKED, KeyState.COMPROMISED})
_KNOWN = frozenset({KeyState.PINNED, KeyState.VERIFIED})
_VERIFIED = frozenset({KeyState.VERIFIED})


def _devices(
    devices: tuple[DeviceFact, ...] | None, person: Person, tier: TierPolicy
) -> Iterator[tuple[str, str]]:
    states = {d.state for d in devices or ()}
    if states == _VERIFIED:
        return
    if states & _NEVER:
        yield "devices", f"{person.name} has a revoked or compromised device"
    elif tier.devices_verified:
        none = "no device that can be read" if not states else "a device that nobody verified"
        yield "devices", f"{person.name} has {none}"
    elif tier.changed_key_holds and (devices is None or not states <= _KNOWN):
        yield "devices", f"{person.name} has a new device or key, or one that cannot be read"
