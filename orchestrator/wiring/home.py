"""Opens a home: under its lock, its schema current, its secrets found; else not at all.

Rules kept here:

1. Everything that was started is ended in the opposite order, also when opening fails half-way.
2. What people had agreed to when the program ended is carried out when it starts again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module

from connectors.memory.farside import FarSide
from connectors.memory.network import shared
from orchestrator.client.problems import Failed
from orchestrator.clock import Clock
from orchestrator.command.approving import carry_out_all
from orchestrator.command.home import OpenHome
from orchestrator.command.restored import refuse_restored
from orchestrator.command.runtime import Runtime
from orchestrator.config import Settings
from orchestrator.demo.sample import CHANNEL, ensure_sample
from orchestrator.flow.port import Classifies
from orchestrator.seal.errors import SealError
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.secret import SecretError
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, StoreError
from orchestrator.wiring.assemble import assemble
from orchestrator.wiring.live import go_live
from tiers.classify import Classification, Context, Part
from tiers.ids import DealId

DATABASE = "store.db"


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
        runtime = await assemble(settings, store, classifier, now, vault)
        if live:
            await refuse_restored(store)
            await go_live(runtime, stack)
            stack.push_async_callback(runtime.running.close)
            await carry_out_all(runtime)
        yield runtime


@asynccontextmanager
async def open_home(settings: Settings, *, live: bool, now: Clock) -> AsyncIterator[OpenHome]:
    """Opens the home with the classifier that ships; see ``open_runtime``.

    Raises:
        Failed: the home cannot be opened.
    """
    try:
        async with open_runtime(settings, Lazy(), live=live, now=now) as runtime:
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


class Lazy:
    """The classifier that ships, imported and loaded when the first text comes.

    Most commands bring none, and its libraries are large.
    """

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        """See ``tiers.classify``."""
        shipped: Classifies = import_module("tiers.model.load").load_classifier()
        return shipped.classify(parts, context)
