"""Asks every channel for a sign of life, and draws the one consequence that cannot wait.

Rule kept here: an account that its network no longer has is paused at once, and a finding says so:
whoever has the number now may read what we would send. What merely does not answer waits by itself.
"""

from orchestrator.command.channels import Channels
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.deals.book import HOME
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.store.unit import Tx

GONE = frozenset({"not_registered", "signed_out"})
"""Codes of a health that mean: this account is not ours any more, until a person sees to it."""
RULE = "account_lost"
ACTOR = "wallcross"


class Pulse:
    """Looks at every open channel.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._channels = Channels(runtime)

    async def look(self) -> None:
        """One look at each."""
        for channel in list(self._r.channels.values()):
            await self._look(channel)

    async def _look(self, channel: Channel) -> None:
        if channel.connector is None:
            return
        health = await channel.connector.health()
        if health.up:
            await self._found(channel)
        elif health.code in GONE:
            await self._lost(channel, health.code)

    async def _lost(self, channel: Channel, code: str) -> None:
        at, name = self._r.now(), channel.name
        why = (f"{name} has lost its account ({code}); nothing is sent there",)
        raised = Raised(RULE, "high", why, f"sign in anew, then wallcross channel resume {name}")
        if channel.paused is None:
            await self._channels.channel_pause(name, code, actor=ACTOR)
        await self._r.store.write(lambda tx: raise_finding(tx, HOME, name, raised, at))

    async def _found(self, channel: Channel) -> None:
        """The account is there: the finding is over; the pause is for a person to end."""
        at, name = self._r.now(), channel.name

        def open_one(tx: Tx) -> bool:
            row = tx.one(
                "SELECT 1 FROM finding WHERE deal_id = ? AND rule = ? AND subject = ? "
                "AND closed_at IS NULL",
                (HOME, RULE, name),
            )
            return row is not None

        if await self._r.store.read(open_one):
            await self._r.store.write(lambda tx: close_findings(tx, HOME, RULE, name, at))
