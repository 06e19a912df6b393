"""An open home with an adviser on PGP mail, on the small mail server.

One conversation in a room and in a mailing is walked through: held until his key was compared, out,
in, and a mail that comes back, of which its author is told.
"""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from email import message_from_bytes
from pathlib import Path

import pytest

from connectors.memory import network
from connectors.memory.farside import FarSide
from connectors.port import ConnectorName
from orchestrator.client.views import NewConversation
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.demo.adviser import PROGRAMS, Adviser, Post, end_agents
from orchestrator.demo.mailside import short_folder
from orchestrator.demo.smallmail import SmallMail
from orchestrator.flow.losses import Losses
from orchestrator.wiring import open_runtime
from tiers.ids import AccountId, PersonId
from tiers.people import Roster

from .conftest import Hands, House, eventually
from .house import ACTOR, CHANNEL, by_words, make_deal, roster

MAIL = ConnectorName("mail")
OURS, THEIRS = "bot@deal.test", "el@lawfirm.test"
PASSWORD = "only-for-the-test"
SAID, REPLY = "The list of documents was read again.", "I have read it, and agree."


@dataclass
class Firm:
    """A live home, the mail server, and el as an adviser on it."""

    house: House
    server: SmallMail
    el: Adviser

    async def exchange(self) -> None:
        """Certificates both ways; his is compared by two others."""
        home, deal, el = self.house.home, self.house.deal, PersonId("el")
        armour = self.el.certificate().encode()
        await home.key_add(deal, el, MAIL, armour, actor=ACTOR)
        await home.key_verify(deal, el, PersonId("ada"), PersonId("bo"), actor=ACTOR)
        self.el.take(await home.key_export(MAIL))

    def bounce(self) -> None:
        """The newest mail to him comes back, as his server would return it."""
        name = message_from_bytes(self.el.mails()[-1])["Message-ID"]
        report = (
            f"From: MAILER-DAEMON@lawfirm.test\r\nTo: {OURS}\r\nReturn-Path: <>\r\n"
            "Subject: Undelivered\r\nMIME-Version: 1.0\r\nMessage-ID: <b1@lawfirm.test>\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nnobody of that name\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; lawfirm.test\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: {name}\r\nSubject: [...]\r\n\r\n--b--\r\n"
        )
        box = self.server.mailbox(OURS)
        (box / "tmp" / "report").write_bytes(report.encode())
        (box / "tmp" / "report").rename(box / "new" / "report")


def people() -> Roster:
    """Everybody on the room's network, but el, who has a mail address."""
    listed = roster()
    moved = [
        replace(p, accounts={MAIL: AccountId(THEIRS)}) if p.person_id == "el" else p
        for p in listed.people
    ]
    return replace(listed, people=tuple(moved))


def settings(folder: Path, place: Path, server: SmallMail) -> None:
    """Writes the home's settings."""
    told = {
        name: json.dumps(str(path))
        for name, path in (
            ("network", folder / CHANNEL),
            ("ca", server.ca_file),
            ("keys", place / "ours"),
            ("box", server.mailbox(OURS)),
        )
    }
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / "wallcross.toml").write_text(
        f"""
[channels.memory]
kind = "memory"
[channels.memory.settings]
network = {told["network"]}
[channels.mail]
kind = "pgpmail"
[channels.mail.settings]
address = "{OURS}"
smtp_host = "127.0.0.1"
smtp_port = {server.submission}
ca_file = {told["ca"]}
home = {told["keys"]}
maildir = {told["box"]}
[channels.mail.secrets]
passphrase = "env:WX_TEST_PHRASE"
smtp_password = "env:WX_TEST_POST"
"""
    )


@pytest.fixture
async def firm(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Firm]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    monkeypatch.setenv("WX_TEST_PHRASE", "a phrase only for the test")
    monkeypatch.setenv("WX_TEST_POST", PASSWORD)
    place = short_folder()
    server = SmallMail(place / "mail", {OURS: PASSWORD, THEIRS: PASSWORD})
    el = Adviser("el", THEIRS, place / "el", server.mailbox(THEIRS))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        stack.callback(end_agents, place / "ours")
        stack.callback(el.close)
        stack.callback(server.stop)
        stack.callback(network.forget, f"{tmp_path}/{CHANNEL}")
        server.start()
        el.make_key()
        settings(tmp_path, place, server)
        found = load(environ={}, state=tmp_path / "home")
        running = open_runtime(found, by_words(), live=True, now=Hands())
        home = OpenHome(await stack.enter_async_context(running))
        deal = await make_deal(home, (), people=people())
        far = FarSide.of(network.shared(f"{tmp_path}/{CHANNEL}"))
        yield Firm(House(home, deal, far, Hands()), server, el)


async def test_an_adviser_in_a_conversation_of_two_networks(firm: Firm) -> None:
    house, el = firm.house, firm.el
    new = NewConversation(
        label="opinion",
        floor="coordination",
        channel=CHANNEL,
        also=(MAIL,),
        owner="ada",
        owners=("el",),
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)

    # held while nobody has compared his key, for all of the conversation's rooms
    message = await house.send(SAID, to="opinion")
    assert await house.ends(message) == "held"
    assert el.mails() == []
    assert await house.seen("bo", "opinion") == []

    # out, once two people have
    await firm.exchange()
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    mail = await el.until(lambda m: SAID in m.text, 10.0)
    assert mail is not None
    assert mail.signer == el.key_of(OURS)
    assert await house.seen("bo", "opinion") == [SAID]

    # in, and mirrored
    post = Post(firm.server.submission, firm.server.ca_file, PASSWORD)
    post.send(THEIRS, OURS, el.answer(OURS, el.key_of(OURS), REPLY, mail.message_id))

    async def mirrored() -> bool:
        return any(REPLY in text for text in await house.seen("bo", "opinion"))

    await eventually(mirrored)

    # a later one comes back: a finding names him, and its author is told
    later = await house.send(f"{SAID} Again.", to="opinion")
    assert await house.ends(later) == "delivered"
    firm.bounce()

    async def failed() -> bool:
        return bool(await house.rows("SELECT 1 FROM receipt WHERE kind = 'failed'"))

    await eventually(failed)
    r = house.home.runtime
    await Losses(r.store, r.book, r.lines, r.writer, r.now).look()
    [(subject, reasons)] = await house.rows(
        "SELECT subject, reasons FROM finding WHERE rule = 'returned' AND closed_at IS NULL"
    )
    assert subject.startswith("mail/")
    assert json.loads(reasons) == ["what was sent to el on mail came back"]
    told = await house.told("ada", 2)
    assert "came back from mail" in told[-1].text
    assert SAID not in told[-1].text
