"""Channel accounts: listed, paused, and tested live in this installation.

Rule kept here: a grade is earned by what was read back here, is signed, and is taken from its
signed record at each start; a row that was edited by hand earns nothing.
"""

import json
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.port.capabilities import Health
from connectors.port.connector import Check, Connector, Inspects
from connectors.port.errors import ConnectorError
from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.granted import commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.runtime import Channel, Runtime, must_live
from orchestrator.command.trial import SIMULATED, Trial, shows_running_timer
from orchestrator.deals.book import HOME
from orchestrator.deals.stated import PAUSE_STANDS
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName
from tiers.policy import Grade

WELL = frozenset({"ok", ""})
"""Codes of a health that nothing ails; with another one messages may pass all the same."""
DOMAIN = b"wallcross channel test v1\n"
"""Stands before a test's record in what is signed."""


class Channels:
    """Implements ``orchestrator.api.port.ChannelAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def channel_list(self) -> Sequence[views.ChannelView]:
        """Every configured channel."""
        return [await self._channel_view(c) for c in self._channels()]

    def _channels(self) -> Sequence[Channel]:
        if self._r.live:
            return list(self._r.channels.values())
        parts = self._r.settings.config.channels.items()
        return [Channel(ConnectorName(n), p.kind, None, Grade.NONE) for n, p in parts]

    async def _channel_view(self, channel: Channel) -> views.ChannelView:
        health = await channel.connector.health() if channel.connector else None
        row = await self._r.store.read(lambda tx: _counts(tx, channel.name))
        state = "closed" if health is None else "up" if health.up else "down"
        why = channel.why if health is None else None if _is_well(health) else health.code
        if channel.paused is not None:
            state, why = "paused", channel.paused
        return views.ChannelView(
            name=channel.name,
            kind=channel.kind,
            state=state,
            why=why,
            account=channel.connector.account if channel.connector else None,
            grade=channel.grade.name.lower(),
            tested_at=row[1],
            seen_at=health.seen_at if health else None,
            queued=row[0],
            hint=health.hint if health else channel.hint,
            again_at=channel.again_at,
        )

    async def channel_named(self, name: ConnectorName) -> views.ChannelView:
        """One configured channel. Raises: Missing, Unready."""
        return await self._channel_view(self._channel(name))

    def _channel(self, name: ConnectorName) -> Channel:
        channel = self._r.channels.get(name)
        must_live(self._r)
        if channel is None:
            raise Missing(f"no channel {name} is configured", then="wallcross channel list")
        return channel

    async def channel_pause(
        self, name: ConnectorName, reason: str, *, actor: str
    ) -> views.ChannelView:
        """Stops what we send there."""
        channel = self._channel(name)
        await self._set_paused(name, reason, Kind.CHANNEL_PAUSED, actor)
        channel.paused = reason
        return await self._channel_view(channel)

    async def channel_resume(self, name: ConnectorName, *, actor: str) -> views.ChannelView:
        """Lets it go on, if it answers and nothing that stands before it is red."""
        channel = self._channel(name)
        red = [found for found in await inspected(channel) if not (found.ok or found.later)]
        if red:
            raise Refused(
                f"{name} is red: {red[0].hint}",
                still="It stays paused; messages wait here.",
                then=red[0].remedy,
                details=[f"{found.code}: {found.hint}" for found in red],
            )
        health = await channel.connector.health() if channel.connector else None
        if health is None or not health.up:
            raise Refused(
                f"{name} does not answer ({health.code if health else channel.why})",
                still="It stays paused; messages wait here.",
                then=f"wallcross channel test {name}",
            )
        await self._set_paused(name, None, Kind.CHANNEL_RESUMED, actor)
        channel.paused = None
        await self.wake_all(name)
        return await self._channel_view(channel)

    async def wake_all(self, name: ConnectorName) -> None:
        """Has everything that waits for a channel go on now."""
        at = self._r.now()

        def unit(tx: Tx) -> None:
            rows = tx.all(
                "SELECT DISTINCT lane FROM delivery WHERE connector = ? "
                "AND state IN ('queued', 'started')",
                (name,),
            )
            for (lane,) in rows:
                self._r.engine.wake(lane, at, tx)

        await self._r.store.write(unit)

    async def _set_paused(
        self, name: ConnectorName, reason: str | None, kind: Kind, actor: str
    ) -> None:
        at = self._r.now()
        await self._r.store.write(
            lambda tx: write_pause(tx, name, reason, kind, at=at, actor=actor)
        )

    async def channel_test(
        self, name: ConnectorName, *, actor: str, real_server: str | None = None
    ) -> views.ChannelTest:
        """Own room, own message, read back, taken back; recorded and signed.

        Args:
            name: of the channel.
            actor: who asks.
            real_server: who says that the real server answers, where only a stand-in was met
                before the release.
        """
        channel = self._channel(name)
        if channel.connector is None:
            raise Refused(f"{name} is not open ({channel.why})", then="wallcross doctor")
        if real_server is not None and channel.kind == SIMULATED:
            raise Refused(f"{name} is a network inside this machine, and nobody's word changes it")
        trial = Trial(channel.kind, channel.connector)
        await trial.run()
        seen = trial.passed and await self._timer_seen(channel, channel.connector)
        if seen:
            trial.saw_timer()
        grade = trial.grade(channel.shipped, stated=real_server is not None, timer_seen=seen)
        at = self._r.now()
        record: dict[str, Json] = {
            "channel": name,
            "kind": channel.kind,
            "grade": grade.name.lower(),
            "at": at,
            "real_server": real_server,
            "steps": [{"name": s.name, "ok": s.ok} for s in trial.steps],
        }
        await self._record(name, record, actor, at)
        channel.grade = self._r.grades[name] = grade
        steps = tuple(trial.steps)
        return views.ChannelTest(channel=name, grade=grade.name.lower(), at=at, steps=steps)

    async def _timer_seen(self, channel: Channel, connector: Connector) -> bool:
        """Whether a room of ours on this channel shows in its traffic that messages disappear."""
        rooms = [b.room for _, b in self._r.book.rooms() if b.connector == channel.name]
        for room in rooms:
            try:
                posture = await connector.posture(room)
            except ConnectorError:
                continue
            if shows_running_timer(posture):
                return True
        return False

    async def _record(
        self, name: ConnectorName, record: dict[str, Json], actor: str, at: int
    ) -> None:
        statement = canonical_of(record)
        signed = json.dumps([statement.decode(), self._r.head_key.sign(DOMAIN + statement).hex()])

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO channel (connector, grade, changed_at) VALUES (?, ?, ?) "
                "ON CONFLICT (connector) DO UPDATE SET grade = excluded.grade, "
                "changed_at = excluded.changed_at",
                (name, signed, at),
            )
            body: dict[str, Json] = {"channel": name, "grade": record["grade"]}
            if record["real_server"] is not None:
                body |= {"real_server": True, "by": record["real_server"]}
            append(tx, HOME, Kind.CHANNEL_TESTED, body, at=at, actor=actor)

        await self._r.store.write(unit)


def _is_well(health: Health) -> bool:
    return health.up and health.code in WELL


async def inspected(channel: Channel) -> Sequence[Check]:
    """What stands between a channel and its network, where it can be looked at."""
    connector: object = channel.connector
    return await connector.inspect() if isinstance(connector, Inspects) else ()


def write_pause(tx: Tx, name: str, reason: str | None, kind: Kind, *, at: int, actor: str) -> None:
    """Has a channel stand still, or go on (no ``reason``), and states it."""
    tx.run(
        "INSERT INTO channel (connector, paused, changed_at) VALUES (?, ?, ?) "
        "ON CONFLICT (connector) DO UPDATE SET paused = excluded.paused, "
        "changed_at = excluded.changed_at",
        (name, reason, at),
    )
    body: dict[str, Json] = {"channel": name, "row": _pause(name, reason)}
    append(tx, HOME, kind, body, at=at, actor=actor)


def paused_of(tx: Tx, name: ConnectorName) -> str | None:
    """Why nothing goes out on a channel; a pause stands until the audit states its end."""
    row = tx.one("SELECT paused FROM channel WHERE connector = ?", (name,))
    paused: str | None = row[0] if row is not None else None
    kinds = (Kind.CHANNEL_PAUSED, Kind.CHANNEL_RESUMED)
    said = [e for e in stated(tx, HOME) if e.kind in kinds and e.body["channel"] == name]
    stands = bool(said) and said[-1].kind == Kind.CHANNEL_PAUSED
    if stands and said[-1].body["row"] != _pause(name, paused):
        return PAUSE_STANDS
    return paused


def _pause(name: str, paused: str | None) -> str:
    return commitment("channel", name, paused)


QUEUED = (
    "SELECT count(DISTINCT d.message_id) FROM delivery d INDEXED BY delivery_due "
    "CROSS JOIN message m USING (message_id) "
    "WHERE d.connector = ? AND d.state IN ('queued', 'started') "
    "AND (m.state = 'delivering' OR d.state = 'started' OR d.kind = 'undo')"
)
"""How many messages wait for a channel: to be sent there, or to be taken back. A message counts
once, however many rooms it goes to, and not while it is held: then it waits for a person. Read by
what waits alone: of a large deal nearly all is delivered."""


def _counts(tx: Tx, name: ConnectorName) -> tuple[int, int | None]:
    queued = tx.one(QUEUED, (name,))
    row = tx.one("SELECT grade FROM channel WHERE connector = ?", (name,))
    tested = json.loads(json.loads(row[0])[0])["at"] if row and row[0] else None
    return (queued[0] if queued else 0), tested


def recorded_grade(record: str | None, name: str, kind: str, public: bytes) -> Grade | None:
    """The grade of a signed record of this channel; None when there is none that stands.

    Args:
        record: as stored.
        name: the channel that it must be about.
        kind: the connector that it must be about.
        public: the home's public key (Ed25519, raw).
    """
    try:
        statement, signature = json.loads(record or "")
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(bytes.fromhex(signature), DOMAIN + statement.encode())
        said = json.loads(statement)
        about = (said["channel"], said["kind"])
        return Grade[said["grade"].upper()] if about == (name, kind) else None
    except (ValueError, TypeError, KeyError, AttributeError, InvalidSignature):
        return None
