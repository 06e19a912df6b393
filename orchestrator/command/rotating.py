"""Another secret of a channel account: proven with its network first, then kept and in force.

Rules kept here:

1. Nothing begins on the channel meanwhile, and what is under way is waited for; of what takes
   longer the network is asked afterwards, as after a crash. What waits goes on afterwards; what was
   written meanwhile is fetched from where the channel's cursor stands.
2. The new value counts once the network took it and named the same account. Else the channel is
   opened with the old one again, and that is said.
3. What we have a network take ourselves is kept under a name of its own before the network is
   asked: a crash in between loses neither value, and the next start tries both.
4. A value is in no output, log, audit entry or error. The entry names the secret and its reference.
"""

import asyncio
import secrets as randomness
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from connectors.port.connector import Connector
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.renewal import PASSWORD, ProvesSecrets, SetsPassword
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import page
from orchestrator.client.problems import Failed, Missing, Partly, Refused, Unready, Wrong
from orchestrator.client.rotating import Rotated
from orchestrator.command.channels import Channels
from orchestrator.command.runtime import Channel, Runtime, must_live
from orchestrator.config.model import ChannelPart
from orchestrator.deals.book import HOME
from orchestrator.secrets.reference import parse, put, resolve
from orchestrator.secrets.secret import SecretError
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName

if TYPE_CHECKING:
    from orchestrator.secrets.port import SecretStore

STILL = "The old value is in force."
PENDING = "rotating"
"""Begins the name of a value that a network may have taken and that is not in force yet."""
QUIET_S, LOOK_S = 10.0, 0.05
"""For how long what is under way is waited for, and how often it is looked at."""
LOOKED_AT = 500
_UNDER_WAY = "SELECT count(*) FROM delivery WHERE connector = ? AND state = 'started'"


@dataclass(frozen=True, slots=True)
class _Rotation:
    """What is asked for."""

    channel: Channel
    part: ChannelPart
    secret: str
    actor: str
    value: str = field(default="", repr=False)

    @property
    def reference(self) -> str:
        return self.part.secrets[self.secret]

    @property
    def ours(self) -> bool:
        """Whether we write where it is kept."""
        return parse(self.reference).scheme == "keyring"


class Rotating:
    """Implements ``orchestrator.api.port_rotating.RotateAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def channel_rotate(
        self,
        name: ConnectorName,
        secret: str | None,
        value: str | None,
        *,
        make: bool,
        only_look: bool,
        actor: str,
    ) -> Rotated:
        """Puts another secret of a channel account in force.

        Args:
            name: of the channel.
            secret: its name in the settings; None where there is one alone that may be changed.
            value: the new one, where we keep it; None to read it from where its reference leads.
            make: makes it here, and has the network take it.
            only_look: says what could be done.
            actor: who asks.

        Raises:
            Wrong, Missing: it names nothing that can be changed so.
            Refused: this one is not changed by another value; the network takes it not, or for
                another account.
            Unready: a secret of it is being changed already.
            Partly: it is in force and could not be kept.
        """
        must_live(self._r)
        asked = _asked(self._r, name, secret, actor)
        if only_look:
            return await _looked(self._r, asked)
        return await Turn(self._r, asked).run(value, make=make)


class Turn:
    """One change of one secret."""

    def __init__(self, runtime: Runtime, asked: _Rotation) -> None:
        self._r = runtime
        self._a = asked
        self._was = asked.channel.connector.account if asked.channel.connector else None

    async def run(self, value: str | None, *, make: bool) -> Rotated:
        """Changes it; whatever goes wrong, the channel goes on with the old one."""
        if self._r.reopen is None or self._a.channel.rotating:
            raise Unready(f"a secret of {self._a.channel.name} is being changed already")
        new = self._made() if make else self._given(value)
        self._a.channel.rotating = True
        try:
            await self._quiet()
            if make:
                await self._told(new)
            await self._opened(new, made=make)
        finally:
            self._a.channel.rotating = False
            await Channels(self._r).wake_all(self._a.channel.name)
        await self._kept(new, made=make)
        channel = self._a.channel
        account = channel.connector.account if channel.connector is not None else None
        return Rotated(
            channel=channel.name,
            secret=self._a.secret,
            reference=self._a.reference,
            state="changed",
            made=make,
            account=account,
            paused=channel.paused,
        )

    def _given(self, value: str | None) -> str:
        scheme = parse(self._a.reference).scheme
        if self._a.ours:
            if not value:
                raise Wrong("The new value is missing", still=STILL)
            return value
        if value is not None or scheme == "env":
            raise Refused(
                f"its value is kept by other means ({scheme}:)",
                still=STILL,
                then="put it there, then call this without a value"
                + ("; env: is read at a start alone: start serve anew" if scheme == "env" else ""),
            )
        try:
            return resolve(self._a.reference, self._r.secrets).reveal_text()
        except SecretError as error:
            raise Failed(str(error), still=STILL) from None

    def _made(self) -> str:
        if not (self._a.ours and self._a.secret == PASSWORD and _sets(self._a.channel)):
            raise Refused(
                f"{self._a.channel.name} lets nobody set its {self._a.secret} from here",
                still=STILL,
                then="change it at the network, then call this with the new value",
            )
        return randomness.token_urlsafe(32)

    async def _quiet(self) -> None:
        """Waits a while for what is under way there; nothing begins meanwhile."""
        name, tries = self._a.channel.name, int(QUIET_S / LOOK_S)
        for _ in range(tries if self._a.channel.connector is not None else 0):
            row = await self._r.store.read(lambda tx: tx.one(_UNDER_WAY, (name,)))
            if row is None or not row[0]:
                return
            await asyncio.sleep(LOOK_S)

    async def _told(self, new: str) -> None:
        """Writes the new value down, then has the network take it."""
        connector: object = self._a.channel.connector
        name = pending_name(self._a)
        self._r.secrets.set(name, new.encode())
        try:
            if isinstance(connector, SetsPassword):
                await connector.set_password(new)
        except Rejected as error:
            self._r.secrets.delete(name)
            raise Refused(
                f"the network does not take another one from us ({coded(error.code)})",
                still=STILL,
                then="change it at the network, then call this with the new value",
            ) from None
        except ConnectorError:
            return  # whether it took it is seen by opening with it

    async def _opened(self, new: str, *, made: bool) -> None:
        """Opens the channel with the new value, else with the old one again."""
        reopen, channel = self._r.reopen, self._a.channel
        if reopen is None:
            raise Unready("the channels are not open here")
        why = await reopen(channel.name, {self._a.secret: new}, self._proves)
        if why is None:
            return
        if made and channel.connector is not None:
            await self._unmade(channel.connector)
        closed = "It is closed, as the old one fails too."
        still = STILL if channel.connector is not None else closed
        raise Refused(
            f"{channel.name} is not opened by the new value ({why})",
            still=still,
            then="put that right, then call it again; wallcross channel list",
        )

    async def _unmade(self, connector: Connector) -> None:
        """Forgets what the network certainly did not take: the old value still proves itself."""
        try:
            await proves(connector)
        except ConnectorError:
            return  # both stay: the next start tries them
        self._r.secrets.delete(pending_name(self._a))

    async def _proves(self, connector: Connector) -> None:
        """The network takes the new value, for the account that it was."""
        if self._was is not None and connector.account != self._was:
            raise Rejected("other_account", "it is of another account: that is another channel")
        if self._was is None and not await self._is_in(connector):
            raise Rejected("other_account", "nothing shows that it is the same account")
        await proves(connector)

    async def _is_in(self, connector: Connector) -> bool:
        """Whether the rooms of a channel that was closed have this account in them."""
        rooms = [b.room for _, b in self._r.book.rooms() if b.connector == self._a.channel.name]
        if not rooms:
            return True
        members = (await connector.members(rooms[0])).members
        return connector.account in {m.account for m in members}

    async def _kept(self, new: str, *, made: bool) -> None:
        try:
            await keep(self._r, self._a, new if self._a.ours else None, made=made)
        except SecretError as error:
            raise Partly(
                f"{self._a.channel.name} goes on with the new value, which could not be kept",
                still="The next start reads the old one.",
                then=f"wallcross secret set {self._a.reference}",
                details=[str(error)],
            ) from None


async def keep(runtime: Runtime, asked: _Rotation, value: str | None, *, made: bool) -> None:
    """Puts a proven value where its reference leads, and states that it is in force.

    Raises:
        SecretError: it could not be kept.
    """
    if value is not None:
        put(asked.reference, value.encode(), runtime.secrets)
    at, name = runtime.now(), asked.channel.name
    body: dict[str, Json] = {
        "channel": name,
        "secret": asked.secret,
        "kept": parse(asked.reference).scheme,
        "reference": _noted(asked.reference),
        "made": made,
    }
    actor = asked.actor
    await runtime.store.write(
        lambda tx: append(tx, HOME, Kind.CHANNEL_ROTATED, body, at=at, actor=actor)
    )
    runtime.secrets.delete(pending_name(asked))


async def proves(connector: Connector) -> None:
    """Has a connector show that its secrets sign in, and that its network answers.

    Raises: ConnectorError.
    """
    if isinstance(connector, ProvesSecrets):
        await connector.prove_secrets()
    health = await connector.health()
    if not health.up:
        raise Unavailable(health.code, health.hint)


def pending_name(asked: _Rotation) -> str:
    """Where a value lies that a network may have taken."""
    return f"{PENDING}/{asked.channel.name}/{asked.secret}"


def pending_of(
    channel: Channel, part: ChannelPart, vault: "SecretStore", actor: str
) -> tuple[_Rotation, str] | None:
    """A value of a channel that its network may have taken before a crash."""
    asked = _Rotation(channel, part, PASSWORD, actor)
    kept = vault.get(pending_name(asked)) if PASSWORD in part.secrets else None
    return None if kept is None else (asked, kept.reveal_text())


def rotations(tx: Tx) -> dict[tuple[str, str], int]:
    """When each secret of a channel was changed last, microseconds UTC."""
    found: dict[tuple[str, str], int] = {}
    for entry in page(tx, HOME, limit=LOOKED_AT, kinds=(str(Kind.CHANNEL_ROTATED),)).entries:
        key = (str(entry.body["channel"]), str(entry.body["secret"]))
        found[key] = max(found.get(key, 0), entry.at)
    return found


def secrets_since(tx: Tx, secrets: Mapping[str, AbstractSet[str]]) -> dict[tuple[str, str], int]:
    """Since when each secret of some channels is in use, where that is known.

    One that was never changed is as old as the first test of its channel here, at least.

    Args:
        tx: a unit of work.
        secrets: by channel, the names of those that another value changes.
    """
    changed, first = rotations(tx), dict[str, int]()
    for entry in page(tx, HOME, limit=LOOKED_AT, kinds=(str(Kind.CHANNEL_TESTED),)).entries:
        first[str(entry.body["channel"])] = entry.at
    found: dict[tuple[str, str], int] = {}
    for name in sorted(secrets):
        for secret in sorted(secrets[name]):
            at = changed.get((name, secret), first.get(name))
            if at is not None:
                found[name, secret] = at
    return found


def _noted(reference: str) -> str:
    """A reference as an entry may hold it: itself, or its digest where it is a path or a line."""
    digest = f"sha256:{sha256(reference.encode()).hexdigest()}"
    return reference if coded(reference) == reference else digest


def _asked(runtime: Runtime, name: ConnectorName, secret: str | None, actor: str) -> _Rotation:
    channel = runtime.channels.get(name)
    part = runtime.settings.config.channels.get(name)
    if channel is None or part is None:
        raise Missing(f"no channel {name} is configured", then="wallcross channel list")
    fixed = channel.fixed
    may = sorted(part.secrets.keys() - fixed.keys())
    if secret is None and len(may) == 1:
        secret = may[0]
    if secret is None:
        told = ", ".join(may) or "none"
        raise Wrong(f"Say which secret: {told}", still=STILL, then="--secret NAME")
    if secret not in part.secrets:
        raise Missing(f"{name} has no secret {secret}", still=STILL, then="wallcross secret list")
    if secret in fixed:
        raise Refused(
            f"{secret} is not changed by another value",
            still=STILL,
            then=fixed[secret],
        )
    return _Rotation(channel, part, secret, actor)


def _sets(channel: Channel) -> bool:
    return isinstance(channel.connector, SetsPassword)


async def _looked(runtime: Runtime, asked: _Rotation) -> Rotated:
    known = await runtime.store.read(rotations)
    channel = asked.channel
    return Rotated(
        channel=channel.name,
        secret=asked.secret,
        reference=asked.reference,
        state="as it was",
        account=channel.connector.account if channel.connector is not None else None,
        paused=channel.paused,
        can_make=asked.ours and asked.secret == PASSWORD and _sets(channel),
        last=known.get((channel.name, asked.secret)),
    )
