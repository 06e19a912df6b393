"""Guards of the durable core, taken out on purpose: whoever judges must notice each.

Run inside the runner's own process (``Orders.plant``); nothing here is a test.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from connectors.port.connector import Connector
from connectors.port.messages import Accepted
from orchestrator.flow import outages
from orchestrator.flow.accept import Accepter, Cursor, Receipt, _set_cursor
from orchestrator.flow.incoming import Incoming
from orchestrator.outbox import dispatch, rows
from orchestrator.outbox.item import Done, Item, Start
from orchestrator.outbox.settle import Arrived, Settled
from orchestrator.store.unit import Tx
from tiers.ids import RemoteId


def late_start() -> None:
    """*Attempt started* reaches the disk after the send, not before it."""
    real_done = rows.done

    def start(tx: Tx, starts: Sequence[Start]) -> None:
        del tx, starts

    def done(tx: Tx, sealer: Any, dones: Sequence[Done]) -> None:
        for one in dones:
            tx.run(
                "UPDATE delivery SET state = 'started', attempts = attempts + 1 "
                "WHERE delivery_id = ? AND state = 'queued'",
                (one.item.delivery_id,),
            )
        real_done(tx, sealer, dones)

    rows.start, rows.done = start, done


def any_order() -> None:
    """The newest row of a lane goes first."""
    rows._DUE = rows._DUE.replace("ORDER BY d.seq", "ORDER BY d.seq DESC")


def hope() -> None:
    """An unknown outcome is taken for a good one."""

    async def settle(connector: Connector, item: Item, **_: Any) -> Settled:
        del connector
        return Arrived(Accepted(RemoteId(item.wire_key), item.started_at or 0))

    vars(dispatch)["settle"] = settle


def cursor_first() -> None:
    """The channel's cursor is on disk before the messages that it stands behind."""
    real = Accepter.accept

    async def accept(
        self: Accepter,
        incoming: Sequence[Incoming],
        cursor: Cursor | None = None,
        also: Callable[[Tx], None] | None = None,
        **more: Any,
    ) -> list[Receipt]:
        if cursor is not None:
            await self._store.write(lambda tx: _set_cursor(tx, cursor, self._now()))
            await asyncio.sleep(1.0)
        return await real(self, incoming, cursor, also, **more)

    Accepter.accept = accept  # type: ignore[method-assign]  # the planted fault


def untold() -> None:
    """A window in which a channel may have lost something is no finding."""

    def missed(*_: object) -> tuple[()]:
        return ()

    vars(outages)["_missed"] = missed


PLANTS: dict[str, Callable[[], None]] = {
    "late_start": late_start,
    "any_order": any_order,
    "hope": hope,
    "cursor_first": cursor_first,
    "untold": untold,
}
