"""Writes down what sends of many lanes come to, together.

Rules kept here:

1. Whoever waits goes on only once what he wrote is on disk, together with others' or by itself.
2. Something that cannot be written takes nothing from what waits beside it.
3. An end is written even when nobody waits for it any more; a beginning is not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestrator.outbox import rows
from orchestrator.outbox.item import Done, Start
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx

MOST: Final = 64
"""Of what is written together; docs/performance.md has what that buys."""


@dataclass(frozen=True, slots=True)
class _Entry:
    done: Done | None
    start: Start | None
    written: "asyncio.Future[None]"


class Ledger:
    """Gathers what is to be written while the store writes what came before.

    Args:
        store: state.
        sealer: for destroying what was delivered.
    """

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._waiting: list[_Entry] = []
        self._work: asyncio.Task[None] | None = None

    async def write(self, done: Done | None, start: Start | None = None) -> None:
        """Writes that a delivery is done, and that the next of its lane begins.

        Raises:
            StoreError: one of the two was not in the expected state, or the commit failed;
                neither was written.
        """
        entry = _Entry(done, start, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._work is None:
            self._work = asyncio.create_task(self._serve())
        await entry.written

    async def _serve(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._write(group)
        finally:
            self._work = None

    async def _write(self, group: Sequence[_Entry]) -> None:
        try:
            await self._store.write(partial(self._unit, group=group))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            await self._apart(group, error)
            return
        for entry in group:
            if not entry.written.done():
                entry.written.set_result(None)

    async def _apart(self, group: Sequence[_Entry], error: Exception) -> None:
        if len(group) > 1:
            await asyncio.gather(*(self._write((entry,)) for entry in group))
        elif not group[0].written.done():
            group[0].written.set_exception(error)

    def _unit(self, tx: Tx, group: Sequence[_Entry]) -> None:
        dones = [e.done for e in group if e.done is not None]
        starts = [e.start for e in group if e.start is not None and not e.written.cancelled()]
        if dones:
            rows.done(tx, self._sealer, dones)
        if starts:
            rows.start(tx, starts)
