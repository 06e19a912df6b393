"""No press is lost on a page that is drawn anew meanwhile, and none is taken for another."""

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser

from orchestrator.client.views import Post
from tests.scenarios.conftest import eventually
from tests.scenarios.house import CHANNEL, PRICE

from .people import Person, at_browser
from .presses import Told, place, press_at
from .test_approvals import ADA, CY, DI, keys, says_yes
from .town import Town, town

pytestmark = pytest.mark.long
PAIRS = 12
WHILE_DRAWN_S = 0.3
"""Within this of the first press the second comes; the page is drawn anew in it."""
WENT_ANEW = 3


async def held(made: Town, count: int) -> list[str]:
    """So many messages of Ada's are held; returns their ids as her page lists them."""
    client, deal = made.client, made.deal
    await keys(client, deal, (ADA, CY, DI))
    founding = (await client.deal_found(deal)).request_id
    await says_yes(client, founding, (ADA, CY, DI))
    for n in range(count):
        text = f"{PRICE}: we raise our offer to {20 + n}.50 per share, {1 + n}.2 billion in all."
        await client.send_text(deal, Post(person="ada", conversation="lunch"), text)

    async def all_held() -> bool:
        return len((await client.held_desk(deal)).items) == count

    await eventually(all_held)
    return [one.message_id for one in (await client.held_desk(deal)).items]


async def looks(made: Town, ada: Person, page: str) -> Told:
    """Ada signs in and opens a page."""
    heard = Told()
    heard.listens(ada.page)
    await ada.signs_in((await made.client.desk_link(made.deal, "ada")).url)
    await ada.sees(page)
    await ada.drawn()
    return heard


async def test_what_slides_under_a_finger_is_not_pressed_and_what_was_meant_is(
    browser: Browser, folder: Path
) -> None:
    """One message is moved, and at once another's release is asked for, where its button was."""
    when = random.Random(7)  # noqa: S311 - moments of a test, not a secret
    async with town(folder) as made, at_browser(browser, made.origin, "ada") as ada:
        waits = await held(made, 2 * PAIRS + 2)
        heard = await looks(made, ada, "held")
        for moved, meant in zip(waits[: 2 * PAIRS : 2], waits[1 : 2 * PAIRS : 2], strict=True):
            ask = ada.page.locator(f".st-key-ask-{meant} button")
            await place(ask)
            await asyncio.sleep(0.6)  # he reads
            at = await place(ask)
            await press_at(
                ada.page, await place(ada.page.locator(f".st-key-move-{moved}-0 button"))
            )
            await asyncio.sleep(when.uniform(0, WHILE_DRAWN_S))
            await press_at(ada.page, at)
            await ask.first.wait_for(state="detached")
        asked = {one for one in waits if heard.of("ask-" + one)}
        assert asked == set(waits[1 : 2 * PAIRS : 2])
        assert len(await made.client.approval_list(made.deal, every=False)) == PAIRS
        assert ada.wrong == []


@contextmanager
def stopped(made: Town) -> Iterator[None]:
    """The API answers nothing meanwhile, as on a machine that has too much to do."""
    process = made.served._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_a_press_on_a_live_part_is_taken_though_he_goes_elsewhere_at_once(
    browser: Browser, folder: Path
) -> None:
    """A channel is paused and let go on the moment its card is made anew; then he leaves."""
    async with town(folder) as made, at_browser(browser, made.origin, "root") as root:
        heard = Told()
        heard.listens(root.page)
        await root.signs_in((await made.client.desk_home_link()).url)
        for button, state in (("pause", "paused"), ("again", "up")) * WENT_ANEW:
            await root.sees("connections")
            at = await place(root.page.locator(f".st-key-{button}-{CHANNEL} button"))
            heard.anew.clear()
            with stopped(made):
                await heard.anew.wait()
                await asyncio.sleep(WHILE_DRAWN_S)  # it asks, and waits for its answer
                await press_at(root.page, at)
                await asyncio.sleep(WHILE_DRAWN_S)
                await root.page.get_by_role("link", name="Who reads what").click()

            async def taken(wanted: str = state) -> bool:
                cards = (await made.client.desk_channels(made.deal)).cards
                return [one.state for one in cards] == [wanted]

            await eventually(taken)
        assert root.wrong == []
