"""What the flow is handed by the wiring: readers, sealers for counsel, private lines.

Rule kept here: the flow imports no sibling. Whoever reads rooms, seals for counsel or opens a
private line stands behind one of these protocols.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

from orchestrator.deals.book import DealView
from orchestrator.deals.counsel import JournalEntry
from orchestrator.seal.body import Unlocked
from orchestrator.store.unit import Tx
from tiers.classify import Classification, Context, Evidence, Part
from tiers.conversation import RoomBinding
from tiers.ids import AccountId, ConnectorName, MessageId, RoomId
from tiers.routing import RoomView
from tiers.tier import Tier
from tiers.winnowing import Prints


class ReadsRooms(Protocol):
    """Reads rooms back (orchestrator.rooms.observe)."""

    async def view(
        self, deal: DealView, binding: RoomBinding, *, not_before: int, origin: bool = False
    ) -> RoomView:
        """A room as read at ``not_before`` (microseconds UTC) or later."""
        ...

    async def last_seen(self, binding: RoomBinding) -> RoomView:
        """A room as it was last read whole, its network not asked: nothing is allowed by it."""
        ...

    async def line(
        self, connector: ConnectorName, room: RoomId, account: AccountId, *, not_before: int
    ) -> Literal["private", "empty", "shared", "unread"]:
        """Whether a private line holds that account, ours, and nobody else.

        Returns:
            ``empty`` while he is only asked in, ``unread`` where the network did not tell all.
        """
        ...

    async def can_withdraw(self, connector: ConnectorName, room: RoomId) -> bool:
        """Whether read-back says that we can take back what others wrote in a room."""
        ...


class OpensLines(Protocol):
    """Finds or makes a person's private line (orchestrator.rooms.lines)."""

    def rank(self, connector: ConnectorName, account: AccountId) -> int:
        """How fit a network is to tell an account something; the lowest is the best."""
        ...

    async def ensure(
        self, connector: ConnectorName, account: AccountId, deal_id: str
    ) -> RoomId | None:
        """The line's room; None when none can be made now."""
        ...


class Classifies(Protocol):
    """The tier classifier (tiers.classify)."""

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        """Tier, strength and evidence; computes for milliseconds and may run in a thread."""
        ...


class KnowsTexts(Protocol):
    """Knows passages of texts again (orchestrator.risk.prints)."""

    async def look(
        self, deal: DealView, floor: Tier | None, parts: Sequence[Part]
    ) -> tuple[tuple[Evidence, ...], Prints]:
        """Where a text has a passage of one of a stricter tier, and what is to be kept of it."""
        ...

    def keep(
        self, tx: Tx, deal: DealView, message_id: str, prints: Prints, floor: Tier, at: int
    ) -> None:
        """Keeps it, in the unit that routes the text."""
        ...


class Journals(Protocol):
    """Seals for counsel (orchestrator.deals.counsel)."""

    async def prepare(
        self,
        deal: DealView,
        scopes: tuple[str, ...],
        tier: Tier,
        message_id: MessageId,
        bodies: Sequence[Unlocked],
        at: int,
    ) -> JournalEntry | None:
        """Seals a message and its files; None when there is neither a key nor a decision."""
        ...

    def insert(self, tx: Tx, entry: JournalEntry, at: int) -> None:
        """Writes it, in the unit that routes the message."""
        ...
