"""Two people in two browsers: nothing of what is one's alone ever reaches the other's machine.

What counts is not what a page shows but what the server sent: each answer and each frame of the
websocket is searched. Each page that there is is asked for, also those that are in nobody's menu.
"""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from dashboard.nav import PAGES
from tests.scenarios.house import Talk
from tiers.tier import Tier

from .people import Person, at_browser
from .town import Town, town

pytestmark = pytest.mark.long
HERS, HIS = "zebrafish", "quokkatree"
"""Names of conversations, of which each of the two is in one."""
TALKS = (
    Talk(HERS, Tier.VALUATION, members=("ada", "bo", "cy")),
    Talk("lunch", Tier.COORDINATION),
    Talk(HIS, Tier.COORDINATION, members=("di", "el")),
)


async def test_neither_is_ever_sent_a_byte_of_the_other(browser: Browser, folder: Path) -> None:
    async with (
        town(folder, talks=TALKS) as home,
        at_browser(browser, home.origin, "ada") as ada,
        at_browser(browser, home.origin, "el") as el,
    ):
        await _in(home, ada, "ada")
        await _in(home, el, "el")
        await _writes(home, "ada", HERS)
        await _writes(home, "el", HIS)
        for page in ("", *(page.key for page in PAGES)):
            await ada.sees(page)
            await el.sees(page)
        hers, his = await ada.all_read(), await el.all_read()
    assert HERS.encode() in hers, "what is her own is shown to her, or nothing was tested"
    assert HIS.encode() in his, "and his to him"
    assert HIS.encode() not in hers
    assert HERS.encode() not in his
    assert b"person:el" not in hers
    assert b"person:ada" not in his


async def _in(home: Town, person: Person, name: str) -> None:
    await person.signs_in((await home.client.desk_link(home.deal, name)).url)


async def _writes(home: Town, name: str, label: str) -> None:
    await home.far.write(name, home.rooms[label], f"a word of {name}")
