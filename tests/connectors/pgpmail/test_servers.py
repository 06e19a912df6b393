"""On a real Postfix and Dovecot: the contract, their own traps, a large document."""

import asyncio
import secrets
import shutil
import smtplib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.pgpmail.submit import trusting
from connectors.port import RemoteId
from connectors.port.errors import Rejected, Unavailable
from connectors.port.messages import Attachment, Content, Delivery
from connectors.testing.rig import Rig
from orchestrator.demo.mailserver import MailServer, NoMailServer

from .conftest import (
    BOT,
    MEMBER,
    PASSWORD,
    PEOPLE,
    Adviser,
    Lab,
    Letter,
    MailFaults,
    MailRig,
    Mint,
    failing_gpg,
    serving,
    spec,
)
from .front import Front
from .test_contract import OF_THE_NETWORK, MailContract
from .test_mail import delivery

pytestmark = [pytest.mark.long, pytest.mark.real]

USERS = {BOT: PASSWORD, **{str(address): "not-ours" for address in PEOPLE.values()}}


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    folder = Path(f"/tmp/wx-{secrets.token_hex(3)}")  # noqa: S108 (short, as sockets lie in it)
    made = MailServer(folder, USERS)
    try:
        made.start()
    except NoMailServer as error:
        pytest.skip(str(error))
    yield made
    made.stop()
    shutil.rmtree(folder)


def post(server: MailServer, sender: str, recipient: str, data: bytes) -> None:
    """Hands a mail to Postfix as its sender."""
    local, _, domain = sender.partition("@")
    user = f"{local.partition('+')[0]}@{domain}"
    with smtplib.SMTP("127.0.0.1", server.submission, local_hostname="test") as smtp:
        smtp.starttls(context=trusting(server.ca_file))
        smtp.login(user, USERS[user])
        smtp.sendmail(sender, [recipient], data)


class RealLab(Lab):
    """The lab whose mails lie where Postfix put them."""

    server: MailServer

    def mails(self, address: str = MEMBER) -> list[bytes]:
        self.server.settle()
        box = self.server.mailbox(address)
        found = [path for name in ("new", "cur") for path in (box / name).glob("*")]
        return [path.read_bytes() for path in sorted(found, key=arrival)]

    def post(self, letter: Letter) -> RemoteId:
        """Until it lies in our mailbox: what is written has arrived."""
        name = super().post(letter)
        self.server.settle()
        return name

    async def direct(self, state: str = "direct", **settings: object) -> MailConnector:
        """An account at Postfix itself, without the front."""
        return await self.bot(state, smtp_port=self.server.submission, **settings)


def arrival(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


@pytest.fixture
async def real(
    server: MailServer,
    tmp_path: Path,
    adviser: Adviser,
    mint: Mint,
    certificate: tuple[Path, Path],
) -> AsyncIterator[RealLab]:
    """Postfix behind a front that hands on over TLS, and can fail."""
    server.settle()
    for user in USERS:
        for path in server.mailbox(user).glob("[nc][eu][wr]/*"):
            path.unlink()

    def hand_on(sender: str, recipient: str, data: bytes) -> None:
        post(server, sender, recipient, data)

    front = Front(hand_on)
    with serving(front, certificate) as port:
        both = tmp_path / "both.pem"
        both.write_bytes(certificate[0].read_bytes() + server.ca_file.read_bytes())
        made = RealLab(tmp_path, front, port, both, tmp_path / "none", adviser, mint)
        made.server = server
        made.mailbox = {"imap_host": "127.0.0.1", "imap_port": server.imaps}
        yield made
        for each in made.opened:
            await each.close()


class RealFaults(MailFaults):
    lab: RealLab

    async def cut_events(self) -> None:
        await asyncio.to_thread(self.lab.server.cut)


class TestOnPostfixAndDovecot(MailContract):
    patience: ClassVar[float] = 45.0
    excused: ClassVar[Mapping[str, str]] = OF_THE_NETWORK

    @pytest.fixture
    async def rig(self, real: RealLab) -> MailRig:
        bot = await real.bot(gpg=failing_gpg(real))
        made = MailRig(real, bot, await real.mailing(bot))
        made.faults = RealFaults(real)
        return made

    async def test_a_session_that_is_cut_while_it_waits_is_made_again(self, rig: Rig) -> None:
        async with self.listening(rig.connector, None) as stream:
            await anext(stream)
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.wait({waiting}, timeout=0.5)  # so that it idles
            await rig.faults.cut_events()
            written = await rig.far.write(rig.room, "after the cut")
            async with asyncio.timeout(self.patience):
                (event,) = (await waiting).events
        assert event.remote_id == written  # type: ignore[union-attr]


# --- the servers' own traps ----------------------------------------------------------------------


async def test_a_wrong_password_waits_for_a_person(real: RealLab) -> None:
    real.secrets = {"smtp_password": "not-the-password"}
    with pytest.raises(Unavailable) as caught:
        await real.direct()
    assert caught.value.code == "auth_refused"


async def test_a_forged_sender_and_an_unknown_address_are_refused_for_good(real: RealLab) -> None:
    bot = await real.direct(return_path=str(MEMBER))
    with pytest.raises(Rejected) as forged:
        await bot.send(delivery(await real.mailing(bot), Content("x")))
    assert forged.value.code == "smtp_553"
    for address in ("nobody@lawfirm.test", "x@else.test"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            post(real.server, BOT, address, b"Subject: x\r\n\r\nx\r\n")
    assert real.mails() == []


async def test_a_return_path_of_its_own_is_still_ours(real: RealLab) -> None:
    """Postfix takes user+token@domain as the user's (recipient_delimiter)."""
    bot = await real.direct()
    await bot.send(delivery(await real.mailing(bot), Content("x")))
    (mail,) = real.mails()
    path = mail.split(b"\n")[0]
    assert path.startswith(b"Return-Path: <bot+")
    sent = bot._open.ledger.bounced(path.partition(b"+")[2].partition(b"@")[0].decode())
    assert sent is not None
    assert sent.message.encode() in mail


async def test_a_mail_on_its_way_names_neither_this_machine_nor_a_program(real: RealLab) -> None:
    bot = await real.direct()
    await bot.send(delivery(await real.mailing(bot), Content("x")))
    (mail,) = real.mails()
    head = mail.partition(b"\r\n\r\n" if b"\r\n\r\n" in mail else b"\n\n")[0].lower()
    assert b"deal.test" in head
    named = (b"wallcross", b"python", b"gnupg", b"user-agent", b"x-mailer", b"autocrypt")
    assert not [word for word in named if word in head]


# --- a large document --------------------------------------------------------------------------

MB = 1_000_000


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def ends(folder: Path) -> Iterator[bytes]:
    """The last pieces of all files in a folder."""
    for path in folder.rglob("*"):
        with suppress(OSError), path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MB // 8))
            yield file.read(MB // 8)


async def test_a_document_of_100_mb_is_never_whole_in_memory_nor_in_the_clear_on_disk(
    real: RealLab, tmp_path: Path
) -> None:
    """It is also larger than the limit that Postfix has for mailboxes unless told otherwise."""
    bot = await real.direct(max_mail_bytes=200_000_000)
    room = await real.mailing(bot)
    canary = secrets.token_bytes(48)
    piece = (canary * (MB // 48 + 1))[:MB]

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield piece

    file = Attachment("model.bin", "application/octet-stream", 100 * MB, pieces)
    before, most, found = resident(), 0, False
    sending = asyncio.create_task(bot.send(delivery(room, Content("see", None, (file,)))))
    while not sending.done():
        await asyncio.wait({sending}, timeout=0.02)
        most = max(most, resident())
        found = found or any(canary in end for end in ends(tmp_path / "direct"))
    await sending
    assert most - before <= 150 * MB
    assert not found
    real.server.settle(120)
    (path,) = (real.server.mailbox(MEMBER) / "new").iterdir()
    assert 180_000_000 < path.stat().st_size < 200_000_000
    shown = real.adviser.run("--list-packets", data=path.read_bytes(), check=False)
    assert b"encrypted" in shown or b"mdc_method: 2" in shown


async def test_our_own_check_of_the_channel_goes_to_ourselves(real: RealLab) -> None:
    bot = await real.direct()
    room = await bot.create(spec())
    await bot.send(Delivery(delivery(room, Content("x")).key, room, Content("x"), frozenset()))
    assert len(await asyncio.to_thread(real.mails, BOT)) == 1
