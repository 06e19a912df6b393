"""OMEMO on a real Prosody, with people whose client nobody here wrote."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from slixmpp import JID
from slixmpp.stanza import Message

from connectors.port import DeviceId
from connectors.port.errors import IdentityChanged
from connectors.port.messages import Device, Reader
from connectors.xmpp.omemo import engine as engine_module
from connectors.xmpp.omemo.pep import NAMESPACE

from .omemo_lab import NS, Crash, OmemoLab, heard, served
from .omemo_people import Bot, Person, until
from .prosody import Prosody

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    yield from served(tmp_path_factory.mktemp("prosody"))


@pytest.fixture
async def lab(server: Prosody, tmp_path: Path) -> AsyncIterator[OmemoLab]:
    made = OmemoLab(server, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


# --- both ways ----------------------------------------------------------------------------------


async def test_both_ways(lab: OmemoLab) -> None:
    bot, anna, ben = await lab.bot(), await lab.person("anna"), await lab.person("ben")
    room = await lab.room(bot, anna, ben)
    readers = await bot.readers(anna, ben)
    assert readers[anna.account] == {await anna.device()}
    for text in ("EV/EBITDA 11.2x", "Grüße, 你好 \u202e <b>"):
        await bot.write(room, text, readers)
    await until(lambda: len(anna.texts) == len(ben.texts) == 2)
    assert anna.texts == ben.texts == ["EV/EBITDA 11.2x", "Grüße, 你好 \u202e <b>"]
    await anna.write(room, "agreed", bot.address, ben.address)
    (message,) = await heard(bot, anna)
    async with bot.sealer.opening(message, anna.account) as opened:
        assert (opened.text, opened.device, opened.unreadable) == (
            "agreed",
            await anna.device(),
            None,
        )


async def test_nothing_of_the_body_stands_in_the_clear(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    sealed = await bot.sealer.seal("a planted canary", await bot.readers(anna))
    stanza = bot.client.make_message(mto=JID(anna.address))
    for part in sealed.payload:
        stanza.append(part)
    assert "canary" not in str(stanza)
    assert "canary" not in repr(sealed)
    assert sealed.readers == {Reader(anna.account, frozenset({await anna.device()}))}
    own = bot.sealer.own
    assert own is not None
    both = {**await bot.readers(anna), bot.account: frozenset({own})}
    assert Reader(bot.account, frozenset({own})) in (await bot.sealer.seal("x", both)).readers


async def test_no_log_holds_a_text(lab: OmemoLab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("omemo.core", "slixmpp_omemo"):  # whatever an operator or a library asked for
        caplog.set_level(logging.DEBUG, logger=name)
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    caplog.clear()
    sealed = await bot.sealer.seal("a planted canary", await bot.readers(anna))
    stanza = anna.client.make_message(mto=JID(room))
    stanza.append(sealed.payload[0])
    await bot.opens(stanza, anna.address)
    assert not [line for line in caplog.messages if "canary" in line]


# --- who is put out, who is new -----------------------------------------------------------------


async def test_who_was_put_out_opens_nothing_more_with_the_bytes_in_hand(lab: OmemoLab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    await bot.write(room, "before", await bot.readers(anna, mal))
    await until(lambda: anna.texts and mal.texts)
    muc: Any = bot.client.plugin["xep_0045"]
    await muc.set_affiliation(JID(room), "none", jid=JID(mal.address))
    await bot.write(room, "after", await bot.readers(anna))
    await until(lambda: len(anna.texts) == 2)
    assert (anna.texts, mal.texts) == (["before", "after"], ["before"])
    bytes_in_hand = anna.came[-1]
    assert await mal.opens(bytes_in_hand) is None
    assert await mal.opens(mal.came[-1]) is None  # nor what he opened, again
    renamed = _rewritten(bytes_in_hand, await anna.device(), await mal.device())
    assert await mal.opens(renamed) is None


def _rewritten(stanza: Message, theirs: Device, his: Device) -> Message:
    """As if what was sealed to another device had been sealed to his."""
    made = copy(stanza)
    for key in made.xml.iter(f"{NS}key"):
        if key.get("rid") == theirs.device:
            key.set("rid", his.device)
    return made


async def test_a_new_device_opens_nothing_until_it_is_named_and_is_told(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    before = await bot.readers(anna)
    tablet = await lab.person("anna", "tablet")
    await until(lambda: bot.news)
    assert bot.news == [(anna.account, await tablet.device())]
    await tablet.join(room)
    await bot.write(room, "to the phone", before)
    after = await bot.readers(anna)
    assert after[anna.account] == {await anna.device(), await tablet.device()}
    await bot.write(room, "to both", after)
    await until(lambda: tablet.texts and len(anna.texts) == 2)
    assert (anna.texts, tablet.texts) == (["to the phone", "to both"], ["to both"])


async def test_a_changed_key_stops_it_until_it_is_chosen(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    before = await bot.readers(anna)
    await bot.write(room, "one", before)
    await until(lambda: anna.texts)
    held = await anna.changed()
    await anna.close()
    other = await lab.person("anna", held=held)
    await other.join(room)
    phone, changed = await anna.device(), await other.device()
    assert (phone.device, phone.key == changed.key) == (changed.device, False)
    await until(lambda: bot.news)
    assert bot.news == [(anna.account, changed)]
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("two", before)
    await other.write(room, "from whom?", bot.address)
    (message, *_) = await heard(bot, other)
    assert await bot.opens(message, anna.address) == (None, "key_changed")
    await bot.write(room, "three", await bot.readers(anna))
    await until(lambda: other.texts)
    assert other.texts == ["three"]
    await other.write(room, "it is me", bot.address)
    message = (await heard(bot, other, 2))[-1]
    assert await bot.opens(message, anna.address) == ("it is me", None)


async def test_a_device_that_was_withdrawn_stops_it(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    tablet = await lab.person("anna", "tablet")
    readers = await bot.readers(anna)
    manager = await anna.omemo.get_session_manager()
    gone = (await tablet.device()).device
    await tablet.close()
    await manager._upload_device_list(NAMESPACE, {int((await anna.device()).device): None})
    assert gone not in {d.device for d in (await bot.readers(anna))[anna.account]}
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("x", readers)


# --- trust --------------------------------------------------------------------------------------


async def test_trust_is_for_what_is_published_and_comes_from_people_alone(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    phone = await anna.device()
    await bot.sealer.seal("x", await bot.readers(anna))
    assert bot.sealer.trusted(anna.account) == frozenset()
    for wrong in (Device(phone.device, phone.key[::-1]), Device(DeviceId("7"), phone.key)):
        with pytest.raises(IdentityChanged):
            await bot.sealer.trust(anna.account, wrong)
    await bot.sealer.trust(anna.account, phone)
    assert bot.sealer.trusted(anna.account) == {phone}


async def test_distrust_outlives_a_start_and_stops_reading_too(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    phone = await anna.device()
    readers = await bot.readers(anna)
    await bot.sealer.distrust(anna.account, phone)
    await bot.close()
    bot = await lab.bot()
    assert bot.sealer.distrusted(anna.account) == {phone}
    with pytest.raises(IdentityChanged):
        await bot.sealer.seal("x", readers)
    await bot.room(room)
    await anna.write(room, "believe me", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == (None, "device_distrusted")
    await bot.sealer.trust(anna.account, phone)
    assert bot.sealer.distrusted(anna.account) == frozenset()
    await bot.sealer.seal("x", readers)


async def test_a_number_that_another_member_takes_stops_it(lab: OmemoLab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    number = int((await anna.device()).device)
    manager = await mal.omemo.get_session_manager()
    bundle = await manager._download_bundle(NAMESPACE, anna.address, number)
    await manager._upload_bundle(bundle)
    await manager._upload_device_list(NAMESPACE, {number: None})
    with pytest.raises(IdentityChanged) as refused:
        await bot.sealer.seal("x", await bot.readers(anna, mal))
    assert refused.value.code == "device_number_taken"


# --- whose it is --------------------------------------------------------------------------------


async def test_a_message_is_nobodys_but_of_the_account_whose_session_opens_it(
    lab: OmemoLab,
) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    await bot.readers(anna, mal)
    await mal.write(room, "I am not Anna", bot.address)
    (message,) = await heard(bot, mal)
    text, unreadable = await bot.opens(message, anna.address)
    assert (text, unreadable) == (None, "sender_unknown")
    renamed = copy(message)
    header = renamed.xml.find(f".//{NS}header")
    assert header is not None
    header.set("sid", (await anna.device()).device)
    text, unreadable = await bot.opens(renamed, anna.address)
    assert text is None
    assert unreadable
    assert await bot.opens(message, mal.address) == ("I am not Anna", None)


async def test_who_shows_anothers_key_neither_speaks_under_it_nor_silences_her(
    lab: OmemoLab,
) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    await bot.readers(anna)
    number = int((await anna.device()).device)
    manager = await mal.omemo.get_session_manager()
    await manager._upload_bundle(await manager._download_bundle(NAMESPACE, anna.address, number))
    await manager._upload_device_list(NAMESPACE, {number: None})
    await bot.readers(anna, mal)
    await anna.write(room, "Anna's own words", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, mal.address) == (None, "key_of_another")
    assert await bot.opens(message, anna.address) == ("Anna's own words", None)


async def test_the_same_bytes_open_once(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    for text in ("one", "two"):
        await anna.write(room, text, bot.address)
    first, second = await heard(bot, anna, 2)
    assert await bot.opens(second, anna.address) == ("two", None)
    assert await bot.opens(second, anna.address) == (None, "opened_before")
    assert await bot.opens(first, anna.address) == ("one", None)
    assert await bot.opens(first, anna.address) == (None, "opened_before")


async def test_what_is_sealed_twice_in_one_stanza_is_nothing(lab: OmemoLab) -> None:
    """One client would show the first, another the second."""
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    for text in ("yes", "no"):
        await anna.write(room, text, bot.address)
    first, second = await heard(bot, anna, 2)
    both = copy(first)
    both.xml.extend(second.xml.findall(f"{NS}encrypted"))
    assert bot.sealer.is_sealed(both)
    assert await bot.opens(both, anna.address) == (None, "malformed")
    assert await bot.opens(first, anna.address) == ("yes", None)


async def test_our_own_come_back_are_no_messages(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    await bot.write(room, "ours", await bot.readers(anna))
    (message,) = await heard(bot, bot)
    assert await bot.opens(message, bot.address) == (None, "our_own")


async def test_what_is_for_others_is_told_as_unreadable(lab: OmemoLab) -> None:
    bot, anna, ben = await lab.bot(), await lab.person("anna"), await lab.person("ben")
    room = await lab.room(bot, anna, ben)
    await anna.write(room, "not for the bot", ben.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == (None, "not_for_us")


# --- keys alone ---------------------------------------------------------------------------------


async def test_what_moves_keys_on_reaches_no_room_and_is_no_message(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    await bot.sealer.caught_up()
    await anna.write(room, "hello", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == ("hello", None)
    await until(lambda: [m for m in anna.came if m["from"].bare == bot.address])
    (moved,) = [m for m in anna.came if m["from"].bare == bot.address]
    assert (moved["type"], moved.xml.find(f".//{NS}payload")) == ("chat", None)
    assert not [m for m in anna.came if m["from"].resource == bot.client.boundjid.user]
    await bot.write(room, "hello to you", await bot.readers(anna))
    await until(lambda: anna.texts)
    moves = [m for m in bot.came if m["from"].bare == anna.address]
    for each in moves:
        async with bot.sealer.opening(each, anna.account) as opened:
            assert opened.text is None


async def test_until_caught_up_nothing_is_answered_and_keys_are_kept(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    await anna.write(room, "while away", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == ("while away", None)
    assert not [m for m in anna.came if m["from"].bare == bot.address]
    await bot.sealer.caught_up()
    await until(lambda: [m for m in anna.came if m["from"].bare == bot.address])


async def test_the_key_for_strangers_is_renewed(
    lab: OmemoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    own = bot.sealer.own
    assert own is not None
    manager = await anna.omemo.get_session_manager()

    async def shown() -> Any:
        bundle = await manager._download_bundle(NAMESPACE, bot.address, int(own.device))
        return bundle.bundle.signed_pre_key

    before = await shown()
    monkeypatch.setattr(engine_module, "_WEEK_SECONDS", -1)
    await bot.sealer.start()
    assert await shown() != before
    room = await lab.room(bot, anna)
    await anna.write(room, "under the new one", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == ("under the new one", None)


# --- crashes and starts -------------------------------------------------------------------------


async def _crashing(bot: Bot, message: Message, sender: Person) -> None:
    async with bot.sealer.opening(message, sender.account) as opened:
        assert opened.text == "one"
        raise Crash


async def test_what_was_not_stored_opens_again_after_a_start(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    await anna.write(room, "one", bot.address)
    (message,) = await heard(bot, anna)
    with pytest.raises(Crash):
        await _crashing(bot, message, anna)
    await bot.close()
    bot = await lab.bot()
    assert await bot.opens(message, anna.address) == ("one", None)
    await bot.close()
    bot = await lab.bot()
    assert await bot.opens(message, anna.address) == (None, "opened_before")


async def test_a_restart_is_the_same_device_and_uses_no_key_twice(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    own, room = bot.sealer.own, await lab.room(bot, anna)
    readers = await bot.readers(anna)
    await bot.sealer.seal("sealed and never sent", readers)
    for turn in range(3):
        await bot.write(room, f"turn {turn}", readers)
        await until(lambda: len(anna.texts) == turn + 1)  # noqa: B023 (waited for right here)
        await bot.close()
        bot = await lab.bot()
        await bot.room(room)
        assert bot.sealer.own == own
    assert anna.texts == ["turn 0", "turn 1", "turn 2"]
    listed = await bot.sealer.devices(frozenset({bot.account}))
    assert listed[bot.account] == {own}


async def test_a_first_start_that_ends_before_publishing_is_one_device(
    lab: OmemoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr("connectors.xmpp.omemo.pep.Pep.publish_bundle", crash)
        with pytest.raises(Crash):
            await lab.bot()
    await lab.opened[-1].close()
    bot = await lab.bot()
    devices = await bot.sealer.devices(frozenset({bot.account}))
    assert devices[bot.account] == {bot.sealer.own}
    anna = await lab.person("anna")
    room = await lab.room(bot, anna)
    await anna.write(room, "there you are", bot.address)
    (message,) = await heard(bot, anna)
    assert await bot.opens(message, anna.address) == ("there you are", None)


async def test_many_at_once_keep_each_session_whole(lab: OmemoLab) -> None:
    bot, anna, ben = await lab.bot(), await lab.person("anna"), await lab.person("ben")
    room = await lab.room(bot, anna, ben)
    readers = await bot.readers(anna, ben)
    await bot.write(room, "first", readers)
    await until(lambda: anna.texts and ben.texts)
    for each in (anna, ben):
        each.texts.clear()
    for n in range(5):
        await anna.write(room, f"anna {n}", bot.address)
    messages = await heard(bot, anna, 5)
    opening = asyncio.gather(*(bot.opens(m, anna.address) for m in messages))
    reading = bot.sealer.devices(frozenset(readers))
    writing = asyncio.gather(*(bot.write(room, f"bot {n}", readers) for n in range(10)))
    await asyncio.gather(opening, reading, writing)
    assert [text for text, _ in await opening] == [f"anna {n}" for n in range(5)]
    await until(lambda: len(anna.texts) == len(ben.texts) == 10)
    assert sorted(anna.texts) == sorted(ben.texts) == sorted(f"bot {n}" for n in range(10))


async def test_two_who_begin_at_once_lose_nothing_that_comes_to_us(lab: OmemoLab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    readers = await bot.readers(anna)
    early = await anna.sealed(room, "hers, begun by her", bot.address)
    await bot.write(room, "ours, begun by us", readers)
    await until(lambda: anna.texts)
    assert await bot.opens(early, anna.address) == ("hers, begun by her", None)
    await anna.write(room, "hers, in our session", bot.address)
    (message,) = await heard(bot, anna)
    await bot.close()
    bot = await lab.bot()
    await bot.room(room)
    assert await bot.opens(message, anna.address) == ("hers, in our session", None)
    await bot.write(room, "ours again", readers)
    await until(lambda: len(anna.texts) == 2)
    assert anna.texts == ["ours, begun by us", "ours again"]
