"""Views of what is proven: rows against the record, and the controls of each room.

Rules kept here: as for ``orchestrator.client.views``. An age is not stored: ``at`` is, and the
reader's own clock makes the age.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffersView:
    """One row that is not as the chain states it.

    Attributes:
        what: the kind of thing, such as ``key`` or ``room``.
        subject: which one.
        how: changed, missing, extra or unsigned.
        because: in words.
    """

    what: str
    subject: str
    how: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """A deal's rows held against its chain, read alone.

    Attributes:
        entries: of the chain.
        compared: by kind of thing how many were compared.
        differs: each that is not as stated; none when ``ok``.
    """

    deal_id: str
    ok: bool
    entries: int
    compared: dict[str, int]
    differs: tuple[DiffersView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlView:
    """One promise of a room, and how it is known.

    Attributes:
        demanded: the least evidence that the room's tier demands of it; None: it demands none.
        met: the demand is met now; True where there is none.
        evidence: requested, attested or verified; None: nothing says that it holds.
        source: shown by cryptography, said by the server, or said by a person.
        by: the person who attested it.
        at: of the reading or the attestation, microseconds UTC.
        lapses_at: when it counts no longer.
    """

    guarantee: str
    value: int | None
    demanded: str | None
    met: bool
    evidence: str | None
    source: str | None
    by: str | None
    at: int | None
    lapses_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKeyView:
    """A member's device: its state, since when, and who compared its key."""

    person: str | None
    account: str
    device: str
    state: str
    at: int
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEvidence:
    """A room's controls.

    Attributes:
        read_at: when its members were read back, microseconds UTC; None: not in this process.
        complete: the network gave the whole list.
        strangers: accounts in it that nobody on the roster owns.
        told: accounts that were told who hosts it, that we read it, and what is journaled.
        told_at: when the last of them was.
    """

    connector: str
    room: str
    host: str
    mode: str | None
    paused: str | None
    read_at: int | None
    complete: bool
    members: tuple[str, ...]
    strangers: tuple[str, ...]
    controls: tuple[ControlView, ...]
    keys: tuple[MemberKeyView, ...]
    told: tuple[str, ...]
    told_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvidence:
    """A conversation with the controls of each of its rooms.

    Attributes:
        label: None for a sealed name in what leaves the home.
        journal: the id of the journal key in force, ``exempt`` by counsel's signed decision, or
            None: its rooms do not open.
        against: why nothing goes through it as its rooms stand together.
    """

    conversation_id: str
    label: str | None = field(repr=False)
    floor: str
    compartment: str
    side: str | None
    journal: str | None
    against: tuple[str, ...]
    rooms: tuple[RoomEvidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvidence:
    """A request that people signed, or that waits for them.

    Attributes:
        state: done, open, refused or lapsed.
        signed: who signed for it; each signature was verified for this answer.
    """

    request: str
    verb: str
    plan: str
    state: str
    asked_by: str
    asked_at: int
    signed: tuple[str, ...]
    done_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvidence:
    """Something that could leak and is open."""

    rule: str
    subject: str
    severity: str
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """The controls of a deal, as they are known at one instant.

    Attributes:
        at: that instant, microseconds UTC.
        live: rooms were read back for it; False: no channel is open here.
        policy: hash of the policy in force; ``roster``: of the roster.
        founded_at: when its people signed its founding; None: it is not founded.
        approvers: people whose credentials count.
        findings: open ones.
    """

    deal_id: str
    code: str
    made_up: bool
    phase: str
    at: int
    live: bool
    policy: str | None
    roster: str
    founded_at: int | None
    approvers: tuple[str, ...]
    conversations: tuple[ConversationEvidence, ...]
    approvals: tuple[ApprovalEvidence, ...]
    findings: tuple[FindingEvidence, ...]
