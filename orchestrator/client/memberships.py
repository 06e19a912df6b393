"""Views of who should be where and who is: people against conversations, one cell for each pair.

Rules kept here: as for ``orchestrator.client.views``. A cell that its reader may not see is
``hidden`` and says nothing else; what a channel does not show now is ``unknown``, never a guess.
"""

from dataclasses import dataclass, field
from typing import Literal

from orchestrator.client.wire import Wire, deal_path

CellState = Literal["in", "paused", "extra", "missing", "none", "unknown", "hidden"]
ChannelState = Literal["up", "down", "paused", "closed"]
Differs = Literal["extra", "missing", "paused"]
Shown = Literal["first", "differences", "valuation", "advisers", "everyone"]
MOST_AT_ONCE = 300
"""People of a deal that are shown at once without being asked for."""
Identity = Literal[
    "verified", "known", "lapses", "new_phone", "call_due", "no_device", "no_account",
    "to_agree", "to_cross", "to_acknowledge", "cleansed", "paused", "leaving", "left", "nobody",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One person in one conversation.

    Attributes:
        state: ``in``: on the list and in the channel. ``paused``: in, and stopped by us. ``extra``:
            in, and not on the list. ``missing``: on the list, not in yet. ``unknown``: the channel
            does not tell now; ``was`` is how it last was. ``hidden``: not the reader's to see.
        because: a code; empty where there is nothing to say.
        channel: where; empty for ``none`` and ``hidden``.
        was: of ``unknown``: he was in when it was last read.
        listed: the list in force names him for it.
    """

    state: CellState
    because: str = ""
    channel: str = ""
    was: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A person, or an account that is nobody's on the list, against every column.

    Attributes:
        row: its key; a person's id, or a digest of the account.
        person: None: nobody on the list owns the account.
        name: of the person, or the account as its network writes it.
        identity: of his devices and standing, as one code; None where that is not the reader's.
        cells: one for each column, in their order.
    """

    row: str
    person: str | None
    name: str
    side: str | None
    side_name: str
    role: str
    identity: Identity | None
    cells: tuple[CellView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChannel:
    """A channel of a conversation.

    Attributes:
        state: ``up``, ``down`` (it did not tell who is in), ``paused`` or ``closed``.
        read_at: when its rooms were last read, microseconds UTC; None: not since the start.
    """

    name: str
    kind: str
    state: ChannelState
    read_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnView:
    """A conversation.

    Attributes:
        name: its label, or ``V1`` … where that is not the reader's.
        still: one of its rooms stands still: nothing of ours goes out there.
        people: how many are in by the last reading.
        mailing: its rooms hold one reader each, as a PGP mailing does.
    """

    conversation_id: str
    name: str = field(repr=False)
    floor: str
    side: str | None
    channels: tuple[ColumnChannel, ...]
    still: bool
    people: int
    mailing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCounts:
    """How much differs, of what the reader may see.

    Attributes:
        people: on the list.
        remove: in a channel, not on the list.
        add: on the list, not yet in.
        paused: seats that we stopped.
        verify: people whose phone must be called.
        right: seats as they should be.
        unknown: seats of channels that do not tell now.
    """

    people: int
    remove: int
    add: int
    paused: int
    verify: int
    right: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipsView:
    """People against conversations: one page of rows.

    Attributes:
        found: how many rows the question found, over all pages.
        next: the cursor of the next page; None: there is no more.
        whole: the reader sees the whole deal; else what is his.
        at: when it was true, microseconds UTC.
    """

    columns: tuple[ColumnView, ...]
    items: tuple[MemberRow, ...]
    counts: MemberCounts
    found: int
    next: str | None
    whole: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipQuestion:
    """What of it is asked for.

    Attributes:
        state: only people with such a cell.
        shown: which people; ``first``: everybody, what differs first, and in a deal of more than
            ``MOST_AT_ONCE`` people what differs alone.
        search: in names and firms, without regard to case and accents.
        person: this one alone.
    """

    shown: Shown = "first"
    state: Differs | None = None
    search: str = field(default="", repr=False)
    person: str | None = None


class MembershipsApi(Wire):
    """People against conversations."""

    async def memberships(
        self,
        deal: str,
        question: MembershipQuestion | None = None,
        *,
        cursor: str | None = None,
        limit: int = 100,
    ) -> MembershipsView:
        """One page of the matrix, cut to what the reader may see."""
        asked = question or MembershipQuestion()
        query = {
            "shown": asked.shown,
            "state": asked.state,
            "search": asked.search or None,
            "person": asked.person,
            "cursor": cursor,
            "limit": str(limit),
        }
        return await self._get(MembershipsView, f"{deal_path(deal)}/memberships", query)
