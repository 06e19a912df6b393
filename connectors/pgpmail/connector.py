"""One PGP mail account as a connector: the parts put together, and nothing decided here.

Rules kept here:

1. One room is one mailing: one adviser, one key, one mail for each message. Its name is random
   and known to nobody but us.
2. A room's posture follows from the adviser's key as it stands at the reading: without a key that
   may be used nothing is held but that we know whom we write to.
3. Our own key is made once and named ever after; another in its place is refused.
4. Every method raises ``ConnectorError`` or nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from connectors.pgpmail import sender as sending
from connectors.pgpmail.doctor import Doctor
from connectors.pgpmail.gate import Usable
from connectors.pgpmail.home import Home
from connectors.pgpmail.inbox_open import mailbox_of
from connectors.pgpmail.keyring import KEY, Keyring
from connectors.pgpmail.ledger import Ledger
from connectors.pgpmail.mailings import Mailings
from connectors.pgpmail.settings import (
    MailSecrets,
    MailSettings,
    read_setup,
    same_address,
)
from connectors.pgpmail.submit import Submission, trusting
from connectors.port import AccountId, DeliveryKey, Evidence, Guarantee, Holding, RoomId, Source
from connectors.port.capabilities import Capabilities, Health, Posture, Undo
from connectors.port.connector import Check, Connector, Setup
from connectors.port.door import Door
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Delivery,
    Device,
    Member,
    MemberSnapshot,
    Presence,
    RoomSpec,
)
from connectors.port.words import words_of

_OF_THE_KEY = (
    Guarantee.ENCRYPTED_IN_TRANSIT,
    Guarantee.END_TO_END_ENCRYPTED,
    Guarantee.INVITE_ONLY,
    Guarantee.NO_PUBLIC_LINK,
    Guarantee.HISTORY_HIDDEN,
    Guarantee.DEVICES_VERIFIED,
)
"""What a mail to one usable, compared key has, and a mail without one has not."""
_YEARS = 3
_KEPT_FOR = 400 * 24 * 3600 * 1_000_000


def open_connector(setup: Setup) -> Connector:
    """The connector for a PGP mail account; nothing is opened yet.

    Raises:
        Rejected: settings or secrets are refused, with all problems at once.
    """
    settings, secret = read_setup(setup)
    return MailConnector(setup, settings, secret)


class MailConnector:
    """One mail account and its keys.

    Args:
        setup: as given to ``open_connector``.
        settings: its settings.
        secret: its secrets.
        door: the only way out; made from the settings unless a test gives another.
    """

    def __init__(
        self,
        setup: Setup,
        settings: MailSettings,
        secret: MailSecrets,
        door: Door | None = None,
    ) -> None:
        self._setup = setup
        self._settings = settings
        self._secret = secret
        places = [each for each in (settings.submission, settings.mailbox) if each is not None]
        self._door = door or Door(places)
        self._parts: _Parts | None = None
        self._opening = asyncio.Lock()
        self._seen_at: int | None = None

    def __repr__(self) -> str:
        return f"MailConnector({self.account!r})"

    @property
    def account(self) -> AccountId:
        """Our own mail address."""
        return AccountId(self._settings.address)

    @property
    def capabilities(self) -> Capabilities:
        """At best; costs no input or output."""
        return Capabilities(
            can=frozenset({*_OF_THE_KEY, Guarantee.MEMBERS_READABLE}),
            max_body_bytes=sending.most_text(self._settings),
            max_attachment_bytes=sending.most_file(self._settings),
            idempotent_send=False,
            idempotent_for=0,
            re_offers=True,
            most_members=1,
        )

    # --- opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        """Opens the keys and signs in at the mail server. Raises: ConnectorError."""
        async with self._opening:
            if self._parts is not None:
                return
            parts = await _Parts.made(self._setup, self._settings, self._secret, self._door)
            try:
                await parts.submission.greet()
            except BaseException:
                await parts.close()
                raise
            self._seen_at = self._setup.now()
            self._parts = parts

    async def close(self) -> None:
        """Ends cleanly, the agent that holds our key too."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.close()

    @property
    def _open(self) -> "_Parts":
        if self._parts is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._parts

    async def health(self) -> Health:
        """Whether the servers take our account, either way, and our own key can be used."""
        parts = self._parts
        if parts is None:
            return Health(up=False, code="not_open", hint="open the channel", seen_at=None)
        try:
            await parts.submission.greet()
            self._seen_at = self._setup.now()
            await parts.keyring.own(self.account, parts.own.key)
        except ConnectorError as error:
            hint = error.hint or "wait"
            return Health(up=False, code=error.code, hint=hint, seen_at=self._seen_at)
        trouble = parts.inbox.trouble
        hint = "" if trouble is None else "the mailbox cannot be read; what comes in waits there"
        return Health(trouble is None, trouble or "ok", hint, self._seen_at)

    async def inspect(self) -> tuple[Check, ...]:
        """Keys that do not stand, or end soon."""
        parts = self._parts
        if parts is None:
            remedy = "see why it is closed: wallcross channel list"
            return (Check("keys", ok=False, hint="the channel is not open", remedy=remedy),)
        contacts = parts.ledger.contacts()
        return await Doctor(parts.keyring, self.account, parts.own.key, contacts).look()

    # --- rooms ----------------------------------------------------------------------------------

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a mailing to one adviser; to nobody named, it goes to ourselves.

        Raises:
            Rejected: more than one is named, or what is named is no mail address.
        """
        return self._open.mailings.make(spec)

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Has a mailing go to its adviser again. Raises: ConnectorError."""
        self._open.mailings.let_in(room, account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Has nothing more sealed to the adviser in this mailing. Raises: ConnectorError."""
        self._open.mailings.put_out(room, account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Refused: nobody but us has a say over a mailing. Raises: Rejected, Unreadable."""
        known = self._open.mailings.account_of(room)
        what = "make" if admin else "unmake"
        whom = "its adviser" if same_address(account) == same_address(known) else "this address"
        raise Rejected("no_admins", f"a mailing has no admins: we cannot {what} {whom} one")

    async def posture(self, room: RoomId) -> Posture:
        """What the adviser's key, as it stands now, makes of his mailing. Raises: Unreadable."""
        parts, at = self._open, self._setup.now()
        account = parts.mailings.goes_to(room)
        usable = account is not None and await self._is_usable(account)
        held = [*(_OF_THE_KEY if usable else ()), Guarantee.MEMBERS_READABLE]
        return Posture(
            room=room,
            holdings=tuple(
                Holding(each, Evidence.VERIFIED, Source.CRYPTOGRAPHY, at) for each in held
            ),
            gate=True,
            read=True,
            undo=Undo.NONE,
            undo_for=None,
            admins=frozenset({self.account}),
            read_at=at,
        )

    async def _is_usable(self, account: AccountId) -> bool:
        """Whether a mail to an address can be sealed now. Raises: ConnectorError."""
        parts = self._open
        if parts.mailings.is_own(account):
            return True
        return isinstance(await parts.keyring.verdict(account), Usable)

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Ourselves and the one adviser, with the keys that his address has. Raises: Unreadable."""
        parts, at = self._open, self._setup.now()
        account = parts.mailings.goes_to(room)
        ours = Member(self.account, Presence.JOINED, admin=True, devices=frozenset({parts.own}))
        listed = [ours]
        if account is not None and not parts.mailings.is_own(account):
            devices = await parts.keyring.devices(account)
            listed.append(Member(account, Presence.JOINED, admin=False, devices=devices))
        return MemberSnapshot(room, tuple(listed), complete=True, read_at=at)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, delivery: Delivery) -> Accepted:
        """Sends one mail to the mailing's adviser. Raises: ConnectorError."""
        return await self._open.sender.send(delivery)

    async def seal(
        self, delivery: Delivery, take: Callable[[AsyncIterator[bytes]], Awaitable[None]]
    ) -> Accepted:
        """Makes the same mail and gives it to ``take``; nothing goes out. Raises as ``send``."""
        return await self._open.sender.seal(delivery, take)

    async def receive(self, cursor: str | None) -> AsyncGenerator[Batch, None]:
        """Yields batches after ``cursor`` until closed. Raises: ConnectorError."""
        async with aclosing(self._open.inbox.receive(cursor)) as batches:
            async for batch in batches:
                yield batch

    async def came_back(self, key: DeliveryKey) -> bool:
        """Whether a mail to ourselves has come in since the start, and was verified."""
        return self._open.inbox.came_back(key)

    # --- keys -----------------------------------------------------------------------------------

    async def take_key(self, account: AccountId, certificate: bytes) -> Device:
        """Imports an adviser's certificate as a proposal; ``trust`` makes it his.

        Args:
            account: his address, which must stand on it.
            certificate: armoured or binary.

        Raises:
            Rejected: it is not one public certificate of that address.
        """
        return await self._open.keyring.take(account, certificate)

    async def key_ends(self, account: AccountId) -> int | None:
        """When nothing can be sealed to an address any more; 0: now, None: never."""
        parts = self._open
        if parts.mailings.is_own(account):
            return await parts.keyring.own_ends(account, parts.own.key)
        return await parts.keyring.ends(account)

    async def own_certificate(self) -> bytes:
        """Our certificate in armour, for advisers to import. Raises: Unavailable."""
        parts = self._open
        return await parts.home.export(parts.own.key)

    @staticmethod
    def words(device: Device) -> tuple[str, ...]:
        """A key's fingerprint as words to be read out and compared."""
        return words_of(device.key)

    async def trust(self, account: AccountId, device: Device) -> None:
        """Pins a key that was compared. Raises: IdentityChanged when it is another."""
        parts = self._open
        if parts.mailings.is_own(account) and device == parts.own:
            return
        await parts.keyring.trust(account, device)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Bars a key for ever."""
        self._open.keyring.distrust(account, device)


class _Parts:
    """What one opened account consists of."""

    def __init__(
        self,
        setup: Setup,
        settings: MailSettings,
        secret: MailSecrets,
        door: Door,
        home: Home,
        ledger: Ledger,
        own: str,
    ) -> None:
        self.home = home
        self.ledger = ledger
        self.own = Device(KEY, own)
        self.mailings = Mailings(ledger, AccountId(settings.address), setup.now)
        self.keyring = Keyring(home, ledger, setup.now)
        context = trusting(settings.ca_file)
        self.submission = Submission(
            door,
            settings.submission,
            starttls=settings.smtp_tls == "starttls",
            user=settings.user,
            password=secret.smtp_password.get_secret_value(),
            domain=settings.domain,
            context=context,
            silence=settings.silence,
        )
        spool = _spool(setup.state)
        self.sender = sending.Sender(
            settings, home, self.keyring, ledger, self.submission, spool, self.own, setup.now
        )
        folders = (settings.home or setup.state / "gnupg", setup.state)
        self.inbox = mailbox_of(settings, secret, door, ledger, self.own, folders, setup.now)

    @classmethod
    async def made(
        cls, setup: Setup, settings: MailSettings, secret: MailSecrets, door: Door
    ) -> "_Parts":
        """Opens the folders and our key. Raises: ConnectorError."""
        folder = settings.home or setup.state / "gnupg"
        home = Home(folder, secret.passphrase.get_secret_value(), settings.gpg)
        sending.empty(_spool(setup.state))
        await home.open()
        ledger = None
        try:
            ledger = Ledger(setup.state)
            ledger.forget_before(setup.now() - _KEPT_FOR)
            own = await _own_key(home, ledger, settings)
            return cls(setup, settings, secret, door, home, ledger, own)
        except BaseException:
            if ledger is not None:
                ledger.close()
            await home.end()
            raise

    async def close(self) -> None:
        """Ends the connections, the stream of mails, the database and the agent."""
        await self.submission.close()
        await self.inbox.close()
        self.ledger.close()
        await self.home.end()


def _spool(state: Path) -> Path:
    return state / "spool"


async def _own_key(home: Home, ledger: Ledger, settings: MailSettings) -> str:
    """Fingerprint of our key, made at the very first start.

    Raises:
        Rejected: the key that advisers know is not there, or another stands in its place.
    """
    present = [each.fingerprint for each in await home.own_keys()]
    wanted = settings.fingerprint or ledger.own_key()
    if wanted is None and not present:
        wanted = await home.make_own(settings.name or "Wallcross", settings.address, _YEARS)
    elif wanted is None:
        wanted = present[0] if len(present) == 1 else None
    elif wanted not in present:
        raise Rejected("own_key_missing", "our private key is not in gpg's folder: restore it")
    if wanted is None:
        raise Rejected("own_key_ambiguous", "gpg's folder has several: name one as fingerprint")
    ledger.keep_own_key(wanted)
    return wanted
