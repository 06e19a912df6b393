"""A real IMAP server: nothing is lost, whatever becomes of the connection."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connectors.pgpmail.inbox import Inbox, Ours
from connectors.pgpmail.inbox_imap import ImapBox
from connectors.pgpmail.inbox_state import InboxState
from connectors.port import AccountId, DeviceId
from connectors.port.door import Door, Opening
from connectors.port.events import Event, InboundMessage, Quarantined
from connectors.port.messages import Device
from orchestrator.clock import now

from .books import Book
from .dovecot import PASSWORD, USER, Dovecot, Wire, dovecot, usable, wire
from .mails import Post, payload
from .people import People, short_base
from .test_inbox import told

pytestmark = pytest.mark.long


@pytest.fixture
def server() -> Iterator[Dovecot]:
    if not usable():
        pytest.skip("dovecot, or a user vmail, is not here")
    base = short_base("wx-imap")
    with dovecot(base) as running:
        yield running
    shutil.rmtree(base)


@pytest.fixture
def way(server: Dovecot) -> Iterator[Wire]:
    with wire(server.port) as made:
        yield made


@pytest.fixture
async def inbox(
    server: Dovecot,
    way: Wire,
    people: People,
    book: Book,
    tmp_path: Path,
) -> AsyncIterator[Inbox]:
    made = opened(server, way, people, book, tmp_path)
    yield made
    await made.close()


def opened(
    server: Dovecot, way: Wire, people: People, known: Book, folder: Path, password: str = PASSWORD
) -> Inbox:
    context = ssl.create_default_context(cafile=str(server.base / "crt"))
    box = ImapBox(("localhost", way.port), (USER, password), context, 10_000_000, 10.0)
    key = Device(DeviceId("openpgp"), people.prints["bot"])
    ours = Ours(AccountId(USER), key, people.home("bot"), "", "bot+{token}@deal.test")
    place = Opening("imaps", "localhost", way.port, private=True)
    state = InboxState(folder)
    return Inbox(box, ours, known, state, now, Door([place]), place, pauses=(0.05, 0.5))


def texts(events: list[Event]) -> list[str]:
    return [e.content.text for e in events if isinstance(e, InboundMessage)]


async def test_a_mail_is_told_while_we_wait_and_another_once_we_come_back(
    server: Dovecot, inbox: Inbox, post: Post
) -> None:
    _, cursor = await told(inbox, None, 0)
    waiting = asyncio.create_task(told(inbox, cursor, 1))
    await asyncio.sleep(0.5)
    server.post(post.good(payload("while waiting\n")))
    events, behind = await waiting
    assert texts(events) == ["while waiting"]
    server.post(post.good(payload("while away\n")))
    events, _ = await told(inbox, behind, 1)
    assert texts(events) == ["while away"]
    again, _ = await told(inbox, cursor, 2)
    assert texts(again) == ["while waiting", "while away"]


async def test_what_was_before_now_is_not_told(server: Dovecot, inbox: Inbox, post: Post) -> None:
    server.post(post.good(payload("early\n")))
    _, cursor = await told(inbox, None, 0)
    server.post(post.good(payload("late\n")))
    events, _ = await told(inbox, cursor, 1)
    assert texts(events) == ["late"]


async def test_a_cut_in_a_burst_loses_nothing_and_keeps_the_order(
    server: Dovecot, way: Wire, inbox: Inbox, post: Post
) -> None:
    raw = [post.good(payload(f"number {n}\n")) for n in range(200)]
    _, cursor = await told(inbox, None, 0)
    heard: list[Event] = []

    async def cutting() -> None:
        for n, one in enumerate(raw):
            server.post(one)
            if n % 40 == 20:
                way.shut = True
                way.cut()
                await asyncio.sleep(0.2)
                way.shut = False
            await asyncio.sleep(0.01)

    cuts = asyncio.create_task(cutting())
    heard, _ = await told(inbox, cursor, 200)
    await cuts
    assert texts(heard) == [f"number {n}" for n in range(200)]
    assert way.accepted > 4


async def test_an_idle_that_is_renewed_hears_what_came_between(
    server: Dovecot,
    way: Wire,
    people: People,
    book: Book,
    post: Post,
    tmp_path: Path,
) -> None:
    made = opened(server, way, people, book, tmp_path)
    box = made._box
    assert isinstance(box, ImapBox)
    box._renew = 0.1
    try:
        _, cursor = await told(made, None, 0)
        waiting = asyncio.create_task(told(made, cursor, 3))
        for n in range(3):
            await asyncio.sleep(0.35)
            server.post(post.good(payload(f"{n}\n")))
        events, _ = await waiting
    finally:
        await made.close()
    assert texts(events) == ["0", "1", "2"]
    assert way.accepted <= 3


async def test_other_names_for_all_mails_skip_none(
    server: Dovecot, inbox: Inbox, post: Post
) -> None:
    _, cursor = await told(inbox, None, 0)
    server.post(post.good(payload("once\n")))
    (first,), _ = await told(inbox, cursor, 1)
    (again,), behind = await told(inbox, "1:999999", 1)  # told, and not stored
    assert isinstance(first, InboundMessage)
    assert isinstance(again, InboundMessage)
    assert first.remote_id == again.remote_id
    server.post(post.good(payload("twice\n")))
    events, _ = await told(inbox, behind, 1)
    assert texts(events) == ["twice"]
    server.post(post.good(payload("thrice\n")))
    events, _ = await told(inbox, "1:999999", 3)
    assert texts(events) == ["once", "twice", "thrice"]
    server.post(post.good(payload("more\n")))
    events, _ = await told(inbox, "1:999999", 2)  # the first two were asked past: they are stored
    assert texts(events) == ["thrice", "more"]


async def test_a_mail_above_the_limit_is_fetched_in_part(server: Dovecot, inbox: Inbox) -> None:
    _, cursor = await told(inbox, None, 0)
    box = inbox._box
    assert isinstance(box, ImapBox)
    box._limit = 100_000
    inbox._limits = type(inbox._limits)(mail_bytes=100_000)
    server.post(b"From: a@b.test\r\n\r\n" + b"x" * 500_000)
    (event,), _ = await told(inbox, cursor, 1)
    assert isinstance(event, Quarantined)
    assert event.reasons == ("mail_too_large",)
    assert event.raw.size <= 65_536


async def test_a_wrong_password_and_a_strange_certificate_are_told(
    server: Dovecot,
    way: Wire,
    people: People,
    book: Book,
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wrong = opened(server, way, people, book, tmp_path / "a", "another")
    assert await trouble(wrong) == "sign_in_refused"
    strange = opened(server, way, people, book, tmp_path / "b")
    box = strange._box
    assert isinstance(box, ImapBox)
    box._context = ssl.create_default_context()
    assert await trouble(strange) == "certificate_refused"


async def trouble(inbox: Inbox) -> str | None:
    """What it says is wrong, once it says so."""
    listening = asyncio.create_task(told(inbox, None, 0))
    try:
        async with asyncio.timeout(45):
            while inbox.trouble is None:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)
        return inbox.trouble
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await inbox.close()
