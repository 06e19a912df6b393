"""Signing in and out at real pages: by a link, once; and nothing is left on the page afterwards."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from .people import at_browser
from .town import town

pytestmark = pytest.mark.long
BLANK_MS = 5_000


async def test_a_link_signs_one_person_in_once_and_the_page_is_empty_once_it_is_taken_back(
    browser: Browser, folder: Path
) -> None:
    async with town(folder, talks=()) as home:
        link = (await home.client.desk_link(home.deal, "ada")).url
        async with (
            at_browser(browser, home.origin, "ada") as ada,
            at_browser(browser, home.origin, "eve") as eve,
        ):
            await ada.signs_in(link)
            assert "Ada" in await ada.text()
            await eve.go("/you")
            assert "Ada" not in await eve.text()
            await eve.page.goto(link)
            await eve.page.get_by_text("opened before").wait_for(timeout=BLANK_MS)
            assert await eve.page.get_by_role("button", name="Sign in as").count() == 0
            assert await home.client.desk_end(home.deal, "ada") == 1
            await ada.page.get_by_text("You are signed out.").wait_for(timeout=BLANK_MS)
            assert "HERON" not in await ada.text()
            assert "HERON" not in await ada.page.content()
            assert ada.wrong == []
