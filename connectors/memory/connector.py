"""The memory network's connector: the reference for every other.

Rule kept here: what cannot go is refused before the first byte is written; who may read is checked
by the network in the step that stores the message; nothing is called done that was not answered.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from hashlib import sha256

from pydantic import ValidationError

from connectors.memory import inbound, outgoing, translate
from connectors.memory.calls import Calls, refused
from connectors.memory.handler import Handler, Session
from connectors.memory.links import Address, LocalLink, SocketLink
from connectors.memory.network import shared
from connectors.memory.settings import Settings
from connectors.memory.steering import Steering
from connectors.memory.trust import NEVER, TRUSTED, TrustStore
from connectors.memory.wire import BrokenError, JsonObject, Link, NotSentError, Refusal
from connectors.port import (
    AccountId,
    DeliveryKey,
    Evidence,
    Guarantee,
    Holding,
    RemoteId,
    RoomId,
    Source,
)
from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.connector import Connector, Setup
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Attachment,
    Delivery,
    Device,
    Member,
    MemberSnapshot,
    RoomSpec,
)

LONG_WAIT = 25.0
"""Seconds that a question for events may stay open."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between two tries to reach the network for events."""


def open_connector(setup: Setup) -> Connector:
    """The factory that the registry names; ``open`` is still to be called.

    Raises:
        Rejected: the settings are not right; the hint names each.
    """
    try:
        settings = Settings.model_validate(dict(setup.settings))
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    else:
        return MemoryConnector(setup, settings)
    raise Rejected("bad_settings", "; ".join(wrong))


class MemoryConnector(Steering):
    """One account on one memory network.

    Args:
        setup: name, folder and clock.
        settings: its table of the configuration.
    """

    def __init__(self, setup: Setup, settings: Settings) -> None:
        self._now = setup.now
        self._settings = settings
        self._account = AccountId(settings.account)
        self._trust = TrustStore(setup.state / "trust.json")
        self._capabilities = _promised(settings)
        self._closed = asyncio.Event()
        self._heard: tuple[int, int] | None = None
        self._seen_at: int | None = None
        self._link: Link | None = None
        self._events: Link | None = None

    def __repr__(self) -> str:
        return f"MemoryConnector({self._account!r})"

    @property
    def account(self) -> AccountId:
        """Our own account."""
        return self._account

    @property
    def capabilities(self) -> Capabilities:
        """As the settings promise; ``open`` compares them with the network."""
        return self._capabilities

    async def open(self) -> None:
        """Signs in and compares promises. Raises: Unavailable, Rejected."""
        try:
            self._trust.load()
        except (OSError, ValueError):
            broken = True
        else:
            broken = False
        if broken:
            raise Rejected("trust_unreadable", "restore trust.json or verify every device again")
        self._closed.clear()
        features = await self._connect()
        self._compare(features)

    async def _connect(self) -> JsonObject:
        calls = Session(self._account)
        events = Session(self._account, events=True)
        where, timeout = self._settings.address, self._settings.timeout
        if where is None:
            handler = Handler(shared(self._settings.network))
            local = LocalLink(handler, calls, timeout)
            self._link, self._events = local, LocalLink(handler, events, timeout)
            return local.features
        address = Address.parse(where)
        link = SocketLink(address, calls, timeout)
        self._link, self._events = link, SocketLink(address, events, timeout)
        try:
            return await link.greet()
        except NotSentError:
            error = Unavailable("unreachable", "start the network or correct its address")
        raise error

    def _compare(self, features: JsonObject) -> None:
        """A promise that the network does not keep is refused, not discovered later."""
        for name in ("idempotent_for", "max_body_bytes", "max_attachment_bytes"):
            there = features.get(name)
            if not isinstance(there, int) or getattr(self._settings, name) > there:
                raise Rejected("promise_not_kept", f"{name}: set at most {there}")

    async def close(self) -> None:
        """Ends every call at once."""
        self._closed.set()
        for link in (self._link, self._events):
            if link is not None:
                await link.close()

    def _calls(self) -> Calls:
        if self._link is None or self._closed.is_set():
            raise Unavailable("closed", "open the connector first")
        return Calls(self._link, self._note_time)

    def _note_time(self, time: int) -> None:
        self._heard = (time, self._now())

    def network_time(self) -> tuple[int, int] | None:
        """The network's time and ours when it was heard."""
        return self._heard

    async def health(self) -> Health:
        """Asks for a sign of life."""
        try:
            await self._calls().ask("ping", {}, partial(translate.need, name="account", kind=str))
        except ConnectorError as error:
            return Health(up=False, code=error.code, hint=error.hint, seen_at=self._seen_at)
        self._seen_at = self._now()
        return Health(up=True, code="", hint="", seen_at=self._seen_at)

    # rooms

    async def posture(self, room: RoomId) -> Posture:
        """Reads settings, and devices where they are a guarantee. Raises: ConnectorError."""
        at = self._now()
        told = self._settings.guarantees - self._settings.untold
        read = partial(translate.posture, room, self._account, told, at)
        found = await self._calls().ask("posture", {"room": room}, read)
        if Guarantee.DEVICES_VERIFIED not in told or not await self._all_trusted(room):
            return found
        shown = Holding(Guarantee.DEVICES_VERIFIED, Evidence.VERIFIED, Source.CRYPTOGRAPHY, at)
        return replace(found, holdings=(*found.holdings, shown))

    async def _all_trusted(self, room: RoomId) -> bool:
        """Every device of everybody but ourselves; a list that is not whole shows nothing."""
        try:
            snapshot = await self.members(room)
        except Unreadable:
            return False
        others = [m for m in snapshot.members if m.account != self._account]
        return snapshot.complete and all(self._trusted(member) for member in others)

    def _trusted(self, member: Member) -> bool:
        held = member.devices
        return bool(held) and all(self._trust.trusts(member.account, d) for d in held or ())

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads members and devices. Raises: NoRoom, Unreadable, Unavailable."""
        at = self._now()
        read = partial(translate.snapshot, room, read_at=at)
        snapshot = await self._calls().ask("members", {"room": room}, read)
        if snapshot.complete and self._account not in {m.account for m in snapshot.members}:
            raise Unreadable("own_seat_missing", "the list says that it is whole, and lacks us")
        if self._settings.unsafe_trust_first_seen:
            self._trust_new(snapshot)
        return snapshot

    def _trust_new(self, snapshot: MemberSnapshot) -> None:
        new = [m for m in snapshot.members if m.devices and not self._trust.knows(m.account)]
        if new:
            self._keep({m.account: m.devices or frozenset() for m in new}, TRUSTED)

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room, closed before the first member is in. Raises: ConnectorError."""
        standby = self._settings.standby
        if standby is not None and not spec.direct:
            spec = replace(spec, owners=spec.owners | {AccountId(standby)})
        fields = translate.create_fields(spec, self._settings.guarantees)
        read = partial(translate.need, name="room", kind=str)
        return RoomId(await self._calls().act("create", fields, read))

    # messages

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once. Raises: ConnectorError."""
        return await self._post(delivery, None)

    async def edit(self, room: RoomId, message: RemoteId, delivery: Delivery) -> Accepted:
        """Replaces a message of ours. Raises: ConnectorError."""
        return await self._post(replace(delivery, room=room), message)

    async def _post(self, delivery: Delivery, edits: RemoteId | None) -> Accepted:
        calls = self._calls()
        outgoing.check(delivery, self._capabilities)
        files = [await self._bring(calls, each) for each in delivery.content.attachments]
        marked = delivery.attempt > 1 and not self._settings.idempotent_for
        fields = translate.send_fields(delivery, files, self._trust.never(), marked=marked)
        fields["edits"] = edits
        read = partial(translate.accepted, readers=delivery.readers)
        return await calls.act("send", fields, read)

    async def _bring(self, calls: Calls, attachment: Attachment) -> JsonObject:
        """Uploads a file and compares what arrived. Raises: ConnectorError."""
        hashed = sha256()
        answer = await calls.upload(outgoing.measured(attachment, hashed.update))
        if answer.get("sha256") != hashed.hexdigest() or not isinstance(answer.get("file"), str):
            raise Unavailable("file_damaged", "the file arrived as another; send it again")
        named = {"name": attachment.name, "media_type": attachment.media_type}
        return named | {"file": answer["file"]}

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the network has it. Raises: Unavailable, Unreadable."""
        return await self._calls().ask("find", {"room": room, "key": key}, _found)

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for removal. Raises: ConnectorError."""
        read = partial(translate.need, name="redacted", kind=str)
        await self._calls().act("redact", {"room": room, "message": message}, read)

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Reads back whether the content is still handed out. Raises: Unavailable, Unreadable."""
        read = partial(translate.need, name="gone", kind=bool)
        return await self._calls().ask("peek", {"room": room, "message": message}, read)

    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yields batches after ``cursor``; for None an empty one first, whose cursor is now.

        Raises: Rejected.
        """
        position = _position(cursor)
        pause = FIRST_PAUSE
        while not self._closed.is_set() and self._events is not None:
            batch = await self._next(self._events, position)
            if batch is None:
                await self._rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if batch.events or position is None:
                yield batch
            position = int(batch.cursor)

    async def _next(self, link: Link, position: int | None) -> Batch | None:
        """The next events, or None after a disturbance. Raises: ConnectorError."""
        fields = {"after": position, "wait": LONG_WAIT}
        try:
            answer = await link.call("sync", fields)
            return inbound.batch(answer, self._account, self._attachment)
        except Refusal as refusal:
            error = refused(refusal)
        except (NotSentError, BrokenError, translate.BadAnswerError):
            return None
        if isinstance(error, Unavailable):
            return None
        raise error

    async def _rest(self, seconds: float) -> None:
        """Waits, but not past ``close``."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return

    def _attachment(self, file: JsonObject) -> Attachment:
        return Attachment(
            name=translate.need(file, "name", str),
            media_type=translate.need(file, "media_type", str),
            size=translate.need(file, "size", int),
            open=partial(self._fetch, translate.need(file, "file", str)),
        )

    async def _fetch(self, file: str) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._calls().fetch(file)) as stream:
            async for piece in stream:
                yield piece

    # keys

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged, Unavailable, Unreadable."""
        fields = {"account": account}
        there = await self._calls().ask("devices", fields, _devices)
        if device not in there:
            raise IdentityChanged("key_differs", "compare the keys again, with the person")
        self._keep({account: frozenset({device})}, TRUSTED)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to. Raises: Unavailable."""
        self._keep({account: frozenset({device})}, NEVER)

    def _keep(self, held: Mapping[AccountId, frozenset[Device]], verdict: str) -> None:
        try:
            self._trust.put(held, verdict)
        except OSError:
            kept = False
        else:
            kept = True
        if not kept:
            raise Unavailable("trust_not_kept", "make the connector's folder writable")


def _promised(settings: Settings) -> Capabilities:
    return Capabilities(
        can=settings.guarantees,
        max_body_bytes=settings.max_body_bytes,
        max_attachment_bytes=settings.max_attachment_bytes,
        idempotent_send=settings.idempotent_for > 0,
        idempotent_for=settings.idempotent_for,
        re_offers=True,
        standby=None if settings.standby is None else AccountId(settings.standby),
    )


def _devices(answer: JsonObject) -> frozenset[Device]:
    return translate.devices(answer.get("devices"))


def _found(answer: JsonObject) -> Accepted | None:
    if "found" not in answer:
        raise translate.BadAnswerError("found")
    found = translate.maybe(answer, "found", dict)
    return None if found is None else translate.accepted(found, None)


def _position(cursor: str | None) -> int | None:
    """Raises: Rejected."""
    if cursor is not None and not cursor.isdecimal():
        raise Rejected("cursor_unknown", "the cursor is not one of this connector")
    return None if cursor is None else int(cursor)
