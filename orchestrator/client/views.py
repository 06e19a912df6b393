"""What the API answers: plain values, the same on both ends of the socket.

Rules kept here:

1. No view holds text of a message, a subject, a file name or a secret. Names, rooms, times,
   sizes and reasons only. What goes *in* with text (``Row``) keeps it out of its repr.
2. Instants are microseconds UTC; sets and orders are tuples; what is unknown is None, never "".
"""

from dataclasses import dataclass, field
from typing import Literal

CheckState = Literal["ok", "soon", "fix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of doctor.

    Attributes:
        name: short and stable (config, secrets, store, clock, hardening, adoption, a channel).
        state: ok, soon (will need somebody) or fix (red).
        text: what was found, one line.
        then: the next command; empty when ok.
        group: what it belongs to: ``home``, ``channel``, ``deal``.
    """

    name: str
    state: CheckState
    text: str
    then: str = ""
    group: str = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that needs a person: what, and the command that settles it."""

    text: str
    then: str
    severity: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """A configured channel account.

    Attributes:
        state: ``up``, ``down``, ``paused`` or ``closed`` (this process did not open it).
        why: reason of a pause or stable code of what is down, or of what ails it while it is up;
            None when all is well.
        hint: what to do about that; empty when there is nothing.
        grade: none, lab, field or fit, as tested in this installation.
        tested_at: of the last channel test.
        queued: deliveries that wait for it.
        again_at: of a closed one: when it is tried again by itself; None where it is not.
    """

    name: str
    kind: str
    state: str
    why: str | None
    account: str | None
    grade: str
    tested_at: int | None
    seen_at: int | None
    queued: int
    hint: str = ""
    again_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealStatus:
    """A deal's figures since midnight in the home's zone, by tier where that makes sense."""

    deal_id: str
    code: str
    phase: str
    made_up: bool
    people: int
    conversations: int
    today: dict[str, int]
    waiting: int
    held: int
    possibly: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The overview in one value; ``at`` is when it was true."""

    at: int
    host: str
    serving: bool
    clock_trusted: bool
    clock_why: str | None
    needs: tuple[Need, ...]
    deals: tuple[DealStatus, ...]
    channels: tuple[ChannelView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of ``watch``: what happened, to what, why. Never content.

    Attributes:
        kind: stable, such as ``accepted``, ``held``, ``delivered``, ``withdrawn``, ``finding``.
        subject: id of the message, room, person or channel.
        reason: rule names and words of our own.
    """

    at: int
    kind: str
    deal: str | None
    subject: str
    tier: str | None = None
    channel: str | None = None
    conversation: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealView:
    """A deal; hashes are of what is in force, None before the first adoption."""

    deal_id: str
    code: str
    phase: str
    made_up: bool
    created_at: int
    policy_hash: str | None
    roster_hash: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionView:
    """An adopted document.

    Attributes:
        kind: policy or roster.
        document: canonical JSON of it.
        new: False when exactly this was already in force and nothing was written.
    """

    deal_id: str
    kind: str
    hash: str
    at: int
    actor: str
    document: str
    new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GuaranteeView:
    """A guarantee as found in a room: how we know, who says so, since when."""

    guarantee: str
    value: int | None
    evidence: str
    source: str
    by: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomView:
    """A conversation's presence on one channel, as last read back.

    Attributes:
        mode: relay, witness or blind; None before the first reading.
        paused: why nothing of ours goes out.
        members: person ids, or accounts nobody on the list owns; None before the first reading.
        complete: the network gave the whole list of members.
        alternate_of: the room (``channel room``) that it stands in for; None where people have
            their seats.
    """

    connector: str
    room: str
    host: str
    mode: str | None
    undo: str | None
    paused: str | None
    read_at: int | None
    complete: bool
    members: tuple[str, ...] | None
    strangers: tuple[str, ...]
    guarantees: tuple[GuaranteeView, ...]
    alternate_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A conversation; ``label`` is None for a caller who may not see a VALUATION name.

    Attributes:
        guarantees: what all its rooms promise, each as weakly as the weakest of them does.
        against: why nothing goes through it as its rooms stand together, in words.
    """

    conversation_id: str
    deal_id: str
    label: str | None = field(repr=False)
    floor: str
    compartment: str
    side: str | None
    state: str
    rooms: tuple[RoomView, ...]
    told: tuple[str, ...] = ()
    """Invitations and checks of `conv new` that were asked for and not yet seen."""
    guarantees: tuple[GuaranteeView, ...] = ()
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConversation:
    """What `conv new` asks for.

    Attributes:
        members: person ids; None lets in everybody whom the adopted roster clears.
        owner: person id of the human admin beside our account.
        gate: a relay room (only our account posts).
        channel: where people sit; None: on the first of the policy's channels that each is on.
        also: further channels, for those who have no account on the ones before.
        owners: further owners, for the rooms in which ``owner`` does not sit.
    """

    label: str = field(repr=False)
    floor: str
    owner: str
    channel: str | None = None
    also: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    compartment: str = "deal"
    side: str | None = None
    members: tuple[str, ...] | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRoom:
    """What `conv room add` asks for: one more channel of a conversation.

    Attributes:
        members: person ids; None: whoever is cleared, has an account there and no seat yet.
        owners: person ids of the human admins beside our account.
        gate: a relay room (only our account posts).
        alternate_of: room id of the primary room that it stands in for, with that room's people.
    """

    channel: str
    owners: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None
    gate: bool = False
    alternate_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView:
    """A message that waits: whose, why, until when. No content."""

    message_id: str
    deal_id: str
    conversation_id: str | None
    author: str | None
    tier: str
    reasons: tuple[str, ...]
    owner: str | None
    next_person: str | None
    held_at: int
    deadline: int
    state: str
    size: int
    fits: tuple[str, ...] = ()
    """Labels of conversations it may be moved to by one person."""
    seen: str = "nobody"
    """``nobody``: it went through us and waits. ``part``: some of its rooms have it. Of what was
    written into a room directly: ``withdrawing``, ``withdrawn`` (seen gone), ``stays``."""
    visible_us: int | None = None
    """``withdrawn``: microseconds for which it could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """Where a message stands."""

    message_id: str
    deal_id: str
    state: str
    tier: str | None
    conversation_id: str | None
    deliveries: dict[str, int]
    """Deliveries by state."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery that is dead or possibly delivered, with its reason."""

    delivery_id: str
    message_id: str
    deal_id: str
    channel: str
    room: str
    state: str
    attempts: int
    reason: str | None
    settled_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHead:
    """What is known of a file before its bytes arrive; its name is content. ``size`` in bytes."""

    name: str = field(repr=False)
    size: int
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Who hands a message in, and where to.

    Attributes:
        person: person id; he must be on the deal's roster.
        conversation: label or id; None is the intake, routed by tier.
        file: set for a document, whose bytes come beside.
        key: the caller's own id of it (Idempotency-Key): the same again is a duplicate.
        readers: person ids, for a formal document: each gets a copy of his own.
        seals: the copies are sealed into files for whoever hands it in, and nothing is sent.
    """

    person: str
    conversation: str | None = field(default=None, repr=False)
    file: FileHead | None = None
    key: str | None = None
    readers: tuple[str, ...] = ()
    seals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyView:
    """One reader's copy of a formal document.

    Attributes:
        state: waiting, refused, sending, sent (the network took it), possibly, not_sent (it died
            or was stopped on its way), returned (the network says that it did not arrive). Of a
            document that is sealed into files: sealed (it waits to be taken), handed (its sender
            took it), lapsed (nobody took it within a day). Called back: recalled (nothing of it
            went), taking_back (not confirmed yet), taken_back (seen gone), remains (with him).
        reasons: why it was refused or did not go.
    """

    number: int
    reader: str
    channel: str | None
    state: str
    reasons: tuple[str, ...]
    settled_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A formal document. Its name is content, and not told.

    Attributes:
        state: of its message; ``held`` with the reasons beside, else each copy says its own.
        second_person: it waits until a second person agrees.
        seals: its copies are sealed into files for its sender, and not sent.
    """

    message_id: str
    deal_id: str
    conversation_id: str | None
    sender: str | None
    state: str
    tier: str | None
    size: int
    sent_at: int
    second_person: bool
    reasons: tuple[str, ...]
    copies: tuple[CopyView, ...]
    seals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Answer to a message handed in."""

    message_id: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A person's device or key on one channel; ``key`` as that network's own clients show it.

    Attributes:
        words: the key as words to be read out and compared.
        lapses_at: when its ceremony speaks no longer, microseconds UTC; None where there is none.
    """

    person: str | None
    connector: str
    account: str
    device: str
    key: str
    state: str
    at: int
    vouchers: tuple[str, ...]
    words: tuple[str, ...] = ()
    lapses_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTest:
    """A channel test's signed record.

    Attributes:
        grade: what it earned (field or fit), none when it failed.
        steps: name, ok, what was seen.
    """

    channel: str
    grade: str
    at: int
    steps: tuple["Step", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a test, a demo or a check, with where its truth comes from."""

    name: str
    ok: bool
    observed_by: str
    seconds: float
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One entry of a deal's chain: its number, kind, actor, hash and the body it commits to."""

    n: int
    at: int
    kind: str
    actor: str
    hash: str
    body: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What verifying a chain found.

    Attributes:
        unanchored: entries after the newest anchored head.
        longest_gap: longest span between anchors, microseconds.
        problems: empty when ``ok``.
    """

    deal_id: str
    ok: bool
    entries: int
    heads: int
    anchors: int
    unanchored: int
    longest_gap: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """accepted = journaled + exempt + expired + waiting, or it is not ok.

    Attributes:
        expired: copies whose time was over and that no legal hold kept.
    """

    deal_id: str
    ok: bool
    accepted: int
    journaled: int
    exempt: int
    waiting: int
    missing: tuple[str, ...]
    expired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One real message handed in by `replay`. ``thread`` and ``sender`` are kept as data only."""

    id: str
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    sender: str | None = field(default=None, repr=False)
    date: int | None = None
    thread: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many rows of one hand-over were new, and how many were known."""

    accepted: int
    duplicate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Where the rows of one replay stand now.

    Attributes:
        run: its id.
        pending: accepted and not yet in any of the other states.
        lost: accepted and in no state at all; 0 or something is broken.
        reasons: rule to how often it held or killed.
    """

    run: str
    deal: str
    accepted: int
    duplicate: int
    delivered: int
    possibly: int
    held: int
    dead: int
    lost: int
    pending: int
    by_tier: dict[str, int]
    reasons: dict[str, int]
    seconds: float
