"""Each page for whoever sees little, has no mouse or holds a phone; light, dark, wide and narrow.

Three people look: who runs the home and stands in for its officer, a participant, an approver. The
deal is one in which something waits: somebody who is on no list, a message, a request.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from dashboard.nav import PAGES
from dashboard.theme import DARK, LIGHT
from orchestrator.client.views import Post
from tests.scenarios.conftest import eventually as so

from .looking import faults, sideways_px, unreached
from .people import NARROW, WIDE, Person, at_browser
from .test_approvals import ADA, CY, DI, TEXT, keys
from .town import Town, town

pytestmark = pytest.mark.long
LONG_MS = 120_000
Light = Literal["light", "dark"]
LOOKS: tuple[tuple[Light, dict[str, int], tuple[str, ...]], ...] = (
    ("light", WIDE, ()),
    ("dark", WIDE, ("color-contrast",)),
    ("dark", NARROW, ()),
    ("light", NARROW, ("color-contrast",)),
)
"""Every rule in two of the four; in the others, once, what depends on the light and the width."""
_LINKS = '[data-testid="stSidebarNavLink"]'


@asynccontextmanager
async def busy(folder: Path) -> AsyncIterator[Town]:
    """A deal in which each page has something to show."""
    async with town(folder) as made:
        client, deal = made.client, made.deal
        await keys(client, deal, (ADA, CY, DI))
        await client.deal_found(deal)
        await client.signing_offer(deal, "bo", ("approver",))
        await made.far.add_member(made.rooms["lunch"], "greta")
        sent = await client.send_text(deal, Post(person="el", conversation="lunch"), TEXT)

        async def held() -> bool:
            return (await client.message_show(sent.message_id)).state == "held"

        async def differs() -> bool:
            return (await client.memberships(deal)).counts.remove > 0

        await so(held)
        await so(differs)
        yield made


async def pages(person: Person) -> list[str]:
    """The addresses in his navigation."""
    found = person.page.locator(_LINKS)
    links = [await found.nth(n).get_attribute("href") for n in range(await found.count())]
    return [str(link).rsplit("/", 1)[-1] for link in links]


async def looked_at(person: Person, key: str, *, thorough: bool) -> list[str]:
    """What is wrong with a page, in each light and width, and by keys alone."""
    await person.sees(key)
    await person.drawn()
    said = [f"{key}: Tab never comes to {name!r}" for name in await unreached(person.page)]
    for light, size, rules in LOOKS:
        if rules and not thorough:
            continue
        await person.page.emulate_media(color_scheme=light)
        await person.page.set_viewport_size(size)  # type: ignore[arg-type]  # Playwright's own
        await coloured(person, light)
        where = f"{key}, {light}, {size['width']}: "
        said += [where + fault for fault in await faults(person.page, *rules)]
        if (wide := await sideways_px(person.page)) > 0:
            said.append(f"{where}{wide} px too wide")
    await person.page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # Playwright's own
    return said


async def coloured(person: Person, light: Light) -> None:
    """Waits until the page is drawn in the light that was asked for."""
    paper = {"light": LIGHT, "dark": DARK}[light]["backgroundColor"].removeprefix("#")
    shade = ", ".join(str(part) for part in bytes.fromhex(paper))
    colour = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    await person.page.wait_for_function(f"() => {colour}.includes('{shade}')", timeout=LONG_MS)
    await person.drawn()


async def at_every_page(browser: Browser, made: Town, who: str | None) -> tuple[int, list[str]]:
    """Somebody goes through all of his pages: how many, and what is wrong with them."""
    client, name = made.client, who or "home"
    link = await (client.desk_home_link() if who is None else client.desk_link(made.deal, who))
    async with at_browser(browser, made.origin, name) as person:
        await person.signs_in(link.url)
        found, wrong = await pages(person), []
        for key in found:
            wrong += [
                f"{name}, {fault}" for fault in await looked_at(person, key, thorough=who is None)
            ]
        return len(found), wrong + person.wrong


async def test_each_page_is_for_everybody(browser: Browser, folder: Path) -> None:
    async with busy(folder) as made:
        looked = [at_every_page(browser, made, who) for who in (None, "el", "cy")]
        found = await asyncio.gather(*looked)
    assert [fault for _, wrong in found for fault in wrong] == []
    counted = [count for count, _ in found]
    assert len(PAGES) - 2 <= counted[0] <= len(PAGES), "who is no person has no page of his own"
    assert min(counted) > 5


async def test_somebody_is_chosen_and_put_right_by_keys_alone(
    browser: Browser, folder: Path
) -> None:
    async with busy(folder) as made, at_browser(browser, made.origin, "home") as home:
        await home.signs_in((await made.client.desk_home_link()).url)
        await home.sees("people")
        keys = home.page.keyboard
        await comes_to(home, "Put it right")
        await keys.press("Enter")
        await home.page.get_by_role("dialog").wait_for(timeout=LONG_MS)
        await keys.press("Escape")
        await home.page.get_by_role("dialog").wait_for(state="detached", timeout=LONG_MS)
        await comes_to(home, "Ada")
        await keys.press("Enter")
        await home.page.get_by_role("button", name="Pause").wait_for(timeout=LONG_MS)
        assert home.wrong == []


async def comes_to(person: Person, name: str) -> None:
    """Presses Tab until what has this in its name has the focus."""
    for _ in range(150):
        await person.page.keyboard.press("Tab")
        if name in await person.page.evaluate(_FOCUS):
            return
    raise AssertionError(f"Tab never comes to {name}")


_FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.matches("button, a") ? at.innerText : "";
}"""
