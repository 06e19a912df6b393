"""What the doctor says of an installation, on a real Prosody."""

import pytest

from connectors.port.connector import Inspects
from connectors.xmpp.connector import XmppConnector, open_connector

from .conftest import Lab
from .prosody import DOMAIN, FILES

pytestmark = pytest.mark.real


async def checks(bot: XmppConnector) -> dict[str, bool]:
    found = await bot.inspect()
    assert all(each.hint and (each.ok or each.remedy) for each in found)
    return {each.code: each.ok for each in found}


async def test_all_is_well_but_that_nothing_is_sealed(lab: Lab) -> None:
    lab.account("standby")
    bot = await lab.bot(standby=f"standby@{DOMAIN}")
    await lab.room(bot, await lab.person("alice"))
    told = await checks(bot)
    assert told.pop("sealing") is False
    assert all(told.values()), told
    assert set(told) == {
        "line",
        "rooms",
        "room archive",
        "room form",
        "room owners",
        "taking back",
        "own archive",
    }


async def test_a_room_that_we_alone_rule_is_told(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    await lab.room(bot, alice)
    assert not (await checks(bot))["room owners"]


async def test_a_service_that_keeps_no_rooms_is_told(lab: Lab) -> None:
    assert not (await checks(await lab.bot(rooms=FILES)))["rooms"]


async def test_what_is_seen_with_the_first_room_is_told_later(lab: Lab) -> None:
    found = {each.code: each for each in await (await lab.bot()).inspect()}
    assert found["room form"].later
    assert found["room archive"].later


async def test_a_closed_channel_is_looked_at_too(lab: Lab) -> None:
    bot = open_connector(lab.setup(lab.account("bot")))
    assert isinstance(bot, Inspects)
    assert not any(each.ok for each in await bot.inspect())


async def test_while_nothing_answers_nothing_is_well(lab: Lab) -> None:
    bot = await lab.bot(patience=2.5)
    await lab.room(bot, await lab.person("alice"))
    await bot._open.line.close()
    assert not any(ok for ok in (await checks(bot)).values())


async def test_moderation_that_was_counted_on_and_is_not_there_is_told(lab: Lab) -> None:
    bot = await lab.bot(moderation=True)
    await lab.room(bot, await lab.person("alice"))
    assert not (await checks(bot))["taking back"]
