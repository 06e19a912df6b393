"""Who is put out of a mailing gets nothing more in it, and nobody ever takes his place."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.port import AccountId, DeliveryKey, Guarantee, RoomId
from connectors.port.connector import ChangesMembers, HardensRooms, RotatesRoomKeys
from connectors.port.errors import ConnectorError, Rejected, Unreadable
from connectors.port.messages import Content, Delivery, Reader, RoomSpec
from connectors.testing.reading import held

from .conftest import BOT, MEMBER, Lab

OTHER = AccountId("other@elsewhere.test")


async def delivery(bot: MailConnector, room: RoomId) -> Delivery:
    """To the adviser, whether or not the mailing still goes to him."""
    readers = frozenset({Reader(MEMBER, await bot._open.keyring.devices(MEMBER))})
    return Delivery(DeliveryKey(secrets.token_hex(16)), room, Content("x"), readers)


async def fails(act: Awaitable[object], kind: type[ConnectorError]) -> ConnectorError:
    with pytest.raises(kind) as caught:
        await act
    return caught.value


async def test_after_he_is_put_out_nothing_is_sealed_to_him_in_this_mailing_alone(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    second = await bot.create(RoomSpec("x", frozenset({MEMBER}), frozenset(), None, gate=True))
    await bot.remove(room, MEMBER)
    assert (await fails(bot.send(await delivery(bot, room)), Rejected)).code == "mailing_ended"
    assert lab.mails() == []
    await bot.send(await delivery(bot, second))
    assert len(lab.mails()) == 1


async def test_a_delivery_that_still_names_him_is_refused(lab: Lab) -> None:
    """What was decided before he went goes nowhere."""
    bot = await lab.bot()
    room = await lab.mailing(bot)
    decided = await delivery(bot, room)
    await bot.remove(room, MEMBER)
    assert (await fails(bot.send(decided), Rejected)).code == "mailing_ended"
    assert lab.mails() == []


async def test_who_is_put_out_while_a_mail_is_sealed_does_not_get_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    decided = await delivery(bot, room)
    home, sealed = bot._open.home, asyncio.Event()
    seal = home.seal

    async def slowly(pieces: AsyncIterator[bytes], signer: str, subkey: str, target: Path) -> None:
        await seal(pieces, signer, subkey, target)
        await bot.remove(room, MEMBER)
        sealed.set()

    monkeypatch.setattr(home, "seal", slowly)
    assert (await fails(bot.send(decided), Rejected)).code == "mailing_ended"
    assert sealed.is_set()
    assert lab.mails() == []


async def test_a_mailing_that_goes_to_nobody_holds_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    assert Guarantee.END_TO_END_ENCRYPTED in held(await bot.posture(room))
    await bot.remove(room, MEMBER)
    assert held(await bot.posture(room)) == {Guarantee.MEMBERS_READABLE}
    assert [m.account for m in (await bot.members(room)).members] == [BOT]
    await bot.invite(room, MEMBER)
    assert Guarantee.END_TO_END_ENCRYPTED in held(await bot.posture(room))


async def test_he_stays_out_after_a_restart(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    await bot.remove(room, MEMBER)
    await bot.close()
    again = await lab.bot()
    assert [m.account for m in (await again.members(room)).members] == [BOT]


async def test_nobody_else_is_let_into_a_mailing(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    assert (await fails(bot.invite(room, OTHER), Rejected)).code == "one_adviser"
    await bot.remove(room, MEMBER)
    assert (await fails(bot.invite(room, OTHER), Rejected)).code == "one_adviser"
    await bot.remove(room, OTHER)
    assert [m.account for m in (await bot.members(room)).members] == [BOT]


async def test_an_address_is_the_same_in_any_case_of_its_letters(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    await bot.remove(room, AccountId(MEMBER.upper()))
    assert [m.account for m in (await bot.members(room)).members] == [BOT]


async def test_a_mailing_has_no_admins_and_no_settings_and_no_key_of_its_own(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.mailing(bot)
    for admin in (True, False):
        refused = await fails(bot.set_admin(room, MEMBER, admin=admin), Rejected)
        assert refused.code == "no_admins"
    assert isinstance(bot, ChangesMembers)
    assert not isinstance(bot, HardensRooms | RotatesRoomKeys)


async def test_of_an_unknown_mailing_nobody_is_put_out(lab: Lab) -> None:
    bot = await lab.bot()
    room = RoomId("mailing-nowhere")
    for act in (
        bot.invite(room, MEMBER),
        bot.remove(room, MEMBER),
        bot.set_admin(room, MEMBER, admin=True),
    ):
        assert (await fails(act, Unreadable)).code == "room_unknown"
