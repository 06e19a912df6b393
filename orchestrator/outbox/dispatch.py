"""Drains one lane: the only caller of a connector's acting verbs.

Rules kept here:

1. In the order of ``seq``, one at a time; the guard decides on facts read now.
2. "Attempt started" is on disk with the wire id before a byte goes out.
3. A foreign exception is an unknown outcome. An unknown outcome is settled by asking the network,
   then by policy, never by hoping.
4. New work is looked for while the lane is still held, so that no wake-up is lost.
5. What its author deleted is not begun again; one reader's copy or a notice of ours holds nothing.
6. A drain never raises on what a network or a message does; it says when to come again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from connectors.port.connector import Connector, EditsMessages, UndoesMessages
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Outcome,
    ReadersChanged,
    Uncertain,
)
from connectors.port.messages import Accepted
from orchestrator.clock import MINUTE, SECOND, Clock
from orchestrator.outbox import rows
from orchestrator.outbox.item import DeliveryState, Done, Item, Start
from orchestrator.outbox.ledger import Ledger
from orchestrator.outbox.marks import NOT_AS_STATED
from orchestrator.outbox.port import Cleared, Due, Guard, NotYet, Over, Stopped, Verdict
from orchestrator.outbox.proof import proof_of
from orchestrator.outbox.sealing import keep, sealed_copy
from orchestrator.outbox.settle import Again, Arrived, Later, settle
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.decision import Effect, Reason
from tiers.ids import ConnectorName, RemoteId, RoomId, RuleId

BATCH: Final = 16
"""Rows read at a time, sealed bodies and all: with the lanes at once it bounds the memory."""
LONGEST_WAIT: Final = 5 * MINUTE
UNDO_TRIES: Final = 8
AFTER_A_CRASH: Final = SECOND // 4
"""Back-off answers a network that fails; that our own process ended is no fault of its."""

T = TypeVar("T")
Change = Done | Callable[[Tx], None]
"""A send that went well is written together with those of other lanes, all else by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one row came to: changes to commit, and whether the lane goes on."""

    change: Change | None
    wait_until: int | None = None
    again: bool = False
    """What stands behind it must be read anew: a dead row may block its lane."""


class Dispatcher:
    """Sends what the guard clears.

    Args:
        store: state.
        sealer: for destroying what was delivered.
        connectors: open connectors by name.
        guard: decides again before the wire.
        now: the clock.
        paused: whether a channel stands still.
        on_stop: told of a network's refusal for other readers or keys than expected.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        connectors: Mapping[ConnectorName, Connector],
        guard: Guard,
        now: Clock,
        paused: Callable[[ConnectorName], bool],
        on_stop: Callable[[ConnectorName, RoomId], None],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._ledger = Ledger(store, sealer)
        self._connectors = connectors
        self._guard = guard
        self._now = now
        self._paused = paused
        self._on_stop = on_stop

    async def drain(self, lane: str) -> int | None:
        """Does what is due in ``lane``; returns when to come again, None when nothing waits."""
        began = self._now()
        work = self._due(lane)
        pending: Change | None = None
        while work:
            for found in work:
                if found.item.not_before > self._now():
                    await self._commit(pending)
                    return found.item.not_before
                step = await self._step(found, began, pending)
                pending = step.change
                if step.wait_until is not None:
                    await self._commit(pending)
                    return step.wait_until
                if step.again:
                    break
            await self._commit(pending)
            pending = None
            work = self._due(lane)
        return None

    def _due(self, lane: str) -> list[Due]:
        return self._store.glance(lambda tx: rows.due(tx, self._sealer, lane, BATCH))

    async def _commit(self, change: Change | None) -> None:
        if isinstance(change, Done):
            await self._ledger.write(change)
        elif change is not None:
            await self._store.write(change)

    async def _step(self, due: Due, began: int, pending: Change | None) -> Step:
        name = ConnectorName(due.item.connector)
        connector = self._connectors.get(name)
        if connector is None or self._paused(name):
            return Step(pending, wait_until=self._now() + MINUTE)
        if due.planted:
            await self._commit(pending)
            return self._dead(due.item, NOT_AS_STATED, blocks=False)
        if due.item.state is DeliveryState.STARTED:
            await self._commit(pending)
            return await self._settle(connector, due, after=AFTER_A_CRASH)
        if due.item.kind == "undo":
            await self._commit(pending)
            return await self._undo(connector, due)
        return await self._send(connector, due, began, pending)

    async def _send(
        self, connector: Connector, due: Due, began: int, pending: Change | None
    ) -> Step:
        if due.message.taken_back:
            await self._commit(pending)
            return self._taken_back(due.item)
        verdict = await self._clear(due, began)
        if isinstance(verdict, Stopped):
            await self._commit(pending)
            return await self._stop(due, verdict.reasons)
        if isinstance(verdict, Over):
            await self._commit(pending)
            return self._dead(due.item, verdict.code, blocks=False)  # no person could send it
        if isinstance(verdict, NotYet):
            return Step(pending, wait_until=verdict.until)
        at = await self._start(due.item, pending)
        try:
            return await self._given(connector, due, verdict)
        except ConnectorError as error:
            started = replace(due, item=_started(due.item, at))
            return await self._failed(connector, started, verdict, error)

    async def _given(self, connector: Connector, due: Due, cleared: Cleared) -> Step:
        if due.message.seals:
            return await self._sealed(connector, due, cleared)
        return self._done(due, await _foreign(_deliver(connector, cleared)))

    async def _sealed(self, connector: Connector, due: Due, cleared: Cleared) -> Step:
        """Keeps a copy for its sender, in the unit that settles it; nothing goes out."""
        item = due.item
        accepted, kept = await _foreign(sealed_copy(connector, self._sealer, item, cleared))
        done = _as_done(due, accepted, self._now())
        try:
            await self._store.write(lambda tx: keep(tx, self._sealer, done, kept))
        except StoreError:
            self._sealer.discard(kept)
            raise
        return Step(None)

    async def _clear(self, due: Due, began: int) -> Verdict:
        try:
            return await self._guard.clear(due, began)
        except StoreError:
            raise  # the lane comes again
        except Exception as error:  # noqa: BLE001 - an error is a hold, never a send
            because = f"it could not be checked ({type(error).__name__})"
            return Stopped((Reason(RuleId("error"), Effect.HOLD, because),))

    async def _start(self, item: Item, pending: Change | None) -> int:
        """Writes that an attempt begins; returns the instant."""
        at = self._now()
        start = Start(item, at)
        if pending is None or isinstance(pending, Done):
            await self._ledger.write(pending, start)
        else:
            await self._store.write(_both(pending, start))
        return at

    def _done(self, due: Due, accepted: Accepted) -> Step:
        return Step(_as_done(due, accepted, self._now()))

    def _dead(self, item: Item, code: str, *, blocks: bool = True) -> Step:
        at = self._now()
        return Step(
            lambda tx: rows.dead(tx, self._sealer, item, code, at, blocks=blocks), again=True
        )

    def _taken_back(self, item: Item) -> Step:
        at = self._now()
        return Step(lambda tx: rows.taken_back(tx, self._sealer, item, at))

    async def _stop(self, due: Due, reasons: tuple[Reason, ...]) -> Step:
        if due.message.alone:  # it stops nothing beside itself, and nobody could release it
            code = reasons[0].rule if reasons else "unvouched"
            return self._dead(due.item, code, blocks=False)
        at, held = self._now(), await self._guard.stopped(due, reasons)
        return Step(lambda tx: rows.stop(tx, due.item, reasons, held, at))

    async def _failed(
        self, connector: Connector, due: Due, cleared: Cleared, error: ConnectorError
    ) -> Step:
        item = due.item
        if isinstance(error, ReadersChanged | IdentityChanged):
            self._on_stop(ConnectorName(item.connector), cleared.delivery.room)
            because = "the network would let somebody else read this than the list says"
            reason = Reason(RuleId(error.code), Effect.HOLD, because)
            return await self._stop(due, (reason,))
        if error.outcome is Outcome.UNKNOWN:
            return await self._settle(connector, due, after=None)
        if error.retry:
            return self._again(item, error.code, doubtful=False, after=error.retry_after)
        return self._dead(item, error.code)

    async def _settle(self, connector: Connector, due: Due, *, after: int | None) -> Step:
        item, at = due.item, self._now()
        repeats = self._guard.repeats_unknown(item)
        if item.kind == "undo":  # asking twice for the same removal does no harm
            return self._again(item, "unknown_outcome", doubtful=False, after=0)
        if due.message.seals:  # nothing left this house: it is made anew
            return self._again(item, "unknown_outcome", doubtful=False, after=after)
        result = await settle(connector, item, repeats=repeats, now=at)
        if isinstance(result, Arrived):
            return self._done(due, result.accepted)
        if isinstance(result, Later):
            return Step(None, wait_until=at + LONGEST_WAIT // 10)
        if isinstance(result, Again):
            return self._again(item, "unknown_outcome", doubtful=result.doubtful, after=after)
        return Step(lambda tx: rows.possibly(tx, self._sealer, item, "unknown_outcome", at))

    def _again(self, item: Item, code: str, *, doubtful: bool, after: int | None) -> Step:
        at = self._now()
        backed_off = min(LONGEST_WAIT, (SECOND // 4) << min(item.attempts, 11))
        wait = backed_off if after is None else after
        return Step(
            lambda tx: rows.again(tx, item, code, doubtful=doubtful, not_before=at + wait, at=at),
            wait_until=at + wait,
        )

    async def _undo(self, connector: Connector, due: Due) -> Step:
        item = due.item
        if not isinstance(connector, UndoesMessages) or item.target is None:
            return self._dead(item, "no_undo")
        if item.attempts >= UNDO_TRIES:
            return self._dead(item, "undo_not_confirmed")
        started = _started(item, await self._start(item, None))
        room, target = RoomId(item.room), RemoteId(item.target)
        try:
            await _foreign(connector.undo(room, target))
            gone = await _foreign(connector.is_gone(room, target))
        except ConnectorError as error:
            return self._again(started, error.code, doubtful=False, after=error.retry_after)
        if not gone:
            return self._again(started, "still_there", doubtful=False, after=None)
        at = self._now()
        return Step(lambda tx: rows.undone(tx, started, at))


def _as_done(due: Due, accepted: Accepted, at: int) -> Done:
    prints = accepted.prints if due.message.document else None
    return Done(due.item, accepted.remote_id, _proof(accepted), at, prints)


def _started(item: Item, at: int) -> Item:
    """The row as it is once its attempt has begun."""
    return replace(item, state=DeliveryState.STARTED, attempts=item.attempts + 1, started_at=at)


def _both(pending: Callable[[Tx], None], start: Start) -> Callable[[Tx], None]:
    def unit(tx: Tx) -> None:
        pending(tx)
        rows.start(tx, (start,))

    return unit


def _deliver(connector: Connector, cleared: Cleared) -> Awaitable[Accepted]:
    """Sends what was cleared, or puts it in the place of what it corrects."""
    delivery = cleared.delivery
    if cleared.edits is not None and isinstance(connector, EditsMessages):
        return connector.edit(delivery.room, cleared.edits, delivery)
    return connector.send(delivery)


async def _foreign(work: Awaitable[T]) -> T:
    try:
        return await work
    except ConnectorError:
        raise
    except Exception as error:  # noqa: BLE001 - foreign by nature: it becomes an unknown outcome
        raise Uncertain("foreign_error", f"failed with {type(error).__name__}") from None


def _proof(accepted: Accepted) -> str | None:
    """The proof of who can read, where the network told whom it was sealed to."""
    return None if accepted.sealed_to is None else proof_of(accepted.sealed_to)
