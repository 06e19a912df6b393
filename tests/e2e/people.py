"""People at their browsers: each with cookies, keys and a record of his own of what was loaded.

Rule kept here: a page that asks another host for anything, breaks its content policy, or writes an
error to its console fails the test that opened it, whatever else it shows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    WebSocket,
)

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""As root, on a machine without a screen, and asking nobody for anything by itself."""
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SETTLES_MS = 120_000
_WHOLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
_DRAWN = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame(); await frame();
  const ends = document.getAnimations()
    .filter((it) => it.effect?.getComputedTiming().endTime < 5000);
  await Promise.all(ends.map((it) => it.finished.catch(() => null)));
  await frame();
}"""
_OWN = frozenset({"", "data", "blob", "about"})


@dataclass  # without slots: the browser's library hangs its own things on whose methods it calls
class Person:
    """Somebody at his own browser.

    Attributes:
        asked: every address that his pages asked for.
        wrong: what his pages must not do and did.
        may_ask: origins beside the desk's own that he is meant to go to, such as a provider's.
        got: all that the server sent him: answers, and what came over the websockets.
    """

    name: str
    origin: str
    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    may_ask: set[str] = field(default_factory=set)
    got: bytearray = field(default_factory=bytearray, repr=False)
    _answers: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def go(self, path: str) -> None:
        """Opens a page of the desk."""
        await self.page.goto(self.origin + path)

    async def signs_in(self, link: str) -> None:
        """Opens his one-time link, says that it is he, and waits for his first page."""
        await self.page.goto(link)
        await self.page.get_by_role("button", name="Sign in as").click()
        later = self.page.get_by_role("button", name="Not now")  # whoever has no passkey is asked
        await later.or_(self.page.locator(_WHOLE)).wait_for(timeout=SETTLES_MS)
        if await later.is_visible():
            await later.click()
        await self.settled()

    async def sees(self, key: str) -> str:
        """Goes to a page by its address and waits until it is whole; what he can read there."""
        await self.go("/" + key)
        await self.settled()
        return await self.text()

    async def settled(self) -> None:
        """Waits until the page that he is at is whole."""
        await self.page.wait_for_selector(_WHOLE, timeout=SETTLES_MS)
        await self.page.wait_for_selector('[data-testid="stMain"]', timeout=SETTLES_MS)

    async def drawn(self) -> None:
        """Waits until nothing on the page moves or fades any more."""
        await self.page.evaluate(_DRAWN)

    async def shot(self, to: Path) -> Path:
        """Takes a picture of all of the page."""
        await self.page.screenshot(path=to, full_page=True)
        return to

    async def text(self) -> str:
        """What he can read on the page."""
        return await self.page.inner_text("body")

    async def passkeys(self) -> str:
        """Gives him a device with a passkey reader that knows his finger; returns its id."""
        session = await self.context.new_cdp_session(self.page)
        await session.send("WebAuthn.enable")
        reader = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made: dict[str, Any] = await session.send(
            "WebAuthn.addVirtualAuthenticator", {"options": reader}
        )
        return str(made["authenticatorId"])

    def _request(self, request: Request) -> None:
        self.asked.append(request.url)
        found = urlsplit(request.url)
        asked = f"{found.scheme}://{found.netloc}"
        if found.scheme not in _OWN and asked != self.origin and asked not in self.may_ask:
            self.wrong.append(f"asked {asked}")

    @property
    def hosts(self) -> set[str]:
        """Every machine that his pages asked."""
        found = [urlsplit(address) for address in self.asked]
        return {str(one.hostname) for one in found if one.scheme not in _OWN}

    def _answer(self, answer: Response) -> None:
        kind = answer.headers.get("content-type", "")
        if "event-stream" not in kind:
            reading = asyncio.ensure_future(self._read(answer))
            self._answers.add(reading)
            reading.add_done_callback(self._answers.discard)

    async def _read(self, answer: Response) -> None:
        with suppress(Error):  # a redirect has no body, and a page that was left has none any more
            self.got += await answer.body()

    def _socket(self, line: WebSocket) -> None:
        line.on("framereceived", self._frame)

    def _frame(self, data: bytes | str) -> None:
        self.got += data if isinstance(data, bytes) else data.encode()

    async def all_read(self) -> bytes:
        """All that the server sent him so far."""
        await asyncio.gather(*self._answers)
        return bytes(self.got)

    def _console(self, message: ConsoleMessage) -> None:
        at = str(message.location.get("url"))
        if message.type == "error" and not at.startswith(tuple(self.may_ask)):
            self.wrong.append(f"console: {message.text} ({at})")

    def listens(self) -> None:
        """Notes all that his pages do from now on."""
        self.context.on("request", self._request)
        self.context.on("response", self._answer)
        self.page.on("websocket", self._socket)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error.message}"))


@asynccontextmanager
async def at_browser(
    browser: Browser,
    origin: str,
    name: str,
    *,
    size: dict[str, int] | None = None,
    scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Person]:
    """Somebody with a browser of his own, in which nobody is signed in."""
    context = await browser.new_context(
        viewport=cast("Any", size or WIDE), color_scheme=scheme, locale="en-GB"
    )
    context.set_default_timeout(SETTLES_MS)
    try:
        person = Person(name, origin, context, await context.new_page())
        person.listens()
        yield person
    finally:
        await context.close()
