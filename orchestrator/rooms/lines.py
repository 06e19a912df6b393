"""Private lines: one encrypted room between one person's account and ours, on each network.

Rule kept here: a line is made for an account of somebody on a roster and for nobody else, and is
made once. Whether it still holds nobody else is read back before each notice. Of a deal that he
left he is told nothing in it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

from connectors.port.connector import Connector, CreatesRooms
from connectors.port.errors import ConnectorError
from connectors.port.messages import RoomSpec
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import Book
from orchestrator.deals.stated import line_body
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName, RoomId


class Lines:
    """Finds or makes private lines.

    Args:
        name: gives a neutral random room name.
    """

    def __init__(
        self,
        store: Store,
        book: Book,
        connectors: Mapping[ConnectorName, Connector],
        now: Clock,
        name: Callable[[], str],
    ) -> None:
        self._store = store
        self._book = book
        self._connectors = connectors
        self._now = now
        self._name = name
        self._making: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def rank(self, connector: ConnectorName, account: AccountId) -> int:
        """How fit a network is to tell an account something; the lowest is the best.

        Where he has a line he is used to being told. A mailing comes last: it waits for a key.
        """
        if self._book.line_room(connector, account) is not None:
            return 0
        network = self._connectors.get(connector)
        single = network is not None and network.capabilities.most_members == 1
        return 2 if single else 1

    async def ensure(
        self, connector: ConnectorName, account: AccountId, deal_id: str
    ) -> RoomId | None:
        """The line's room; None when the account is on no roster or none can be made now."""
        async with self._making[connector, account]:
            room = self._book.line_room(connector, account)
            if not self._book.reachable(connector, account, deal_id):
                return None
            if room is not None:
                return room
            network = self._connectors.get(connector)
            if network is None or not isinstance(network, CreatesRooms):
                return None
            try:
                room = await network.create(self._spec(account))
            except ConnectorError:
                return None
            await self._store.write(lambda tx: self._record(tx, connector, account, room, deal_id))
            await self._book.reload_lines(self._store)
            return room

    def _spec(self, account: AccountId) -> RoomSpec:
        members = frozenset({account})
        return RoomSpec(self._name(), members, frozenset(), None, gate=False, direct=True)

    def _record(
        self, tx: Tx, connector: ConnectorName, account: AccountId, room: RoomId, deal_id: str
    ) -> None:
        at = self._now()
        tx.run(  # a row that is not as stated is nobody's line: a new one takes its place
            "INSERT INTO line VALUES (?, ?, ?, ?) ON CONFLICT (connector, account) "
            "DO UPDATE SET room = excluded.room, created_at = excluded.created_at",
            (connector, room, account, at),
        )
        body = line_body(connector, room, account)
        append(tx, deal_id, Kind.LINE_OPENED, body, at=at, actor="wallcross")
