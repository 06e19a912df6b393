"""What may be missed where nothing is kept: told as a window, no longer than the line was down."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connectors.port import Guarantee
from connectors.port.events import Event, Missed
from connectors.xmpp.connector import XmppConnector
from orchestrator import clock

from .conftest import Lab, said, through
from .proxy import Proxy

pytestmark = pytest.mark.real

SECOND = 1_000_000


def missed(events: list[Event]) -> list[Missed]:
    return [each for each in events if isinstance(each, Missed)]


@dataclass
class Away:
    lab: Lab
    proxy: Proxy
    bot: XmppConnector

    async def lose(self) -> tuple[int, int]:
        """The line and its session break; when, and when it is up again, microseconds UTC."""
        self.proxy.lose_session = True
        broke = clock.now()
        self.proxy.down = True
        self.proxy.cut()
        await asyncio.sleep(1.5)  # the outage itself
        self.proxy.down = False
        async with asyncio.timeout(45):
            while not (await self.bot.health()).up:  # noqa: ASYNC110 (it is asked)
                await asyncio.sleep(0.05)
        return broke, clock.now()


@pytest.fixture
async def away(forgetful: Lab) -> AsyncIterator[Away]:
    proxy = Proxy(forgetful.server.folder, forgetful.server.direct)
    await proxy.start()
    bot = await forgetful.bot(archive=False, **through(proxy))
    yield Away(forgetful, proxy, bot)
    await proxy.close()


async def test_without_an_archive_a_lost_session_is_a_window(away: Away) -> None:
    alice = await away.lab.person("alice")
    room = await away.lab.room(away.bot, alice)
    cursor = await away.lab.now(away.bot)
    await alice.write(room, "heard")
    await away.lab.messages(away.bot, cursor, 1)
    await asyncio.sleep(1.2)  # so that the line was looked at
    broke, back = await away.lose()
    events, _ = await away.lab.events(away.bot, cursor, lambda e: bool(missed(e)))
    (window,) = missed(events)
    assert window.since <= broke
    assert broke - window.since < 5 * SECOND
    assert window.until <= back + 5 * SECOND
    await away.bot.members(room)
    await alice.write(room, "heard again")
    events, _ = await away.lab.events(away.bot, cursor, lambda e: len(said(e)) > 1)
    assert len(missed(events)) == 1


async def test_without_an_archive_a_resumed_stream_misses_nothing(away: Away) -> None:
    alice = await away.lab.person("alice")
    room = await away.lab.room(away.bot, alice)
    cursor = await away.lab.now(away.bot)
    away.proxy.down = True
    away.proxy.cut()
    for n in range(3):
        await alice.write(room, f"while the line was down {n}")
    away.proxy.down = False
    events, _ = await away.lab.events(away.bot, cursor, lambda e: len(said(e)) == 3)
    assert not missed(events)


async def test_without_an_archive_a_room_hides_what_was_and_says_so(away: Away) -> None:
    room = await away.lab.room(away.bot, await away.lab.person("alice"))
    held = {h.guarantee for h in (await away.bot.posture(room)).holdings}
    assert Guarantee.HISTORY_HIDDEN in held
    assert held == away.bot.capabilities.can
    assert not away.bot.capabilities.re_offers


async def test_with_an_archive_and_without_seals_a_room_hides_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, await lab.person("alice"))
    held = {h.guarantee for h in (await bot.posture(room)).holdings}
    assert Guarantee.HISTORY_HIDDEN not in held
    assert Guarantee.END_TO_END_ENCRYPTED not in held


async def test_where_an_archive_was_asked_for_and_there_is_none_the_doctor_says_so(
    forgetful: Lab,
) -> None:
    bot = await forgetful.bot()
    await forgetful.room(bot, await forgetful.person("alice"))
    checks = {check.code: check for check in await bot.inspect()}
    assert not checks["room archive"].ok
    assert not checks["own archive"].ok
    assert checks["line"].ok


async def test_an_archive_that_forgot_where_we_were_is_a_window_and_read_from_there_on(
    lab: Lab,
) -> None:
    account = lab.account("bot")
    bot, alice = await lab.bot(account), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    await alice.write(room, "before")
    await lab.messages(bot, cursor, 1)
    store = bot._open.store
    store.moved(room, "purged-long-ago", clock.now() - 2 * SECOND)
    await bot.close()
    await alice.write(room, "away")
    events, _ = await lab.events(await lab.bot(account), cursor, lambda e: len(said(e)) > 1)
    assert [each.code for each in missed(events)] == ["archive_expired"]
    assert [each.content.text for each in said(events)] == ["before", "away"]


async def test_a_private_line_is_caught_up_from_our_own_archive(lab: Lab) -> None:
    account = lab.account("bot")
    bot, alice = await lab.bot(account), await lab.person("alice")
    cursor = await lab.now(bot)
    await alice.whisper(account, "one")
    await lab.messages(bot, cursor, 1)
    await bot.close()
    await alice.whisper(account, "two")
    heard = await lab.messages(await lab.bot(account), cursor, 2)
    assert [each.content.text for each in heard] == ["one", "two"]
    assert all(each.direct and each.sender == alice.account for each in heard)


async def test_in_a_room_that_we_were_put_out_of_nothing_is_told_and_that_is_told(
    lab: Lab,
) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    await (await lab.root()).affiliate(room, bot.account, "none")
    events, _ = await lab.events(bot, cursor, bool)
    assert getattr(events[0], "account", None) == bot.account
    checks = {check.code: check for check in await bot.inspect()}
    assert checks["room form"].later
