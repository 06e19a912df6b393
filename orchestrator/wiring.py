"""The one place that knows every concrete class: opens a home and puts its parts together.

Rules kept here:

1. A home is opened under its lock, its schema current, its secrets found; else it is not opened.
2. A channel that cannot be opened starts closed and named so; it never keeps the home from opening.
3. Everything that was started is ended in the opposite order, also when opening fails half-way.
"""

import asyncio
import secrets as randomness
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import structlog

from connectors.memory.farside import FarSide
from connectors.memory.network import shared
from connectors.port.connector import Connector, Setup
from connectors.port.errors import ConnectorError
from connectors.registry import UnknownConnectorError, find
from orchestrator.audit.heads import SEED_BYTES, load_key
from orchestrator.audit.instants import latest_instant
from orchestrator.client.problems import Failed
from orchestrator.clock import MINUTE, SECOND, Clock
from orchestrator.command.channels import recorded_grade
from orchestrator.command.home import OpenHome
from orchestrator.command.runtime import Channel, Runtime, standing_still
from orchestrator.command.trust import ClockTrust
from orchestrator.config import Settings
from orchestrator.config.model import ChannelPart
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.counsel import Counsel
from orchestrator.demo.sample import CHANNEL, ensure_sample
from orchestrator.engine.local import LocalEngine
from orchestrator.flow.accept import Accepter
from orchestrator.flow.desk import Desk
from orchestrator.flow.guard import FlowGuard
from orchestrator.flow.judge import Judge
from orchestrator.flow.listen import LOOK, Listener
from orchestrator.flow.notices import Notice
from orchestrator.flow.overdue import destroy_expired, hand_on
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import Classifies
from orchestrator.flow.route import LANE, Router, Services
from orchestrator.ids import new_id
from orchestrator.journal.policy import JournalPolicy, RecordRule
from orchestrator.journal.writer import JournalWriter
from orchestrator.keys.keyring import Keyring
from orchestrator.outbox import rows
from orchestrator.outbox.dispatch import Dispatcher
from orchestrator.rooms.lines import Lines
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.provision import Provisioner
from orchestrator.rooms.watch import Watcher
from orchestrator.roster.adoption import load_adopted
from orchestrator.seal.errors import SealError
from orchestrator.seal.master import create_master, open_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import open_secrets
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.reference import resolve
from orchestrator.secrets.secret import SecretError
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.classify import Classification, Context, Part
from tiers.ids import AccountId, ConnectorName, DealId, RoomId
from tiers.model.load import load_classifier
from tiers.policy import Grade
from tiers.watch import WatchList

log = structlog.get_logger(__name__)
DATABASE = "store.db"
_HOME_ID = "home_id"


def neutral_name() -> str:
    """A random room name that tells nothing."""
    return f"Room {randomness.token_hex(4)}"


def home_id_of(home: Path) -> str:
    """The home's id, made when the home is made; kept beside the store."""
    path = home / _HOME_ID
    if not path.exists():
        path.write_text(new_id("home"))
        path.chmod(0o600)
    return path.read_text().strip()


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    classifier: Classifies,
    *,
    live: bool,
    now: Clock,
    vault: SecretStore | None = None,
) -> AsyncIterator[Runtime]:
    """Opens the home at ``settings.state``, whose lock the caller holds.

    Args:
        settings: valid settings.
        classifier: of tiers.
        live: opens connectors, listens and drains.
        now: the clock.
        vault: where its secrets lie; None finds the keyring or files of the home's own.

    Raises:
        StoreError, SecretError, SealError: the home cannot be opened; nothing was changed.
    """
    home = settings.state
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(home / DATABASE)
    async with AsyncExitStack() as stack:
        store = Store(home / DATABASE)
        stack.push_async_callback(store.close)
        runtime = await _assemble(settings, store, classifier, now, vault)
        if live:
            await _go_live(runtime, stack)
        yield runtime


@asynccontextmanager
async def open_home(settings: Settings, *, live: bool, now: Clock) -> AsyncIterator[OpenHome]:
    """Opens the home with the classifier that ships; see ``open_runtime``.

    Raises:
        Failed: the home cannot be opened.
    """
    try:
        classifier = load_classifier() if live else _NotNow()
        async with open_runtime(settings, classifier, live=live, now=now) as runtime:
            home = OpenHome(runtime)
            if CHANNEL in runtime.connectors:
                runtime.ensure_sample = partial(_sample, home)
            yield home
    except (StoreError, SecretError, SealError) as error:
        raise Failed(str(error), still="Nothing was changed.", then="wallcross doctor") from error


async def _sample(home: OpenHome) -> DealId:
    """Finds or makes the made-up deal on the sample's network."""
    settings = home.runtime.settings.config.channels[CHANNEL].settings
    address, network = settings.get("address"), settings.get("network", "memory")
    far = FarSide.at(str(address)) if address else FarSide.of(shared(str(network)))
    try:
        return await ensure_sample(home, far.register)
    finally:
        await far.close()


async def _assemble(
    settings: Settings,
    store: Store,
    classifier: Classifies,
    now: Clock,
    kept: SecretStore | None,
) -> Runtime:
    home = settings.state
    home_id = home_id_of(home)
    vault = kept or open_secrets(home, home_id)
    master = open_master(vault) if vault.get("master") else create_master(vault)
    sealer = Sealer(home, vault, master, now)
    await sealer.recover(store)
    book = Book(load_adopted, lambda tx, cid: sealer.open(tx, cid).decode())
    keyring = Keyring()
    await store.read(book.load_all)
    await store.read(keyring.load)
    connectors: dict[ConnectorName, Connector] = {}
    grades: dict[ConnectorName, Grade] = {}
    channels: dict[ConnectorName, Channel] = {}
    key = load_key(home_id, lambda: _seed(vault))
    clock = settings.config.clock
    trust = ClockTrust(
        now,
        await store.read(latest_instant),
        lambda: connectors,
        frozenset(clock.channels),
        clock.max_off_s * SECOND,
    )
    engine = LocalEngine(store, now, lanes_due)
    observer = Observer(connectors, keyring, grades, store, now)
    lines = Lines(store, book, connectors, now, neutral_name)
    policy_of = partial(_journal_policy, book)
    journal = JournalWriter(home, policy_of)
    counsel = Counsel(store, journal)
    writer = Writer(sealer, counsel, engine.wake)
    teller = _Teller(store, lines, writer, now)
    services = Services(
        store,
        sealer,
        book,
        observer,
        lines,
        counsel,
        Judge(classifier),
        writer,
        now,
        trust.trusted,
        lambda deal: _watch(book, deal),
    )
    router = Router(services, lambda resolved, answer: desk.act(resolved, answer))  # noqa: PLW0108 - desk is made below
    desk = Desk(store, sealer, book, writer, now, router.route, router.row)
    return Runtime(
        settings=settings,
        now=now,
        store=store,
        secrets=vault,
        sealer=sealer,
        book=book,
        keyring=keyring,
        counsel=counsel,
        engine=engine,
        observer=observer,
        watcher=Watcher(store, book, observer, keyring, now, teller.tell),
        lines=lines,
        provisioner=Provisioner(store, sealer, book, connectors, now, neutral_name),
        accepter=Accepter(store, sealer, book, now, lambda tx, d: engine.wake(LANE + d, 0, tx)),
        writer=writer,
        router=router,
        desk=desk,
        channels=channels,
        connectors=connectors,
        grades=grades,
        clock_trusted=trust.trusted,
        head_key=key,
        journal=journal,
        journal_policy=policy_of,
    )


def _seed(vault: SecretStore) -> bytes:
    """The seed of the home's signing key, made when the home is made."""
    found = vault.get("audit")
    if found is None:
        vault.set("audit", randomness.token_bytes(SEED_BYTES))
        found = vault.get("audit")
    if found is None:
        raise SecretError("the secret store did not keep the signing key")
    return found.reveal()


def lanes_due(tx: Tx) -> list[tuple[str, int]]:
    """Every lane with work: deliveries that are due, and deals with something to route."""
    deals = tx.all("SELECT DISTINCT deal_id FROM message WHERE state = 'accepted'")
    return [*rows.lanes_with_work(tx), *((LANE + deal_id, 0) for (deal_id,) in deals)]


def _journal_policy(book: Book, deal_id: str) -> JournalPolicy:
    deal = book.deals[DealId(deal_id)]
    return JournalPolicy(
        {t.value: RecordRule(p.record_class, p.keep_for) for t, p in deal.policy.tiers.items()}
    )


def _watch(book: Book, deal_id: DealId) -> WatchList:
    deal = book.deals.get(deal_id)
    return deal.watch if deal is not None else WatchList()


class _NotNow:
    """Stands where nothing is routed: a home that is not live classifies nothing."""

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        """Refuses: without open channels nothing is drained, so nobody can have asked."""
        del parts, context
        raise RuntimeError("this home is not live")


class _Teller:
    """Tells one account something in its private line."""

    def __init__(self, store: Store, lines: Lines, writer: Writer, now: Clock) -> None:
        self._store = store
        self._lines = lines
        self._writer = writer
        self._now = now

    async def tell(
        self, deal: DealView, connector: ConnectorName, account: AccountId, text: str
    ) -> None:
        room = await self._lines.ensure(connector, account, deal.deal_id)
        if room is None:
            return
        told, at = Told(Notice("paused", text), connector, room), self._now()
        await self._store.write(lambda tx: self._writer.tell(tx, deal.deal_id, told, at))


async def _go_live(runtime: Runtime, stack: AsyncExitStack) -> None:
    for name, part in runtime.settings.config.channels.items():
        await _open_channel(runtime, ConnectorName(name), part, stack)
    guard = FlowGuard(
        runtime.book,
        runtime.observer,
        runtime.observer.devices,
        runtime.store,
        runtime.sealer,
        runtime.now,
        runtime.clock_trusted,
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
    _schedule(runtime)
    await _start(stack, runtime.engine.run(lambda lane: _drain(runtime, dispatcher, lane)))
    stack.push_async_callback(runtime.engine.stop, 10.0)
    for name, connector in runtime.connectors.items():
        listener = Listener(
            name,
            connector,
            runtime.store,
            runtime.accepter,
            runtime.observer.forget,
            runtime.observer.forget_account,
            runtime.engine.wake,
        )
        await _start(stack, listener.run())
    runtime.live = True


async def _drain(runtime: Runtime, dispatcher: Dispatcher, lane: str) -> int | None:
    if lane.startswith(LANE):
        return await runtime.router.drain(lane)
    if lane.startswith(LOOK):
        connector, _, room = lane.removeprefix(LOOK).partition("/")
        found = runtime.book.room(ConnectorName(connector), RoomId(room))
        if found is not None:
            await runtime.watcher.look(*found, not_before=runtime.now())
        return None
    return await dispatcher.drain(lane)


def _schedule(runtime: Runtime) -> None:
    engine, store, now = runtime.engine, runtime.store, runtime.now

    async def turn() -> None:
        await runtime.sealer.turn_due(store, now())

    async def late() -> None:
        await hand_on(store, now())
        await destroy_expired(store, runtime.sealer, runtime.book, now())

    engine.every("seal.turn", 5 * MINUTE, turn)
    engine.every("held.late", MINUTE, late)
    engine.every("rooms.look", 30 * SECOND, runtime.watcher.look_at_all)


async def _start(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


async def _open_channel(
    runtime: Runtime, name: ConnectorName, part: ChannelPart, stack: AsyncExitStack
) -> None:
    channel = Channel(name, part.kind, None, Grade.NONE)
    runtime.channels[name] = channel
    state = runtime.settings.state / "channels" / name
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        found = find(part.kind)
        secrets = {k: resolve(r, runtime.secrets).reveal_text() for k, r in part.secrets.items()}
        connector = found.factory()(Setup(name, part.settings, secrets, state, runtime.now))
        stack.push_async_callback(connector.close)
        await connector.open()
    except (ConnectorError, UnknownConnectorError, SecretError, ValueError) as error:
        channel.why = getattr(error, "code", type(error).__name__)
        log.warning("channel.closed", channel=name, code=channel.why)
        return
    shipped = found.graded()
    channel.connector = connector
    channel.grade = Grade[shipped.grade.name] if shipped else Grade.NONE
    stored = await runtime.store.read(
        lambda tx: tx.one("SELECT paused, grade FROM channel WHERE connector = ?", (name,))
    )
    if stored is not None:
        channel.paused = stored[0]
        recorded = recorded_grade(stored[1], name, part.kind, runtime.head_key.public)
        channel.grade = channel.grade if recorded is None else recorded
    runtime.connectors[name] = connector
    runtime.grades[name] = channel.grade
