"""`channel test` on a mail account: a mail to ourselves that comes back, judged as anybody's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress

import pytest

from connectors.pgpmail.connector import MailConnector
from orchestrator.command.trial import Trial
from tiers.policy import Grade

from .conftest import BOT, Lab


@pytest.fixture
async def bot(lab: Lab) -> AsyncIterator[MailConnector]:
    """An open account whose mailbox is read, as a live home reads it."""
    made = await lab.bot()

    async def read() -> None:
        async with aclosing(made.receive(None)) as batches:
            async for _ in batches:
                pass

    reading = asyncio.create_task(read())
    yield made
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


async def test_a_mail_to_ourselves_comes_back_verified(lab: Lab, bot: MailConnector) -> None:
    trial = Trial("pgpmail", bot)
    await trial.run()
    assert [(s.name, s.ok) for s in trial.steps] == [
        ("signed in", True),
        ("own room, settings read back", True),
        ("members read back", True),
        ("own message", True),
        ("came back", True),
        ("taking back", True),
    ]
    assert len(lab.mails(BOT)) <= 1  # it went to us, once, and to nobody else
    assert lab.mails("member@lawfirm.test") == []
    assert trial.grade(Grade.LAB, stated=False, timer_seen=False) is Grade.LAB
    assert trial.grade(Grade.LAB, stated=True, timer_seen=False) is Grade.FIELD


async def test_a_mailbox_that_nobody_reads_fails_it(lab: Lab) -> None:
    made = await lab.bot(maildir=None)
    trial = Trial("pgpmail", made, patience_s=0.3)
    await trial.run()
    (last,) = [s for s in trial.steps if not s.ok]
    assert last.name == "came back"
    assert trial.grade(Grade.LAB, stated=True, timer_seen=False) is Grade.NONE


async def test_a_mail_that_was_changed_on_its_way_has_not_come_back(lab: Lab) -> None:
    """Our own mail is judged as anybody's: what does not verify is not taken for ours."""
    made = await lab.bot()
    trial = Trial("pgpmail", made, patience_s=0.5)
    await trial.run()
    box = lab.boxes / BOT
    (mail,) = [p for p in box.rglob("*") if p.is_file()]
    mail.write_bytes(mail.read_bytes().replace(b"-----END PGP", b"AAAA\n-----END PGP", 1))
    async with aclosing(made.receive("")) as batches:
        async for batch in batches:
            if batch.events:
                break
    key = next(iter(made._open.ledger._db.execute("SELECT key FROM sent")))[0]
    assert not await made.came_back(key)
