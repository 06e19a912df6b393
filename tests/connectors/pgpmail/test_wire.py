"""The way to the mail server, and gpg's home: each thing that was seen to go wrong there."""

import asyncio
import logging
import os
import secrets
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from connectors.pgpmail.connector import MailConnector, open_connector
from connectors.pgpmail.home import Home
from connectors.pgpmail.sessions import Sessions
from connectors.pgpmail.settings import MailSettings
from connectors.pgpmail.submit import Mail, Submission, trusting
from connectors.port import AccountId, ConnectorName, DeliveryKey, RoomId
from connectors.port.connector import Setup
from connectors.port.door import Door, Opening
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.port.messages import Content, Delivery, Reader
from orchestrator import clock

from .conftest import BOT, MEMBER, PASSPHRASE, PASSWORD, Lab, serving, spec
from .front import Front, into_maildirs


async def refusal(lab: Lab, state: str = "other", **settings: object) -> str:
    """Why an account with these settings does not open."""
    with pytest.raises(ConnectorError) as caught:
        await lab.bot(state, **settings)
    return caught.value.code


def to_member(room: RoomId, text: str = "x") -> Delivery:
    return Delivery(
        DeliveryKey(secrets.token_hex(8)), room, Content(text), frozenset({Reader(MEMBER)})
    )


# --- TLS, certificates, passwords ----------------------------------------------------------------


async def test_without_tls_nothing_is_said(lab: Lab, certificate: tuple[Path, Path]) -> None:
    front = Front(into_maildirs(lab.folder / "plain"))
    plain = {"require_starttls": False, "tls_context": None, "auth_required": False}
    with serving(front, certificate, **plain) as port:
        assert await refusal(lab, smtp_port=port) == "tls_missing"
    assert front.sessions == []


async def test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(lab: Lab) -> None:
    assert await refusal(lab, ca_file=None) == "tls_refused"
    made = open_connector(
        lab.setup("named", smtp_host="localhost.localdomain", private_address=True)
    )
    assert isinstance(made, MailConnector)
    opening = Opening("smtp", "localhost.localdomain", lab.port, private=True)

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    made._door = Door([opening], resolver=here)
    with pytest.raises(Unavailable) as caught:
        await made.open()
    assert caught.value.code == "tls_refused"


async def test_a_wrong_password_waits_for_a_person_and_is_in_no_log(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    setup = lab.setup("other")
    wrong = {"passphrase": PASSPHRASE, "smtp_password": "a-wrong-password"}
    made = open_connector(
        Setup(setup.name, setup.settings, secrets=wrong, state=setup.state, now=setup.now)
    )
    with pytest.raises(Unavailable) as caught:
        await made.open()
    assert caught.value.code == "auth_refused"
    logged = "".join(repr(vars(record)) for record in caplog.records if record.name != "mail.log")
    assert not {w for w in wrong.values() if w in logged + repr(caught.value) + repr(made)}


async def test_a_name_that_leads_to_a_private_address_is_refused(lab: Lab) -> None:
    made = open_connector(lab.setup("named", smtp_host="mail.deal.test"))
    assert isinstance(made, MailConnector)

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    made._door = Door([made._settings.submission], resolver=here)
    with pytest.raises(Rejected) as caught:
        await made.open()
    assert caught.value.code == "private_address_refused"


async def test_implicit_tls_works_as_starttls_does(
    lab: Lab, certificate: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"220 hi", b"250-x\r\n250-AUTH PLAIN\r\n250 8BITMIME", b"235 ok", b"250 ok"):
            writer.write(answer + b"\r\n")
            heard.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        bot = await lab.bot("other", smtp_port=port, smtp_tls="tls")
        await bot.close()
    assert [line.split()[0] for line in heard] == [b"EHLO", b"AUTH", b"NOOP", b"QUIT"]
    assert heard[0] == b"EHLO deal.test\r\n"  # not this machine's name


# --- what a server answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "answer", "kind", "code"),
    [
        ("mail", "452 4.3.1 full", Unavailable, "smtp_452"),
        ("mail", "553 5.7.1 not yours", Rejected, "smtp_553"),
        ("rcpt", "450 4.2.0 greylisted", Unavailable, "smtp_450"),
        ("rcpt", "550 5.1.1 nobody", Rejected, "smtp_550"),
        ("rcpt", "421 4.3.2 closing", Unavailable, "smtp_421"),
        ("data", "451 4.3.0 later", Unavailable, "smtp_451"),
        ("data", "554 5.7.1 never", Rejected, "smtp_554"),
        ("data", "299 2.0.0 what", Uncertain, "answer_malformed"),
        ("data", "babble", Uncertain, "no_answer"),
    ],
)
async def test_an_answer_means_what_its_digits_say(
    lab: Lab, when: str, answer: str, kind: type[ConnectorError], code: str
) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    lab.front.spoils.append((when, answer))
    with pytest.raises(kind) as caught:
        await bot.send(to_member(room))
    assert caught.value.code == code
    assert not any(word in caught.value.hint for word in answer.split()[2:])
    assert lab.mails() == []
    await bot.send(to_member(room))
    assert len(lab.mails()) == 1


async def test_a_wait_that_a_server_names_is_kept(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    for words, seconds in (("come back in 3 minutes", 180), ("retry after 20s", 20)):
        lab.front.spoils.append(("rcpt", f"450 4.2.0 greylisted, {words}"))
        with pytest.raises(Unavailable) as caught:
            await bot.send(to_member(room))
        assert caught.value.retry_after == seconds * 1_000_000


class Cutting:
    """A server without TLS that answers so far and then breaks off."""

    def __init__(self, until: bytes) -> None:
        self._until = until
        self.taken = b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            self.taken += line
            if self._until in self.taken:
                break
            if line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
            elif line[:4] in {b"EHLO", b"MAIL", b"RCPT", b"NOOP"}:
                writer.write(b"250 ok\r\n")
        writer.transport.abort()


@pytest.mark.parametrize(
    ("until", "kind"),
    [
        (b"MAIL", Unavailable),
        (b"DATA", Unavailable),
        (b"line 9", Unavailable),
        (b"\n.\r", Uncertain),
    ],
)
async def test_only_behind_the_last_dot_is_a_cut_uncertain(
    until: bytes, kind: type[ConnectorError]
) -> None:
    cutting = Cutting(until)
    server = await asyncio.start_server(cutting.talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    opening = Opening("smtp", "127.0.0.1", port, private=True)

    async def lines() -> Any:
        for n in range(20):
            yield f"line {n}\r\n".encode()
            if until == b"line 9":
                await asyncio.sleep(0.01)  # so that the cut is heard of before the end

    submission = Submission(
        Door([opening]),
        opening,
        starttls=True,
        user="x",
        password="x",
        domain="deal.test",
        context=trusting(None),
        silence=5.0,
    )
    _without_tls(submission)
    async with server:
        with pytest.raises(kind):
            await submission.deliver(Mail("a@deal.test", "b@x.test", "t", 1, lines))


def _without_tls(submission: Submission) -> None:
    """Has the submission talk in the clear: what is tested is what a cut means."""

    async def connected() -> Any:
        import aiosmtplib  # noqa: PLC0415 (only this helper needs it)

        smtp = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=submission._opening.port, start_tls=False, timeout=5
        )
        await smtp.connect()
        await smtp.ehlo()
        return smtp

    submission._sessions = Sessions(connected)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"address": "Bot <bot@deal.test>"}, "address"),
        ({"address": "bot@deal.test\nBcc: x@y.test"}, "address"),
        ({"smtp_tls": "none"}, "smtp_tls"),
        ({"maildir": "relative"}, "absolute"),
        ({"maildir": "/x", "imap_host": "h"}, "maildir"),
        ({"return_path": "no address {token}"}, "return_path"),
        ({"name": "Bot\r\nBcc: x"}, "name"),
        ({"max_mail_bytes": 5}, "max_mail_bytes"),
        ({"smtp_hots": "typo"}, "smtp_hots"),
    ],
)
def test_a_setting_that_opens_a_door_is_refused_with_its_place(
    tmp_path: Path, wrong: dict[str, object], place: str
) -> None:
    settings = {"address": BOT, "smtp_host": "mail.deal.test", **wrong}
    secret = {"passphrase": PASSPHRASE, "smtp_password": PASSWORD}
    with pytest.raises(Rejected, match=place) as caught:
        open_connector(Setup(ConnectorName("mail"), settings, secret, tmp_path, clock.now))
    assert not [v for v in wrong.values() if isinstance(v, str) and len(v) > 8 and v in str(caught)]


def test_a_short_or_broken_pass_phrase_is_refused_and_not_quoted(tmp_path: Path) -> None:
    settings = {"address": BOT, "smtp_host": "mail.deal.test"}
    for phrase in ("short", "long enough but\nwith a second line"):
        secret = {"passphrase": phrase, "smtp_password": PASSWORD}
        with pytest.raises(Rejected, match="passphrase") as caught:
            open_connector(Setup(ConnectorName("mail"), settings, secret, tmp_path, clock.now))
        assert phrase not in str(caught.value)


def test_the_places_that_an_account_may_reach_follow_from_its_settings() -> None:
    made = MailSettings.model_validate(
        {"address": BOT, "smtp_host": "Mail.Deal.test", "imap_host": "127.0.0.1"}
    )
    assert made.submission == Opening("smtp", "mail.deal.test", 587)
    assert made.mailbox == Opening("imaps", "127.0.0.1", 993, private=True)


# --- gpg's home -----------------------------------------------------------------------------------


async def test_a_home_path_over_the_limit_is_refused_with_words(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 90), PASSPHRASE)
    with pytest.raises(Rejected, match="set home to a shorter folder") as caught:
        await home.open()
    assert caught.value.code == "home_path_too_long"
    assert os.listdir(tmp_path) == []  # noqa: PTH208 (names alone)


async def test_no_agent_is_left_when_the_account_is_closed(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    await bot.send(to_member(room))
    folder = lab.folder / "bot" / "gnupg"
    assert await answers(folder / "S.gpg-agent")
    await bot.close()
    assert not await answers(folder / "S.gpg-agent")


async def answers(path: Path) -> bool:
    """Whether somebody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as made:
        return await asyncio.to_thread(made.connect_ex, str(path)) == 0


async def test_an_agent_left_by_a_crash_is_ended_before_we_begin(lab: Lab) -> None:
    lab.setup()
    folder = lab.folder / "bot" / "gnupg"
    asked = ["gpg-connect-agent", "--homedir", str(folder), "GETINFO pid", "/bye"]
    before = await asyncio.to_thread(subprocess.check_output, asked)  # and starts it
    await lab.bot()
    after = await asyncio.to_thread(subprocess.check_output, asked)
    assert before.startswith(b"D ")
    assert before != after


async def test_gpg_hears_no_options_of_anybody_else_and_asks_no_network(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = lab.folder / "theirs"
    theirs.mkdir(mode=0o700)
    (theirs / "gpg.conf").write_text("encrypt-to nobody@else.test\nhidden-encrypt-to x\n")
    bot = await lab.bot()
    shutil.copy(theirs / "gpg.conf", lab.folder / "bot" / "gnupg" / "gpg.conf")
    monkeypatch.setenv("GNUPGHOME", str(theirs))
    monkeypatch.setenv("HOME", str(theirs))
    await bot.send(to_member(await lab.mailing(bot)))
    lab.adviser.opened(lab.mails()[0], lab.mint.bot_key)
    assert not (lab.folder / "bot" / "gnupg" / "S.dirmngr").exists()
    assert os.listdir(theirs) == ["gpg.conf"]  # noqa: PTH208 (names alone)


async def test_what_gpg_is_given_and_says_is_in_no_log(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot = await lab.bot()
    room = await lab.mailing(bot)
    caplog.set_level(logging.DEBUG)
    canary = secrets.token_hex(16)
    await bot.send(to_member(room, canary))
    ours = [r for r in caplog.records if r.name not in {"mail.log", "mail.debug"}]
    logged = "".join(repr(vars(record)) + record.getMessage() for record in ours)
    assert not [text for text in (canary, PASSPHRASE, PASSWORD) if text in logged]
    assert logging.getLogger("gnupg").level == logging.WARNING


async def test_our_key_is_made_once_and_another_in_its_place_is_refused(lab: Lab) -> None:
    bot = await lab.bot()
    own = (await bot.members(await bot.create(spec()))).members[0].devices
    await bot.close()
    again = await lab.bot()
    assert (await again.members(await again.create(spec()))).members[0].devices == own
    await again.close()
    shutil.rmtree(lab.folder / "bot" / "gnupg")
    assert await refusal(lab, "bot") == "own_key_missing"
    assert await refusal(lab, "new", fingerprint="A" * 40) == "own_key_missing"


async def test_a_mailing_goes_to_one_address_and_without_one_to_ourselves(lab: Lab) -> None:
    bot = await lab.bot()
    with pytest.raises(Rejected, match="one_adviser"):
        await bot.create(spec(MEMBER, AccountId("x@y.test")))
    for name in ("no address", "a@b\r\nBcc: c@d.test", "A <a@b.test>", "a@b.test, c@d.test"):
        with pytest.raises(Rejected, match="no_address"):
            await bot.create(spec(AccountId(name)))
    room = await bot.create(spec())
    alone = await bot.members(room)
    assert [m.account for m in alone.members] == [bot.account]
    await bot.send(Delivery(DeliveryKey("k"), room, Content("Channel check."), frozenset()))
    assert len(lab.mails(BOT)) == 1
