"""Opens channels, starts the engine and the schedules, and ends all of it in the opposite order.

Rule kept here: networks are left last, by whoever opened them and whenever that was: what listens
ends first, then the engine that sends, then the connectors.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from functools import partial

from connectors.port.connector import Connector, EditsMessages, UndoesMessages
from orchestrator.audit.anchors.run import Anchoring
from orchestrator.audit.heads import sign_heads
from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.command.copies import recalls_of
from orchestrator.command.crossing_look import CrossingLook
from orchestrator.command.preserving import Preserving
from orchestrator.command.prevented import AtClose
from orchestrator.command.proving import Proving
from orchestrator.command.pulse import Pulse
from orchestrator.command.reviews import Reviews
from orchestrator.command.risk_look import RiskLook
from orchestrator.command.runtime import Runtime, standing_still
from orchestrator.deals.book import DealView
from orchestrator.flow.guard import FlowGuard
from orchestrator.flow.listen import LOOK, Listener
from orchestrator.flow.losses import Losses
from orchestrator.flow.overdue import Expiry, hand_on
from orchestrator.flow.quarantine import Quarantine
from orchestrator.flow.room_notice import LANE as NOTICE
from orchestrator.flow.room_notice import RoomNotices
from orchestrator.flow.route import LANE
from orchestrator.flow.stand_in import StandIns
from orchestrator.flow.stopped import Stopping
from orchestrator.flow.taken_back import TakenBack
from orchestrator.journal.errors import NoJournalKey
from orchestrator.outbox.dispatch import Dispatcher
from orchestrator.rooms.linked import LinkedDevices
from orchestrator.store.unit import Tx
from orchestrator.wiring.anchors import anchors_of
from orchestrator.wiring.notify import notifier_of
from orchestrator.wiring.opening import Opener
from orchestrator.wiring.reopening import Reopening
from tiers.conversation import Conversation
from tiers.ids import AccountId, ConnectorName, RoomId


async def go_live(runtime: Runtime, stack: AsyncExitStack) -> None:
    """Opens the channels and starts everything that runs; ``stack`` ends it.

    Raises:
        Wrong: an anchor cannot be built as configured.
    """
    anchoring = Anchoring(runtime.store, anchors_of(runtime.settings, runtime.secrets), runtime.now)
    opener = Opener(runtime, await stack.enter_async_context(AsyncExitStack()))
    for name, part in runtime.settings.config.channels.items():
        await opener.open(ConnectorName(name), part)
    guard = FlowGuard(
        runtime.book,
        runtime.observer,
        runtime.observer.devices,
        runtime.store,
        runtime.sealer,
        runtime.now,
        runtime.clock_trusted,
        Stopping(runtime.book, runtime.lines, runtime.writer, runtime.now),
        lambda name: isinstance(runtime.connectors.get(name), EditsMessages),
    )
    dispatcher = Dispatcher(
        runtime.store,
        runtime.sealer,
        runtime.connectors,
        guard,
        runtime.now,
        lambda name: standing_still(runtime.channels, name),
        runtime.observer.forget,
    )
    told = RoomNotices(
        runtime.store,
        runtime.book,
        runtime.writer,
        runtime.observer,
        runtime.observer.joined,
        partial(_journaled, runtime),
        runtime.engine.wake,
        runtime.now,
        runtime.clock_trusted,
    )
    runtime.notifier = await notifier_of(runtime, stack)
    _schedule(runtime, anchoring, told)
    await _start(stack, runtime.engine.run(lambda lane: _drain(runtime, dispatcher, told, lane)))
    stack.push_async_callback(runtime.engine.stop, 10.0)
    taken_back = TakenBack(
        runtime.book,
        runtime.sealer,
        runtime.writer,
        lambda name: isinstance(runtime.connectors.get(name), UndoesMessages),
        runtime.now,
    )
    listening = await stack.enter_async_context(AsyncExitStack())
    quarantine = Quarantine(runtime.sealer, runtime.now)

    linked = LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now)

    tasks: dict[ConnectorName, asyncio.Task[None]] = {}

    async def listen(name: ConnectorName, connector: Connector) -> None:
        listener = Listener(
            name,
            connector,
            runtime.store,
            runtime.accepter,
            runtime.observer.forget,
            partial(_concerned, runtime),
            runtime.engine.wake,
            quarantine,
            taken_back,
            runtime.enrolling,
            linked.hear,
        )
        tasks[name] = await _start(listening, listener.run())

    for name, connector in runtime.connectors.items():
        await listen(name, connector)
    later = partial(_start, stack)
    runtime.reopen = Reopening(runtime, opener, listen, tasks, later)
    runtime.live = True
    for late in opener.closed:
        await _start(stack, opener.try_again(late, listen))


def _concerned(runtime: Runtime, name: ConnectorName, account: AccountId) -> tuple[RoomId, ...]:
    """Rooms that a changed key may concern: the account was seen there, or nobody has read them.

    After a start, or while a room is being read, no reading tells who is in it.
    """
    seen = runtime.observer.forget_account(name, account)
    rooms = (binding for _, binding in runtime.book.rooms() if binding.connector == name)
    unread = (b.room for b in rooms if not runtime.observer.has_read((name, b.room)))
    return tuple({*seen, *unread})


def _journaled(runtime: Runtime, tx: Tx, deal: DealView, conversation: Conversation) -> bool | None:
    """Whether a conversation of that floor is journaled now; None without key and decision."""
    scope, floor = deal.scope(conversation), conversation.floor.value
    try:
        duty = runtime.journal.duty(tx, deal.deal_id, (scope,), floor, runtime.now())
    except NoJournalKey:
        return None
    return duty.exemption is None


async def _drain(
    runtime: Runtime, dispatcher: Dispatcher, told: RoomNotices, lane: str
) -> int | None:
    if lane.startswith(LANE):
        return await runtime.router.drain(lane)
    if lane.startswith(NOTICE):
        return await told.drain(lane)
    if lane.startswith(LOOK):
        connector, _, room = lane.removeprefix(LOOK).partition("/")
        found = runtime.book.room(ConnectorName(connector), RoomId(room))
        if found is not None:
            await runtime.watcher.look(*found, not_before=runtime.now())
            await runtime.reconciler.look_at(*found)
            await told.see(found[1])
        else:  # a private line: somebody may have come in, for whom a notice waits
            rest = f"{connector}/{room}"
            await runtime.store.write(lambda tx: runtime.engine.wake(rest, 0, tx))
        return None
    return await dispatcher.drain(lane)


def _schedule(runtime: Runtime, anchoring: Anchoring, told: RoomNotices) -> None:
    engine, store, now = runtime.engine, runtime.store, runtime.now
    expiry = Expiry(store, runtime.sealer, runtime.book, runtime.lines, runtime.writer)

    async def turn() -> None:
        await runtime.sealer.turn_due(store, now())

    async def late() -> None:
        await hand_on(store, now())
        await expiry.turn(now())
        await Quarantine(runtime.sealer, now).expire(store)
        await runtime.texts.expire()

    async def sign(*, early: bool = False) -> None:
        at = now()
        await store.write(lambda tx: sign_heads(tx, runtime.head_key, at=at))
        await anchoring.turn(early=early)

    async def preserve() -> None:
        await Preserving(runtime).turn()

    router = runtime.router
    stand_ins = StandIns(store, runtime.book, runtime.writer, router.route, router.row, now)

    async def look() -> None:
        await runtime.watcher.look_at_all()
        await told.see_all()

    runtime.sign_and_anchor = partial(sign, early=True)

    engine.every("seal.turn", MINUTE, turn)
    engine.every("audit.heads", MINUTE, sign)
    proving = Proving(runtime)
    engine.every("record.look", MINUTE, proving.look)
    engine.every("record.state", 10 * MINUTE, proving.turn)
    engine.every("held.late", MINUTE, late)
    engine.every("rooms.look", 30 * SECOND, look)
    engine.every("rooms.reconcile", MINUTE, runtime.reconciler.look)
    engine.every("rooms.leave", 5 * SECOND, runtime.leaving.turn)
    engine.every("rooms.closing", 5 * SECOND, runtime.closing.turn)
    engine.every("people.notices", MINUTE, CrossingLook(runtime).look)
    losses = Losses(store, runtime.book, runtime.lines, runtime.writer, now)
    engine.every("messages.lost", 10 * SECOND, losses.look)
    engine.every("documents.recalled", 10 * SECOND, recalls_of(runtime).look)
    risk = RiskLook(runtime)
    engine.every("risk.look", MINUTE, risk.look)
    engine.every("risk.soon", 5 * SECOND, risk.look_soon)
    if runtime.notifier is not None:
        engine.every("notify.turn", 10 * SECOND, runtime.notifier.turn)
    engine.every("prevented.closing", MINUTE, AtClose(runtime).look)
    engine.every("roster.review", HOUR, Reviews(runtime).look)
    engine.every("journal.expiry", HOUR, preserve)
    engine.every("channels.pulse", MINUTE, Pulse(runtime).look)
    engine.every("rooms.alternate", 30 * SECOND, stand_ins.look)


async def _start(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
    return task
