"""What lies on disk and in memory, on a real Synapse."""

import json
import secrets
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from connectors.port.errors import (
    Rejected,
)
from connectors.port.messages import Attachment, Content
from connectors.testing.rig import attachment, hash_of
from orchestrator.demo.farside import Person, Seen

from .conftest import Lab

pytestmark = pytest.mark.long


# at rest


async def test_nothing_readable_lies_in_the_state(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    ours, theirs, name = (secrets.token_hex(16) for _ in range(3))
    file = attachment(name, b"z" * 500)
    await bot.send(lab.delivery(room, "", anna, content=Content(ours, attachments=(file,))))
    await anna.say(room, theirs)
    await lab.messages(bot, cursor, 3)
    token = bot._open.client.token
    await bot.close()
    state = lab.folder / "bot"
    kept = {path.name: path.read_bytes() for path in state.iterdir()}
    assert {"olm.db", "sent.db", "session.json"} <= set(kept)
    for secret in (ours, theirs, name, token, (lab.folder / "bot.key").read_text()):
        assert secret
        assert not [n for n, data in kept.items() if secret.encode() in data]
    assert state.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o077 for p in state.iterdir()} == {0}
    (lab.folder / "bot.key").write_text(secrets.token_hex(32))
    with pytest.raises(Rejected) as refused:
        await lab.bot(bot.account)
    assert refused.value.code == "session_sealed"


async def test_large_files_are_never_whole_in_memory(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    size, piece = 24 * 1024 * 1024, b"0123456789abcdef" * 4096

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece

    file = Attachment("big.bin", "application/octet-stream", size, pieces)
    tracemalloc.start()
    await bot.send(lab.delivery(room, "", anna, content=Content("", attachments=(file,))))
    (heard,), _ = await lab.messages(bot, cursor, 1)
    length = 0
    async for part in heard.content.attachments[0].open():
        length += len(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == size
    assert peak < 6 * 1024 * 1024


async def test_an_altered_file_ends_in_an_error(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    event = await anna.send_file(room, "a.bin", b"x" * 1000)
    stored = anna.find(event) or await found_by(anna, event)
    content = json.loads(json.dumps(stored.content))
    content["file"]["hashes"]["sha256"] = "A" * 43
    await anna.send(room, content)
    found, _ = await lab.messages(bot, cursor, 2)
    assert await hash_of(found[0].content.attachments[0])
    with pytest.raises(Rejected) as altered:
        await hash_of(found[1].content.attachments[0])
    assert altered.value.code == "file_altered"


async def found_by(person: Person, event: str) -> Seen:
    await person.sync()
    found = person.find(event)
    assert found is not None
    return found
