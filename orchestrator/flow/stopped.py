"""What becomes of a message that was routed and then stopped before the wire.

Rule kept here: it is told to its author like one that was held at once, with the same ways out;
what tells him is written in the unit that holds it.
"""

from dataclasses import replace
from functools import partial

from orchestrator.clock import Clock
from orchestrator.deals.book import API, Book, DealView
from orchestrator.flow import notices
from orchestrator.flow.guard import held_as
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import OpensLines
from orchestrator.outbox.port import Due, HeldAs
from orchestrator.store.unit import Tx
from tiers.decision import Reason
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId
from tiers.people import Person
from tiers.tier import Tier


async def told_in_line(
    lines: OpensLines,
    door: tuple[ConnectorName, AccountId],
    author: Person,
    deal_id: str,
    notice: notices.Notice,
) -> Told | None:
    """The author's line on the network he wrote on; for our own door, on the fittest he is on."""
    own = sorted(author.accounts.items(), key=lambda account: lines.rank(*account))
    doors = [door] if door[0] != API else own
    for connector, account in doors:
        room = await lines.ensure(connector, account, deal_id)
        if room is not None:
            return Told(notice, connector, room)
    return None


class Stopping:
    """Gives a stopped message its owner, and its author the news.

    Args:
        book: deals in force.
        lines: finds his line.
        writer: writes what he is told.
        now: the clock.
    """

    def __init__(self, book: Book, lines: OpensLines, writer: Writer, now: Clock) -> None:
        self._book = book
        self._lines = lines
        self._writer = writer
        self._now = now

    async def __call__(self, due: Due, reasons: tuple[Reason, ...]) -> HeldAs:
        """How it is held: its author owns it, and the deal's owner is next."""
        deal = self._book.deals.get(DealId(due.item.deal_id))
        held = held_as(deal, due.message.person_id, self._now())
        told = await self._told(deal, due, reasons, held.deadline) if deal is not None else None
        if told is None:
            return held
        return replace(held, tell=partial(self._tell, deal_id=due.item.deal_id, told=told))

    def _tell(self, tx: Tx, *, deal_id: str, told: Told) -> None:
        self._writer.tell(tx, deal_id, told, self._now())

    async def _told(
        self, deal: DealView, due: Due, reasons: tuple[Reason, ...], deadline: int
    ) -> Told | None:
        door = (ConnectorName(due.message.connector), AccountId(due.message.sender))
        author = deal.author(*door)
        if author is None:
            return None
        at, message_id = self._now(), due.message.message_id
        fits = tuple(c for c in deal.open_to(author, at) if c.floor >= Tier(due.item.as_tier))
        meant = deal.conversations.get(ConversationId(due.item.conversation_id or ""))
        notice = notices.held(deal, author, message_id, reasons, fits, deadline, at, meant)
        return await told_in_line(self._lines, door, author, deal.deal_id, notice)
