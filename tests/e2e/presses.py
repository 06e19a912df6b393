"""What people press, as a finger does it, and what their browser told the server of it.

Rule kept here: a place is pressed, not a button: what stands there when the press comes is the
page's doing.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from playwright.async_api import Error, Locator, Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg

HELD_DOWN_S = 0.07
SEEN_S = 0.4
"""How long somebody looks at a button before he presses it; the page's own figure is less."""
LONG_MS = 120_000


async def place(button: Locator) -> tuple[float, float]:
    """Where the middle of a button is now; of one that is drawn anew meanwhile, once it stands."""
    async with asyncio.timeout(LONG_MS / 1000):
        while True:
            with suppress(Error):
                await button.first.scroll_into_view_if_needed(timeout=LONG_MS)
                box = await button.first.bounding_box(timeout=LONG_MS)
                if box is not None:
                    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            await asyncio.sleep(0.05)


async def press_at(page: Page, at: tuple[float, float]) -> None:
    """Presses a place, for as long as a finger does."""
    await page.mouse.move(*at)
    await page.mouse.down()
    await asyncio.sleep(HELD_DOWN_S)
    await page.mouse.up()


async def press(button: Locator) -> None:
    """Presses a button as people do: once it has stood still for long enough to be read."""
    last, since = await place(button), asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - since < SEEN_S:
        await asyncio.sleep(0.05)
        if (at := await place(button)) != last:
            last, since = at, asyncio.get_running_loop().time()
    await button.first.click(timeout=LONG_MS)


@dataclass
class Told:
    """What a browser told the server: presses, and parts that made themselves anew."""

    presses: list[str] = field(default_factory=list)
    anew: asyncio.Event = field(default_factory=asyncio.Event)

    def listens(self, page: Page) -> None:
        """Notes what is told from the page's next line on."""
        page.on("websocket", self._line)

    def _line(self, line: WebSocket) -> None:
        line.on("framesent", self._frame)

    def _frame(self, data: bytes | str) -> None:
        if isinstance(data, str):
            return
        said = BackMsg.FromString(data).rerun_script
        if said.is_auto_rerun:
            self.anew.set()
        self.presses += [one.id for one in said.widget_states.widgets if one.trigger_value]

    def of(self, word: str) -> int:
        """How often a button was told of, by a word of its key."""
        return sum(word in one for one in self.presses)
