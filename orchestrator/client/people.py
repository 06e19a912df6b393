"""Views of a person: one screen of what a deal knows about him.

Rules kept here: as for ``orchestrator.client.views``. Numbers, birth data and home addresses are
not asked for, and so have no field.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """What a grant lets a person see.

    Attributes:
        counts: it holds now; a wall, a pause, a leave or a missing acknowledgement may bar it.
    """

    compartment: str
    highest: str
    since: int
    until: int | None
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatView:
    """Where a person sits, or is to.

    Attributes:
        account: as the room showed it; where it did not, his on that channel.
        asked_at: when he was asked in; None: nobody of us asked him.
        obtained_at: when a reading first showed him there; None: none did, or not since he went.
    """

    conversation_id: str
    label: str
    floor: str
    channel: str
    room: str
    account: str | None
    asked_at: int | None
    obtained_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account of a person.

    Attributes:
        by: how we know that it is his: ``roster`` (adopted), ``proved`` (from it, by himself),
            ``attested`` (by his counsel).
        until: when counsel's word lapses; None for the others.
        keys: how many of its devices are in which state.
    """

    channel: str
    account: str
    by: str
    keys: dict[str, int]
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """What could leak through a person, and what to do about it."""

    rule: str
    severity: str
    reasons: tuple[str, ...]
    remedy: str
    first_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """Where a person stands with the insider notice of his side.

    Attributes:
        stands: no_notice, to_agree, to_cross, crossed, acknowledged, asked_again or cleansed.
        wording: sha256 of the notice in force; None: his side has none.
        counts_until: where the wording changed: until when his earlier acknowledgement counts.
    """

    stands: str
    wording: str | None
    agreed_at: int | None
    agreed_by: str | None
    crossed_at: int | None
    acknowledged_at: int | None
    counts_until: int | None
    cleansed_at: int | None
    cleansed_because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person in one screen.

    Attributes:
        barred: why nothing that he is granted counts now; empty when it does.
    """

    person: str
    name: str
    side: str
    side_name: str
    party: str
    role: str
    profile: str
    notice: NoticeView
    paused: bool
    left: bool
    barred: tuple[str, ...]
    sees: tuple[GrantView, ...]
    seats: tuple[SeatView, ...]
    accounts: tuple[AccountView, ...]
    findings: tuple[OpenFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedView:
    """A person who was crossed. ``told``: the notice is on its way into his line."""

    person: PersonView
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """A code for one channel: told once, and kept nowhere.

    Attributes:
        to: our account there, which he writes it to.
        link: the same as one text, for whoever he is handed it by.
    """

    channel: str
    to: str
    words: tuple[str, ...] = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentView:
    """Codes for a person's accounts. ``until``: when they open nothing any more."""

    enrolment: str
    person: str
    until: int
    codes: tuple[CodeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsiderView:
    """One span in which somebody had access to a deal's rooms; from readings alone.

    Attributes:
        person: None: the account that was seen is nobody's on the roster.
        account: channel and account of such a one; else empty.
        name: as the newest roster that lists him has it.
        ceased_at: None while he is in a room.
        notice: sha256 of the wording that he acknowledged last, and ``acknowledged_at`` when.
    """

    person: str | None
    account: str
    name: str | None
    side: str | None
    side_name: str | None
    role: str | None
    obtained_at: int
    ceased_at: int | None
    notice: str | None
    acknowledged_at: int | None
