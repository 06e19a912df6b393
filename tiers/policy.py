"""The rules: facts in, a decision with all its reasons out. Pure, for one recipient or one room.

Rules kept here (PRODUCT.md section 2, invariants 1, 3, 13 and 14):

1. Nothing is allowed that was not checked. Each check answers, also when it allows.
2. The recipients of a room are its members as read back. An unknown account, one without
   clearance, an incomplete or stale list: hold.
3. A guarantee counts with the evidence that the tier accepts; what was only requested never does.
4. All reasons against are reported, not the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from tiers.conversation import Conversation
from tiers.decision import Decision, Effect, Reason
from tiers.guarantees import Demand, Guarantee, Holding
from tiers.ids import AccountId, ConnectorName, DeviceId, RuleId, SideId
from tiers.people import Person, Roster
from tiers.tier import Tier
from tiers.trust import KeyState


class Grade(IntEnum):
    """How a connector was proven; policy demands one for each tier."""

    NONE = 0
    LAB = 1
    FIELD = 2
    FIT = 3


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What one tier demands (PRODUCT.md section 3).

    Attributes:
        demands: guarantees with the least evidence and a bound.
        fresh_for: how old a posture or list of members may be, microseconds.
        grade: the least grade of the channel.
        changed_key_holds: an unverified or changed device of a member holds the message; else it
            is a finding.
        repeat_unknown: a delivery of unknown outcome is sent again (marked), else a person decides.
        body_for: how long a body is kept at most when it is not delivered, microseconds.
        record_class: of the journal.
        keep_for: how long the journal keeps it, microseconds.
        poison_blocks: a dead head of a lane blocks it until a person acts; else it is skipped.
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


@dataclass(frozen=True, slots=True)
class Policy:
    """A deal's policy in force.

    Attributes:
        hash: of the adopted document.
        tiers: one entry for each tier, none missing.
        topics: topic to tier.
        held_for: time within which a held message must be settled, microseconds.
        lab_allowed: the deal is marked made-up, so a channel's grade *lab* is enough.
    """

    hash: str
    tiers: Mapping[Tier, TierPolicy]
    topics: Mapping[str, Tier]
    held_for: int
    lab_allowed: bool = False


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
    person = who.person
    if person is None:
        stranger = "an account that nobody on the list owns is a member"
        return Decision((_check("known", ok=False, otherwise=stranger, subject=who.account),))
    covered = roster.may_see(person.person_id, conversation.compartment, as_tier, at)
    walled = roster.walled_off(person.person_id, conversation.compartment, at)
    foreign = conversation.side is not None and person.side != conversation.side
    found = (
        ("cleared", covered, f"{person.name} has no clearance for this tier now"),
        ("wall", not walled, f"a wall stands between {person.name} and this compartment"),
        ("side", not foreign, f"{person.name} is not of the side that this is private to"),
        ("devices", *_devices(who.devices, person, tier)),
    )
    return Decision(
        tuple(_check(rule, ok=ok, otherwise=no, subject=who.account) for rule, ok, no in found)
    )


def decide_room(
    room: RoomFacts, conversation: Conversation, tier: TierPolicy, *, lab_allowed: bool, at: int
) -> Decision:
    """Whether a room may be given a message that ``tier`` governs, its members aside."""
    least = Grade.LAB if lab_allowed else tier.grade
    graded = f"the channel is proven {room.grade.name.lower()}, demanded: {least.name.lower()}"
    private_host = conversation.side is None or room.host == conversation.side
    found = (
        ("paused", room.paused is None, f"the room is paused: {room.paused}"),
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
            *(_demand(demand, room.holdings) for demand in demanded),
        )
    )


def clock_decision(*, trusted: bool) -> Decision:
    """Holds everything while the clock cannot be trusted (time never turns back to permit)."""
    doubt = "the clock is earlier than the record or off its source"
    return Decision((_check("clock", ok=trusted, otherwise=doubt),))


def _check(rule: str, *, ok: bool, otherwise: str, subject: str = "") -> Reason:
    if ok:
        return Reason(RuleId(rule), Effect.ALLOW, "checked", subject)
    return Reason(RuleId(rule), Effect.HOLD, otherwise, subject)


def _fresh(what: str, read_at: int | None, fresh_for: int, at: int) -> Reason:
    if read_at is None:
        return _check(what, ok=False, otherwise=f"the {what} of the room could not be read")
    age = at - read_at
    stale = f"the {what} of the room was read {age // 1_000_000} s ago"
    return _check(what, ok=0 <= age <= fresh_for, otherwise=stale)


def _demand(demand: Demand, holdings: tuple[Holding, ...]) -> Reason:
    name = demand.guarantee.value
    found = any(demand.met_by(h) for h in holdings)
    missing = f"{name} is not held with the evidence that this tier accepts"
    return _check("guarantee", ok=found, otherwise=missing, subject=name)


_NEVER = frozenset({KeyState.REVOKED, KeyState.COMPROMISED})
_KNOWN = frozenset({KeyState.PINNED, KeyState.VERIFIED})


def _devices(
    devices: tuple[DeviceFact, ...] | None, person: Person, tier: TierPolicy
) -> tuple[bool, str]:
    demanded = any(d.guarantee is Guarantee.DEVICES_VERIFIED for d in tier.demands)
    if devices is None:
        return not demanded, f"the devices of {person.name} cannot be read"
    states = {d.state for d in devices}
    if states & _NEVER:
        return False, f"{person.name} has a revoked or compromised device"
    if demanded:
        return states == {KeyState.VERIFIED}, f"{person.name} has no device, or one nobody verified"
    changed = bool(states - _KNOWN)
    return not (changed and tier.changed_key_holds), f"{person.name} has a new device or key"
