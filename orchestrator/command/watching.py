"""Why a text lands where it does, and a deal's watch list of code names and amounts.

Rules kept here: the list is content. It is sealed like a message, it is in no answer and no log,
and the audit holds its size alone. It only grows: that makes things safer, so one person does it.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Wrong
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import watch_owner
from orchestrator.seal.errors import SealError
from orchestrator.store.unit import Tx
from tiers.classify import Context, Part
from tiers.ids import DealId
from tiers.measure import explain
from tiers.tier import Tier
from tiers.watch import WatchList, watch_list


class Watching:
    """Implements ``orchestrator.api.port.TierAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def tier_explain(self, deal: DealId, text: str, floor: str) -> dict[str, Any]:
        """Tier, strength in a conversation of ``floor``, and places; never the text."""
        view = deal_of(self._r, deal)
        context = Context(floor=Tier(floor), watch=view.watch or WatchList())
        found = await asyncio.to_thread(self._r.classifier.classify, [Part("body", text)], context)
        return explain(found)

    async def watch_add(
        self, deal: DealId, names: Sequence[str], amounts: Sequence[str], *, actor: str
    ) -> int:
        """Adds code names and amounts; returns how many entries the list has now."""
        deal_of(self._r, deal)
        try:
            await asyncio.to_thread(watch_list, list(names), list(amounts))
        except ValueError as error:
            raise Wrong(str(error), still="The watch list is as it was.") from None
        at, owner = self._r.now(), watch_owner(deal)

        def unit(tx: Tx) -> int:
            known = entries_of(self._r, tx, deal)
            merged = [sorted({*known[0], *names}), sorted({*known[1], *amounts})]
            self._r.sealer.destroy(tx, owner)
            packed = json.dumps(merged).encode()
            self._r.sealer.insert(tx, self._r.sealer.prepare(deal, owner, packed))
            size = len(merged[0]) + len(merged[1])
            body: dict[str, Json] = {"entries": size}
            append(tx, deal, Kind.WATCH_CHANGED, body, at=at, actor=actor)
            return size

        size = await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        return size

    async def watch_size(self, deal: DealId) -> int:
        """How many entries the list has; never which."""
        deal_of(self._r, deal)
        known = await self._r.store.read(lambda tx: entries_of(self._r, tx, deal))
        return len(known[0]) + len(known[1])


def entries_of(runtime: Runtime, tx: Tx, deal: DealId) -> tuple[list[str], list[str]]:
    """Names and amounts of a deal's watch list: content, to be told to nobody."""
    owner = watch_owner(deal)
    if not runtime.sealer.exists(tx, owner):
        return [], []
    try:
        names, amounts = json.loads(runtime.sealer.open(tx, owner))
    except SealError:
        return [], []  # lost: what is added now begins a new list
    return names, amounts
