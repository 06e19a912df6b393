"""A held message in the browser of who may read it: shown once as text, for a minute, kept nowhere.

The script is the one that ships; what answers it stands in for the API, whose own part
``tests/scenarios/test_desk_pages.py`` holds it to.
"""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route

from dashboard.widgets.reveal import HTML
from orchestrator.client.views import Post
from tests.scenarios.conftest import eventually as so

from .people import at_browser
from .test_approvals import (
    ADA,
    CY,
    DI,
    GONE,
    LONG_MS,
    agrees,
    eventually,
    keys,
    proves,
    says_yes,
    signed_in,
)
from .test_approvals import (
    TEXT as OFFER,
)
from .town import town

pytestmark = pytest.mark.long
ORIGIN = "https://desk.test"
TEXT = "<b id=planted>our offer</b> is 27.50\nper share"
ANSWER = {
    "text": TEXT,
    "subject": "Re: <i>price</i>",
    "files": [12],
    "until": 0,
    "author_told": True,
}
PAGE = f"""<!doctype html><html><body><div id="here"></div><script type="module">
import show from "/reveal.js";
const here = document.getElementById("here");
here.innerHTML = {json.dumps(HTML)};
window.end = show({{ data: {{ deal: "deal_1", message: "msg_1" }}, parentElement: here }});
window.ready = true;
</script></body></html>"""


class Stage:
    """A page with the script, and what it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[tuple[str, str]] = []
        self.refusal: dict[str, str] | None = None

    async def answer(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(ORIGIN)
        if path == "/reveal.js":
            script = (files("dashboard.widgets") / "reveal.js").read_text()
            await route.fulfill(body=script, content_type="text/javascript")
        elif path.startswith("/api/"):
            self.asked.append((request.method, path))
            status = 200 if self.refusal is None else 403
            await route.fulfill(status=status, json=self.refusal or ANSWER)
        else:
            await route.fulfill(body=PAGE, content_type="text/html")

    async def shows(self) -> bool:
        """Whether anything of the text is anywhere on the page."""
        return "27.50" in await self.page.content()


@pytest.fixture
async def stage(browser: Browser) -> Stage:
    context: BrowserContext = await browser.new_context()
    page = await context.new_page()
    found = Stage(page)
    await page.route("**/*", found.answer)
    await page.clock.install()
    await page.goto(ORIGIN)
    await page.wait_for_function("window.ready")
    return found


async def test_it_is_shown_as_text_once_and_goes_after_a_minute(stage: Stage) -> None:
    page = stage.page
    await page.get_by_role("button", name="Show it now, once").click()
    await page.get_by_text("27.50").wait_for()
    assert stage.asked == [("POST", "/api/v1/deals/deal_1/held/msg_1/reveal/open")]
    assert await page.locator("#planted").count() == 0, "text, never markup"
    assert await page.get_by_text("1 file is not shown here.").count() == 1
    assert await page.get_by_text("Its author was told.").count() == 1
    assert await page.get_by_role("button", name="Show it now, once").is_disabled()
    await page.clock.fast_forward(59_000)
    assert await stage.shows()
    await page.clock.fast_forward(2_000)
    assert not await stage.shows()
    assert "not shown again" in await page.inner_text("body")
    assert len(stage.asked) == 1
    kept = await page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert "27.50" not in kept


@pytest.mark.parametrize(
    "leaving",
    [
        "document.querySelector('.away').click()",
        "window.end()",
        "window.dispatchEvent(new Event('pagehide'))",
        (
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        ),
    ],
    ids=["taken away", "the page goes on", "the page is left", "he looks away"],
)
async def test_it_goes_earlier(stage: Stage, leaving: str) -> None:
    await stage.page.get_by_role("button", name="Show it now, once").click()
    await stage.page.get_by_text("27.50").wait_for()
    await stage.page.evaluate(leaving)
    assert not await stage.shows()


async def test_a_refusal_is_said_and_whoever_must_prove_himself_is_told_where(
    stage: Stage,
) -> None:
    stage.refusal = {"title": "Prove that it is you first", "then": "/in?again"}
    await stage.page.get_by_role("button", name="Show it now, once").click()
    link = stage.page.get_by_role("link", name="Prove that it is you")
    assert await link.get_attribute("href") == "/in?again"
    assert await stage.page.get_by_role("button", name="Show it now, once").is_enabled()


async def test_at_real_pages_it_comes_to_the_reader_and_never_through_the_dashboard(
    browser: Browser, folder: Path
) -> None:
    """Asked for on the page, signed by two others, read in the browser, told to its author."""
    async with (
        town(folder) as made,
        at_browser(browser, made.origin, "bo") as bo,
    ):
        client, deal, page = made.client, made.deal, bo.page
        frames: list[bytes] = []
        page.on("websocket", lambda ws: ws.on("framereceived", lambda f: frames.append(_bytes(f))))
        await client.signing_offer(deal, "bo", ("owner",))
        await bo.passkeys()
        await signed_in(bo, made, "bo")
        await bo.go("/signing")
        await page.get_by_role("button", name="Make a passkey").click(timeout=LONG_MS)
        await page.get_by_role("button", name="Use it once").click(timeout=LONG_MS)
        await page.get_by_text("You can sign for others").wait_for(timeout=LONG_MS)
        await keys(client, deal, (ADA, CY, DI))
        founding = (await client.deal_found(deal)).request_id
        await says_yes(client, founding, (ADA, CY, DI))
        await agrees(bo)
        await eventually(client, founding)
        await proves(bo)
        sent = await client.send_text(deal, Post(person="el", conversation="lunch"), OFFER)

        async def held() -> bool:
            return (await client.message_show(sent.message_id)).state == "held"

        await so(held)
        await bo.go("/held")
        await page.get_by_text("Held. Nobody has seen it.").wait_for(timeout=LONG_MS)
        await page.get_by_role("button", name="Ask to see the message").click()
        await page.get_by_role("button", name="Ask two people").click()
        await page.get_by_text("You asked to read it.").wait_for(timeout=LONG_MS)
        [request] = await client.approval_list(deal, every=False)
        assert "27.50" not in repr(request)
        await says_yes(client, request.request_id, (CY, DI))
        await page.get_by_role("button", name="Look again").click()
        await page.get_by_role("button", name="Show it now, once").click(timeout=LONG_MS)
        await page.get_by_text("our offer to 27.50").wait_for(timeout=LONG_MS)
        await page.get_by_role("button", name="Take it away now").click()
        assert "27.50" not in await page.content()
        await page.get_by_role("button", name="Look again").click()
        await page.get_by_text("You read it, once.").wait_for(timeout=LONG_MS)
        assert frames, "the dashboard spoke"
        assert not any(b"27.50" in frame for frame in frames)
        tail = await client.audit_tail(deal, 30)
        [entry] = [line for line in tail if line.kind == "message.revealed"]
        assert (entry.body["message"], entry.body["told"]) == (sent.message_id, True)
        assert [w for w in bo.wrong if GONE not in w] == []


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
