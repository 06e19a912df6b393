"""One Wickr account as a connector: the parts put together, and nothing decided here.

Rules kept here:

1. What can only be heard once is on disk before anything else is done with it.
2. A room is read back from the web interface each time. What it answers 200 to and did not do is
   found by reading; what cannot be read is not claimed.
3. Every method raises ``ConnectorError`` or nothing.
"""

import asyncio
import secrets as random
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from connectors.port import AccountId, RoomId
from connectors.port.capabilities import Capabilities, Health, Posture
from connectors.port.connector import Check, Connector, Setup
from connectors.port.door import Door
from connectors.port.errors import ConnectorError, Unavailable, Unreadable
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Delivery,
    Member,
    MemberSnapshot,
    Presence,
    RoomSpec,
)
from connectors.port.posts import Said
from connectors.shared.probe import Probe
from connectors.shared.webhook import Posts, Webhook
from connectors.wickr import rooms
from connectors.wickr.account import Account
from connectors.wickr.answers import mapping
from connectors.wickr.callback import Callback
from connectors.wickr.client import Client, Credentials
from connectors.wickr.counted import Counted
from connectors.wickr.doctor import Doctor, Seen
from connectors.wickr.folder import Folder
from connectors.wickr.ids import Kind, kind_of
from connectors.wickr.ledger import Ledger
from connectors.wickr.outgoing import MAX_BODY
from connectors.wickr.receiver import Receiver
from connectors.wickr.sender import Sender
from connectors.wickr.settings import WickrSecrets, WickrSettings, read_setup
from connectors.wickr.spool import Spool
from connectors.wickr.steward import Steward
from connectors.wickr.watch import Watch
from connectors.wickr.windows import Windows

_HEALTH = 10.0
"""Seconds that a sign of life may take; other calls have the patience of the settings."""
_LEAVING = 0.8
"""Seconds for which the client is asked to keep what comes while we are away."""
_SECRET = 32


def open_connector(setup: Setup) -> Connector:
    """The connector for a Wickr account; nothing is listened to yet.

    Raises:
        Rejected: settings or secrets are refused, with all problems at once.
    """
    settings, secrets = read_setup(setup)
    return WickrConnector(setup, settings, secrets)


class WickrConnector:
    """One account on one web interface.

    Args:
        setup: as given to ``open_connector``.
        settings: its settings.
        secrets: its secrets.
        door: the only way out; made from the settings unless a test gives another.
    """

    def __init__(
        self,
        setup: Setup,
        settings: WickrSettings,
        secrets: WickrSecrets,
        door: Door | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._secrets = secrets
        self._door = door or Door([settings.opening])
        self._parts: _Parts | None = None
        self._opening = asyncio.Lock()
        self._seen_at: int | None = None

    @property
    def account(self) -> AccountId:
        """The bot's own name."""
        return AccountId(self._settings.user)

    @property
    def capabilities(self) -> Capabilities:
        """At best; costs no input or output."""
        standby = self._settings.standby
        return Capabilities(
            can=rooms.CAN,
            max_body_bytes=MAX_BODY,
            max_attachment_bytes=self._settings.max_attachment_bytes,
            idempotent_send=False,
            idempotent_for=0,
            re_offers=False,
            standby=None if standby is None else AccountId(standby),
        )

    @property
    def listens_on(self) -> int:
        """The port that the bot's client is to post to; 0 while closed, and where none is."""
        webhook = self._parts.webhook if self._parts is not None else None
        return webhook.port if webhook is not None else 0

    # --- opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        """Listens, empties the queue, and has the client post to us. Raises: ConnectorError."""
        async with self._opening:
            if self._parts is not None:
                return
            with _own_disk():
                parts = _Parts(self._setup, self._settings, self._secrets, self._door)
            try:
                with _own_disk():
                    await parts.start()
            except BaseException:
                await parts.close(in_order=parts.posted_to)
                raise
            self._parts = parts

    async def close(self) -> None:
        """Ends cleanly; prompt, and may be called twice."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.close(in_order=True)

    @property
    def _open(self) -> "_Parts":
        if self._parts is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._parts

    async def health(self) -> Health:
        """Whether the bot's client still answers behind the web interface.

        The program leaves this call unanswered where its client has no figures: that is down.
        """
        parts = self._parts
        if parts is None:
            return self._down("not_open", "open the channel")
        try:
            async with asyncio.timeout(_HEALTH):
                told = mapping(await parts.client.read("/Statistics"))
        except ConnectorError as error:
            return self._down(error.code, error.hint or "wait")
        except TimeoutError:
            return self._down("no_answer", "the web interface takes calls; its client is silent")
        if not mapping(told.get("statistics")):
            return self._down("no_statistics", "the client tells nothing of itself: see its log")
        self._seen_at = self._setup.now()
        return Health(up=True, code="ok", hint="", seen_at=self._seen_at)

    def _down(self, code: str, hint: str) -> Health:
        return Health(up=False, code=code, hint=hint, seen_at=self._seen_at)

    async def inspect(self) -> tuple[Check, ...]:
        """What an operator can see to at the bot."""
        parts = self._parts
        if parts is None:
            remedy = "see why it is closed: wallcross channel list"
            return (Check("bot reach", ok=False, hint="the channel is not open", remedy=remedy),)
        seen = Seen(
            posts=parts.watch.posts,
            polled=self._settings.receive == "poll",
            heard_at=parts.receiver.heard_at,
            sent=len(parts.ledger.uploads(self._setup.now())),
            burn_on_read=self._settings.burn_on_read or 0,
        )
        doctor = Doctor(parts.client, parts.account, parts.received, parts.uploads, seen)
        return await doctor.look()

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a secure room, or opens a private line. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.steward.create(spec)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Lets somebody in. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.invite(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.remove(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member a moderator, or one no more. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.set_admin(room, account, admin=admin)

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError."""
        with _own_disk():
            await self._open.steward.harden(room, spec)

    async def join(self, room: RoomId) -> None:
        """Reads that we are in: on Wickr nobody is asked before. Raises: ConnectorError."""
        if kind_of(room) is not Kind.LINE:
            await self._open.account.room(room)

    async def leave(self, room: RoomId) -> None:
        """Goes out for good, and reads back that we are out. Raises: ConnectorError."""
        await self._open.steward.leave(room)

    async def posture(self, room: RoomId) -> Posture:
        """Reads a room's settings back. Raises: Unreadable, Unavailable."""
        parts, at, kind = self._open, self._setup.now(), kind_of(room)
        if kind is None:
            raise Unreadable("room_form", "this is no room of Wickr")
        if kind is Kind.LINE:
            with _own_disk():
                asked = parts.ledger.asked(room)
            timer = None if asked is None else rooms.asked_of(asked.seconds, asked.at)
            return rooms.posture(room, kind, frozenset({self.account}), timer, at)
        found = await parts.account.room(room)
        return rooms.posture(room, kind, found.masters, rooms.timer_of(found.ttl, at), at)

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Reads a room's members back; Wickr shows no devices. Raises: Unreadable, Unavailable."""
        parts, at = self._open, self._setup.now()
        with _own_disk():
            seats, is_whole = await parts.account.seats(room)
        listed = tuple(
            Member(account, Presence.JOINED, admin) for account, admin in sorted(seats.items())
        )
        return MemberSnapshot(room, listed, complete=is_whole, read_at=at)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends once, to exactly the delivery's readers. Raises: ConnectorError."""
        with _own_disk():
            return await self._open.sender.send(delivery)

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until closed. Raises: ConnectorError."""
        with _own_disk():
            async with aclosing(self._open.receiver.receive(cursor)) as batches:
                async for batch in batches:
                    yield batch

    async def posted(self, secret: str, pieces: AsyncIterator[bytes]) -> Said:
        """Takes what comes through our API; nothing where a listener of our own is posted to."""
        posts = self._parts.posts if self._parts is not None else None
        return Said.WRONG_PATH if posts is None else await posts.posted(secret, pieces)

    async def hold_posts(self) -> None:
        """Has the client keep what comes, where it posts through our API."""
        if self._parts is not None and self._parts.posts is not None:
            await self._parts.watch.hold(_LEAVING)


@contextmanager
def _own_disk() -> Iterator[None]:
    """An error of our own files as an error of the port."""
    try:
        yield
    except sqlite3.Error:
        failed = True
    else:
        failed = False
    if failed:
        raise Unavailable("state_unusable", "the channel's state folder cannot be written")


class _Parts:
    """What an open connector is made of.

    What is watched goes over connections of its own: calls that hang must not look like an outage.
    """

    def __init__(
        self, setup: Setup, settings: WickrSettings, secrets: WickrSecrets, door: Door
    ) -> None:
        now, limit = setup.now, settings.max_attachment_bytes
        setup.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._setup, self._settings = setup, settings
        own = AccountId(settings.user)
        standby = None if settings.standby is None else AccountId(settings.standby)
        credentials = Credentials(
            secrets.api_key.get_secret_value(), secrets.auth_token.get_secret_value()
        )
        self.spool = Spool(setup.state, secrets.key)
        self.ledger = Ledger(setup.state)
        self.client = Client(settings.api, door, settings.patience, credentials)
        self._watching = Client(settings.api, door, settings.patience, credentials)
        self.received = Folder(settings.attachments, limit)
        self.uploads = Folder(settings.uploads, limit)
        self.account = Account(self.client, self.ledger, own)
        burns = settings.burn_on_read
        self.sender = Sender(self.client, self.account, self.ledger, now, limit, burns)
        self.steward = Steward(
            self.client, self.account, self.ledger, now, standby, settings.burn_on_read
        )
        self.receiver = Receiver(
            self._watching, self.ledger, self.spool, self.received, now, self._tell
        )
        self.windows = Windows(self.ledger, self.spool, now, self.receiver.came)
        self.webhook: Webhook | None = None
        self.posts: Posts | None = None
        self.posted_to = False
        self._paths = self.spool.paths()
        self._probe: Probe | None = None
        self.watch = self._watch("")

    def _tell(self, note: dict[str, Any]) -> None:
        self.windows.tell(note)

    def _watch(self, url: str) -> Watch:
        return Watch(
            self.receiver,
            self.windows,
            self.ledger,
            Callback(self._watching, url),
            self._probe,
            Counted(self._watching, self._setup.now),
            self.uploads,
            self._setup.now,
            self._settings.poll_every,
            self._settings.look_every,
        )

    async def start(self) -> None:
        """Listens, takes what waits, then has the client post here. Raises: ConnectorError."""
        through_api = self._settings.through_api
        if self._settings.receive == "callback":
            self.watch = self._watch(await self._listen())
        with self.receiver.queued_first():
            await self.receiver.drain()
            self.spool.keep_paths(self._paths)
            self.posted_to = self._probe is not None  # from now on the client may know of us
            await (self.watch.wait() if through_api else self.watch.set_up())
            await self.receiver.drain()  # what came to the queue before the callback was set
        self.windows.opened()
        self.watch.start()

    async def _listen(self) -> str:
        """Begins to take posts under a new path; the whole address of it.

        It is new each time, as the web interface writes it to its own log; the one before is still
        taken, for a client that was told no other yet.
        """
        settings, path = self._settings, random.token_urlsafe(_SECRET)
        self._paths = (path, *self._paths[:1])
        answered, now = self.windows.answered, self._setup.now
        posts = Posts(self._paths, self.receiver.take, answered, now)
        if settings.through_api:
            self.posts = posts
        else:
            self.webhook = Webhook(settings.listen, settings.listen_port, posts)
            await self.webhook.start()
        port = 0 if self.webhook is None else self.webhook.port
        host = f"[{settings.listen}]" if ":" in settings.listen else settings.listen
        base = (settings.reached_at or f"http://{host}:{port}").rstrip("/")
        self._probe = Probe(base, path, private=settings.private_address, anew=True)
        return f"{base}/{path}"

    async def close(self, *, in_order: bool = False) -> None:
        """Ends everything; what was stored stays.

        Args:
            in_order: the client is to keep what comes until we are back.
        """
        self.receiver.stop()
        await self.watch.stop()
        if in_order:
            await self.watch.take_down(_LEAVING)
        if self._probe is not None:
            await self._probe.close()
        if self.webhook is not None:
            await self.webhook.stop()
        await self.client.close()
        await self._watching.close()
        self.spool.close()
        self.ledger.close()
