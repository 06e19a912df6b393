"""An open home's parts, put together by ``orchestrator.wiring`` and used by every verb.

Rule kept here: this holds the parts and knows no concrete connector.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from connectors.port.connector import Connector
from orchestrator.audit.heads import HeadKey
from orchestrator.client.problems import Unready
from orchestrator.clock import Clock
from orchestrator.command.once import Once
from orchestrator.command.plan_runs import PlanRuns
from orchestrator.command.running import Running
from orchestrator.config import Settings
from orchestrator.deals.book import Book
from orchestrator.deals.counsel import Counsel
from orchestrator.engine.port import Engine
from orchestrator.flow.accept import Accepter
from orchestrator.flow.desk import Desk
from orchestrator.flow.enrolling import Enrolling
from orchestrator.flow.plan import Writer
from orchestrator.flow.port import Classifies
from orchestrator.flow.route import Router
from orchestrator.journal.policy import JournalPolicy
from orchestrator.journal.writer import JournalWriter
from orchestrator.keys.keyring import Keyring
from orchestrator.notify.run import Notifier
from orchestrator.query.standings import Standings
from orchestrator.risk.prints import Fingerprints
from orchestrator.rooms.acts import Hands
from orchestrator.rooms.closing import Closing
from orchestrator.rooms.distress import Distress
from orchestrator.rooms.leave import Leaving
from orchestrator.rooms.lines import Lines
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.presence import Presences
from orchestrator.rooms.provision import Provisioner
from orchestrator.rooms.reconcile import Reconciler
from orchestrator.rooms.watch import Watcher
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.port import SecretStore
from orchestrator.store.unit import Store
from tiers.ids import ConnectorName, DealId
from tiers.policy import Grade

Check = Callable[[Connector], Awaitable[None]]
"""Raises where something is not so that has to be before a connector is used."""
Reopen = Callable[[ConnectorName, Mapping[str, str], Check], Awaitable[str | None]]
"""Opens a channel with secrets that differ from those kept; a code: why it goes on with the old."""


@dataclass(slots=True)
class Channel:
    """One configured channel account.

    Attributes:
        kind: the connector's name.
        connector: None when it could not be opened.
        grade: in this installation.
        shipped: what was run before the release.
        paused: why nothing goes out there; None while it runs.
        why: stable code of what is wrong; None when it is open.
        hint: what to do about that.
        closed_since: when it could not be opened first; None while it is open.
        again_at: when it is tried again by itself; None while it is open, and where it is not.
        rotating: a secret of it is being changed; nothing goes out meanwhile.
        fixed: its secrets that another value does not change, each with what to do instead.
    """

    name: ConnectorName
    kind: str
    connector: Connector | None
    grade: Grade
    paused: str | None = None
    why: str | None = None
    shipped: Grade = Grade.NONE
    hint: str = ""
    closed_since: int | None = None
    again_at: int | None = None
    rotating: bool = False
    fixed: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Runtime:
    """The parts. ``live``: connectors are open and the engine runs."""

    settings: Settings
    now: Clock
    store: Store
    secrets: SecretStore
    sealer: Sealer
    book: Book
    keyring: Keyring
    counsel: Counsel
    engine: Engine
    observer: Observer
    watcher: Watcher
    reconciler: Reconciler
    lines: Lines
    provisioner: Provisioner
    presences: Presences
    hands: Hands
    leaving: Leaving
    accepter: Accepter
    enrolling: Enrolling
    classifier: Classifies
    writer: Writer
    router: Router
    desk: Desk
    distress: Distress
    channels: dict[ConnectorName, Channel]
    connectors: dict[ConnectorName, Connector]
    grades: dict[ConnectorName, Grade]
    clock_trusted: Callable[[], bool]
    head_key: HeadKey
    journal: JournalWriter
    journal_policy: Callable[[str], JournalPolicy]
    texts: Fingerprints
    ensure_sample: Callable[[], Awaitable[DealId]] | None = None
    """Finds or makes the made-up deal; None where the home has no sample network."""
    sign_and_anchor: Callable[[], Awaitable[None]] | None = None
    """Signs all heads and hands them to the anchors now; None while the home is not live."""
    notifier: Notifier | None = None
    """Tells people that something needs them; None while the home is not live."""
    reopen: Reopen | None = None
    """Opens a channel with other secrets; None while the home is not live."""
    live: bool = False
    running: Running = field(default_factory=Running)
    plan_runs: PlanRuns = field(default_factory=PlanRuns)
    once: Once = field(default_factory=Once)
    standings: Standings = field(default_factory=Standings)
    closing: Closing = field(init=False)

    def __post_init__(self) -> None:
        """Has what ends rooms work with the other parts."""
        parts = (self.store, self.book, self.observer, self.connectors, self.hands, self.now)
        self.closing = Closing(*parts)


def standing_still(channels: Mapping[ConnectorName, Channel], name: ConnectorName) -> bool:
    """Whether nothing goes out on a channel: it is paused, unknown, or not open."""
    channel = channels.get(name)
    if channel is None or channel.connector is None:
        return True
    return channel.rotating or channel.paused is not None


def must_live(runtime: Runtime) -> None:
    """Refuses what needs open channels.

    Raises:
        Unready: this process did not open them.
    """
    if not runtime.live:
        raise Unready("the channels are not open here", then="wallcross serve")
