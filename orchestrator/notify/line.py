"""A notification in somebody's private line, on the network that carries it best now.

Rule kept here: it is written into the outbox in the unit that says it was sent, so it goes exactly
as often as any message, and the guard reads just before that nobody else is in that line.
"""

from collections.abc import Callable

from orchestrator.deals.book import Book
from orchestrator.flow import notices
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import OpensLines
from orchestrator.notify.ways import Gone, NotTaken, To, Took
from orchestrator.notify.words import Notice, lines
from tiers.ids import ConnectorName
from tiers.people import Person


class ByLine:
    """Implements ``Carries``.

    Args:
        book: deals in force.
        opens: finds his line.
        writer: writes what he is told.
        still: whether nothing goes out on a channel now.
    """

    def __init__(
        self, book: Book, opens: OpensLines, writer: Writer, still: Callable[[ConnectorName], bool]
    ) -> None:
        self._book = book
        self._lines = opens
        self._writer = writer
        self._still = still

    async def carry(self, notice: Notice, to: To) -> Took:
        """See the port."""
        deal = self._book.deals.get(to.deal)
        person = deal.roster.person(to.person.person) if deal and to.person else None
        if person is None or not person.accounts:
            raise Gone("line.no_account")
        told = await self._told(person, notice, to)
        return Took("line.queued", lambda tx, at: self._writer.tell(tx, to.deal, told, at))

    async def _told(self, person: Person, notice: Notice, to: To) -> Told:
        text = notices.Notice(notice.send_id, "\n".join(lines(notice)))
        own = sorted(person.accounts.items(), key=lambda account: self._lines.rank(*account))
        for connector, account in own:
            if self._still(connector):
                continue
            room = await self._lines.ensure(connector, account, to.deal)
            if room is not None:
                return Told(text, connector, room)
        raise NotTaken("line.none_open")
