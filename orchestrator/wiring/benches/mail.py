"""The bench's stage on a real Postfix, beside aiosmtplib and python-gnupg by themselves.

Rules kept here:

1. The bare side makes the calls that a program without us would make: a mail of RFC 3156, signed
   and sealed by python-gnupg, and `aiosmtplib.send` over TLS with a password. Its key is made as
   ours is, its agent has our settings, and it seals to the same adviser's key.
2. Its mailbox is under IDLE in a thread of its own, as ours is (``benches.channel``, rule 1).
3. The server is a process of its own: what the small one of the demo does would count as ours.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.encoders import encode_7or8bit
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.utils import formatdate, make_msgid
from pathlib import Path
from threading import Thread

import aiosmtplib
import gnupg
from imapclient import IMAPClient

from connectors.pgpmail.home import Home
from connectors.port import AccountId
from connectors.port.connector import Connector, ExchangesKeys, VerifiesPeers
from orchestrator.demo.adviser import Adviser
from orchestrator.demo.mailserver import MailServer, NoMailServer
from orchestrator.demo.mailside import clear_away, short_folder
from orchestrator.wiring.benches import ours
from orchestrator.wiring.benches.channel import Both, CannotBench, Side

_BOT, _BARE, _ANN = "bot@bench.test", "bare@bench.test", "ann@lawfirm.test"
_PASSWORD = "only-for-the-bench"  # noqa: S105 - of accounts that end with the run


@asynccontextmanager
async def pgpmail(folder: Path) -> AsyncIterator[Both]:
    """Postfix and Dovecot on loopback, and one adviser. Raises: CannotBench."""
    with _server() as server, _adviser(server) as ann:
        settings = {
            "address": _BOT,
            "home": str(server.folder.parent / "ours"),
            "smtp_host": "127.0.0.1",
            "smtp_port": server.submission,
            "imap_host": "127.0.0.1",
            "imap_port": server.imaps,
            "ca_file": str(server.ca_file),
        }
        values = {"passphrase": ours.key(), "smtp_password": _PASSWORD}
        async with contextlib.AsyncExitStack() as stack:
            connector = await stack.enter_async_context(
                ours.opened("pgpmail", settings, values, folder)
            )
            await _acquainted(connector, ann)
            rooms = await ours.rooms_of(connector, AccountId(_ANN))
            bare = await stack.enter_async_context(_bare(server, ann))
            mine = await ours.side(connector, rooms)
            name = "aiosmtplib and python-gnupg"
            yield Both("Postfix", mine, Side(name, bare.reads_and_sends), Side(name, bare.sends))


@contextmanager
def _server() -> Iterator[MailServer]:
    place = short_folder()
    server = MailServer(place / "mail", dict.fromkeys((_BOT, _BARE, _ANN), _PASSWORD))
    try:
        server.start()
        yield server
    except NoMailServer as error:
        raise CannotBench(str(error)) from None
    finally:
        server.stop()
        clear_away(place)


@contextmanager
def _adviser(server: MailServer) -> Iterator[Adviser]:
    ann = Adviser("ann", _ANN, server.folder.parent / "ann", server.mailbox(_ANN))
    ann.make_key()
    try:
        yield ann
    finally:
        ann.close()


async def _acquainted(connector: Connector, ann: Adviser) -> None:
    """Keys are exchanged, and hers is trusted without a call: it was made here a moment ago."""
    if not isinstance(connector, ExchangesKeys) or not isinstance(connector, VerifiesPeers):
        raise TypeError("the connector seals to nobody's key")
    account = AccountId(_ANN)
    device = await connector.take_key(account, ann.certificate().encode())
    await connector.trust(account, device)
    ann.take((await connector.own_certificate()).decode())


@dataclass(frozen=True, slots=True)
class _Bare:
    """The two libraries.

    Attributes:
        gpg: on a home of its own.
        own: fingerprint of its key.
        reader: fingerprint of the adviser's.
        phrase: of its key.
        port: of the submission server.
        trusted: the server's certificate.
    """

    gpg: gnupg.GPG
    own: str
    reader: str
    phrase: str = field(repr=False)
    port: int
    trusted: ssl.SSLContext

    async def reads_and_sends(self, text: str, room: int) -> None:
        """Looks at the adviser's key as it stands now, with its signatures, and sends."""
        found = await asyncio.to_thread(self.gpg.list_keys, keys=[self.reader], sigs=True)
        if [key["fingerprint"] for key in found] != [self.reader]:
            raise RuntimeError("gpg did not list the adviser's key")
        await self.sends(text, room)

    async def sends(self, text: str, room: int) -> None:
        """Seals and submits; a mail has no room."""
        del room
        mail = await asyncio.to_thread(self._sealed, text)
        await aiosmtplib.send(
            mail,
            sender=_BARE,
            recipients=[_ANN],
            hostname="127.0.0.1",
            port=self.port,
            username=_BARE,
            password=_PASSWORD,
            start_tls=True,
            tls_context=self.trusted,
        )

    def _sealed(self, text: str) -> MIMEMultipart:
        inner = EmailMessage()
        inner.set_content(text)
        sealed = self.gpg.encrypt(
            inner.as_bytes(),
            [self.reader],
            sign=self.own,
            passphrase=self.phrase,
            always_trust=True,
        )
        if not sealed.ok:
            raise RuntimeError("gpg did not seal for the bare client")
        mail = MIMEMultipart("encrypted", protocol="application/pgp-encrypted")
        mail["From"], mail["To"], mail["Subject"] = _BARE, _ANN, "..."
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="bench.test")
        for data, kind in ((b"Version: 1\n", "pgp-encrypted"), (sealed.data, "octet-stream")):
            mail.attach(MIMEApplication(data, kind, _encoder=encode_7or8bit))
        return mail


@asynccontextmanager
async def _bare(server: MailServer, ann: Adviser) -> AsyncIterator[_Bare]:
    phrase, place = ours.key(), server.folder.parent / "bare"
    home = Home(place, phrase)
    await home.open()
    try:
        own = await home.make_own("Bare", _BARE, 1)
        await home.take(ann.certificate().encode())
        ann.take((await home.export(own)).decode())
        trusted = ssl.create_default_context(cafile=str(server.ca_file))
        library = gnupg.GPG(gnupghome=str(place))
        with _listening(server, trusted):
            yield _Bare(library, own, ann.fingerprint(), phrase, server.submission, trusted)
    finally:
        await home.end()


@contextmanager
def _listening(server: MailServer, trusted: ssl.SSLContext) -> Iterator[None]:
    """The bare side's mailbox, open and waited on."""
    client = IMAPClient("127.0.0.1", server.imaps, ssl_context=trusted)
    client.login(_BARE, _PASSWORD)
    client.select_folder("INBOX", readonly=True)
    client.idle()
    waiting = Thread(target=_wait, args=(client,))
    waiting.start()
    try:
        yield
    finally:
        client.socket().shutdown(socket.SHUT_RDWR)
        waiting.join()
        client.shutdown()


def _wait(client: IMAPClient) -> None:
    """Takes note of what the server says, until the connection is ended."""
    with contextlib.suppress(OSError, IMAPClient.Error):
        while client.idle_check():
            continue
