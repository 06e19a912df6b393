"""Web push, from the click to the notice: a real browser, real processes, a push service here.

A headless browser has no push service of its own. What it would answer to ``subscribe`` is made
here, with keys of a browser's kind; all else is real: the worker that our front serves, the API
that keeps the address, the service that is pushed to, and what the worker shows.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page

from orchestrator.client.notify import NewOnCall
from orchestrator.client.views import Post
from tests.orchestrator.notify.conftest import Browser, Far, Opens, keeps_the_rfcs, opens
from tests.scenarios.conftest import eventually
from tests.scenarios.test_approvals import TEXT

from .people import Person, at_browser
from .town import Town, town

__all__ = ["opens"]
pytestmark = pytest.mark.long
LONG_MS = 120_000
NOTICES = """async () => {
  const there = await navigator.serviceWorker.getRegistration("/push.js");
  return (await there.getNotifications()).map((n) => [n.title, n.body, n.data.link]);
}"""


def _subscribes(url: str, browser: Browser) -> str:
    """What a browser with a push service does, said in its own terms."""
    key, auth = browser.text()
    said = json.dumps({"endpoint": url, "keys": {"p256dh": key, "auth": auth}})
    return f"""
    let there = null;
    const made = {{ endpoint: {json.dumps(url)}, toJSON: () => ({said}),
      unsubscribe: async () => {{ there = null; return true; }} }};
    PushManager.prototype.subscribe = async function (how) {{
      if (!how.userVisibleOnly || how.applicationServerKey.length !== 65) throw new Error("key");
      return (there = made);
    }};
    PushManager.prototype.getSubscription = async () => there;
    """


async def _told(home: Town, client_person: Person, far: Far, keys: Browser) -> None:
    listed = [NewOnCall(person="ada", ways=("push", "line"))]
    await home.client.on_call_set(home.deal, listed)
    await client_person.context.grant_permissions(["notifications"], origin=home.origin)
    await client_person.page.add_init_script(_subscribes(far.url + "/at/ada", keys))
    await client_person.signs_in((await home.client.desk_link(home.deal, "ada")).url)


async def _pushed(page: Page, origin: str, said: dict[str, Any]) -> None:
    """Hands the worker what the push service would have, by the browser's own tools."""
    line = await page.context.new_cdp_session(page)
    found: list[str] = []
    line.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(r["registrationId"] for r in event["registrations"]),
    )
    await line.send("ServiceWorker.enable")

    async def known() -> bool:
        return bool(found)

    await eventually(known)
    await line.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": found[-1], "data": json.dumps(said)},
    )


async def test_a_click_lets_a_browser_hear_and_another_ends_it(
    browser: Chromium, folder: Path, opens: Opens
) -> None:
    far, keys = await opens(), Browser()
    far.checks = keeps_the_rfcs(far.url)
    more = f'[notify.push]\ncontact = "mailto:desk@kestrel.example"\norigins = ["{far.url}"]\n'
    async with (
        town(folder, more=more) as home,
        at_browser(browser, home.origin, "ada") as ada,
    ):
        await _told(home, ada, far, keys)
        await ada.go("/own")
        page = ada.page
        await page.get_by_role("button", name="Tell me in this browser").click(timeout=LONG_MS)
        await page.get_by_text("This browser is told.").wait_for(timeout=LONG_MS)
        [one] = await home.client.on_call_show(home.deal)
        assert one.browsers == 1

        await home.client.send_text(home.deal, Post(person="ada", conversation="lunch"), TEXT)

        async def arrived() -> bool:
            return bool(far.got)

        await eventually(arrived)
        said = keys.read(far.got[0][1])
        assert "27.50" not in json.dumps(said)
        await _pushed(page, home.origin, said)
        await page.wait_for_function(f"async () => (await ({NOTICES})()).length === 1")
        [[title, body, link]] = await page.evaluate(NOTICES)
        assert title == said["title"]
        assert "held" in title + body
        assert link.startswith(home.origin)

        await page.get_by_role("button", name="Stop telling me here").click()
        await page.get_by_text("This browser is not told.").wait_for(timeout=LONG_MS)
        [one] = await home.client.on_call_show(home.deal)
        assert one.browsers == 0
        assert ada.wrong == []


async def test_what_is_pushed_is_shown_as_text_and_leads_nowhere_else(
    browser: Chromium, folder: Path
) -> None:
    async with town(folder, talks=()) as home, at_browser(browser, home.origin, "ada") as ada:
        await ada.context.grant_permissions(["notifications"], origin=home.origin)
        await ada.signs_in((await home.client.desk_link(home.deal, "ada")).url)
        page = ada.page
        await page.evaluate(
            "async () => { await navigator.serviceWorker.register('/push.js');"
            " await navigator.serviceWorker.ready; }"
        )
        evil = {"title": "x" * 999, "link": "https://evil.example/in", "id": "one"}
        await _pushed(page, home.origin, evil)
        await page.wait_for_function(f"async () => (await ({NOTICES})()).length === 1")
        [[title, _, link]] = await page.evaluate(NOTICES)
        assert len(title) == 300
        assert link == home.origin + "/"
        assert ada.wrong == []
