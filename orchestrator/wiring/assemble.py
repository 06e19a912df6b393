"""Makes the parts of a home and hands each what it works with.

Rule kept here: nothing is opened towards a network; that is ``orchestrator.wiring.live``.
"""

import secrets as randomness
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from connectors.port.connector import Connector
from orchestrator.audit.heads import SEED_BYTES, load_key
from orchestrator.audit.instants import latest_instant
from orchestrator.clock import SECOND, Clock
from orchestrator.command.keys import bar
from orchestrator.command.restored import state_restored, went_on_at
from orchestrator.command.runtime import Channel, Runtime, standing_still
from orchestrator.command.trust import ClockTrust
from orchestrator.config import Settings
from orchestrator.config.policy import counsel_of
from orchestrator.deals.agreed import load_agreed
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.counsel import Counsel
from orchestrator.deals.doubts import doubts_of, tell_doubts
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.engine.local import LocalEngine
from orchestrator.flow.accept import Accepter
from orchestrator.flow.acknowledging import Acknowledgement, Acknowledging, Door
from orchestrator.flow.desk import Desk
from orchestrator.flow.enrolling import Enrolling
from orchestrator.flow.judge import Judge
from orchestrator.flow.listen import LOOK
from orchestrator.flow.notices import Notice
from orchestrator.flow.plan import Told, Writer
from orchestrator.flow.port import Classifies
from orchestrator.flow.resolve import Resolved
from orchestrator.flow.route import LANE, Act, Router, Services, Spoken
from orchestrator.flow.urgent import Urgent
from orchestrator.ids import new_id
from orchestrator.journal.policy import JournalPolicy, RecordRule
from orchestrator.journal.writer import JournalWriter
from orchestrator.keys.keyring import Keyring
from orchestrator.outbox import rows
from orchestrator.risk.prints import Fingerprints
from orchestrator.rooms.acts import Hands
from orchestrator.rooms.distress import Distress
from orchestrator.rooms.lines import Lines
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.presence import Presences
from orchestrator.rooms.provision import Provisioner
from orchestrator.rooms.reconcile import Reconciler
from orchestrator.rooms.watch import Watcher
from orchestrator.roster.adoption import in_force
from orchestrator.seal.master import create_master, open_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import open_secrets
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.secret import SecretMissing
from orchestrator.store.pen import Pen
from orchestrator.store.unit import Store, Tx
from orchestrator.wiring.leaving import leaving_of
from tiers.ids import AccountId, ConnectorName, DealId
from tiers.policy import Grade
from tiers.watch import WatchList

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


async def assemble(
    settings: Settings,
    store: Store,
    classifier: Classifies,
    now: Clock,
    kept: SecretStore | None,
) -> Runtime:
    """Puts a home's parts together over its open store; nothing runs yet.

    Raises:
        SecretError, SealError: a secret of the home is missing or is not its own.
    """
    home = settings.state
    home_id = home_id_of(home)
    vault = kept or open_secrets(home, home_id, settings.secrets_folder)
    connectors: dict[ConnectorName, Connector] = {}
    trust = await _opened(settings, store, vault, connectors, now)
    now = trust.clock
    sealer = Sealer(home, vault, open_master(vault), now)
    book, keyring = await _read(store, sealer, now)
    grades: dict[ConnectorName, Grade] = {}
    channels: dict[ConnectorName, Channel] = {}
    key = load_key(home_id, lambda: _seed(vault))
    engine = LocalEngine(store, now, lanes_due)
    observer = Observer(connectors, keyring, grades, store, now, partial(standing_still, channels))
    lines = Lines(store, book, connectors, now, neutral_name)
    policy_of = partial(_journal_policy, book)
    journal, counsel = await _journaling(home, store, policy_of)
    texts = Fingerprints(store, sealer, now)
    writer = Writer(sealer, counsel, engine.wake, texts, await store.read(went_on_at))
    teller = _Teller(store, lines, writer, now)
    presences = Presences(store)
    watcher = Watcher(store, book, observer, keyring, now, teller.tell, presences)
    seen = observer, watcher, presences
    hands = Hands(store, book, observer, presences, connectors, now)
    leaving = leaving_of(
        *(store, sealer, book, keyring, observer, connectors),
        *(hands, lines, teller.tell, engine, now),
    )
    services = Services(
        *(store, sealer, book, observer, lines, counsel, Judge(classifier, texts), writer, now),
        *(trust.trusted, lambda deal: _watch(book, deal)),
    )
    router = Router(services, _acts(Acknowledging(store, book, now), lambda: (desk, distress)))
    desk = Desk(store, sealer, book, writer, now, router.route, router.row, router.address)
    distress = Distress(
        *(store, book, keyring, now, lines.rank, teller.tell),
        partial(bar, connectors),
        lambda tx, name, room: engine.wake(f"{LOOK}{name}/{room}", 0, tx),
    )
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
        watcher=watcher,
        reconciler=Reconciler(store, book, *seen, connectors, hands, now, trust.trusted),
        lines=lines,
        provisioner=Provisioner(store, sealer, book, connectors, now, neutral_name),
        presences=presences,
        hands=hands,
        leaving=leaving,
        accepter=Accepter(store, sealer, book, now, lambda tx, d: engine.wake(LANE + d, 0, tx)),
        enrolling=Enrolling(store, book, now, teller.tell),
        classifier=classifier,
        writer=writer,
        router=router,
        desk=desk,
        distress=distress,
        channels=channels,
        connectors=connectors,
        grades=grades,
        clock_trusted=trust.trusted,
        head_key=key,
        journal=journal,
        journal_policy=policy_of,
        texts=texts,
    )


async def _journaling(
    home: Path, store: Store, policy_of: Callable[[str], JournalPolicy]
) -> tuple[JournalWriter, Counsel]:
    """Writes copies for counsel; what a crash left of one is taken away."""
    journal = JournalWriter(home, policy_of)
    await journal.recover(store)
    return journal, Counsel(store, journal)


async def _opened(
    settings: Settings,
    store: Store,
    vault: SecretStore,
    connectors: Mapping[ConnectorName, Connector],
    now: Clock,
) -> ClockTrust:
    """Gives the store the home's own pen, and says what its clock may permit."""
    await _own_secrets(store, vault)
    store.pen = Pen(_seed(vault))
    await state_restored(store, settings.config.channels, now())
    latest, clock = await store.read(latest_instant), settings.config.clock
    furthest = clock.max_off_s * SECOND
    return ClockTrust(now, latest, lambda: connectors, clock.channels, furthest)


async def _read(store: Store, sealer: Sealer, now: Clock) -> tuple[Book, Keyring]:
    """The deals and keys of a home, as its record states them; what is doubtful is told."""
    await sealer.recover(store)
    book = Book(load_agreed, _counsel, lambda tx, cid: sealer.open(tx, cid).decode())
    keyring = Keyring()
    await store.read(book.load_all)
    await store.read(keyring.load)
    await tell_lost(store, book, now())
    await tell_doubts(store, doubts_of(book, keyring), now())
    return book, keyring


def _acts(acknowledging: Acknowledging, others: Callable[[], tuple[Desk, Distress]]) -> Act:
    """Hands what somebody said to us in his line to whoever does it; ``others`` are made later."""

    async def act(resolved: Resolved, said: Spoken, door: Door) -> str:
        desk, distress = others()
        if isinstance(said, Acknowledgement):
            return await acknowledging.hear(door, said)
        if isinstance(said, Urgent):
            return await _help(distress, resolved, said, door)
        return await desk.act(resolved, said)

    return act


async def _help(distress: Distress, resolved: Resolved, said: Urgent, door: Door) -> str:
    """Helps whoever wrote that he is in trouble; his own word takes away and opens nothing."""
    if resolved.deal is None or resolved.person is None:
        return "nobody"
    where, actor = (resolved.deal, resolved.person), f"person:{resolved.person.person_id}"
    if said is Urgent.PHISHED:
        await distress.phished(*where, heard_on=door[0], actor=actor)
    else:
        await distress.new_phone(*where, heard_on=door[0], actor=actor)
    return said.value


async def _own_secrets(store: Store, vault: SecretStore) -> None:
    """Makes the home's own secrets when the home is made, and never again.

    Where they are lost later, opening fails: new ones would open nothing of what is sealed.
    """
    made = await store.read(lambda tx: tx.one("SELECT 1 FROM home WHERE key = 'secrets_made'"))
    if made is not None:
        return
    if vault.get("master") is None:
        create_master(vault)
    if vault.get("audit") is None:
        vault.set("audit", randomness.token_bytes(SEED_BYTES))
    await store.write(lambda tx: tx.run("INSERT INTO home VALUES ('secrets_made', '1')"))


def _seed(vault: SecretStore) -> bytes:
    """The seed of the home's signing key."""
    found = vault.get("audit")
    if found is None:
        raise SecretMissing("the home's signing key is missing; restore the secret named 'audit'")
    return found.reveal()


def lanes_due(tx: Tx) -> list[tuple[str, int]]:
    """Every lane with work: deliveries that are due, and deals with something to route."""
    deals = tx.all("SELECT DISTINCT deal_id FROM message WHERE state = 'accepted'")
    return [*rows.lanes_with_work(tx), *((LANE + deal_id, 0) for (deal_id,) in deals)]


def _journal_policy(book: Book, deal_id: str) -> JournalPolicy:
    deal = book.deals[DealId(deal_id)]
    rules = {t.value: RecordRule(p.record_class, p.keep_for) for t, p in deal.policy.tiers.items()}
    return JournalPolicy(rules, deal.journal.counsel, deal.journal.keys)


async def tell_lost(store: Store, book: Book, at: int) -> None:
    """Opens a finding for each name and list that can no longer be opened."""
    why = ("a sealed name or list cannot be opened: its key was destroyed or not restored",)
    lost = Raised("seal_lost", "high", why, "wallcross conv list; add the watch list anew")

    def unit(tx: Tx) -> None:
        for owner in sorted(book.lost):
            row = tx.one("SELECT deal_id FROM sealed WHERE owner = ?", (owner,))
            if row is not None:
                raise_finding(tx, row[0], owner, lost, at)

    if book.lost:
        await store.write(unit)


def _counsel(tx: Tx, deal_id: DealId) -> dict[str, tuple[str, ...]]:
    policy = in_force(tx, deal_id, "policy")
    return counsel_of(policy.document) if policy is not None else {}


def _watch(book: Book, deal_id: DealId) -> WatchList:
    deal = book.deals.get(deal_id)
    if deal is not None and deal.watch is None:
        raise LookupError("the deal's watch list cannot be opened")
    return deal.watch if deal is not None and deal.watch is not None else WatchList()


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
