"""One device of our own, and exactly the devices of others, on a real Synapse."""

import secrets
from collections.abc import Callable
from urllib.parse import quote

import pytest

from connectors.matrix.connector import MatrixConnector
from connectors.matrix.session import Session
from connectors.port import AccountId, DeviceId
from connectors.port.connector import EndsOwnDevices, OwnDevices
from connectors.port.errors import (
    IdentityChanged,
    Rejected,
)
from connectors.port.events import Event, KeyChanged
from connectors.port.messages import Device, Reader
from orchestrator.demo.farside import Person

from .conftest import Lab, devices_of, said, sealed_to

pytestmark = pytest.mark.long


# 6: every login makes a device


async def listed_devices(bot: MatrixConnector, person: Person) -> set[str]:
    """Devices of our account as the homeserver tells another."""
    told = await person.raw(
        "POST", "/_matrix/client/v3/keys/query", {"device_keys": {bot.account: []}}
    )
    return set(told["device_keys"][bot.account])


async def test_reopening_stays_one_device(lab: Lab) -> None:
    anna, bot = await lab.person("anna"), await lab.bot()
    first = bot.own_device()
    for _ in range(3):
        await bot.close()
        bot = await lab.bot(bot.account)
    assert bot.own_device() == first
    assert await listed_devices(bot, anna) == {first.device}


async def test_a_crash_while_signing_in_stays_one_device(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, anna = lab.account("bot"), await lab.person("anna")

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr("connectors.matrix.signin.Session", crash_on_token(crash))
        with pytest.raises(Crash):
            await lab.bot(user)
    bot = await lab.bot(user)
    told = await anna.raw("GET", f"/_matrix/client/v3/profile/{quote(user, safe='')}")
    assert told is not None
    devices = await client_devices(bot)
    assert devices == {bot.own_device().device}


def crash_on_token(crash: Callable[..., None]) -> Callable[..., Session]:
    """A Session that is never made of a token, as if the process ended right there."""

    def made(device: str, token: str | None = None) -> Session:
        if token is not None:
            crash()
        return Session(device)

    return made


async def client_devices(bot: MatrixConnector) -> set[str]:
    """Devices that the homeserver counts as signed in."""
    told = await bot._open.client.call("GET", "/_matrix/client/v3/devices")
    return {d["device_id"] for d in told["devices"]}


async def test_another_device_of_our_own_is_told_and_never_sealed_to(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    thief = await lab.device(bot.account, "stolen-password")
    snapshot = await bot.members(room)
    ours = bot.own_device()
    assert devices_of(snapshot, bot.account) == {
        ours,
        Device(DeviceId(thief.device[0]), thief.device[1]),
    }
    accepted = await bot.send(lab.delivery(room, "x", anna))
    assert sealed_to(accepted.sealed_to)[bot.account] == {ours.device}
    strict = lab.delivery(room, "x", anna, Reader(bot.account, frozenset({ours})))
    with pytest.raises(IdentityChanged):
        await bot.send(strict)
    await thief.sync()
    assert not [s for s in thief.seen if s.readable]


async def test_a_lost_store_is_not_papered_over(lab: Lab) -> None:
    user = lab.account("bot")
    bot = await lab.bot(user, state="first", device="FIXED")
    await bot.close()
    with pytest.raises(Rejected) as refused:
        await lab.bot(user, state="second", device="FIXED")
    assert refused.value.code == "device_taken"


async def test_enough_one_time_keys_are_published_and_renewed(lab: Lab) -> None:
    bot = await lab.bot()
    assert await one_time_keys(bot) >= 150


async def one_time_keys(bot: MatrixConnector) -> int:
    told = await bot._open.client.call("POST", "/_matrix/client/v3/keys/upload", {})
    return int(told["one_time_key_counts"]["signed_curve25519"])


# devices of others


async def test_a_device_that_nobody_agreed_to_stops_the_message(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    known = Reader(AccountId(anna.user), devices_of(await bot.members(room), anna.user))
    await bot.send(lab.delivery(room, "to the phone", known))
    tablet = await lab.device(anna.user, "tablet")
    with pytest.raises(IdentityChanged):
        await bot.send(lab.delivery(room, "to nobody", known))
    await bot.send(lab.delivery(room, "to both", anna))
    for device in (anna, tablet):
        await device.sync()
    assert anna.texts(room) == ["to the phone", "to both"]
    assert tablet.texts(room) == ["to both"]


async def test_a_distrusted_device_reads_nothing_while_the_other_does(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    laptop = await lab.device(anna.user, "laptop")
    room = await lab.room(bot, anna)
    await bot.send(lab.delivery(room, "to both", anna))
    await bot.distrust(AccountId(anna.user), Device(DeviceId(laptop.device[0]), laptop.device[1]))
    await bot.send(lab.delivery(room, "to the phone", anna))
    for device in (anna, laptop):
        await device.sync()
    assert anna.texts(room) == ["to both", "to the phone"]
    assert laptop.texts(room) == ["to both"]
    assert [s.readable for s in laptop.seen] == [True, False]


async def test_a_replaced_key_stops_it_until_people_compared_the_new_one(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    room = await lab.room(bot, anna)
    await bot.send(lab.delivery(room, "one", anna))
    await anna.replace_keys()
    with pytest.raises(IdentityChanged) as changed:
        await bot.send(lab.delivery(room, "two", anna))
    assert changed.value.code == "device_key_changed"
    fresh = devices_of(await bot.members(room), anna.user)
    assert {d.key for d in fresh} == {anna.device[1]}
    for device in fresh:
        await bot.trust(AccountId(anna.user), device)
    await bot.send(lab.delivery(room, "three", Reader(AccountId(anna.user), fresh)))


async def test_whoever_repeats_anothers_ciphertext_is_not_taken_for_its_author(lab: Lab) -> None:
    bot, anna, mal = await lab.bot(), await lab.person("anna"), await lab.person("mal")
    room = await lab.room(bot, anna, mal)
    cursor = await lab.now(bot)
    original = await anna.say(room, "I agree to 52")
    sealed = (await anna.held_by_server(room, original))["content"]
    place = f"rooms/{quote(room, safe='')}/send/m.room.encrypted/{secrets.token_hex(4)}"
    await mal.raw("PUT", f"/_matrix/client/v3/{place}", sealed)
    found, _ = await lab.messages(bot, cursor, 2)
    assert [(m.sender, m.content.text, m.unreadable) for m in found] == [
        (anna.user, "I agree to 52", None),
        (mal.user, "", "wrong_sender"),
    ]


async def test_that_our_own_keys_went_up_is_no_news(lab: Lab) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    cursor = await lab.now(bot)
    room = await lab.room(bot, anna)
    await lab.events(bot, cursor, lambda events: any(_of(e, anna.user) for e in events))
    await anna.say(room, "hello")
    told, _ = await lab.events(bot, cursor, lambda events: bool(said(events)))
    assert any(_of(event, anna.user) for event in told)
    assert not any(_of(event, bot.account) for event in told)


def _of(event: Event, account: str) -> bool:
    return isinstance(event, KeyChanged) and event.account == account


async def test_our_own_devices_are_listed_until_they_are_signed_out(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, OwnDevices)
    assert await bot.own_devices() == (bot.own_device(),)
    thief = await lab.device(bot.account, "stolen-password")
    listed = {d.device: d.key for d in await bot.own_devices()}
    assert listed == {
        bot.own_device().device: bot.own_device().key,
        thief.device[0]: thief.device[1],
    }
    await thief.sign_out()
    assert await bot.own_devices() == (bot.own_device(),)


async def test_a_device_of_ours_that_nobody_knows_is_signed_out_by_us(lab: Lab) -> None:
    bot = await lab.bot()
    assert isinstance(bot, EndsOwnDevices)
    thief = await lab.device(bot.account, "stolen-password")
    with pytest.raises(Rejected, match="own_device"):
        await bot.end_own_device(bot.own_device().device)
    await bot.end_own_device(DeviceId(thief.device[0]))
    assert await bot.own_devices() == (bot.own_device(),)
