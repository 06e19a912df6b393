"""Asks every channel for a sign of life, and draws the one consequence that cannot wait.

Rules kept here:

1. An account that its network no longer has is paused at once, and a finding says so: whoever has
   the number now may read what we would send. What merely does not answer waits by itself.
2. A channel that is closed for longer than a minute is a finding, until it is open; and so is one
   that answers and hands on nothing of what is written to us, from the first look on.
"""

from connectors.port.capabilities import Health
from orchestrator.clock import MINUTE
from orchestrator.command.channels import Channels
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.deals.book import HOME
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.store.unit import Tx

GONE = frozenset({"not_registered", "signed_out"})
"""Codes of a health that mean: this account is not ours any more, until a person sees to it."""
DEAF = frozenset({"mode_unfit"})
"""Codes of a health that mean: it answers, and nothing that is written to us reaches us."""
LOST, CLOSED = "account_lost", "channel_closed"
ACTOR = "wallcross"


class Pulse:
    """Looks at every channel.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._channels = Channels(runtime)

    async def look(self) -> None:
        """One look at each."""
        for channel in list(self._r.channels.values()):
            await self.look_at(channel)

    async def look_at(self, channel: Channel) -> None:
        """One look at one."""
        if channel.connector is None:
            await self._closed(channel)
            return
        health = await channel.connector.health()
        if health.code in DEAF:
            await self._deaf(channel, health)
            return
        await self._over(channel, CLOSED)
        if health.up:  # the pause is for a person to end
            await self._over(channel, LOST)
        elif health.code in GONE:
            await self._lost(channel, health.code)

    async def _closed(self, channel: Channel) -> None:
        at, name = self._r.now(), channel.name
        if channel.closed_since is None or at - channel.closed_since < MINUTE:
            return
        why = (f"{name} is closed ({channel.why}): what is for it waits, and nothing is heard",)
        tried = "start what it connects to; it is tried again by itself"
        then = tried if channel.again_at is not None else "put that right, then serve anew"
        raised = Raised(CLOSED, "high", why, channel.hint or then)
        await self._r.store.write(lambda tx: raise_finding(tx, HOME, name, raised, at))

    async def _deaf(self, channel: Channel, health: Health) -> None:
        at, name = self._r.now(), channel.name
        why = (f"{name} hears nothing ({health.code}): what is for it waits",)
        raised = Raised(CLOSED, "high", why, health.hint)
        await self._r.store.write(lambda tx: raise_finding(tx, HOME, name, raised, at))

    async def _lost(self, channel: Channel, code: str) -> None:
        at, name = self._r.now(), channel.name
        why = (f"{name} has lost its account ({code}); nothing is sent there",)
        raised = Raised(LOST, "high", why, f"sign in anew, then wallcross channel resume {name}")
        if channel.paused is None:
            await self._channels.channel_pause(name, code, actor=ACTOR)
        await self._r.store.write(lambda tx: raise_finding(tx, HOME, name, raised, at))

    async def _over(self, channel: Channel, rule: str) -> None:
        at, name = self._r.now(), channel.name

        def open_one(tx: Tx) -> bool:
            row = tx.one(
                "SELECT 1 FROM finding WHERE deal_id = ? AND rule = ? AND subject = ? "
                "AND closed_at IS NULL",
                (HOME, rule, name),
            )
            return row is not None

        if await self._r.store.read(open_one):
            await self._r.store.write(lambda tx: close_findings(tx, HOME, rule, name, at))
