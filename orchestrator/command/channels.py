"""Channel accounts: listed, paused, and tested live in this installation.

Rule kept here: a grade is earned by what was read back here, is signed, and is taken from its
signed record at each start; a row that was edited by hand earns nothing.
"""

import json
import time
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.port.capabilities import Posture
from connectors.port.connector import Connector, CreatesRooms, UndoesMessages
from connectors.port.errors import ConnectorError
from connectors.port.messages import Content, Delivery, RoomSpec
from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.granted import commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.runtime import Channel, Runtime, must_live
from orchestrator.deals.book import HOME
from orchestrator.deals.stated import PAUSE_STANDS
from orchestrator.ids import new_id
from orchestrator.store.unit import Tx
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import ConnectorName, DeliveryKey
from tiers.policy import Grade

_FIT = frozenset(
    {Guarantee.END_TO_END_ENCRYPTED, Guarantee.INVITE_ONLY, Guarantee.MEMBERS_READABLE}
)
_TIMER = 86_400_000_000
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
        why = channel.why if health is None else None if health.up else health.code
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
        )

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
        """Lets it go on, if it answers."""
        channel = self._channel(name)
        health = await channel.connector.health() if channel.connector else None
        if health is None or not health.up:
            raise Refused(
                f"{name} does not answer ({health.code if health else channel.why})",
                still="It stays paused; messages wait here.",
                then=f"wallcross channel test {name}",
            )
        await self._set_paused(name, None, Kind.CHANNEL_RESUMED, actor)
        channel.paused = None
        await self._wake_all(name)
        return await self._channel_view(channel)

    async def _wake_all(self, name: ConnectorName) -> None:
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

        def unit(tx: Tx) -> None:
            tx.run(
                "INSERT INTO channel (connector, paused, changed_at) VALUES (?, ?, ?) "
                "ON CONFLICT (connector) DO UPDATE SET paused = excluded.paused, "
                "changed_at = excluded.changed_at",
                (name, reason, at),
            )
            body: dict[str, Json] = {"channel": name, "row": _pause(name, reason)}
            append(tx, HOME, kind, body, at=at, actor=actor)

        await self._r.store.write(unit)

    async def channel_test(self, name: ConnectorName, *, actor: str) -> views.ChannelTest:
        """Own room, own message, read back, taken back; recorded and signed."""
        channel = self._channel(name)
        if channel.connector is None:
            raise Refused(f"{name} is not open ({channel.why})", then="wallcross doctor")
        steps, posture = await _run(channel.connector)
        grade = _earned(channel.kind, posture) if all(s.ok for s in steps) else Grade.NONE
        at = self._r.now()
        record: dict[str, Json] = {
            "channel": name,
            "kind": channel.kind,
            "grade": grade.name.lower(),
            "at": at,
            "steps": [{"name": s.name, "ok": s.ok} for s in steps],
        }
        await self._record(name, record, actor, at)
        channel.grade = self._r.grades[name] = grade
        return views.ChannelTest(channel=name, grade=grade.name.lower(), at=at, steps=tuple(steps))

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
            append(tx, HOME, Kind.CHANNEL_TESTED, body, at=at, actor=actor)

        await self._r.store.write(unit)


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


def _pause(name: ConnectorName, paused: str | None) -> str:
    return commitment("channel", name, paused)


def _counts(tx: Tx, name: ConnectorName) -> tuple[int, int | None]:
    queued = tx.one(
        "SELECT count(*) FROM delivery WHERE connector = ? AND state IN ('queued', 'started')",
        (name,),
    )
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


def _earned(kind: str, posture: Posture | None) -> Grade:
    """fit: timer, encryption and members by read-back; field: a real server, less than that.

    A network in memory is a simulator, whatever it answers.
    """
    if kind == "memory":
        return Grade.LAB
    if posture is None:
        return Grade.FIELD
    held = {h.guarantee for h in posture.holdings if h.evidence is Evidence.VERIFIED}
    timer = any(h.guarantee is Guarantee.TIMER and h.value for h in posture.holdings)
    return Grade.FIT if held >= _FIT and timer else Grade.FIELD


async def _run(connector: Connector) -> tuple[list[views.Step], Posture | None]:
    steps: list[views.Step] = []
    clock = time.monotonic()
    posture: Posture | None = None

    def step(name: str, text: str, *, ok: bool) -> None:
        nonlocal clock
        took, clock = time.monotonic() - clock, time.monotonic()
        steps.append(views.Step(name=name, ok=ok, observed_by="server", seconds=took, text=text))

    try:
        health = await connector.health()
        step("signed in", health.code, ok=health.up)
        if not isinstance(connector, CreatesRooms):
            step("own room", "this network makes no rooms", ok=False)
            return steps, None
        spec = RoomSpec("Room check", frozenset(), frozenset(), _TIMER, gate=False)
        room = await connector.create(spec)
        posture = await connector.posture(room)
        step("own room, settings read back", f"{len(posture.holdings)} guarantees", ok=True)
        members = await connector.members(room)
        alone = members.complete and {m.account for m in members.members} == {connector.account}
        step("members read back", f"{len(members.members)} member", ok=alone)
        key = DeliveryKey(new_id("wx"))
        content = Content("Channel check. Nothing to do.")
        accepted = await connector.send(Delivery(key, room, content, frozenset()))
        step("own message", "accepted", ok=True)
        if isinstance(connector, UndoesMessages):
            await connector.undo(room, accepted.remote_id)
            gone = await connector.is_gone(room, accepted.remote_id)
            step("taken back, seen gone", "read back", ok=gone)
    except ConnectorError as error:
        step("failed", error.code, ok=False)
    return steps, posture
