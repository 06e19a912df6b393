"""A mail server that can fail, our connector on it, and advisers with keyrings of their own."""
# ruff: noqa: ARG002 (a rig's verbs and a server's hooks have the names that their callers know)

import asyncio
import contextlib
import secrets
import shutil
import socket
import sqlite3
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, Message, MIMEPart
from email.utils import formatdate, parseaddr
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import gnupg
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.pgpmail.connector import MailConnector, open_connector
from connectors.pgpmail.home import Home
from connectors.pgpmail.judge.judge import digest_of
from connectors.pgpmail.keyring import Keyring
from connectors.pgpmail.layout import unmarked
from connectors.pgpmail.ledger import Ledger
from connectors.port import AccountId, ConnectorName, Guarantee, RemoteId, RoomId
from connectors.port.connector import Setup
from connectors.port.messages import RoomSpec
from connectors.testing.rig import Arrived, CannotError
from orchestrator import clock

from .front import Front, Server, into_maildirs

BOT, MEMBER = AccountId("bot@deal.test"), AccountId("counsel@lawfirm.test")
PASSWORD, PASSPHRASE = "only-for-the-test", "a phrase only for the test"
REPEATED = "(may be a repetition)"


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front.deal.test")])
    today = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    crt, private = folder / "crt.pem", folder / "key.pem"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return crt, private


# --- a mail server that can fail --------------------------------------------------------------


def _signed_in(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    fits = isinstance(data, LoginPassword)
    fits = fits and (data.login, data.password) == (BOT.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False)


@contextlib.contextmanager
def serving(front: Front, certificate: tuple[Path, Path], **options: Any) -> Iterator[int]:
    """Runs a server for a front; its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    secure = {"require_starttls": True, "tls_context": context, "auth_require_tls": True}
    options = {**secure, "auth_required": True, "authenticator": _signed_in, **options}
    server = Server(front, hostname="127.0.0.1", port=0, data_size_limit=100_000_000, **options)
    with socket.socket() as probe:  # the library connects to the port that it was given
        probe.bind(("127.0.0.1", 0))
        server.port = probe.getsockname()[1]
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


# --- advisers ------------------------------------------------------------------------------------


@dataclass
class Adviser:
    """Somebody else's gpg: makes keys, opens what he got, writes. Made when it is first used."""

    place: Path
    template: Path | None = None

    @classmethod
    def at(cls, home: Path, *, template: Path | None = None) -> "Adviser":
        return cls(home, template)

    @cached_property
    def home(self) -> Path:
        if self.template is not None:
            left_out = shutil.ignore_patterns("S.*", "*.lock", ".#*")
            shutil.copytree(self.template, self.place, ignore=left_out)
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.place

    @cached_property
    def library(self) -> gnupg.GPG:
        options = ["--pinentry-mode", "loopback", "--trust-model", "always"]
        return gnupg.GPG(gnupghome=str(self.home), options=options)

    def run(self, *args: str, data: bytes = b"", check: bool = True) -> bytes:
        """gpg with arguments of its own."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--pinentry-mode", "loopback"]
        command += ["--passphrase", "", "--trust-model", "always", "--no-tty", *args]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout

    def key(self, address: str, *, name: str = "Anna") -> str:
        """A new key for an address."""
        made = self.library.gen_key(
            self.library.gen_key_input(
                key_type="EDDSA",
                key_curve="ed25519",
                key_usage="sign,cert",
                subkey_type="ECDH",
                subkey_curve="cv25519",
                subkey_usage="encrypt",
                name_real=name,
                name_email=address,
                expire_date="1y",
                no_protection=True,
            )
        )
        assert made.fingerprint, made.stderr
        return str(made.fingerprint)

    def certificate(self, fingerprint: str) -> bytes:
        return self.run("--armor", "--export", fingerprint)

    def opened(self, mail: bytes, signer: str) -> EmailMessage:
        """The inner mail, after all that must hold of it."""
        outer = message_from_bytes(mail, policy=policy.default)
        version, sealed = outer.iter_parts()
        assert version.get_content_type() == "application/pgp-encrypted"
        done = self.library.decrypt(payload(sealed))
        assert (done.ok, done.valid, done.pubkey_fingerprint) == (True, True, signer), done.stderr
        inner = message_from_bytes(done.data, policy=policy.default)
        assert isinstance(inner, EmailMessage)
        return inner

    def end(self) -> None:
        if "home" in vars(self):
            subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True)


@dataclass(frozen=True)
class Mint:
    """Homes and keys that are made once and copied for each test.

    Attributes:
        bot: our own state at its very start.
        acquainted: the same, with the member's key taken in and compared.
    """

    bot: Path
    acquainted: Path
    bot_key: str
    adviser: Path
    keys: dict[str, str]


PEOPLE = {"member": MEMBER, "again": MEMBER, "banker": AccountId("banker@bank.test")}


@pytest.fixture(scope="session")
def mint(tmp_path_factory: pytest.TempPathFactory) -> Mint:
    if shutil.which("gpg") is None:
        pytest.skip("no gpg: run `make env`, or install gnupg")
    folder = tmp_path_factory.mktemp("mint")
    (folder / "bot").mkdir(mode=0o700)
    bot = asyncio.run(_bots_home(folder / "bot"))
    adviser = Adviser.at(folder / "far")
    keys = {who: adviser.key(address, name=f"Anna {who}") for who, address in PEOPLE.items()}
    adviser.run("--import", data=bot[1])
    acquainted = folder / "acquainted"
    shutil.copytree(folder / "bot", acquainted, ignore=shutil.ignore_patterns("S.*"))
    asyncio.run(_meets(acquainted, adviser.certificate(keys["member"])))
    adviser.end()
    return Mint(folder / "bot", acquainted, bot[0], adviser.home, keys)


async def _bots_home(folder: Path) -> tuple[str, bytes]:
    home = Home(folder / "gnupg", PASSPHRASE)
    await home.open()
    made = await home.make_own("Wallcross", BOT, 3)
    certificate = await home.export(made)
    await home.end()
    return made, certificate


async def _meets(state: Path, certificate: bytes) -> None:
    """The member's key is taken in and compared, as ``take_key`` and ``trust`` do it."""
    home, ledger = Home(state / "gnupg", PASSPHRASE), Ledger(state)
    await home.open()
    keyring = Keyring(home, ledger, clock.now)
    await keyring.trust(MEMBER, await keyring.take(MEMBER, certificate))
    await home.end()
    ledger.close()


@dataclass(frozen=True)
class Letter:
    """What an adviser writes to us.

    Attributes:
        to_key: sealed to this key instead of ours.
    """

    text: str
    subject: str = "Re: Message"
    file: tuple[str, bytes] | None = None
    answers: str | None = None
    to_key: str | None = None


@dataclass(frozen=True)
class Posted:
    """A letter on its way.

    Attributes:
        message: its Message-ID.
        name: what we will call it.
    """

    message: str
    name: RemoteId
    mail: bytes


def written(adviser: Adviser, letter: Letter, signer: str, to_key: str) -> Posted:
    """A letter as a usual mail client sends it (RFC 3156, RFC 9788)."""
    name = f"<{secrets.token_hex(12)}@lawfirm.test>"
    outer = EmailMessage(policy=policy.SMTP)
    inner = EmailMessage(policy=policy.SMTP)
    inner.set_content(letter.text, cte="base64")
    if letter.file is not None:
        file, data = letter.file
        inner.add_attachment(data, "application", "octet-stream", filename=file)
    for mail, subject in ((inner, letter.subject), (outer, "[...]")):
        mail["From"], mail["To"], mail["Subject"] = MEMBER, BOT, subject
        mail["Date"], mail["Message-ID"] = formatdate(), name
        if letter.answers is not None:
            mail["In-Reply-To"] = letter.answers
    inner.set_param("hp", "cipher", header="Content-Type")
    sealed = adviser.run(
        *("--sign", "--encrypt", "--armor", "--local-user", signer, "--recipient", to_key),
        data=inner.as_bytes(),
    )
    outer.add_header("Content-Type", "multipart/encrypted", protocol="application/pgp-encrypted")
    version, body = MIMEPart(policy=policy.SMTP), MIMEPart(policy=policy.SMTP)
    version["Content-Type"] = "application/pgp-encrypted"
    version.set_payload("Version: 1\r\n")
    body["Content-Type"] = "application/octet-stream"
    body.set_payload(sealed.decode().replace("\n", "\r\n"))
    outer.set_payload([version, body])
    outer.set_boundary(f"=_{secrets.token_hex(12)}")
    whole, readable = outer.as_bytes(), letter.to_key is None
    digest = digest_of(signer, inner.as_bytes(), None)
    return Posted(name, RemoteId(digest if readable else sha256(whole).hexdigest()), whole)


# --- the lab -------------------------------------------------------------------------------------


@dataclass
class Lab:
    """One server, one connector's folder, one adviser's gpg."""

    folder: Path
    front: Front
    port: int
    ca_file: Path
    boxes: Path
    adviser: Adviser
    mint: Mint
    acquainted: bool = False
    twice: bool = False
    mailbox: dict[str, object] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    names: dict[str, RemoteId] = field(default_factory=dict)
    opened: list[MailConnector] = field(default_factory=list)

    def setup(self, state: str = "bot", **settings: object) -> Setup:
        folder = self.folder / state
        if not folder.exists():
            template = self.mint.acquainted if self.acquainted else self.mint.bot
            shutil.copytree(template, folder, ignore=shutil.ignore_patterns("S.*"))
        return Setup(
            name=ConnectorName("mail"),
            settings={
                "address": BOT,
                "smtp_host": "127.0.0.1",
                "smtp_port": self.port,
                "ca_file": str(self.ca_file),
                **(self.mailbox or {"maildir": str(self.boxes / BOT)}),
                **settings,
            },
            secrets={"passphrase": PASSPHRASE, "smtp_password": PASSWORD, **self.secrets},
            state=folder,
            now=clock.now,
        )

    async def bot(self, state: str = "bot", **settings: object) -> MailConnector:
        connector = open_connector(self.setup(state, **settings))
        assert isinstance(connector, MailConnector)
        await connector.open()
        self.opened.append(connector)
        return connector

    async def mailing(
        self, bot: MailConnector, who: str = "member", *, pinned: bool = True
    ) -> RoomId:
        """A mailing to one of ``PEOPLE``, his key imported and, if so, pinned."""
        address = PEOPLE[who]
        device = await bot.take_key(address, self.adviser.certificate(self.mint.keys[who]))
        if pinned:
            await bot.trust(address, device)
        return await bot.create(spec(address))

    def post(self, letter: Letter) -> RemoteId:
        """Puts a letter of the member's into our mailbox; what we will call it."""
        key = letter.to_key or self.mint.bot_key
        posted = written(self.adviser, letter, self.mint.keys["member"], key)
        self.names[posted.message] = posted.name
        for _ in range(1 + self.twice):
            self.front.deliver(MEMBER, BOT, posted.mail)
        return posted.name

    def mails(self, address: str = MEMBER) -> list[bytes]:
        """What lies in a mailbox, in the order of arrival."""
        box = self.boxes / address / "new"
        return [p.read_bytes() for p in sorted(box.iterdir())] if box.exists() else []


def spec(*members: AccountId) -> RoomSpec:
    return RoomSpec(secrets.token_hex(8), frozenset(members), frozenset(), None, gate=True)


@pytest.fixture
def adviser(tmp_path: Path, mint: Mint) -> Iterator[Adviser]:
    made = Adviser.at(tmp_path / "far", template=mint.adviser)
    yield made
    made.end()


@pytest.fixture
async def lab(
    tmp_path: Path, certificate: tuple[Path, Path], adviser: Adviser, mint: Mint
) -> AsyncIterator[Lab]:
    boxes = tmp_path / "boxes"
    front = Front(into_maildirs(boxes))
    with serving(front, certificate) as port:
        made = Lab(tmp_path, front, port, certificate[0], boxes, adviser, mint)
        yield made
        for each in made.opened:
            await each.close()


def sent_by(inner: EmailMessage) -> tuple[str | None, str, bool]:
    """Author, text and whether it is marked, as a mail client with our layout reads them."""
    part = next(p for p in inner.iter_parts() if not p.is_attachment())
    text = payload(part).decode()
    if part.get_param("hp-legacy-display") == "1":
        _, _, text = text.partition("\n\n")
    repeated = inner["Wallcross-Repetition"] == "yes"
    author = inner["Wallcross-Author"]
    if author is None:
        return None, text.removeprefix(f"{REPEATED}\n\n") if repeated else text, repeated
    first, _, block = text.partition("\n")
    assert first == (f"{author} {REPEATED}" if repeated else author)
    return str(author), unmarked(block), repeated


def files_of(inner: EmailMessage) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(part.get_filename()), sha256(payload(part)).hexdigest())
        for part in inner.iter_attachments()
    )


def payload(part: Message) -> bytes:
    """The bytes of a part."""
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


# --- the contract's rig --------------------------------------------------------------------------


@dataclass
class MailFaults:
    lab: Lab

    def _spoil(self, kind: str, answer: str = "") -> None:
        self.lab.front.spoils.append((kind, answer))

    async def refuse(self) -> None:
        self._spoil("rcpt", "550 5.1.1 nobody of that name")

    async def unavailable(self) -> None:
        self._spoil("data", "451 4.3.0 not now")

    async def rate_limit(self, retry_after: int) -> None:
        self._spoil("rcpt", f"450 4.7.1 too many, try again in {retry_after // 1_000_000} seconds")

    async def cut_before(self) -> None:
        self._spoil("cut before")

    async def cut_after(self) -> None:
        self._spoil("cut after")

    async def answer_nothing(self) -> None:
        self._spoil("nothing")

    async def answer_garbage(self) -> None:
        self._spoil("garbage", "welcome to the portal")

    async def slow(self) -> None:
        self._spoil("slow")

    async def partial_members(self) -> None:
        raise CannotError

    async def unreadable_members(self) -> None:
        (self.lab.folder / "gpg-fails").touch()

    async def unreadable_posture(self) -> None:
        await self.unreadable_members()

    async def muddle(self, how: str) -> None:
        """A mailing is read from our own ledger and keyring; gpg alone can fail."""
        assert how
        await self.unreadable_members()

    async def ignore_timer(self) -> None:
        raise CannotError

    async def act_refused(self) -> None:
        raise CannotError

    async def act_limited(self, retry_after: int) -> None:
        raise CannotError

    async def act_cut_before(self) -> None:
        raise CannotError

    async def act_cut_after(self) -> None:
        raise CannotError

    async def act_does_nothing(self) -> None:
        raise CannotError

    async def act_slow(self) -> None:
        raise CannotError

    async def departure_unnoticed(self) -> None:
        raise CannotError

    async def cut_events(self) -> None:
        raise CannotError

    async def duplicate_events(self) -> None:
        self.lab.twice = True

    async def go_down(self) -> None:
        self.lab.front.down = True

    async def come_back(self) -> None:
        self.lab.front.down = False


@dataclass
class MailFar:
    """The adviser, whose gpg is the truth."""

    lab: Lab
    rig: "MailRig"
    member: AccountId = MEMBER
    seen: dict[bytes, Arrived] = field(default_factory=dict)

    async def arrived(self, room: RoomId) -> tuple[Arrived, ...]:
        return await asyncio.to_thread(self._arrived)

    def _arrived(self) -> tuple[Arrived, ...]:
        mails = self.lab.mails(self.member)
        self.seen |= {mail: self._one(mail) for mail in mails if mail not in self.seen}
        return tuple(self.seen[mail] for mail in mails)

    def _one(self, mail: bytes) -> Arrived:
        inner = self.lab.adviser.opened(mail, self.lab.mint.bot_key)
        assert parseaddr(inner["To"])[1] == self.member
        author, text, marked = sent_by(inner)
        answered = inner["In-Reply-To"]
        return Arrived(
            RemoteId(str(inner["Message-ID"])),
            text,
            author,
            inner["Wallcross-Delivery"],
            marked,
            None if answered is None else self.lab.names[str(answered)],
            files_of(inner),
        )

    async def write(
        self, room: RoomId, text: str, *, file: tuple[str, bytes] | None = None
    ) -> RemoteId:
        return await self._post(Letter(text, file=file))

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        return await self._post(Letter("x", to_key=self.lab.mint.keys["banker"]))

    async def write_direct(self, text: str) -> RemoteId:
        return await self._post(Letter(text))

    async def answer(self, room: RoomId, to: RemoteId, text: str) -> RemoteId:
        return await self._post(Letter(text, answers=to))

    async def _post(self, letter: Letter) -> RemoteId:
        return await asyncio.to_thread(self.lab.post, letter)

    async def edit(self, room: RoomId, message: RemoteId, text: str) -> RemoteId:
        raise CannotError

    async def take_back(self, room: RoomId, message: RemoteId) -> None:
        raise CannotError

    async def let_in_stranger(self, room: RoomId) -> AccountId:
        """Somebody with our disk points the mailing at another address."""
        stranger = AccountId("stranger@elsewhere.test")
        database = self.rig.connector._open.ledger._db
        with database:
            database.execute("UPDATE room SET address = ? WHERE room = ?", (stranger, room))
        return stranger

    async def add_device(self) -> None:
        fresh = self.lab.mint.keys["again"]
        await self.rig.connector.take_key(self.member, self.lab.adviser.certificate(fresh))

    async def change_key(self) -> None:
        await self.add_device()

    async def set_timer(self, room: RoomId, timer: int | None) -> None:
        raise CannotError

    async def loosen(self, room: RoomId, guarantee: Guarantee) -> None:
        """His key is revoked, and the certificate that says so reaches us."""
        if guarantee is Guarantee.MEMBERS_READABLE:
            raise CannotError
        adviser, fingerprint = self.lab.adviser, self.lab.mint.keys["member"]
        text = (adviser.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        adviser.run("--import", data=text.replace(":-----BEGIN", "-----BEGIN").encode())
        await self.rig.connector.take_key(self.member, adviser.certificate(fingerprint))

    async def newcomer(self) -> AccountId:
        """The one whom a mailing can let in: its own adviser, who was put out of it before."""
        await self.rig.connector.remove(self.rig.room, self.member)
        return self.member

    async def comes_in(self, account: AccountId, room: RoomId) -> None:
        """Nobody is asked: what is sealed to him is what he gets."""
        assert account in await self.seated(room)

    async def seated(self, room: RoomId) -> frozenset[AccountId]:
        """As it stands on disk: no server knows who a mailing goes to."""
        with sqlite3.connect(self.lab.folder / "bot" / "mail.db") as database:
            rows = database.execute(
                "SELECT address FROM room WHERE room = ? AND room NOT IN (SELECT room FROM ended)",
                (room,),
            ).fetchall()
        database.close()
        return frozenset({BOT, *(AccountId(address) for (address,) in rows)})

    async def no_room(self) -> RoomId:
        return RoomId("mailing-" + "0" * 32)

    async def put_us_out(self, room: RoomId) -> None:
        raise CannotError("a mailing is our own: nobody else could put us out")

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        return tuple(each.text for each in await self.arrived(room))


@dataclass
class MailRig:
    lab: Lab
    connector: MailConnector
    room: RoomId

    def __post_init__(self) -> None:
        self.far = MailFar(self.lab, self)
        self.faults = MailFaults(self.lab)

    async def with_standby(self) -> AccountId:
        raise CannotError("a mailing has no admins who could stand by")

    async def reopen(self) -> MailConnector:
        await self.connector.close()
        self.connector = await self.lab.bot(gpg=failing_gpg(self.lab))
        return self.connector


def failing_gpg(lab: Lab) -> str:
    """gpg behind a switch that makes it fail once."""
    switch = lab.folder / "gpg-fails"
    program = lab.folder / "gpg"
    if not program.exists():
        program.write_text(
            f'#!/bin/sh\nif [ -e "{switch}" ]; then rm "{switch}"; exit 99; fi\nexec gpg "$@"\n'
        )
        program.chmod(0o700)
    return str(program)


@pytest.fixture
async def rig(lab: Lab) -> MailRig:
    lab.acquainted = True
    bot = await lab.bot(gpg=failing_gpg(lab))
    return MailRig(lab, bot, await bot.create(spec(MEMBER)))
