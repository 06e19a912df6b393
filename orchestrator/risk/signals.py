"""Facts that rules are run over: what was read, from where, and when.

Rules kept here:

1. A signal says what was observed, never what it means; what could not be read is None.
2. No signal holds text of a message. Names are those of the roster.
"""

from dataclasses import dataclass, field

from tiers.guarantees import Demand, Holding
from tiers.ids import AccountId, PersonId, SideId
from tiers.trust import KeyState


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a member, and what its key is worth now; None: seen by nobody before."""

    device: str
    state: KeyState | None


@dataclass(frozen=True, slots=True)
class Seated:
    """A member of a room as read back, our own account left out.

    Attributes:
        name: of the person whose account it is; None where nobody's.
        devices: None where they could not be read.
        compared: a device of his was once verified, by any of his keys.
    """

    account: AccountId
    person: PersonId | None
    name: str | None
    devices: tuple[Device, ...] | None


@dataclass(frozen=True, slots=True)
class RoomSignal:
    """One room as it was read back.

    Attributes:
        place: as findings name it.
        demands: what its conversation's tier demands.
        verified: the tier demands that two people compared every device.
        holdings: None where its settings could not be read.
        members: None where its list could not be read.
        whole: the list was complete.
        unread_since: since when something of it could not be read; None while all was.
        at: when it was read, or tried, microseconds UTC.
        members_at: when its list of members was read; None where it could not be.
    """

    place: str
    conversation: str
    demands: tuple[Demand, ...]
    verified: bool
    holdings: tuple[Holding, ...] | None
    members: tuple[Seated, ...] | None
    whole: bool
    unread_since: int | None
    at: int
    still: bool = False
    """Nothing is asked of its channel now: it is paused or closed, which is told by itself."""
    members_at: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A person as the roster in force lists him.

    Attributes:
        highest: he is cleared for something above coordination.
        since: when his oldest clearance that counts began.
        ends: when the last of it ends; None: never.
        looked: when somebody looked through the list last; the first adoption where nobody did.
        seated: he was read back in a room.
    """

    person: PersonId
    name: str
    side: SideId
    accounts: tuple[str, ...]
    highest: bool
    since: int
    ends: int | None
    looked: int
    seated: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """An adviser's key and when it ends.

    Attributes:
        subject: channel and account.
        ends: microseconds UTC; None: never.
        better: another key of his that counts lasts longer.
    """

    subject: str
    person: PersonId
    name: str
    ends: int | None


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of ours that is to be renewed.

    Attributes:
        subject: whose, such as a journal scope.
        since: when it was adopted.
        called: what it is called; empty: the key of its subject.
        then: what renews it, where that is not the rule's own remedy.
    """

    subject: str
    since: int
    called: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class RecordSignal:
    """How the record stands outside this host.

    Attributes:
        anchors: how many are configured.
        waits: for how long the oldest entry that no anchor saw stands, microseconds.
    """

    anchors: int
    waits: int


@dataclass(frozen=True, slots=True)
class OwnListed:
    """The devices of our own account on a channel, as a network listed them.

    Attributes:
        devices: as findings name them.
        at: when it was asked, microseconds UTC.
    """

    channel: str
    devices: frozenset[str]
    at: int


@dataclass(frozen=True, slots=True)
class Wrote:
    """A message that a finding is open about, and whether its text still stands somewhere.

    Attributes:
        subject: of the finding.
        gone: why it stands nowhere below its tier any more; None while it may.
        at: when it was accepted.
    """

    rule: str
    subject: str
    gone: str | None
    at: int


@dataclass(frozen=True, slots=True)
class SideVolume:
    """What a side wrote, counted in whole days for all of its people together.

    Attributes:
        people: how many of its people wrote; below five nothing is judged of it.
        week, before: messages in the last seven days; mean of a week in the four before.
        night, night_before: the shares of them between 22 and 6 o'clock, in hundredths.
    """

    side: SideId
    people: int
    week: int
    before: int
    night: int
    night_before: int


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything of one deal at one instant; what was not looked at is None.

    Attributes:
        at: microseconds UTC.
        conversations: in which nothing was above its floor for a day.
    """

    deal: str
    at: int
    rooms: tuple[RoomSignal, ...] = ()
    people: tuple[Listed, ...] | None = None
    certificates: tuple[Certificate, ...] | None = None
    keys: tuple[OwnKey, ...] | None = None
    record: RecordSignal | None = None
    wrote: tuple[Wrote, ...] = ()
    volumes: tuple[SideVolume, ...] | None = None
    on: frozenset[str] = field(default_factory=frozenset)
    """Rules that somebody turned on."""
