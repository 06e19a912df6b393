"""The front in a real browser before real processes: what a person sees when it matters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page

from dashboard.safe import JOINER
from orchestrator.client.api import Client
from tests.e2e.conftest import browser, chromium, folder
from tests.e2e.people import NARROW, Person, at_browser
from tests.e2e.town import Town, town
from tests.scenarios.house import CHANNEL, roster

pytestmark = pytest.mark.long
__all__ = ["browser", "chromium", "folder"]
LONG_MS = 120_000
GONE_S = 12.0
NAME = "Ada ![x](https://evil.example/p.png) :red[Approved] www.evil.example :material/home: $x$"
EVIL = (
    "a[href*='evil'], img[src*='evil'], span[style*='color']:has-text('Approved'), "
    "[class*='stMarkdownColoredText']:has-text('Approved')"
)
"""What a name would be if it were taken for more than a name."""


async def by_link(home: Town, person: Person, name: str) -> None:
    await person.signs_in((await home.client.desk_link(home.deal, name)).url)


async def test_a_passkey_made_once_signs_in_without_a_link(browser: Browser, folder: Path) -> None:
    async with town(folder, talks=()) as home, at_browser(browser, home.origin, "ada") as ada:
        await ada.passkeys()
        await ada.page.goto((await home.client.desk_link(home.deal, "ada")).url)
        await ada.page.get_by_role("button", name="Sign in as").click()
        await ada.page.get_by_role("button", name="Make a passkey").click()
        await ada.settled()
        await ada.page.get_by_text("Sign out").click()
        await ada.page.get_by_role("button", name="Sign out").click()
        await ada.page.get_by_text("You are signed out.").wait_for(timeout=LONG_MS)
        await ada.page.get_by_role("button", name="Use a passkey").click()
        await ada.settled()
        assert "Signed in as Ada" in await ada.text()
        assert ada.wrong == []


async def test_a_page_is_emptied_where_nobody_can_say_who_looks(
    browser: Browser, folder: Path
) -> None:
    async with town(folder, talks=()) as home, at_browser(browser, home.origin, "ada") as ada:
        await by_link(home, ada, "ada")
        assert "Heron" in await ada.text()
        await home.served.kill()
        began = asyncio.get_running_loop().time()
        await ada.page.get_by_text("We cannot reach Wallcross").wait_for(timeout=LONG_MS)
        assert asyncio.get_running_loop().time() - began < GONE_S
        assert "heron" not in (await ada.page.content()).casefold()


async def test_a_name_from_outside_is_a_name_on_every_page(browser: Browser, folder: Path) -> None:
    listed = roster((CHANNEL,))
    people = tuple(replace(p, name=NAME) if p.person_id == "ada" else p for p in listed.people)
    async with (
        town(folder, people=replace(listed, people=people)) as home,
        at_browser(browser, home.origin, "ada") as ada,
        at_browser(browser, home.origin, "root", size=NARROW) as root,
    ):
        await by_link(home, ada, "ada")
        await root.signs_in((await home.client.desk_home_link()).url)
        shown = ""
        for person in (ada, root):
            for key in await pages(person.page):
                shown += await person.sees(key)
                assert await person.page.locator(EVIL).count() == 0, key
            assert person.wrong == []
        assert "![x](https" in shown.replace(JOINER, "")


async def pages(page: Page) -> list[str]:
    """The addresses in somebody's navigation."""
    found = page.locator('[data-testid="stSidebarNavLink"]')
    links = [await found.nth(i).get_attribute("href") for i in range(await found.count())]
    return [str(link).rsplit("/", 1)[-1] for link in links if link]


async def test_a_terminal_is_signed_in_by_the_code_that_it_shows(
    browser: Browser, folder: Path
) -> None:
    async with town(folder, talks=()) as home, at_browser(browser, home.origin, "ada") as ada:
        await ada.passkeys()
        async with reached(home) as machine:
            asked = await machine.device_begin("laptop")
            await ada.page.goto((await home.client.desk_link(home.deal, "ada")).url)
            await ada.page.get_by_role("button", name="Sign in as").click()
            await ada.page.get_by_role("button", name="Make a passkey").click()
            await ada.settled()
            await ada.page.goto(asked.url)
            await ada.page.get_by_label("Code").fill(asked.shown.lower())
            await ada.page.get_by_role("button", name="Look it up").click()
            await ada.page.get_by_text("laptop").wait_for(timeout=LONG_MS)
            await ada.page.get_by_role("button", name="It is mine").click()
            await ada.page.get_by_text("The terminal is signed in.").wait_for(timeout=LONG_MS)
            assert (await machine.device_token(asked.device)).secret
        assert ada.wrong == []


@asynccontextmanager
async def reached(home: Town) -> AsyncIterator[Client]:
    """The API as a program on another machine reaches it: through the front."""
    transport = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
    async with Client(transport, base=home.origin + "/api/v1") as client:
        yield client
