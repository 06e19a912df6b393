"""Takes the pictures of the docs: the demo's own deal, looked at with a real browser.

Rule kept here: nothing in a picture is drawn or put there for it. Each page is one that `serve` of
the demo's stage answered, with what had happened on its three networks at that moment.

Run by hand (`make pictures`); it takes some minutes, and needs what the demo needs and chromium.
"""

import argparse
import asyncio
import io
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, cast

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from orchestrator.client.api import Client
from orchestrator.client.approvals import NewCredential
from orchestrator.demo import halcyon
from orchestrator.demo.desk_act import clear, opens
from orchestrator.demo.mail_act import agreement, three_networks
from orchestrator.demo.messages_act import flow, held, intake, send, withdrawn
from orchestrator.demo.rooms_act import rooms
from orchestrator.demo.roster_act import leaves
from orchestrator.demo.script import MISPLACED
from orchestrator.demo.signal_act import board
from orchestrator.demo.stage import NotSeen, Stage, user_of
from orchestrator.demo.told_act import told
from tests.e2e.people import ARGUMENTS, NARROW, WIDE, Person, at_browser
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.people import Party

ROOT: Final = Path(__file__).parents[1]
TO: Final = ROOT / "docs" / "pictures"
MOST_BYTES: Final = 250_000
TALLEST: Final = {1440: 1500, 390: 1900}
"""Height that a picture has at most, by its width: what is below is for whoever scrolls."""
_PLAYED: Final = (
    rooms,
    opens,
    flow,
    held,
    withdrawn,
    intake,
    board,
    agreement,
    told,
    three_networks,
)
"""What happens before the first picture."""
OWNER, AUTHOR, STRANGER, NEW_PHONE = halcyon.OWNER, "greta-bergmann", "idris-costa", "ximena-park"
COUNSEL = Signer("sofia-lang", frozenset({Role.COUNSEL}), Party.TARGET)
SECOND = Signer("viktor-sand", frozenset({Role.APPROVER}), Party.TARGET)
_PATIENCE_MS: Final = 60_000
_STILL_S: Final = 1.5
"""Until charts have grown and fonts are there."""
Scheme = Literal["light", "dark"]
_LIGHT: Final[Scheme] = "light"
_DARK: Final[Scheme] = "dark"
TROUBLED: Final = {
    "": "overview",
    "leak_risk": "leak-risk",
    "people": "people",
    "held": "held",
    "connections": "connections",
    "documents": "documents",
}
LEFT: Final = {
    "": "overview-left",
    "people": "people-left",
    "audit": "audit",
    "prevented": "prevented",
    "reads": "who-reads",
}
"""Pictures by the keys of their pages: with trouble, and after a leave."""


class Camera:
    """Takes pictures of pages.

    Args:
        browser: whose pages they are.
        origin: where the desk is.
        only: names of the pictures wanted; empty for all.
    """

    def __init__(self, browser: Browser, origin: str, only: Sequence[str]) -> None:
        self._browser = browser
        self._origin = origin
        self._only = frozenset(only)
        self.taken: list[str] = []

    async def take(self, person: Person, name: str, *, high: bool = True) -> None:
        """One picture of what somebody sees now; ``high``: as high as the page is."""
        if self._only and name not in self._only:
            return
        page, size = person.page, person.page.viewport_size or WIDE
        await asyncio.sleep(_STILL_S)
        if high:
            found = await _height(page, size["width"])
            await page.set_viewport_size({"width": size["width"], "height": found})
            await asyncio.sleep(_STILL_S)
        write(await page.screenshot(), TO / f"{name}.png")
        self.taken.append(name)
        await page.set_viewport_size(cast("Any", size))

    @asynccontextmanager
    async def somebody(
        self, name: str, *, size: dict[str, int] = WIDE, scheme: Scheme = _LIGHT
    ) -> AsyncIterator[Person]:
        """Somebody at a browser of his own, not signed in."""
        async with at_browser(
            self._browser, self._origin, name, size=size, scheme=scheme
        ) as person:
            yield person


async def _height(page: Page, width: int) -> int:
    """How high the window has to be for all of its page."""
    asked = """() => {
        const main = document.querySelector('[data-testid="stMain"]');
        return main ? main.scrollHeight : document.documentElement.scrollHeight;
    }"""
    found: int = await page.evaluate(asked)
    least = 844 if width == NARROW["width"] else 820
    return max(least, min(found, TALLEST[width]))


def write(shot: bytes, to: Path) -> None:
    """Writes a picture with as few colours as it needs. Raises: ValueError: it is too large."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    for colours in (256, 128, 64):
        kept = io.BytesIO()
        picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            kept, "PNG", optimize=True
        )
        if len(kept.getvalue()) < MOST_BYTES:
            to.write_bytes(kept.getvalue())
            return
    raise ValueError(f"{to.name} is larger than {MOST_BYTES} bytes")


class Story:
    """The demo's deal, brought to moments that are worth a picture.

    Args:
        stage: where it plays; open.
        camera: what takes the pictures.
        owner: the deal's owner at a browser of his own.
    """

    def __init__(self, stage: Stage, camera: Camera, owner: Person) -> None:
        self._stage = stage
        self._camera = camera
        self._owner = owner

    async def tell(self) -> None:
        """All of it, from the first link to a leave."""
        await self._sign_in_pages()
        await self._first_key()
        await self._quiet()
        await self._trouble()
        await self._adviser_page()
        await self._approvals()
        await self._left()

    async def _sign_in_pages(self) -> None:
        """The link before it is opened, as somebody at a desk and on a phone sees it."""
        for name, size, scheme in (
            ("sign-in", WIDE, _LIGHT),
            ("sign-in-390", NARROW, _LIGHT),
            ("sign-in-390-dark", NARROW, _DARK),
        ):
            link = (await self._stage.client.desk_link(self._stage.deal, AUTHOR)).url
            async with self._camera.somebody(AUTHOR, size=size, scheme=scheme) as person:
                await person.page.goto(link)
                await person.page.get_by_role("button", name="Sign in as").wait_for()
                await self._camera.take(person, name)

    async def _first_key(self) -> None:
        """The owner makes a passkey in the page, as he was asked to."""
        client, deal, page = self._stage.client, self._stage.deal, self._owner.page
        await client.signing_offer(deal, OWNER, (Role.OWNER.value,))
        await self._owner.passkeys()
        await self._owner.signs_in((await client.desk_link(deal, OWNER)).url)
        await self._owner.sees("signing")
        make = page.get_by_role("button", name="Make a passkey")
        await make.wait_for(timeout=_PATIENCE_MS)
        await self._camera.take(self._owner, "signing-key")
        await make.click()
        await page.get_by_role("button", name="Use it once").click(timeout=_PATIENCE_MS)
        await page.get_by_text("You can sign for others").wait_for(timeout=_PATIENCE_MS)

    async def _quiet(self) -> None:
        """Nothing needs anybody."""
        try:
            await clear(self._stage)
        except NotSeen as error:
            print(f"the quiet moment did not come: {error}", file=sys.stderr)
        await self._views({"": "overview-quiet"})

    async def _trouble(self) -> None:
        """Strangers in two rooms, a new phone, and a price in the wrong room."""
        stage = self._stage
        for label, adds, added in (
            ("price", OWNER, STRANGER),
            ("drafting on matrix", STRANGER, AUTHOR),
        ):
            await stage.people[adds].invite(stage.rooms[label], user_of(added))
            await stage.people[added].join(stage.rooms[label])
        second = stage.phone(NEW_PHONE, "second")
        await second.open()
        stage.people[f"{NEW_PHONE}-second"] = second
        await send(stage, MISPLACED, "logistics")
        await stage.told(MISPLACED.author, "Held. Nobody has seen it.")
        await _until_paused(stage)
        await self._views(TROUBLED)
        await self._dialogs()
        await self._views({"": "overview-dark", "leak_risk": "leak-risk-dark"}, scheme=_DARK)
        await self._views({"": "overview-390"}, size=NARROW)
        async with self._camera.somebody(AUTHOR) as author:
            await author.signs_in((await stage.client.desk_link(stage.deal, AUTHOR)).url)
            await self._views({"own": "own-page", "held": "held-own"}, who=author)
            await self._views({"own": "own-page-390"}, who=author, size=NARROW)

    async def _dialogs(self) -> None:
        page = self._owner.page
        await self._owner.sees("people")
        await page.get_by_role("button", name="Put it right").click()
        await page.get_by_role("dialog").wait_for()
        await self._camera.take(self._owner, "put-it-right", high=False)
        await self._owner.sees("people")
        await page.get_by_text("Map", exact=True).click()
        await self._camera.take(self._owner, "map")

    async def _adviser_page(self) -> None:
        """The page of an adviser without an account."""
        link = await self._stage.client.key_link(self._stage.deal, "timo-berg")
        async with self._camera.somebody("timo-berg", size=NARROW) as person:
            await person.go(link.path)
            await person.page.get_by_label("Your public key as text").wait_for()
            await self._camera.take(person, "adviser-key-390")

    async def _approvals(self) -> None:
        """Others have keys too; the deal is founded, and the owner is asked to agree."""
        client, deal, page = self._stage.client, self._stage.deal, self._owner.page
        await _put_right(self._stage)
        await _keys(client, deal, (COUNSEL, SECOND))
        founding = (await client.deal_found(deal)).request_id
        for one in (COUNSEL, SECOND):
            shown = await client.approval_show(founding)
            await client.approval_answer(founding, "yes", one.name, one.armoured(shown.yes))
        agree = page.get_by_role("button", name="Agree with my passkey")
        await self._owner.go("/approvals")
        await agree.click(timeout=_PATIENCE_MS)
        await _done(client, founding)
        await self._proves()
        await self._asks()
        await self._owner.sees("approvals")
        await agree.first.wait_for(timeout=_PATIENCE_MS)
        await self._camera.take(self._owner, "approvals")
        await self._views({"approvals": "approvals-390"}, size=NARROW)

    async def _asks(self) -> None:
        """Whose message is held asks for its release, from his own page."""
        client, deal = self._stage.client, self._stage.deal
        async with self._camera.somebody(AUTHOR) as author:
            await author.signs_in((await client.desk_link(deal, AUTHOR)).url)
            await author.sees("held")
            ask = author.page.get_by_role("button", name="Ask for its release")
            await ask.click(timeout=_PATIENCE_MS)
            end = asyncio.get_running_loop().time() + _PATIENCE_MS / 1000
            while not await client.approval_list(deal, every=False):
                if asyncio.get_running_loop().time() > end:
                    raise NotSeen("the release was not asked for")
                await asyncio.sleep(0.2)

    async def _proves(self) -> None:
        """In a founded deal roles are for a session that proved its key."""
        page = self._owner.page
        await self._owner.go("/signing")
        await page.get_by_role("link", name="Use my key").click(timeout=_PATIENCE_MS)
        await page.get_by_role("button", name="Use your passkey").click(timeout=_PATIENCE_MS)
        await self._owner.settled()

    async def _left(self) -> None:
        """What is known once somebody has left."""
        await leaves(self._stage)
        await self._views(LEFT)

    async def _views(
        self,
        pages: Mapping[str, str],
        *,
        who: Person | None = None,
        size: dict[str, int] = WIDE,
        scheme: Scheme = _LIGHT,
    ) -> None:
        """Pictures of pages: the name of each by its key; of the owner's, unless it is said."""
        person = who or self._owner
        await person.page.set_viewport_size(cast("Any", size))
        await person.page.emulate_media(color_scheme=scheme)
        for key, name in pages.items():
            await person.sees(key)
            await self._camera.take(person, name)
        await person.page.emulate_media(color_scheme=_LIGHT)
        await person.page.set_viewport_size(cast("Any", WIDE))


async def _until_paused(stage: Stage) -> None:
    """Waits until all of the trouble was read. Raises: NotSeen."""
    end = asyncio.get_running_loop().time() + stage.patience
    for label in ("price", "drafting"):
        while not any(r.paused for r in (await stage.client.conv_show(stage.deal, label)).rooms):
            if asyncio.get_running_loop().time() > end:
                raise NotSeen(f"#{label} is not paused")
            await asyncio.sleep(0.2)


async def _put_right(stage: Stage) -> None:
    """The stranger goes out of the room about the price, and the changed key is compared."""
    await stage.people[OWNER].kick(stage.rooms["price"], user_of(STRANGER))
    await stage.client.key_verify(stage.deal, NEW_PHONE, "hana-ferri", "viktor-sand")


async def _done(client: Client, request: str) -> None:
    """Waits until a request was carried out. Raises: NotSeen."""
    end = asyncio.get_running_loop().time() + _PATIENCE_MS / 1000
    while (await client.approval_show(request)).state != "done":
        if asyncio.get_running_loop().time() > end:
            raise NotSeen("what was agreed to is not carried out")
        await asyncio.sleep(0.2)


async def _keys(client: Client, deal: str, people: Sequence[Signer]) -> None:
    """People with SSH keys of their own enrol them."""
    for one in people:
        roles = tuple(r.value for r in one.roles)
        new = NewCredential(person=one.name, way="ssh", public=one.public, roles=roles)
        proof = await client.approver_proof(deal, new)
        await client.approver_enrol(deal, new, one.armoured(proof.text))


async def pictures(only: Sequence[str], folder: Path) -> list[str]:
    """Plays the story and takes the pictures; returns the names of those taken."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("there is no chromium on this machine: apt-get install chromium")

    async def say(text: str) -> None:
        print(text, file=sys.stderr)

    TO.mkdir(exist_ok=True)
    async with Stage(folder, say) as stage, async_playwright() as started:
        browser = await started.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        camera = Camera(browser, stage.origin, only)
        for act in _PLAYED:
            await act(stage)
        async with camera.somebody(OWNER) as owner:
            await Story(stage, camera, owner).tell()
        await browser.close()
        return camera.taken


def main(words: Sequence[str]) -> int:
    """Takes all pictures, or those that are named."""
    asked = argparse.ArgumentParser(description="Take the pictures of the docs anew.")
    asked.add_argument("only", nargs="*", help="names of pictures, without .png")
    only = asked.parse_args(words).only
    with tempfile.TemporaryDirectory(prefix="wx-pictures-") as folder:
        taken = asyncio.run(pictures(only, Path(folder)))
    print("\n".join(sorted(taken)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
