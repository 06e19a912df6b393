"""Archives of rooms and of our own account, page by page (XEP-0313).

Rule kept here: a page counts when its last word came, and its results are those that came under
its own name from whom it was asked. An id that an archive does not know any more is told, never
passed over.
"""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from connectors.port.errors import Rejected, Unreadable
from connectors.xmpp import wire
from connectors.xmpp.line import Line
from connectors.xmpp.wire import Archived

PAGE = 50
_UNKNOWN = "item_not_found"


class Expired(Exception):
    """The archive does not reach back to where we were."""


@dataclass
class _Asked:
    whom: str
    results: list[Archived] = field(default_factory=list)


class Archive:
    """Asks archives for one account.

    Args:
        line: to the server.
        own: our bare address, whose archive answers without saying from whom.
    """

    def __init__(self, line: Line, own: str) -> None:
        self._line = line
        self._own = own
        self._asked: dict[str, _Asked] = {}
        line.messages.append(self._heard)

    def _heard(self, message: Element) -> None:
        result = message.find(f"{{{wire.MAM}}}result")
        query = "" if result is None else result.get("queryid", "")
        asked = self._asked.get(query)
        sender = message.get("from")
        if asked is None or not (
            sender == asked.whom or (sender is None and asked.whom == self._own)
        ):
            return
        found = wire.archived(message, query)
        if found is not None:
            asked.results.append(found)

    @staticmethod
    def is_result(message: Element) -> bool:
        """Whether a message is an answer to a query of somebody's, and no message of its own."""
        return message.find(f"{{{wire.MAM}}}result") is not None

    async def page(
        self,
        whom: str,
        *,
        after: str | None = None,
        start: int | None = None,
        before: str | None = None,
        most: int = PAGE,
    ) -> tuple[list[Archived], bool]:
        """One page, and whether it is the last in its direction.

        Args:
            whom: a room, or our own account.
            after: the id behind which it begins.
            start: the time from which it begins, microseconds UTC.
            before: the id before which it ends, read backwards; empty: the newest page.
            most: results.

        Raises:
            Expired: the archive does not know the id.
            Unreadable: there is none, or it makes no sense. Unavailable: not now.
        """
        query = secrets.token_hex(8)
        asked = self._asked[query] = _Asked(whom)
        request = wire.page(query, after, start=start, before=before, most=most)
        try:
            answer = await self._line.ask(whom, "set", request)
        except Rejected as error:
            code = error.code
        else:
            told = wire.paged(answer)
            if told is not None:
                return asked.results, told[0] or not asked.results
            code = "answer_malformed"
        finally:
            del self._asked[query]
        if code == _UNKNOWN and (after is not None or before):
            raise Expired
        raise Unreadable(code, "the archive does not tell, or makes no sense")

    async def since(
        self, whom: str, after: str | None, start: int | None = None
    ) -> AsyncIterator[list[Archived]]:
        """All pages behind an id, or from a time on, to the end. Raises: as ``page``."""
        last = False
        while not last:
            results, last = await self.page(whom, after=after, start=start)
            if results:
                after, start = results[-1].name, None
                yield results

    async def back_to(self, whom: str, at: int) -> AsyncIterator[list[Archived]]:
        """All pages from the newest back to a time, each from its last message to its first.

        Args:
            whom: a room, or our own account.
            at: microseconds UTC.

        Raises: as ``page``.
        """
        before, last = "", False
        while not last:
            results, last = await self.page(whom, before=before)
            if not results:
                return
            yield results[::-1]
            before = results[0].name
            last = last or (results[0].at or 0) < at

    async def newest(self, whom: str) -> Archived | None:
        """The last message; None where there is none. Raises: as ``page``."""
        results, _ = await self.page(whom, before="", most=1)
        return results[-1] if results else None

    async def one(self, whom: str, name: str) -> Archived | None:
        """One message by its id; None where the archive has it no more. Raises: as ``page``."""
        previous, _ = await self.page(whom, before=name, most=1)
        behind = previous[-1].name if previous else None
        results, _ = await self.page(whom, after=behind, most=1)
        return next((r for r in results if r.name == name), None)
