"""What a mail of ours shows on its way, and what only its reader sees."""

import base64
import re
import secrets
import sqlite3
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.pgpmail import layout, mime
from connectors.pgpmail.connector import MailConnector
from connectors.pgpmail.packets import sealed_for
from connectors.port import DeliveryKey, RemoteId, RoomId
from connectors.port.errors import ConnectorError, Rejected
from connectors.port.messages import Attachment, Content, Delivery, Reader
from connectors.testing.rig import attachment, hash_of

from .conftest import BOT, MEMBER, Lab, files_of, sent_by

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def delivery(room: RoomId, content: Content, **more: object) -> Delivery:
    key = DeliveryKey(secrets.token_hex(16))
    return Delivery(key, room, content, frozenset({Reader(MEMBER)}), **more)  # type: ignore[arg-type]


def heads(mail: bytes) -> dict[str, list[str]]:
    """All headers outside, of the parts too."""
    outer = message_from_bytes(mail, policy=policy.default)
    found: dict[str, list[str]] = {}
    for part in outer.walk():
        for name, value in part.items():
            found.setdefault(name.lower(), []).append(str(value))
    return found


async def one(lab: Lab, bot: MailConnector, what: Delivery) -> tuple[bytes, EmailMessage]:
    """Sends it; the mail as it arrived, and opened."""
    await bot.send(what)
    mail = lab.mails()[-1]
    return mail, lab.adviser.opened(mail, lab.mint.bot_key)


# --- outside -----------------------------------------------------------------------------------


async def test_outside_stands_nothing_but_who_whom_and_about_when(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    content = Content("body", "Draft SPA v7", (attachment("SPA-v7.pdf", b"x" * 999),))
    mail, inner = await one(lab, bot, delivery(room, content, author_line="Ann (Alder)"))
    seen = heads(mail)
    assert set(seen) == {
        *("from", "to", "subject", "date", "message-id", "mime-version"),
        *("content-type", "content-disposition"),
    }
    assert (seen["from"], seen["to"], seen["subject"]) == ([BOT], [MEMBER], ["[...]"])
    assert seen["content-disposition"] == ['inline; filename="message.asc"']
    date = parsedate_to_datetime(seen["date"][0])
    assert (date.minute, date.second, date.utcoffset()) == (0, 0, date.utcoffset())
    assert seen["date"][0].endswith(" +0000")
    (name,) = seen["message-id"]
    assert re.fullmatch(r"<[0-9a-f]{32}@deal\.test>", name)
    for text in (b"Draft SPA", b"SPA-v7", b"body", b"Alder"):
        assert text not in mail
    assert (inner["Subject"], inner["To"], inner["Message-ID"]) == ("Draft SPA v7", MEMBER, name)


async def test_each_outer_header_is_repeated_inside_as_it_was_sent(lab: Lab) -> None:
    bot = await lab.bot()
    mail, inner = await one(lab, bot, delivery(await lab.mailing(bot), Content("x", "A subject")))
    assert inner.get_content_type() == "multipart/mixed"
    assert inner.get_param("hp") == "cipher"
    outer = message_from_bytes(mail, policy=policy.default)
    wanted = [f"{k}: {v}" for k, v in outer.items() if not k.lower().startswith(("mime", "cont"))]
    assert inner.get_all("HP-Outer") == wanted
    text = next(inner.iter_parts())
    assert text.get_param("hp-legacy-display") == "1"
    assert text.get_content().startswith("Subject: A subject\n\n")


async def test_two_mails_and_two_advisers_share_no_name(lab: Lab) -> None:
    bot = await lab.bot()
    first, second = await lab.mailing(bot), await lab.mailing(bot, "banker")
    await bot.send(delivery(first, Content("x")))
    await bot.send(delivery(first, Content("x")))
    both = Delivery(
        DeliveryKey("k"),
        second,
        Content("x"),
        frozenset({Reader(RemoteId("banker@bank.test"))}),  # type: ignore[arg-type]
    )
    await bot.send(both)
    mails = [*lab.mails(), *lab.mails("banker@bank.test")]
    names = {heads(mail)["message-id"][0] for mail in mails}
    paths = {sender for sender, _, _ in lab.front.seen}
    assert (len(mails), len(names), len(paths)) == (3, 3, 3)
    assert all(re.fullmatch(r"bot\+[0-9a-f]{16}@deal\.test", path) for path in paths)
    assert all("RET=HDRS" not in options for _, _, options in lab.front.seen)  # it has no DSN
    ledger = bot._open.ledger
    for sender, recipient, _ in lab.front.seen:
        sent = ledger.bounced(sender.partition("+")[2].partition("@")[0])
        assert sent is not None
        assert ledger.account_of(sent.room) == recipient
        assert ledger.sent(sent.message) == sent


async def test_a_mail_is_sealed_to_one_key_that_is_shown_and_not_to_ours(lab: Lab) -> None:
    bot = await lab.bot()
    mail, _ = await one(lab, bot, delivery(await lab.mailing(bot), Content("x")))
    _, body = message_from_bytes(mail, policy=policy.default).iter_parts()
    armour = body.get_payload(decode=True)
    assert isinstance(armour, bytes)
    shown = lab.adviser.run("--list-packets", data=armour).decode()
    (key_id,) = sealed_for(armour) or []
    assert shown.count(":pubkey enc packet:") == 1
    assert f"keyid {key_id}" in shown
    assert (":compressed packet:" in shown, "mdc_method: 2" in shown) == (False, True)
    assert 'name=""' in shown  # the document's name is not in the packet either


async def test_sizes_come_in_classes(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    sizes = set()
    for length in (1, 50, 500, 1000):
        mail, _ = await one(lab, bot, delivery(room, Content("x" * length)))
        sizes.add(len(mail) // 20)  # a signature's numbers differ in length by a byte or two
    assert len(sizes) <= 2
    assert max(sizes) - min(sizes) <= 1


@given(size=st.integers(1, 10**9))
def test_a_size_class_costs_at_most_an_eighth(size: int) -> None:
    padded = mime.padded(size)
    assert size <= padded
    assert padded == mime.padded(padded)
    assert padded <= 4096 or padded <= size * 1.12


@given(size=st.integers(64 * 1024, 10**9), encoding=st.sampled_from(["base64", "binary"]))
def test_the_largest_file_fits_and_one_byte_more_may_not(size: int, encoding: str) -> None:
    largest = mime.largest_file(size, encoding)
    ratio = size / max(largest, 1)
    assert 0 < largest < size
    assert ratio < 2.3 or size < 1_000_000
    assert ratio > (1.8 if encoding == "base64" else 1.35)


# --- a body, a subject and a name imitate nothing -----------------------------------------------


@given(text=texts, author=texts)
def test_no_body_begins_a_line_as_an_author_line_does(text: str, author: str) -> None:
    shown = layout.body(text, author, None, repeated=False)
    first, _, block = shown.partition("\n")
    assert first == layout.one_line(author)
    assert all(line.startswith(layout.MARK) for line in block.splitlines())
    assert layout.unmarked(block) == text


@given(text=texts, author=texts, subject=texts)
@example(text="b", author="Ann", subject="s\nBea Example\n| I approve")
def test_no_subject_begins_a_line_of_its_own(text: str, author: str, subject: str) -> None:
    shown = layout.body(text, author, subject, repeated=False)
    first, empty, named, *block = shown.splitlines()
    assert (first, empty) == (f"Subject: {layout.one_line(subject)}", "")
    assert named == layout.one_line(author)
    assert all(line.startswith(layout.MARK) for line in block)


@given(text=texts)
def test_a_header_is_one_line_and_reads_as_what_was_written(text: str) -> None:
    mail = b"X-Test: " + layout.encoded(text).encode("ascii") + b"\r\nNext: 1\r\n\r\n"
    read = message_from_bytes(mail, policy=policy.default)
    assert read.keys() == ["X-Test", "Next"]
    assert str(read["X-Test"]) == layout.one_line(text)
    assert all(len(line) <= 78 for line in mail.decode().splitlines())


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1))
def test_a_file_name_is_a_name_and_nothing_else(name: str) -> None:
    head = f"Content-Disposition: attachment{layout.parameter('filename', name)}\r\n\r\n"
    read = message_from_bytes(head.encode("ascii"), policy=policy.compat32)
    assert read.keys() == ["Content-Disposition"]
    assert [key for key, _ in read.get_params([], header="content-disposition")] == [
        "attachment",
        "filename",
    ]
    assert read.get_filename() == name or name.strip() != name


async def test_newlines_in_subject_author_name_and_type_become_no_header(lab: Lab) -> None:
    bot = await lab.bot()
    evil = "x\r\nBcc: all@press.test\r\n\r\n--=_\r\nContent-Type: text/html\r\n\r\n<b>"
    file = Attachment(evil, evil, 3, attachment("x", b"abc").open)
    content = Content("text", evil, (file,))
    what = delivery(await lab.mailing(bot), content, author_line=evil, reply_to=RemoteId(evil))
    mail, inner = await one(lab, bot, what)
    assert "bcc" not in heads(mail)
    for part in inner.walk():
        assert "Bcc" not in part
        assert part.get_content_type() != "text/html"
    assert "In-Reply-To" not in inner
    assert [p.get_content_type() for p in inner.iter_parts()] == [
        "text/plain",
        "application/octet-stream",
    ]
    assert sent_by(inner)[1] == "text"


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "text/html", "x", "a/b; c"])
async def test_a_file_of_a_type_that_clients_open_goes_as_bytes(lab: Lab, kind: str) -> None:
    bot = await lab.bot()
    file = Attachment("a", kind, 3, attachment("x", b"abc").open)
    what = delivery(await lab.mailing(bot), Content("x", None, (file,)))
    _, inner = await one(lab, bot, what)
    (part,) = inner.iter_attachments()
    assert part.get_content_type() == "application/octet-stream"


async def test_a_binary_part_is_read_byte_for_byte_too(lab: Lab) -> None:
    bot = await lab.bot(attachment_encoding="binary")
    data = bytes(range(256)) * 40 + b"\r\n.\r\n\n\r--=_ From \n"
    file = attachment("a.bin", data)
    what = delivery(await lab.mailing(bot), Content("x", None, (file,)))
    mail, inner = await one(lab, bot, what)
    assert files_of(inner) == (("a.bin", await hash_of(file)),)
    assert len(mail) < len(data) * 1.375 * 1.13 + 4096


# --- sizes ----------------------------------------------------------------------------------------


async def test_oversize_is_refused_with_the_figure_before_a_file_is_read(lab: Lab) -> None:
    bot = await lab.bot(max_mail_bytes=100_000)
    room = await lab.mailing(bot)
    opened: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        opened.append(1)
        yield b"x" * 30_000

    half = Attachment("x", "application/pdf", 30_000, pieces)
    lab.front.down = True
    with pytest.raises(Rejected, match=r"would have \d+ bytes; the most is 100000") as whole:
        await bot.send(delivery(room, Content("x", None, (half, half))))
    with pytest.raises(Rejected, match=r"file of 90000 bytes; the most is \d+"):
        await bot.send(
            delivery(room, Content("x", None, (Attachment("x", "a/b", 90_000, pieces),)))
        )
    with pytest.raises(Rejected, match=r"text of 30000 bytes; the most is 25000"):
        await bot.send(delivery(room, Content("x" * 30_000)))
    assert (whole.value.code, opened) == ("too_large", [])


async def test_what_the_server_says_it_takes_is_refused_before_it_is_sent(lab: Lab) -> None:
    bot = await lab.bot(max_mail_bytes=400_000_000)
    size = 60_000_000
    piece = secrets.token_bytes(1_000_000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    file = Attachment("x", "application/pdf", size, pieces)
    room = await lab.mailing(bot)
    with pytest.raises(Rejected, match="the mail server takes 100000000"):
        await bot.send(delivery(room, Content("x", None, (file,))))
    assert lab.front.seen == []


# --- what stays on disk ---------------------------------------------------------------------------


async def test_the_body_is_on_no_disk_of_ours_when_it_went_and_when_it_did_not(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    canary = secrets.token_hex(24)
    content = Content(canary, f"about {canary}", (attachment(f"{canary}.pdf", canary.encode()),))
    await bot.send(delivery(room, content, author_line=canary))
    for answer in ("451 4.3.0 later", "554 5.7.1 never"):
        lab.front.spoils.append(("data", answer))
        with pytest.raises(ConnectorError):
            await bot.send(delivery(room, content))
    wanted = {canary.encode(), base64.b64encode(canary.encode())[:40]}
    state = lab.folder / "bot"
    lying = [path for path in state.rglob("*") if path.is_file()]
    assert {p.name for p in lying} >= {"mail.db", "pubring.kbx", "gpg-agent.conf"}
    assert not [p for p in lying if any(text in p.read_bytes() for text in wanted)]
    assert list((state / "spool").iterdir()) == []
    assert {p.stat().st_mode & 0o077 for p in (state, state / "gnupg", state / "spool")} == {0}


async def test_what_a_crash_left_in_the_spool_is_removed_at_the_start(lab: Lab) -> None:
    bot = await lab.bot()
    await bot.close()
    left = lab.folder / "bot" / "spool" / "left.asc"
    left.write_bytes(b"sealed")
    await lab.bot()
    assert not left.exists()


async def test_the_ledger_keeps_names_and_no_words(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    await bot.send(delivery(room, Content("words", "a subject"), author_line="Ann"))
    await bot.close()
    with sqlite3.connect(lab.folder / "bot" / "mail.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(sent)")]
        kept = "\n".join(database.iterdump())
    database.close()
    assert columns == ["message", "key", "room", "token", "at"]
    assert not re.search("words|a subject|Ann", kept)


async def test_our_private_key_is_of_no_use_without_the_pass_phrase(lab: Lab) -> None:
    bot = await lab.bot()
    await bot.close()
    keys = list((lab.folder / "bot" / "gnupg" / "private-keys-v1.d").iterdir())
    assert len(keys) == 2
    assert all(b"protected-private-key" in each.read_bytes() for each in keys)
