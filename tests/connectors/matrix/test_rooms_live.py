"""Taking back, invitations, private lines and the one way out, on a real Synapse."""

from contextlib import suppress
from typing import Any

import httpx
import pytest

from connectors.port import AccountId, RoomId
from connectors.port.errors import (
    ConnectorError,
    NoRoom,
    Unavailable,
    Unreadable,
)
from connectors.port.events import MembershipChange, MembershipChanged
from connectors.port.messages import Content
from connectors.testing.rig import attachment

from .conftest import Lab, Proxy, answering

pytestmark = pytest.mark.long


# taking back


async def test_what_somebody_else_wrote_is_taken_back_from_everybody(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    room = await lab.room(bot, anna, bob)
    cursor = await lab.now(bot)
    await anna.say(room, "the offer is 52")
    (heard,), _ = await lab.messages(bot, cursor, 1)
    await bot.undo(room, heard.remote_id)
    assert await bot.is_gone(room, heard.remote_id)
    assert (await bob.held_by_server(room, heard.remote_id))["content"] == {}
    await bob.sync()
    assert bob.texts(room) == []


async def test_files_are_taken_back_with_their_text(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    file = attachment("a.bin", b"x" * 1000)
    delivery = lab.delivery(room, "", anna, content=Content("see both", attachments=(file, file)))
    accepted = await bot.send(delivery)
    await anna.sync()
    assert len([s for s in anna.seen if "file" in s.content]) == 2
    await bot.undo(room, accepted.remote_id)
    assert await bot.is_gone(room, accepted.remote_id)
    assert await anna.history(room) == []


# invitations and private lines


async def test_an_invitation_is_told_and_never_accepted_by_itself(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    cursor = await lab.now(bot)
    room = RoomId(await anna.make_room([bot.account]))
    events, after = await lab.events(bot, cursor, bool)
    invited = [e for e in events if isinstance(e, MembershipChanged)]
    assert [(e.room, e.account, e.change, e.by) for e in invited] == [
        (room, bot.account, MembershipChange.INVITED, anna.user)
    ]
    again, _ = await lab.events(bot, cursor, bool)
    assert again == events
    with pytest.raises(Unreadable):
        await bot.members(room)
    await bot.join(room)
    await lab.events(
        bot, after, lambda e: any(getattr(x, "change", 0) is MembershipChange.JOINED for x in e)
    )
    assert bot.account in {m.account for m in (await bot.members(room)).members}


async def test_a_private_line_of_ours_is_one_until_a_third_comes(lab: Lab) -> None:
    bot, anna, bob = await lab.bot(), await lab.person("anna"), await lab.person("bob")
    room = await lab.room(bot, anna, direct=True, owners=frozenset({AccountId(anna.user)}))
    cursor = await lab.now(bot)
    await anna.say(room, "just us")
    (first,), cursor = await lab.messages(bot, cursor, 1)
    await anna.invite(room, bob.user)
    await anna.say(room, "no longer")
    found, _ = await lab.messages(bot, cursor, 1)
    assert (first.direct, found[-1].direct) == (True, False)


# the way out


async def test_everything_goes_through_the_door(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = await lab.person("anna")

    class NoOtherWayOut:
        def __init__(self, *_: object, **__: object) -> None:
            raise AssertionError("a second way out")

    bot = await lab.bot()
    room = await lab.room(bot, anna)
    cursor = await lab.now(bot)
    await anna.say(room, "hello")
    with monkeypatch.context() as patch:
        patch.setattr("aiohttp.ClientSession", NoOtherWayOut)
        patch.setattr("nio.client.async_client.ClientSession", NoOtherWayOut)
        file = attachment("a.bin", b"x" * 1000)
        content = Content("hi", attachments=(file,))
        await bot.send(lab.delivery(room, "", anna, content=content))
        await lab.messages(bot, cursor, 3)
        await bot.posture(room)


async def test_a_redirect_is_refused_and_nothing_is_sent(lab: Lab, proxy: Proxy) -> None:
    anna = await lab.person("anna")
    bot = await lab.bot(homeserver=await proxy.start())
    room = await lab.room(bot, anna)
    heard: list[str] = []

    async def elsewhere(call: Any, _forward: object) -> httpx.Response:
        heard.append(call.target)
        return httpx.Response(307, headers={"Location": f"{lab.server.url}{call.target}"})

    proxy.spoil("send", elsewhere)
    with pytest.raises(Unavailable) as refused:
        await bot.send(lab.delivery(room, "x", anna))
    assert (refused.value.code, len(heard)) == ("redirect_refused", 1)
    await anna.sync()
    assert anna.texts(room) == []


async def test_out_of_a_room_it_is_none_of_ours_and_nothing_in_it_counts_as_purged(
    lab: Lab, proxy: Proxy
) -> None:
    bot, anna = await lab.bot(homeserver=await proxy.start()), await lab.person("anna")
    room = await lab.room(bot, anna)
    accepted = await bot.send(lab.delivery(room, "still read", anna))
    proxy.spoil("state", answering(404, {"errcode": "M_NOT_FOUND"}))
    with pytest.raises(Unreadable) as caught:
        await bot.members(room)
    assert not isinstance(caught.value, NoRoom)
    await bot.leave(room)
    with pytest.raises(NoRoom):
        await bot.members(room)
    with pytest.raises(NoRoom):
        await bot.posture(room)
    gone = False
    with suppress(ConnectorError):  # that it cannot be said is a good end too
        gone = await bot.is_gone(room, accepted.remote_id)
    assert not gone
