"""Which deal a thing belongs to that a path names without its deal.

Rules kept here:

1. This is asked before anybody is told anything. It answers an id and nothing more; whoever asks
   decides whether its asker may know that it exists.
2. It costs a look-up for each deal, not the reading of what was ever signed there.
"""

from collections.abc import Mapping

from orchestrator.command.runtime import Runtime
from orchestrator.store.unit import Tx
from tiers.ids import DealId, PersonId

_ROWS: Mapping[str, str] = {
    "message": "SELECT deal_id, person_id FROM message WHERE message_id = ?",
    "delivery": "SELECT d.deal_id, m.person_id FROM delivery d JOIN message m USING (message_id) "
    "WHERE d.delivery_id = ?",
    "finding": "SELECT deal_id, NULL FROM finding WHERE finding_id = ?",
}
Belongs = tuple[DealId, PersonId | None]
"""A deal, and who of its people made the thing; None: nobody of them."""


class Where:
    """Implements ``orchestrator.api.port.WhereAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def where(self, kind: str, name: str) -> Belongs | None:
        """The deal of a thing and its author; None where there is none, or it is no deal's."""
        if kind == "request":
            return await self._r.store.read(lambda tx: self._of_request(tx, name))
        sql = _ROWS.get(kind)
        if sql is None:
            return None
        row = await self._r.store.read(lambda tx: tx.one(sql, (name,)))
        return None if row is None else (DealId(row[0]), row[1] and PersonId(row[1]))

    def _of_request(self, tx: Tx, request: str) -> Belongs | None:
        found = self._r.standings.deal_of(tx, request)
        return None if found is None else (found.deal_id, None)
