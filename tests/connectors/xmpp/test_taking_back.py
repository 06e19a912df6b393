"""Taking back: where the server moderates it is gone; where it does not nobody says that it is."""

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.port import RemoteId, RoomId
from connectors.port.capabilities import Undo
from connectors.port.connector import UndoesMessages
from connectors.port.errors import ConnectorError, Rejected
from connectors.port.events import Event, Redacted
from connectors.testing.abilities import Abilities
from connectors.xmpp.connector import ModeratingXmppConnector

from .conftest import Lab, XmppRig, said, started
from .people import Person
from .prosody import Prosody

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def moderating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    server = started(tmp_path_factory.mktemp("moderating"), moderation=True)
    yield server
    server.stop()


class TestModerating(Abilities):
    """The part of the contract about taking back, where the server can."""

    @pytest.fixture
    def prosody(self, moderating: Prosody) -> Prosody:
        return moderating

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"moderation": True}

    async def test_promises_match_code(self, rig: XmppRig) -> None:
        assert isinstance(rig.connector, UndoesMessages)
        assert (await rig.connector.posture(rig.room)).undo is Undo.ANYBODY


@pytest.fixture
async def strict(moderating: Prosody, tmp_path: Path) -> AsyncIterator[Lab]:
    """A lab whose server lets owners take out what was said."""
    made = Lab(moderating, tmp_path)
    yield made
    await made.close()


async def room_of(lab: Lab) -> tuple[ModeratingXmppConnector, Person, RoomId]:
    bot, alice = await lab.bot(moderation=True), await lab.person("alice")
    assert isinstance(bot, ModeratingXmppConnector)
    return bot, alice, await lab.room(bot, alice)


async def test_where_the_server_moderates_what_was_taken_back_is_gone(strict: Lab) -> None:
    bot, alice, room = await room_of(strict)
    assert (await bot.posture(room)).undo is Undo.ANYBODY
    cursor = await strict.now(bot)
    accepted = await bot.send(strict.delivery(room, "a slip of ours", alice))
    written = await alice.write(room, "a slip of hers")
    for message in (accepted.remote_id, written):
        assert not await bot.is_gone(room, message)
        await bot.undo(room, message)
        assert await bot.is_gone(room, message)
    assert await alice.arrived(room, "wallcross", strict.server.ca) == ()
    events, _ = await strict.events(bot, cursor, lambda e: len(taken_back(e)) > 1)
    assert taken_back(events) == [(accepted.remote_id, None), (written, None)]


def taken_back(events: list[Event]) -> list[tuple[RemoteId, object]]:
    return [(e.target, e.by) for e in events if isinstance(e, Redacted)]


async def test_what_was_taken_out_while_we_were_away_is_told_as_taken_back(strict: Lab) -> None:
    account = strict.account("bot")
    bot, alice = await strict.bot(account), await strict.person("alice")
    room = await strict.room(bot, alice)
    cursor = await strict.now(bot)
    await bot.close()
    written = await alice.write(room, "a slip")
    again = await strict.bot(account, "elsewhere", moderation=True)
    assert isinstance(again, UndoesMessages)
    await again.undo(room, written)
    await again.close()
    events, _ = await strict.events(
        await strict.bot(account), cursor, lambda e: bool(taken_back(e))
    )
    assert taken_back(events)[0][0] == written
    assert not said(events)


async def test_where_the_server_does_not_moderate_readers_are_only_asked_to_forget(
    lab: Lab,
) -> None:
    """Clients that know of it hide it; the archive hands it out, and so it is not gone."""
    bot, alice, room = await room_of(lab)
    assert (await bot.posture(room)).undo is Undo.OWN
    accepted = await bot.send(lab.delivery(room, "a slip", alice))
    await bot.undo(room, accepted.remote_id)
    assert await alice.arrived(room, "wallcross", lab.server.ca) == ()
    assert not await bot.is_gone(room, accepted.remote_id)


async def test_where_the_server_does_not_moderate_nobody_elses_is_taken_back(lab: Lab) -> None:
    bot, alice, room = await room_of(lab)
    written = await alice.write(room, "hers")
    with pytest.raises(Rejected):
        await bot.undo(room, written)


async def test_without_an_archive_nobody_says_that_anything_is_gone(forgetful: Lab) -> None:
    bot, alice, room = await room_of(forgetful)
    accepted = await bot.send(forgetful.delivery(room, "a slip", alice))
    with pytest.raises(ConnectorError):
        await bot.is_gone(room, accepted.remote_id)
    with pytest.raises(ConnectorError):
        await bot.find(room, forgetful.delivery(room, secrets.token_hex(4)).key)


async def test_where_nothing_is_set_nothing_is_promised(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, await lab.person("alice"))
    assert not isinstance(bot, UndoesMessages)
    assert (await bot.posture(room)).undo is Undo.NONE
