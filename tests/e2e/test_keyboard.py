"""By keys alone on a phone's width: each stop can be seen, and the way to what is done is short."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from orchestrator.client.views import Post
from tests.scenarios.conftest import eventually
from tests.scenarios.house import PRICE

from .people import NARROW, Person, at_browser
from .town import town

pytestmark = pytest.mark.long
PAGES = ("", "people", "documents", "own", "held", "leak_risk", "audit", "prevented", "signing")
MOST = 40
"""Stops of a page."""
SOON = 8
"""Stops to the first thing that is done on Held, from the page's beginning."""
STOP = """() => {
  let at = document.activeElement;
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const words = at.getAttribute("aria-label") || at.innerText.trim() || at.placeholder;
  return [words || at.tagName, seen];
}"""


async def stops(person: Person) -> list[tuple[str, bool]]:
    """Where Tab leads from the beginning of a page: the words of each, and whether it is seen."""
    found: list[tuple[str, bool]] = []
    for _ in range(MOST):
        await person.page.keyboard.press("Tab")
        at = await person.page.evaluate(STOP)
        if at is None:
            break
        found.append((str(at[0]), bool(at[1])))
    return found


async def test_every_stop_is_on_the_screen_and_a_message_is_settled_by_keys(
    browser: Browser, folder: Path
) -> None:
    async with (
        town(folder) as made,
        at_browser(browser, made.origin, "ada", size=NARROW) as ada,
    ):
        text = f"{PRICE}: we raise our offer to 27.50 per share, 4.2 billion in all."
        await made.client.send_text(made.deal, Post(person="ada", conversation="lunch"), text)
        await ada.signs_in((await made.client.desk_link(made.deal, "ada")).url)
        for key in PAGES:
            await ada.sees(key)
            await ada.drawn()
            found = await stops(ada)
            assert found, key
            assert [words for words, seen in found if not seen] == [], key
        await ada.sees("held")
        await ada.page.get_by_role("button", name="Move it to #price").wait_for()
        await ada.drawn()
        for _ in range(SOON):
            await ada.page.keyboard.press("Tab")
            at = await ada.page.evaluate(STOP)
            if at and at[0].startswith("Move it to"):
                break
        await ada.page.keyboard.press("Enter")

        async def settled() -> bool:
            return not (await made.client.held_desk(made.deal)).items

        await eventually(settled)
        assert ada.wrong == []
