"""What comes in is judged and told as what it is, once, from a folder and from a server."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.pgpmail.inbox import Inbox, Ours
from connectors.pgpmail.inbox_maildir import MaildirBox
from connectors.pgpmail.inbox_state import InboxState
from connectors.pgpmail.judge.judge import digest_of
from connectors.pgpmail.judge.words import Limits
from connectors.port import AccountId, DeviceId
from connectors.port.errors import Unavailable
from connectors.port.events import Batch, Event, InboundMessage, Quarantined, Receipt
from connectors.port.messages import Device
from orchestrator.clock import now

from .books import TOKEN, Book
from .mails import CANARY, OUTER, Post, encrypted, having, inner, mail, multi, part, payload
from .people import People

BOT = AccountId("bot@deal.test")


@dataclass
class House:
    """One account with a folder as its mailbox."""

    folder: Path
    people: People
    book: Book
    opened: list[Inbox] = field(default_factory=list)
    numbers: int = 0
    limits: Limits = field(default_factory=Limits)

    def inbox(self) -> Inbox:
        state = InboxState(self.folder)
        box = MaildirBox(self.folder / "box", state, self.limits.mail_bytes, every=0.02)
        key = Device(DeviceId("openpgp"), self.people.prints["bot"])
        ours = Ours(BOT, key, self.people.home("bot"), "", "bot+{token}@deal.test")
        made = Inbox(box, ours, self.book, state, now, limits=self.limits, pauses=(0.05, 0.2))
        self.opened.append(made)
        return made

    def post(self, raw: bytes, name: str | None = None) -> None:
        self.numbers += 1
        new = self.folder / "box" / "new"
        new.mkdir(parents=True, exist_ok=True)
        (new / (name or f"{self.numbers:04d}.test")).write_bytes(raw)


@pytest.fixture
async def house(tmp_path: Path, people: People, book: Book) -> AsyncIterator[House]:
    made = House(tmp_path, people, book)
    yield made
    for each in made.opened:
        await each.close()


async def told(inbox: Inbox, cursor: str | None, count: int) -> tuple[list[Event], str]:
    """So many events, and the cursor behind them."""
    events: list[Event] = []
    last = cursor or ""
    async with contextlib.aclosing(inbox.receive(cursor)) as batches, asyncio.timeout(60):
        while len(events) < count or cursor is None:
            batch: Batch = await anext(batches)
            events += batch.events
            last = batch.cursor
            if cursor is None and len(events) >= count:
                break
    return events, last


async def one(house: House, raw: bytes) -> Event:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    house.post(raw)
    (event,), _ = await told(inbox, cursor, 1)
    return event


async def test_a_verified_mail_is_a_message(house: House, post: Post) -> None:
    body = payload(headers=inner(In_Reply_To="<ours@deal.test>"))
    event = await one(house, post.good(body))
    assert isinstance(event, InboundMessage)
    assert (event.room, event.sender) == (None, "Alice@LawFirm.test")
    assert event.reply_to == "<ours@deal.test>"
    assert event.remote_id == digest_of(house.people.prints["alice"], body, None)
    assert event.sender_device == Device(DeviceId("openpgp"), house.people.prints["alice"])
    assert house.book.named == {event.remote_id: "<outer-1@lawfirm.test>"}
    assert CANARY in event.content.text
    assert CANARY not in repr(event)


async def test_an_answer_to_somebody_elses_mail_names_nothing(house: House, post: Post) -> None:
    body = payload(headers=inner(In_Reply_To="<other@deal.test>"))
    event = await one(house, post.good(body))
    assert isinstance(event, InboundMessage)
    assert event.reply_to is None


async def test_a_forged_mail_goes_to_quarantine_as_it_came(house: House, post: Post) -> None:
    raw = mail(encrypted(post.sealed(signer="mallory")))
    event = await one(house, raw)
    assert isinstance(event, Quarantined)
    assert (event.verdict, event.mail_class) == ("mismatch", "message")
    assert event.reasons == ("signer_not_pinned",)
    assert event.claimed_sender == "alice@lawfirm.test"
    assert b"".join([piece async for piece in event.raw.open()]) == raw


async def test_our_own_mail_comes_back_with_its_key(house: House, post: Post) -> None:
    ours = inner(From=BOT, Message_ID="<ours@deal.test>")
    sealed = post.people.seal(payload(headers=ours), "bot")
    event = await one(house, mail(encrypted(sealed), having(OUTER, From=BOT)))
    assert isinstance(event, InboundMessage)
    assert (event.delivery_key, event.remote_id) == ("key_1", "<ours@deal.test>")
    assert event.room == "mailing-1"


def report(action: str = "failed", to: str = BOT, returned: str = "<x@deal.test>") -> bytes:
    body = multi(
        "report",
        part("text/plain", b"could not be delivered"),
        part("message/delivery-status", f"Reporting-MTA: dns; x\r\n\r\nAction: {action}".encode()),
        part("text/rfc822-headers", f"Message-ID: {returned}\r\nSubject: [...]\r\n".encode()),
        more="; report-type=delivery-status",
    )
    who = "MAILER-DAEMON@mx.test"
    return mail(body, having(OUTER, From=who, To=to, Return_Path="<>", Subject="Undelivered"))


async def test_a_report_to_our_return_path_is_a_failure(house: House) -> None:
    event = await one(house, report(to=f"bot+{TOKEN}@deal.test"))
    assert isinstance(event, Receipt)
    assert (event.room, event.remote_id) == ("mailing-1", "<ours@deal.test>")
    assert (event.account, event.kind.value) == ("Alice@LawFirm.test", "failed")


async def test_a_report_that_names_our_mail_is_a_failure(house: House) -> None:
    event = await one(house, report(returned="<ours@deal.test>"))
    assert isinstance(event, Receipt)
    assert event.remote_id == "<ours@deal.test>"


@pytest.mark.parametrize(
    "raw", [report(action="delayed", returned="<ours@deal.test>"), report(), report(to="bot+zz@x")]
)
async def test_a_report_of_nothing_that_failed_is_kept_apart(house: House, raw: bytes) -> None:
    event = await one(house, raw)
    assert isinstance(event, Quarantined)
    assert event.mail_class == "bounce"


async def test_the_same_mail_again_is_offered_and_another_like_it_is_a_repetition(
    house: House, post: Post
) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    signed = post.signed()
    house.post(mail(encrypted(post.packets(signed))))
    (first,), behind = await told(inbox, cursor, 1)
    (again,), _ = await told(inbox, cursor, 1)
    house.post(mail(encrypted(post.packets(signed)), having(OUTER, Message_ID="<b@c.test>")))
    (other,), _ = await told(inbox, behind, 1)
    assert isinstance(first, InboundMessage)
    assert isinstance(again, InboundMessage)
    assert first.remote_id == again.remote_id
    assert isinstance(other, Quarantined)
    assert other.reasons == ("repetition",)


async def test_a_repetition_is_known_after_a_restart(house: House, post: Post) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    signed = post.signed()
    house.post(mail(encrypted(post.packets(signed))))
    _, cursor = await told(inbox, cursor, 1)
    await inbox.close()
    house.post(mail(encrypted(post.packets(signed)), having(OUTER, Message_ID="<b@c.test>")))
    (other,), _ = await told(house.inbox(), cursor, 1)
    assert isinstance(other, Quarantined)


async def test_a_mail_above_the_limit_is_not_read(house: House) -> None:
    house.limits = Limits(mail_bytes=200_000)
    event = await one(house, b"From: a@b.test\r\n\r\n" + b"x" * 300_000)
    assert isinstance(event, Quarantined)
    assert event.reasons == ("mail_too_large",)
    assert event.raw.size < 200_000


async def test_a_key_that_comes_later_is_seen(house: House, post: Post) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    house.post(post.good())
    await told(inbox, cursor, 1)
    copied = inbox._keyring
    os.utime(house.people.home("bot") / "pubring.kbx")
    house.post(post.good())
    await told(inbox, cursor, 2)
    assert inbox._keyring is not copied


# folders


async def test_what_was_there_before_now_is_not_told(house: House, post: Post) -> None:
    house.post(post.good())
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    house.post(post.good(payload("late\n")))
    (event,), _ = await told(inbox, cursor, 1)
    assert isinstance(event, InboundMessage)
    assert event.content.text == "late"


async def test_a_stored_mail_is_moved_and_nothing_is_deleted(house: House, post: Post) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    house.post(post.good())
    _, behind = await told(inbox, cursor, 1)
    box = house.folder / "box"
    assert len(list((box / "new").iterdir())) == 1
    await inbox.close()
    again = house.inbox()
    house.post(post.good(payload("next\n")), "0000-sorts-first")
    ((event), *_), _ = await told(again, behind, 1)
    assert isinstance(event, InboundMessage)
    assert event.content.text == "next"
    assert [path.name for path in (box / "cur").iterdir()] == ["0001.test:2,S"]


async def test_closing_ends_a_stream(house: House) -> None:
    inbox = house.inbox()
    stream = inbox.receive(None)
    first = await anext(stream)
    waiting = asyncio.create_task(anext(stream, None))
    await asyncio.sleep(0)
    await inbox.close()
    async with asyncio.timeout(30):
        assert await waiting is None
    assert first.events == ()


async def test_without_gpg_nothing_is_skipped(
    house: House, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    house.post(post.good())
    monkeypatch.setattr(inbox, "_ours", _with(inbox._ours, "no-such-gpg"))
    with pytest.raises(Unavailable, match="gpg_missing"):
        await told(inbox, cursor, 1)
    monkeypatch.setattr(inbox, "_ours", _with(inbox._ours, "gpg"))
    inbox._keyring = None
    (event,), _ = await told(inbox, cursor, 1)
    assert isinstance(event, InboundMessage)


def _with(ours: Ours, program: str) -> Ours:
    return Ours(ours.account, ours.key, ours.home, ours.passphrase, ours.return_path, program)


async def test_what_is_no_file_in_the_folder_is_not_read_and_holds_nothing_up(
    house: House, post: Post
) -> None:
    inbox = house.inbox()
    _, cursor = await told(inbox, None, 0)
    new = house.folder / "box" / "new"
    (house.folder / "elsewhere").write_bytes(post.good())
    (new / "0001.link").symlink_to(house.folder / "elsewhere")
    (new / "0002.gone").symlink_to(house.folder / "nowhere")
    os.mkfifo(new / "0003.pipe")
    (new / "0004.folder").mkdir()
    house.post(post.good(payload(headers=inner(In_Reply_To="<ours@deal.test>"))), "0005.mail")
    (event,), _ = await told(inbox, cursor, 1)
    assert isinstance(event, InboundMessage)
    assert event.reply_to == "<ours@deal.test>"
