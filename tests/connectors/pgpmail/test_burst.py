"""Two hundred mails each way over lines that are cut, and our process killed while they come.

What mail promises: a server that has answered 250 has the mail and brings it or says so (RFC 5321,
section 6.1), so a mail of which no answer came may be there or not. Order it promises none: what
is ours to keep is that a mail is handed over after the one before it was taken, and that of what
is handed over twice only the first attempt does not say so. A mailbox promises that its UIDs
ascend and name the same mails for as long as its UIDVALIDITY stands (RFC 3501, section 2.3.1.1):
behind the last one that was stored, all is offered again, and none comes before another by its
date. So of the mails that come in, none is lost and none is told twice, in no order of theirs.
"""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.port import RemoteId
from connectors.port.errors import Unavailable, Uncertain
from connectors.port.events import Event, InboundMessage
from connectors.port.messages import Content, Delivery

from .conftest import BOT, MEMBER, Letter, Posted, sent_by, written
from .test_mail import delivery
from .test_servers import (
    RealLab,
    post,
    real,  # noqa: F401 - the fixture
    server,  # noqa: F401 - the fixture
)

pytestmark = [pytest.mark.long, pytest.mark.real]

MANY = 200
PIECE = 4096


# --- a line that breaks at any byte --------------------------------------------------------------


@dataclass
class Fraying:
    """A line to a server that breaks after so many bytes, whatever they are.

    Attributes:
        port: the server's.
        bears: how many bytes, both ways, the next connection lasts for; None: for ever.
        listens_on: our end.
        cuts: how often it broke.
    """

    port: int
    bears: Callable[[], int | None]
    listens_on: int = 0
    cuts: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far, near = await asyncio.open_connection("127.0.0.1", self.port)
        left = [self.bears()]
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carried(reader, near, left))
                both.create_task(self._carried(far, writer, left))
        except* OSError:
            pass
        finally:
            for end in (near, writer):
                end.transport.abort()
            self._tasks.discard(task)

    async def _carried(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, left: list[int | None]
    ) -> None:
        while piece := await source.read(PIECE):
            most = left[0]
            if most is not None:
                left[0] = most - len(piece)
                piece = piece[:most]
            to.write(piece)
            await to.drain()
            if left[0] is not None and left[0] <= 0:
                self.cuts += 1
                raise ConnectionAbortedError
        raise ConnectionResetError  # one end has gone, so goes the other

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def fraying(port: int, bears: Callable[[], int | None]) -> AsyncIterator[Fraying]:
    line = Fraying(port, bears)
    listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.listens_on = listening.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listening.close()
        await line.end()


def now_and_then(seed: int, share: float, least: int, most: int) -> Callable[[], int | None]:
    """For a share of all connections a number of bytes; the others last."""
    dice = random.Random(seed)  # noqa: S311 (a fixed order of cuts, no secret)
    return lambda: dice.randint(least, most) if dice.random() < share else None


# --- both ways at once ---------------------------------------------------------------------------


async def as_the_outbox(bot: MailConnector, what: Delivery) -> None:
    """Sends until the outcome is known, marking what may be a repetition."""
    while True:
        try:
            await bot.send(what)
        except Unavailable:
            continue
        except Uncertain:
            what = replace(what, attempt=what.attempt + 1)
            continue
        return


def noting(lab: RealLab) -> list[str]:
    """The Message-IDs of what the server takes from us, in the order in which it has them."""
    taken: list[str] = []
    hand_on = lab.front.deliver

    def noted(sender: str, recipient: str, data: bytes) -> None:
        hand_on(sender, recipient, data)
        taken.append(str(message_from_bytes(data)["Message-ID"]))

    lab.front.deliver = noted
    return taken


def letters(lab: RealLab, many: int) -> list[Posted]:
    signer, key = lab.mint.keys["member"], lab.mint.bot_key
    return [written(lab.adviser, Letter(f"number {n}"), signer, key) for n in range(many)]


def posted(lab: RealLab, mails: list[Posted]) -> None:
    for mail in mails:
        post(lab.server, MEMBER, BOT, mail.mail)


async def sent_all(bot: MailConnector, lab: RealLab, what: list[Delivery]) -> None:
    """Hands over one after the other; of some, the server fails in a way of its own too."""
    dice = random.Random(7)  # noqa: S311 (a fixed order of failures, no secret)
    for each in what:
        if dice.random() < 0.1:
            kind = dice.choice(("cut before", "cut after", "data", "garbage"))
            lab.front.spoils.append((kind, "451 4.3.0 later" if kind == "data" else ""))
        await as_the_outbox(bot, each)


async def heard(bot: MailConnector, cursor: str | None, last: RemoteId) -> list[Event]:
    """All events up to the mail of this name."""
    found: list[Event] = []
    async with asyncio.timeout(120), aclosing(bot.receive(cursor)) as batches:
        async for batch in batches:
            found += batch.events
            if any(isinstance(e, InboundMessage) and e.remote_id == last for e in batch.events):
                return found
    raise AssertionError("the stream ended")


async def the_cursor_now(bot: MailConnector) -> str:
    async with aclosing(bot.receive(None)) as batches:
        return (await anext(batches)).cursor


async def test_of_two_hundred_each_way_none_is_lost_and_each_double_says_so(
    real: RealLab,  # noqa: F811 - the fixture
) -> None:
    real.acquainted = True
    *come, last = await asyncio.to_thread(letters, real, MANY + 1)
    out = fraying(real.port, now_and_then(3, 0.8, 500, 60_000))
    into = fraying(real.server.imaps, now_and_then(5, 1.0, 9_000, 50_000))
    async with out as smtp, into as imap:
        bot = await real.bot()
        await bot.close()
        bot = await real.bot(smtp_port=smtp.listens_on, imap_port=imap.listens_on)
        room = await real.mailing(bot)
        cursor, taken = await the_cursor_now(bot), noting(real)
        go = [delivery(room, Content(f"number {n}")) for n in range(MANY)]

        async def writes() -> None:
            await asyncio.to_thread(posted, real, come)
            await asyncio.to_thread(real.server.settle)
            await asyncio.to_thread(posted, real, [last])  # what is told twice is told before it

        events, *_ = await asyncio.gather(
            heard(bot, cursor, last.name), sent_all(bot, real, go), writes()
        )
        assert smtp.cuts >= 10
        assert imap.cuts >= 5
    names = Counter(e.remote_id for e in events if isinstance(e, InboundMessage))
    assert names == Counter([*(each.name for each in come), last.name])
    assert len(events) == MANY + 1  # and nothing is quarantined
    await asyncio.to_thread(judged, real, go, taken)


def judged(lab: RealLab, go: list[Delivery], taken: list[str]) -> None:
    """What lies in the adviser's mailbox, of what was handed over."""
    opened = [lab.adviser.opened(mail, lab.mint.bot_key) for mail in lab.mails()]
    names = {str(inner["Message-ID"]): str(inner["Wallcross-Delivery"]) for inner in opened}
    assert len(opened) == len(taken)
    assert len(names) == MANY  # a repetition has the same name
    assert [names[each] for each in dict.fromkeys(taken)] == [each.key for each in go]
    unmarked = Counter(str(inner["Message-ID"]) for inner in opened if not sent_by(inner)[2])
    assert set(unmarked.values()) == {1}
    assert len(opened) > MANY, "no cut made a double"


# --- our process killed --------------------------------------------------------------------------

ROUNDS = 4


async def test_nothing_is_lost_or_told_twice_when_our_process_is_killed(
    real: RealLab,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """kill -9 while mails come in, three times; then the mailbox has other names for all of them.

    What is told again after the new names is what was told and not yet noted when we were killed:
    it has its old name, by which the store knows it.
    """
    real.acquainted = True
    mails = await asyncio.to_thread(letters, real, MANY)
    async with fraying(real.server.imaps, now_and_then(9, 0.7, 9_000, 50_000)) as imap:
        bot = await real.direct("killed")
        first = await the_cursor_now(bot)
        await bot.close()
        setup = real.setup("killed", smtp_port=real.server.submission, imap_port=imap.listens_on)
        told = {"settings": dict(setup.settings), "secrets": dict(setup.secrets)}
        config, stored = tmp_path / "child.json", tmp_path / "stored"
        config.write_text(json.dumps({**told, "state": str(setup.state)}))
        stored.write_text(json.dumps({"cursor": first, "names": [], "others": []}) + "\n")
        each = MANY // ROUNDS
        for round_ in range(ROUNDS):
            if round_ == ROUNDS - 1:
                await asyncio.to_thread(renamed, real)
            child = started(config, stored)
            try:
                batch = mails[each * round_ : each * (round_ + 1)]
                writing = asyncio.create_task(asyncio.to_thread(posted, real, batch))
                await taken_in(child, stored, each * round_ + (each if round_ == ROUNDS - 1 else 7))
                if round_ < ROUNDS - 1:
                    child.send_signal(signal.SIGKILL)
                await writing
            finally:
                child.send_signal(signal.SIGINT)
                await asyncio.to_thread(child.wait)
    lines = lines_of(stored)
    assert set(all_names(stored)) == {mail.name for mail in mails}
    assert not [line for line in lines if line["others"]]
    validities = list(dict.fromkeys(line["cursor"].partition(":")[0] for line in lines))
    assert len(validities) == 2
    before = Counter(n for x in lines if x["cursor"].startswith(validities[0]) for n in x["names"])
    assert set(before.values()) == {1}
    assert len(all_names(stored)) - MANY <= ROUNDS - 1
    assert imap.cuts


def renamed(lab: RealLab) -> None:
    """The mailbox is as if moved to another server: another UIDVALIDITY, other UIDs."""
    lab.server.settle()
    lab.server.cut()
    for name in lab.server.mailbox(BOT).glob("dovecot*"):
        with contextlib.suppress(FileNotFoundError):
            name.unlink()


def lines_of(stored: Path) -> list[dict[str, Any]]:
    """What the killed process wrote down."""
    return [json.loads(line) for line in stored.read_text().splitlines()]


def all_names(stored: Path) -> list[str]:
    return [name for line in lines_of(stored) for name in line["names"]]


def started(config: Path, stored: Path) -> "subprocess.Popen[bytes]":
    root, script = Path(__file__).parents[3], Path(__file__).parent / "child.py"
    return subprocess.Popen([sys.executable, str(script), str(config), str(stored)], cwd=root)


async def taken_in(child: "subprocess.Popen[bytes]", stored: Path, many: int) -> None:
    """Waits until so many different mails were written down."""
    async with asyncio.timeout(60):
        while len(set(all_names(stored))) < many:
            assert child.poll() is None, "it ended by itself"
            await asyncio.sleep(0.02)
