"""Who may open a copy, and what happens where a copy cannot be made."""

from collections.abc import AsyncIterator, Sequence

import pytest

from orchestrator.client.views import FileHead, Post
from orchestrator.command.risk_look import RiskLook
from orchestrator.deals.counsel import Counsel, JournalEntry
from tiers.classify import Classification, Context, Part
from tiers.ids import MessageId
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, Talk, by_words

BOARD = Talk("board", Tier.COORDINATION, side="kestrel")
LUNCH = Talk("lunch", Tier.COORDINATION)


@pytest.mark.tampers("a journal key is taken out of the store")
async def test_a_private_conversation_is_never_sealed_to_joint_counsel(opens: Opens) -> None:
    house = await opens((BOARD,))
    runtime = house.home.runtime
    await runtime.store.write(lambda tx: tx.run("DELETE FROM journal_key WHERE scope = 'kestrel'"))
    runtime.counsel.forget()
    message = await house.send("Noon in room four.", to="board")
    await house.quiet()
    assert await house.state(message) == "accepted"  # it waits for its own side's key
    assert await house.rows("SELECT 1 FROM journal") == []
    assert "journal" in await house.findings()


@pytest.mark.tampers("a journal key is taken out of the store")
async def test_what_waits_for_a_journal_is_a_finding_until_it_went_on(opens: Opens) -> None:
    house = await opens((BOARD,))
    runtime, look = house.home.runtime, RiskLook(house.home.runtime)
    [(number, *key)] = await house.rows("SELECT * FROM journal_key WHERE scope = 'kestrel'")
    await runtime.store.write(lambda tx: tx.run("DELETE FROM journal_key WHERE scope = 'kestrel'"))
    runtime.counsel.forget()
    message = await house.send("Noon in room four.", to="board")
    await house.quiet()
    await look.look()
    assert "journal" in await house.findings()
    marks = ", ".join("?" * (1 + len(key)))
    row = (number, *key)
    await runtime.store.write(lambda tx: tx.run(f"INSERT INTO journal_key VALUES ({marks})", row))  # noqa: S608 - marks alone
    await house.home.runtime.book.reload(runtime.store, house.deal)
    runtime.counsel.forget()
    await runtime.store.write(lambda tx: runtime.engine.wake(f"@route/{house.deal}", 0, tx))
    assert await house.ends(message) == "delivered"
    await look.look()
    assert "journal" not in await house.findings()


class Fails:
    """Cannot look at a word."""

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        if any("zfails" in part.text for part in parts):
            raise ValueError
        return by_words().classify(parts, context)


async def send_file(house: House) -> MessageId:
    async def data() -> AsyncIterator[bytes]:
        yield b"zfails"

    file = FileHead(name="plan.txt", size=6, media_type="text/plain")
    post = Post(person="ada", conversation="lunch", file=file)
    return MessageId((await house.home.send_file(house.deal, post, data(), actor=ACTOR)).message_id)


async def test_what_could_not_be_looked_at_is_journaled_with_its_files(opens: Opens) -> None:
    house = await opens((LUNCH,), classifier=Fails())
    message = await send_file(house)
    assert await house.ends(message) == "held"
    [(envelope,)] = await house.rows("SELECT envelope FROM journal WHERE message_id = ?", message)
    assert envelope is None, "body and file together are a tar stream in a file of its own"
    assert house.home.runtime.journal.files.path(message).exists()
    assert "unjudged" in await house.findings()


async def test_a_copy_that_cannot_be_made_stops_nobody_else(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens((LUNCH,))
    whole = Counsel.prepare
    broken: list[str] = []

    async def prepare(*args: object, **more: object) -> JournalEntry | None:
        broken.append(str(args[4])) if not broken else None
        if args[4] == broken[0]:
            raise OSError
        return await whole(*args, **more)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(Counsel, "prepare", prepare)
    first = await house.send("One.", to="lunch")
    second = await house.send("Two.", to="lunch")
    assert await house.ends(second) == "delivered"
    assert await house.state(first) == "accepted"


async def test_a_copy_left_by_an_attempt_that_failed_is_made_anew(opens: Opens) -> None:
    house = await opens((LUNCH,))
    runtime = house.home.runtime
    duty = await runtime.store.read(
        lambda tx: runtime.journal.duty(tx, house.deal, ("joint",), "coordination", house.clock())
    )

    async def pieces() -> AsyncIterator[bytes]:
        yield b"some"

    for _ in range(2):
        copy = await runtime.journal.seal_stream(duty, "msg_again", pieces())
        assert copy is not None
    assert runtime.journal.files.path("msg_again").exists()
    assert await runtime.journal.recover(runtime.store) == 1
