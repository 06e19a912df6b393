"""What whoever watches the machine is told: whether this home works, in states of its own parts.

Rules kept here:

1. Nothing of a deal is in it: no name, no room, no person, and no count that follows how much is
   written. Of a channel it says its state, and whether sending fails again and again.
2. What is not known is not well: whoever does not answer in time counts as unknown.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from orchestrator.audit.anchors.run import failing
from orchestrator.audit.chain import heads
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName

T = TypeVar("T")
PATIENCE_S = 2.0
"""Seconds in which a part answers, or counts as unknown."""
STATES = ("up", "down", "paused", "closed", "unknown")
STUCK_AFTER = 3
"""Attempts after which a delivery that still waits says that its channel does not take it."""
_STUCK = (
    "SELECT count(*) > 0 FROM delivery INDEXED BY delivery_due "
    "WHERE connector = ? AND state IN ('queued', 'started') AND attempts >= ?"
)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel: one of ``STATES``, and whether sending there failed again and again."""

    name: str
    state: str
    stuck: bool


@dataclass(frozen=True, slots=True)
class Operating:
    """How a home works.

    Attributes:
        live: its channels were opened and its engine runs.
        store: the store answers.
        chain: the chains are whole, as far as they were read: what is new is read each minute.
        clock: the clock may be trusted to permit.
        anchors_failing: how many anchors do not answer.
        channels: each configured one.
    """

    live: bool
    store: bool
    chain: bool
    clock: bool
    anchors_failing: int
    channels: tuple[ChannelState, ...]

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is not there, as codes; nothing where the home is ready."""
        known = all(channel.state != "unknown" for channel in self.channels)
        parts = {"live": self.live, "store": self.store, "chain": self.chain, "channels": known}
        return tuple(name for name, there in parts.items() if not there)


class OperatingHome:
    """Implements ``orchestrator.api.port_operator.OperatorAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def operating(self) -> Operating:
        """How this home works now."""
        runtime = self._r
        names = tuple(runtime.channels)
        read = await _in_time(runtime.store.read(lambda tx: _read(tx, names)))
        stuck, anchors, chains = read or _Read()
        states = await asyncio.gather(*(_state(c) for c in runtime.channels.values()))
        record = runtime.book.record
        begun = map(record.read_to, chains)  # what was added since is read each minute
        return Operating(
            live=runtime.live,
            store=read is not None,
            chain=read is not None and not record.flaws and (not chains or any(begun)),
            clock=runtime.clock_trusted(),
            anchors_failing=anchors,
            channels=tuple(
                ChannelState(str(name), state, name in stuck)
                for name, state in zip(names, states, strict=True)
            ),
        )


class _Read(NamedTuple):
    """What the store says: channels that are stuck, how many anchors fail, and the chains."""

    stuck: frozenset[str] = frozenset()
    anchors: int = 0
    chains: tuple[str, ...] = ()


def _read(tx: Tx, channels: tuple[ConnectorName, ...]) -> _Read:
    stuck = (name for name in channels if tx.all(_STUCK, (name, STUCK_AFTER))[0][0])
    chains = tuple(deal_id for deal_id, _ in heads(tx))
    return _Read(frozenset(stuck), len(failing(tx)), chains)


async def _state(channel: Channel) -> str:
    if channel.paused is not None:
        return "paused"
    if channel.connector is None:
        return "closed"
    health = await _in_time(channel.connector.health())
    if health is None:
        return "unknown"
    return "up" if health.up else "down"


async def _in_time(asked: Awaitable[T]) -> T | None:
    """What was answered; None where nothing came in time, or it failed."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asked
    except Exception:  # noqa: BLE001 - whatever it is, nothing is known
        return None
