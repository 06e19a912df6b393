"""Views of one person: his card, his own page, and a change of what he may see before it is made.

Rules kept here: as for ``orchestrator.client.views``. What is not its reader's to see is empty, and
``whole`` says so.
"""

from dataclasses import dataclass, field
from typing import Literal

from orchestrator.client.leaves import HoldsView, LeaveView
from orchestrator.client.memberships import CellState, Identity
from orchestrator.client.people import AccountView, NoticeView
from orchestrator.client.trouble import TroubleView
from orchestrator.client.wire import Wire, deal_path, part

CardAct = Literal["verify", "pause", "resume", "change", "leave", "phished", "new_phone", "undo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlace:
    """A conversation that somebody is in, or is to be in.

    Attributes:
        name: its label, or ``V1`` … where that is not the reader's.
        asked_at: when he was asked in; None: nobody of us asked him.
    """

    conversation_id: str
    name: str = field(repr=False)
    floor: str
    channel: str
    state: CellState
    because: str
    asked_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardGrant:
    """What the list lets somebody read.

    Attributes:
        counts: it holds now; where it does not, his standing, a wall or the phase bars it.
        through: the name of whom he reads for; None: it is his own.
    """

    compartment: str
    highest: str
    since: int
    until: int | None
    counts: bool
    through: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDevice:
    """A device or key of somebody.

    Attributes:
        words: the whole key as words to be read out, in the order in which they are compared.
        vouchers: names of the two who compared it.
        lapses_at: when that speaks no longer, microseconds UTC.
    """

    channel: str
    device: str
    state: str
    words: tuple[str, ...]
    at: int
    vouchers: tuple[str, ...]
    lapses_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """One person.

    Attributes:
        barred: why nothing that he is granted counts now; empty where it does.
        acts: what the reader may do about him now.
        whole: all of it is the reader's to see; else only what they share.
    """

    person: str
    name: str
    side_name: str
    role: str
    identity: Identity | None
    paused: bool
    left: bool
    barred: tuple[str, ...]
    notice: NoticeView | None
    places: tuple[CardPlace, ...]
    grants: tuple[CardGrant, ...]
    accounts: tuple[AccountView, ...]
    devices: tuple[CardDevice, ...]
    leave: LeaveView | None
    acts: tuple[CardAct, ...]
    me: bool
    whole: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Who else is in a conversation."""

    name: str
    side_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnConversation:
    """A conversation of somebody's own, and who can see it.

    Attributes:
        channel: where he writes to it; empty where he has no seat there yet.
        gate, read, undo: what is known of the room that he sits in; None: it could not be read.
        host: the side whose accounts and servers carry it.
        timer: after how long messages go, microseconds; None: they stay, or it is not known.
        others: who else is in, as far as they are his to see: by firm, the first 200.
        more: how many more of those.
        unseen: how many more are in whom he does not see.
    """

    conversation_id: str
    name: str = field(repr=False)
    floor: str
    channel: str
    kind: str
    state: CellState
    because: str
    still: bool
    gate: bool | None
    read: bool | None
    undo: str | None
    host: str
    timer: int | None
    others: tuple[Colleague, ...]
    more: int
    unseen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnView:
    """A person's own page.

    Attributes:
        installed: he is in each channel where he is to be.
        compared: every device of his was compared by two people.
    """

    card: CardView
    conversations: tuple[OwnConversation, ...]
    installed: bool
    compared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLine:
    """One thing that a change of the list changes.

    Attributes:
        change: ``gains``, ``loses``, ``person`` and so on.
        name: whom it is about.
        told: what differs, where it is no gain or loss.
    """

    change: str
    name: str
    compartment: str | None
    highest: str | None
    since: int | None
    until: int | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessView:
    """A change of the list, shown before it is made, or made.

    Attributes:
        person: of somebody new: his id; else empty.
        hash: of the list as it would be: what is carried out is exactly that.
        takes_two: it gives somebody something, and waits for others' signatures.
        request: of a change that waits: its request; None else.
        done: it is in force.
        at: the instant from which on it counts, microseconds UTC.
    """

    lines: tuple[AccessLine, ...]
    person: str
    hash: str
    takes_two: bool
    request: str | None
    done: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What somebody is to read from now on.

    Attributes:
        compartment: of which grants this is; None: of all.
        highest: up to where they reach; None: they end.
        until: when what begins ends, microseconds UTC.
        at: from when on; None: from now.
        shown: hash of the list that was shown; None: show it, and change nothing.
    """

    compartment: str | None = None
    highest: str | None = None
    until: int | None = None
    at: int | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to be listed.

    Attributes:
        person: his id; empty: one is made.
        accounts: by channel.
        highest: up to where he reads; None: he is listed and reads nothing.
        at, shown: as of ``AccessChange``.
    """

    name: str
    side: str
    person: str = ""
    role: str = ""
    accounts: dict[str, str] = field(default_factory=dict)
    compartment: str = "deal"
    highest: str | None = None
    until: int | None = None
    at: int | None = None
    shown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListParts:
    """What somebody new may be listed with."""

    sides: tuple[tuple[str, str], ...]
    compartments: tuple[str, ...]
    channels: tuple[str, ...]


class CardApi(Wire):
    """One person at the desk."""

    async def person_card(self, deal: str, person: str) -> CardView:
        """His card, cut to what the reader may see."""
        return await self._get(CardView, f"{_person(deal, person)}/card")

    async def person_keeps(self, deal: str, person: str) -> list[HoldsView]:
        """What reached him so far and cannot be taken back: numbers, no content."""
        return await self._get(list[HoldsView], f"{_person(deal, person)}/keeps")

    async def person_access(self, deal: str, person: str, change: AccessChange) -> AccessView:
        """Shows, or asks for, a change of what he may see."""
        body = {
            "compartment": change.compartment,
            "highest": change.highest,
            "until": change.until,
            "at": change.at,
            "shown": change.shown,
        }
        return await self._post(AccessView, f"{_person(deal, person)}/access", body)

    async def person_add(self, deal: str, new: NewPerson) -> AccessView:
        """Shows, or asks for, somebody new on the list."""
        body = {
            "person": new.person,
            "name": new.name,
            "side": new.side,
            "role": new.role,
            "accounts": new.accounts,
            "compartment": new.compartment,
            "highest": new.highest,
            "until": new.until,
            "at": new.at,
            "shown": new.shown,
        }
        return await self._post(AccessView, f"{deal_path(deal)}/people", body)

    async def list_parts(self, deal: str) -> ListParts:
        """Sides, compartments and channels that somebody new may be listed with."""
        return await self._get(ListParts, f"{deal_path(deal)}/roster/parts")

    async def own(self, deal: str) -> OwnView:
        """The reader's own page."""
        return await self._get(OwnView, f"{deal_path(deal)}/own")

    async def own_not_me(self, deal: str) -> int:
        """A way that signs me in is not mine; answers how many sessions of mine are over."""
        return await self._post(int, f"{deal_path(deal)}/own/not-me")

    async def own_new_phone(self, deal: str) -> TroubleView:
        """The reader has a new phone."""
        return await self._post(TroubleView, f"{deal_path(deal)}/own/new-phone")

    async def own_phished(self, deal: str) -> TroubleView:
        """Somebody else may have the reader's account."""
        return await self._post(TroubleView, f"{deal_path(deal)}/own/phished")

    async def own_leave(self, deal: str) -> LeaveView:
        """The reader leaves the deal."""
        return await self._post(LeaveView, f"{deal_path(deal)}/own/leave")


def _person(deal: str, person: str) -> str:
    return f"{deal_path(deal)}/people/{part(person)}"
