"""`doctor` on a mail account: a key that ends is told of before the first mail is refused."""

from dataclasses import replace

from connectors.pgpmail.connector import MailConnector, open_connector
from connectors.port.connector import Check, Inspects
from orchestrator import clock

from .conftest import MEMBER, Lab

DAY = 24 * 3600 * 1_000_000
YEAR = 365 * DAY


async def _bot(lab: Lab, ahead: int) -> MailConnector:
    """An account of which it is later than on this machine."""
    setup = replace(lab.setup(), now=lambda: clock.now() + ahead)
    bot = open_connector(setup)
    assert isinstance(bot, MailConnector)
    await bot.open()
    lab.opened.append(bot)
    assert isinstance(bot, Inspects)
    return bot


async def _looked(bot: MailConnector) -> dict[str, Check]:
    found = {check.code: check for check in await bot.inspect()}
    assert all(check.ok == (not check.remedy) for check in found.values())
    return found


async def test_keys_that_stand_are_in_order(lab: Lab) -> None:
    bot = await _bot(lab, 0)
    await lab.mailing(bot)
    found = await _looked(bot)
    assert found["own key"].ok
    assert found["adviser keys"].hint.startswith("1 compared")


async def test_an_advisers_key_that_ends_soon_is_told_of_and_goes_still(lab: Lab) -> None:
    bot = await _bot(lab, YEAR - 3 * DAY)
    room = await lab.mailing(bot)
    found = (await _looked(bot))["adviser keys"]
    assert (found.ok, found.later) == (False, True)
    assert f"{MEMBER} ends within 7 days" in found.hint
    assert (await bot.posture(room)).holdings


async def test_an_advisers_key_that_has_ended_stops_mails_to_him_alone(lab: Lab) -> None:
    bot = await _bot(lab, YEAR + DAY)
    await lab.mailing(bot)
    found = (await _looked(bot))["adviser keys"]
    assert found.later
    assert f"{MEMBER} gets nothing (expired)" in found.hint


async def test_who_was_not_compared_is_nobody_to_look_at(lab: Lab) -> None:
    bot = await _bot(lab, YEAR + DAY)
    await lab.mailing(bot, pinned=False)
    assert (await _looked(bot))["adviser keys"].ok


async def test_our_own_key_is_told_of_a_month_before_and_red_once_it_ended(lab: Lab) -> None:
    soon = (await _looked(await _bot(lab, 3 * YEAR - 10 * DAY)))["own key"]
    assert (soon.ok, soon.later) == (False, True)
    over = (await _looked(await _bot(lab, 3 * YEAR + 10 * DAY)))["own key"]
    assert (over.ok, over.later) == (False, False)
    assert "expired" in over.hint


async def test_a_closed_channel_shows_nothing(lab: Lab) -> None:
    bot = await _bot(lab, 0)
    await bot.close()
    (found,) = await bot.inspect()
    assert not found.ok
