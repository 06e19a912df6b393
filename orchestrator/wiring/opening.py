"""Opens channels: at the start, and again by itself what was closed because its network was away.

Rules kept here:

1. A channel that cannot be opened starts closed and named so; it never keeps the home from opening.
2. Where what keeps it closed may pass (nobody answers, the outcome is not known) it is tried again
   for as long as the home is open. What a person has to put right is not: settings that are
   refused, a secret that is missing, an unknown kind.
3. A grade comes from the signed record of this installation, else from what ships.
4. What opens late is all that it would have been at the start, before anything goes out there:
   paused where it stood paused or is red. Then it is listened to, its rooms are looked at, and what
   waited for it goes on.
5. Where a crash came while a network was told another password, both are tried, each proven: the
   one that it takes is in force from then on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from types import MappingProxyType

import structlog

from connectors.port.connector import Connector, Setup
from connectors.port.errors import ConnectorError, Unavailable, Uncertain
from connectors.registry import UnknownConnectorError, find
from orchestrator.clock import MINUTE, SECOND
from orchestrator.command.channels import Channels, inspected, paused_of, recorded_grade
from orchestrator.command.pulse import ACTOR, Pulse
from orchestrator.command.rotating import keep, pending_name, pending_of, proves
from orchestrator.command.runtime import Channel, Check, Runtime
from orchestrator.config.model import ChannelPart
from orchestrator.flow.listen import LOOK
from orchestrator.logs import allow
from orchestrator.secrets.reference import resolve
from orchestrator.secrets.secret import SecretError
from orchestrator.store.unit import Tx
from orchestrator.wiring.stillness import still_in_rehearsal
from tiers.ids import ConnectorName
from tiers.policy import Grade

log = structlog.get_logger(__name__)
NO_VALUES: Mapping[str, str] = MappingProxyType({})
FIRST_PAUSE, LONGEST_PAUSE = 5 * SECOND, 5 * MINUTE
"""Between two tries to open a channel; it doubles from the first to the longest."""
RED = "its check was red when it opened"

Listen = Callable[[ConnectorName, Connector], Awaitable[None]]
"""Begins to listen to what was opened."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A channel that is to be tried again.

    Attributes:
        wait: what its network asked us to wait at least, microseconds.
    """

    channel: Channel
    part: ChannelPart
    wait: int


class Opener:
    """Opens the channels of a home.

    Args:
        runtime: the home.
        stack: leaves the networks when it is closed.

    Attributes:
        closed: what is to be tried again, once ``open`` was asked for each.
    """

    def __init__(self, runtime: Runtime, stack: AsyncExitStack) -> None:
        self._r = runtime
        self._stack = stack
        self.closed: list[Closed] = []

    async def open(self, name: ConnectorName, part: ChannelPart) -> None:
        """Opens one at the start, or has it closed."""
        channel = Channel(name, part.kind, None, Grade.NONE, fixed=_fixed(part.kind))
        self._r.channels[name] = channel
        later = await self._either(channel, part, late=False)
        if later is not None:
            self.closed.append(Closed(channel, part, later))

    async def try_again(self, closed: Closed, listen: Listen) -> None:
        """Tries one until it is open, or until only a person can open it."""
        channel, later, pause = closed.channel, closed.wait, FIRST_PAUSE
        while True:
            wait = max(pause, later)
            channel.again_at = self._r.now() + wait
            await asyncio.sleep(wait / SECOND)
            found = await self._either(channel, closed.part, late=True)
            if found is None:
                break
            later, pause = found, min(LONGEST_PAUSE, pause * 2)
        channel.again_at = None
        if channel.connector is not None:
            await listen(channel.name, channel.connector)
            await self.go_on(channel)

    async def once(
        self,
        channel: Channel,
        part: ChannelPart,
        values: Mapping[str, str] = NO_VALUES,
        check: Check | None = None,
    ) -> int | None:
        """Opens one that was closed by us, with secrets that differ from those kept.

        Args:
            channel: not open.
            part: its settings.
            values: the secrets that differ.
            check: what has to be so before it is used.

        Returns:
            how long to wait at least before the next try; None for none.
        """
        return await self._open(channel, part, late=True, values=values, check=check)

    async def _either(self, channel: Channel, part: ChannelPart, *, late: bool) -> int | None:
        """Opens one with what is kept, or with what its network was told before a crash."""
        try:
            pending = pending_of(channel, part, self._r.secrets, ACTOR)
        except SecretError as error:
            return self._failed(channel, error)
        if pending is None:
            return await self._open(channel, part, late=late)
        asked, value = pending
        later = await self._open(channel, part, late=late, check=proves)
        if self._is_open(channel):
            self._r.secrets.delete(pending_name(asked))
            return later
        values = {asked.secret: value}
        found = await self._open(channel, part, late=late, values=values, check=proves)
        if not self._is_open(channel):
            return found if later is None else later
        with suppress(SecretError):  # it is tried again at the next start
            await keep(self._r, asked, value, made=True)
        return found

    def _is_open(self, channel: Channel) -> bool:
        return self._r.connectors.get(channel.name) is not None

    async def go_on(self, channel: Channel) -> None:
        """Looks at its rooms, and wakes what waits."""
        name = channel.name
        self._r.observer.forget(name)
        rooms = [b.room for _, b in self._r.book.rooms() if b.connector == name]

        def unit(tx: Tx) -> None:
            for room in rooms:
                self._r.engine.wake(f"{LOOK}{name}/{room}", 0, tx)

        await self._r.store.write(unit)
        await Channels(self._r).wake_all(name)
        await Pulse(self._r).look_at(channel)

    async def _open(
        self,
        channel: Channel,
        part: ChannelPart,
        *,
        late: bool,
        values: Mapping[str, str] = NO_VALUES,
        check: Check | None = None,
    ) -> int | None:
        """Opens one; returns how long to wait at least before the next try, None for none."""
        try:
            connector = self._made(channel.name, part, values)
            async with AsyncExitStack() as half:
                half.push_async_callback(_leave, connector)
                await connector.open()
                if check is not None:
                    await check(connector)
                await self._ready(channel, connector, late=late)
                half.pop_all()
        except (ConnectorError, UnknownConnectorError, SecretError, ValueError) as error:
            return self._failed(channel, error)
        except Exception as error:  # noqa: BLE001 - foreign by nature: it becomes an unknown outcome
            foreign = Uncertain("foreign_error", f"failed with {type(error).__name__}")
            return self._failed(channel, foreign)
        self._stack.push_async_callback(connector.close)
        allow([channel.name])  # as it is configured: no content
        log.info("channel.open", connector=channel.name)
        return None

    def _made(self, name: ConnectorName, part: ChannelPart, values: Mapping[str, str]) -> Connector:
        state = self._r.settings.state / "channels" / name
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        secrets = {k: resolve(r, self._r.secrets).reveal_text() for k, r in part.secrets.items()}
        secrets |= values
        return find(part.kind).factory()(Setup(name, part.settings, secrets, state, self._r.now))

    def _failed(self, channel: Channel, error: Exception) -> int | None:
        channel.why = getattr(error, "code", type(error).__name__)
        channel.hint = error.hint if isinstance(error, ConnectorError) else ""
        channel.closed_since = channel.closed_since or self._r.now()
        allow([channel.name])
        log.warning("channel.closed", connector=channel.name, code=channel.why)
        if not isinstance(error, Unavailable | Uncertain):
            return None
        return min(error.retry_after or 0, LONGEST_PAUSE)

    async def _ready(self, channel: Channel, connector: Connector, *, late: bool) -> None:
        """Makes it what it is to be, and only then lets anything reach it."""
        name, store = channel.name, self._r.store
        shipped = find(channel.kind).graded()
        channel.grade = channel.shipped = Grade[shipped.grade.name] if shipped else Grade.NONE
        stored = await store.read(
            lambda tx: tx.one("SELECT grade FROM channel WHERE connector = ?", (name,))
        )
        if stored is not None:
            public = self._r.head_key.public
            recorded = recorded_grade(stored[0], name, channel.kind, public)
            channel.grade = channel.grade if recorded is None else recorded
        channel.paused = await store.read(lambda tx: paused_of(tx, name))
        if late and channel.paused is None and await _is_red(replace(channel, connector=connector)):
            await Channels(self._r).channel_pause(name, RED, actor=ACTOR)
        channel.connector = connector
        channel.why, channel.hint, channel.closed_since = None, "", None
        still_in_rehearsal(connector)
        self._r.connectors[name] = connector
        self._r.grades[name] = channel.grade


def _fixed(kind: str) -> Mapping[str, str]:
    """What a connector says of its secrets; nothing of a kind that cannot be loaded."""
    try:
        found: Mapping[str, str] = getattr(find(kind).secrets(), "fixed", {})
    except UnknownConnectorError:
        return {}
    return found


async def _is_red(channel: Channel) -> bool:
    return any(not (found.ok or found.later) for found in await inspected(channel))


async def _leave(connector: Connector) -> None:
    """Ends what could not be opened whole."""
    with suppress(Exception):
        await connector.close()
