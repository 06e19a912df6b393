"""Each red of the Wickr doctor: shown with what to do, and over once it is put right."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from connectors.port import RoomId
from connectors.port.connector import Check
from connectors.port.errors import Rejected
from connectors.testing.rig import attachment
from connectors.wickr import watch
from connectors.wickr.connector import WickrConnector, open_connector
from connectors.wickr.standin.control import Upload

from .conftest import Lab, said, until


async def look(bot: WickrConnector, code: str) -> Check:
    (found,) = [check for check in await bot.inspect() if check.code == code]
    assert found.ok == (not found.remedy)
    return found


async def test_everything_is_in_order_here(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.room(bot, "ann", owners=frozenset({await lab.account("ann")}))
    cursor = await lab.now(bot)
    await lab.heard(bot, cursor, await lab.hand.write("ann", "hello"))
    assert [check.code for check in await bot.inspect() if not check.ok] == []


async def test_before_a_first_message_it_cannot_be_told_yet(lab: Lab) -> None:
    found = await look(await lab.bot(), "bot messages")
    assert (found.ok, found.later) == (False, True)


async def test_a_closed_channel_says_so(lab: Lab) -> None:
    (found,) = await open_connector(lab.setup()).inspect()  # type: ignore[attr-defined]
    assert (found.ok, bool(found.remedy)) == (False, True)


async def test_what_cannot_be_seen_is_not_ok(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.go_down()
    for code in ("bot reach", "bot statistics", "room admins", "burn on read"):
        assert "could not be seen" in (await look(bot, code)).hint
    await lab.hand.come_back()
    assert (await look(bot, "bot reach")).ok


async def test_group_conversations_are_counted_and_said_never_to_be_written_to(lab: Lab) -> None:
    bot = await lab.bot()
    for name in ("ann", "bob"):
        await lab.hand.person(name)
    assert "is in 0:" in (await look(bot, "group conversations")).hint
    await lab.hand.make_room("ann", ["bot", "bob"], group=True)
    found = await look(bot, "group conversations")
    assert found.hint.startswith("the bot is in 1: what is said there is heard, and can be left;")
    assert "nothing is sent to one, as nobody can say for sure who is in it" in found.hint
    await lab.hand.refuse("groups")
    found = await look(bot, "group conversations")
    assert found.ok
    assert "an unknown number" in found.hint


async def test_a_room_that_we_alone_moderate_is_red_until_somebody_else_does(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    found = await look(bot, "room admins")
    assert "only moderator of 1 rooms" in found.hint
    await bot.set_admin(room, await lab.account("ann"), admin=True)
    assert (await look(bot, "room admins")).ok


async def test_a_room_that_burns_what_must_be_kept_is_red(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann", owners=frozenset({await lab.account("ann")}))
    assert (await look(bot, "burn on read")).ok
    await lab.hand.change(room, by="ann", bor=30)
    found = await look(bot, "burn on read")
    assert "not retained" in found.hint
    await lab.hand.change(room, by="ann", bor=0)
    assert (await look(bot, "burn on read")).ok


async def test_a_room_that_is_to_burn_is_made_so_and_shown(lab: Lab) -> None:
    bot = await lab.bot(burn_on_read=60)
    room = await lab.room(bot, "ann")
    assert (await lab.hand.room(room)).bor == 60
    assert (await look(bot, "burn on read")).ok


async def test_errors_that_the_client_counts_are_red(lab: Lab) -> None:
    bot = await lab.bot()
    assert (await look(bot, "bot statistics")).ok
    nobody = await lab.delivery(bot, RoomId("1:nobody@example.test"))
    with pytest.raises(Rejected):
        await bot.send(nobody)
    assert "1 messages failed in the client" in (await look(bot, "bot statistics")).hint


async def test_folders_that_are_not_mounted_are_red(lab: Lab) -> None:
    bot = await lab.bot(attachments=None, uploads=None)
    assert "cannot be read here" in (await look(bot, "files received")).hint
    assert (await look(bot, "files sent")).ok
    room = await lab.room(bot, "ann")
    files = (attachment("Offer.pdf", b"x" * 100),)
    delivery = await lab.delivery(bot, room)
    await bot.send(replace(delivery, content=replace(delivery.content, attachments=files)))
    found = await look(bot, "files sent")
    assert "1 files that we sent" in found.hint


async def test_what_we_sent_is_cleaned_away_where_we_can(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SENT_FOR", 0)
    bot = await lab.bot(look_every=0.1)
    room = await lab.room(bot, "ann")
    files = (attachment("Offer.pdf", b"x" * 100),)
    delivery = await lab.delivery(bot, room)
    await bot.send(replace(delivery, content=replace(delivery.content, attachments=files)))

    async def clean() -> bool:
        return not list(lab.attachments.iterdir())

    await until(clean)
    assert (await look(bot, "files sent")).ok


async def test_a_file_that_nobody_could_read_is_not_deleted(lab: Lab) -> None:
    bot = await lab.bot(look_every=0.1, max_attachment_bytes=50)
    cursor = await lab.now(bot)
    await lab.hand.person("ann")
    for name, times in SIZES:
        await lab.hand.write("ann", file=Upload(name, b"x" * 40 * times))
    events, behind = await lab.events(bot, cursor, lambda e: len(said(e)) == 2)
    assert [m.unreadable for m in said(events)] == ["file_out_of_reach", None]
    async with contextlib.aclosing(bot.receive(behind)) as stream:
        taken = asyncio.create_task(anext(stream))  # begins behind them: they were taken over

        async def one_left() -> bool:
            return len(list(lab.attachments.iterdir())) == 1

        await until(one_left)
        taken.cancel()
        await asyncio.gather(taken, return_exceptions=True)
    assert "large" in next(lab.attachments.iterdir()).name


SIZES = (("large.pdf", 2), ("small.pdf", 1))
