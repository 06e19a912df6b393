"""Writes down what sends of many lanes come to, together.

Rules kept here:

1. Whoever waits goes on only once what he wrote is on disk, together with others' or by itself.
2. Something that cannot be written takes nothing from what waits beside it.
3. An end is written even when nobody waits for it any more; a beginning is not.
4. Who waited goes on only after what waits now was handed to the store, so that it is written while
   he sends: else all lanes send, and then all of them wait, in step.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from orchestrator.engine.local import DRAINS
from orchestrator.outbox import rows
from orchestrator.outbox.item import Done, Start
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx

MOST: Final = DRAINS // 2
"""Of what is written together: one half of the lanes is written while the other half sends."""


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
            under_way = self._hand_over()
            while under_way is not None:
                group, written = under_way
                error = await _outcome(written)
                await asyncio.sleep(0)  # whoever comes back now is written while these send
                following = self._hand_over()
                await self._tell(group, error)
                under_way = following or self._hand_over()
        finally:
            self._work = None

    def _hand_over(self) -> "tuple[Sequence[_Entry], asyncio.Future[None]] | None":
        """Gives the store what waits, before anybody else has his turn."""
        if not self._waiting:
            return None
        group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        return group, self._store.put(partial(self._unit, group=group))

    async def _tell(self, group: Sequence[_Entry], error: Exception | None) -> None:
        if error is not None and len(group) > 1:
            await asyncio.gather(*(self._alone(entry) for entry in group))
            return
        for entry in group:
            _settle(entry, error)

    async def _alone(self, entry: _Entry) -> None:
        _settle(entry, await _outcome(self._store.put(partial(self._unit, group=(entry,)))))

    def _unit(self, tx: Tx, group: Sequence[_Entry]) -> None:
        dones = [e.done for e in group if e.done is not None]
        starts = [e.start for e in group if e.start is not None and not e.written.cancelled()]
        if dones:
            rows.done(tx, self._sealer, dones)
        if starts:
            rows.start(tx, starts)


async def _outcome(written: "asyncio.Future[None]") -> Exception | None:
    try:
        await written
    except Exception as error:  # noqa: BLE001 - told to whoever waits for it
        return error
    return None


def _settle(entry: _Entry, error: Exception | None) -> None:
    if entry.written.done():
        return
    if error is None:
        entry.written.set_result(None)
    else:
        entry.written.set_exception(error)
