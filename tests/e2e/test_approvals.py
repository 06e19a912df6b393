"""A passkey is made, founds a deal and agrees to a release, in pages; the adviser's page alone."""

import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Browser

from orchestrator.client.api import Client
from orchestrator.client.approvals import NewCredential
from orchestrator.client.problems import Waits
from orchestrator.client.views import Post
from tests.orchestrator.approvals.signers import Signer
from tests.scenarios.conftest import eventually as so
from tests.scenarios.house import PRICE
from tiers.approval import Role
from tiers.people import Party

from .people import NARROW, Person, at_browser
from .presses import press
from .town import Town, town

pytestmark = pytest.mark.long
ADA = Signer("ada", frozenset({Role.OWNER}))
CY = Signer("cy", frozenset({Role.COUNSEL}), Party.TARGET)
DI = Signer("di", frozenset({Role.APPROVER}), Party.TARGET)
LONG_MS = 120_000
GONE = "does not seem to exist"
"""Of a page that he may see no more: what Streamlit tells its own console."""
TEXT = f"{PRICE}: we raise our offer to 27.50 per share, 4.2 billion in all."


async def signed_in(person: Person, made: Town, name: str | None) -> None:
    """Opens a one-time link, as its owner does; makes no passkey for signing in."""
    client = made.client
    link = await (client.desk_home_link() if name is None else client.desk_link(made.deal, name))
    await person.page.goto(link.url)
    await person.page.get_by_role("button", name="Sign in as").click()
    later = person.page.get_by_role("button", name="Not now")
    await person.page.wait_for_function(
        "() => location.pathname === '/' || !document.querySelector('#keep').hidden"
    )
    if await later.is_visible():
        await later.click()
    await person.settled()


async def keys(client: Client, deal: str, people: Sequence[Signer]) -> None:
    for one in people:
        roles = tuple(r.value for r in one.roles)
        new = NewCredential(person=one.name, way="ssh", public=one.public, roles=roles)
        proof = await client.approver_proof(deal, new)
        await client.approver_enrol(deal, new, one.armoured(proof.text))


async def says_yes(client: Client, request: str, people: Sequence[Signer]) -> None:
    for one in people:
        shown = await client.approval_show(request)
        await client.approval_answer(request, "yes", one.name, one.armoured(shown.yes))


async def test_a_person_with_a_browser_alone_founds_a_deal_and_agrees_to_a_release(
    browser: Browser, folder: Path
) -> None:
    async with town(folder) as made:
        client, deal = made.client, made.deal
        async with at_browser(browser, made.origin, "operator") as operator:
            await signed_in(operator, made, None)
            await operator.go("/approvals")
            page = operator.page
            await page.get_by_text("Who may sign in this deal").wait_for(timeout=LONG_MS)
            await page.get_by_role("combobox", name="Ask somebody to make a key").click()
            await page.get_by_role("option", name=re.compile(r"^Bo, ")).click()
            await page.get_by_role("button", name="Ask for a key").click()
            await page.get_by_text("Asked to make a key: Bo").wait_for(timeout=LONG_MS)
        async with at_browser(browser, made.origin, "bo", size=NARROW) as bo:
            await bo.passkeys()
            await signed_in(bo, made, "bo")
            await bo.go("/signing")
            await bo.page.get_by_role("button", name="Make a passkey").click(timeout=LONG_MS)
            prove = bo.page.get_by_role("button", name="Use it once")
            await prove.click(timeout=LONG_MS)
            await bo.page.get_by_text("You can sign for others").wait_for(timeout=LONG_MS)
            await keys(client, deal, (ADA, CY, DI))
            founding = (await client.deal_found(deal)).request_id
            await says_yes(client, founding, (ADA, CY, DI))
            await agrees(bo)
            await eventually(client, founding)
            await proves(bo)
            request = await asked_to_release(client, deal)
            await says_yes(client, request, (CY,))
            await agrees(bo)
            await bo.page.get_by_text("Nothing waits for your answer.").wait_for(timeout=LONG_MS)
            await eventually(client, request)
            await refuses(bo, client, await asked_to_release(client, deal))
            bo.wrong = [w for w in bo.wrong if GONE not in w]
            assert bo.wrong == []


async def asked_to_release(client: Client, deal: str) -> str:
    """Something is held, and its owner wants it in a less strict conversation."""
    sent = await client.send_text(deal, Post(person="ada", conversation="lunch"), TEXT)

    async def held() -> bool:
        return (await client.message_show(sent.message_id)).state == "held"

    await so(held)
    with pytest.raises(Waits):
        await client.held_move(sent.message_id, "lunch")
    [request] = await client.approval_list(deal, every=False)
    return request.request_id


async def agrees(person: Person) -> None:
    """Opens Approvals, and agrees with the passkey of this browser."""
    await person.go("/approvals")
    button = person.page.get_by_role("button", name="Agree with my passkey")
    await button.click(timeout=LONG_MS)


async def refuses(person: Person, client: Client, request: str) -> None:
    """Refuses with the passkey of this browser: not before he chose why, and with that reason."""
    await person.go("/approvals")
    page = person.page
    button = page.get_by_role("button", name="Refuse", exact=True).first
    await button.click(timeout=LONG_MS)
    await page.get_by_text("Choose why you refuse. Nothing was signed.").wait_for(timeout=LONG_MS)
    assert (await client.approval_show(request)).state == "waits"
    why = page.locator(".wx select").first
    await why.select_option("too-much")
    await button.click()

    async def refused() -> bool:
        found = await client.approval_show(request)
        return (found.state, found.refused_by, found.refused_why) == ("refused", "bo", "too-much")

    await so(refused)


async def proves(person: Person) -> None:
    """Once the deal is founded, roles are for a session that proved its key."""
    await person.go("/signing")
    await person.page.get_by_role("link", name="Use my key").click(timeout=LONG_MS)
    await person.page.get_by_role("button", name="Use your passkey").click(timeout=LONG_MS)
    await person.settled()


async def eventually(client: Client, request: str) -> None:
    """Waits until a request was carried out."""

    async def done() -> bool:
        return (await client.approval_show(request)).state == "done"

    await so(done)


async def test_an_adviser_without_an_account_sees_his_page_alone(
    browser: Browser, folder: Path
) -> None:
    """A link that is void is told so; nothing else of the home is open to him."""
    async with town(folder, talks=()) as made:
        told = made.wx("--deal", "HERON", "desk", "key-link", "el")
        url = told.splitlines()[0]
        async with at_browser(browser, made.origin, "el", size=NARROW) as el:
            await el.page.goto(url)
            await el.page.get_by_role("heading", name="Your public key, El.").wait_for()
            assert "#" not in el.page.url, "the secret is out of the address at once"
            private = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
            await el.page.get_by_label("Your public key as text").fill(private)
            await el.page.get_by_role("button", name="Hand it in").click()
            await el.page.get_by_text("That is your private key. It was not sent.").wait_for()
            assert not any(url.endswith("/key-upload") for url in el.asked)
            assert el.wrong == []
            await el.go("/approvals")
            assert "Approvals" not in await el.text()


async def test_an_export_is_asked_for_and_downloaded_once_from_the_page(
    browser: Browser, folder: Path
) -> None:
    async with (
        town(folder, talks=()) as made,
        at_browser(browser, made.origin, "operator") as operator,
    ):
        await signed_in(operator, made, None)
        await operator.go("/audit")
        page = operator.page
        await press(page.get_by_role("button", name="Ask for it"))
        await press(page.get_by_role("button", name="Get the link"))
        link = page.get_by_role("link", name="Download, once")
        await link.wait_for(timeout=LONG_MS)
        path = await link.get_attribute("href")
        assert path is not None
        async with page.expect_download(timeout=LONG_MS) as waiting:
            await press(link)
        found = await waiting.value
        assert found.suggested_filename == "wallcross-audit.tar"
        kept = folder / "export.tar"
        await found.save_as(kept)
        with tarfile.open(kept) as tar:
            names = {name.removeprefix("./") for name in tar.getnames()}
        assert {"audit.jsonl", "verify_audit.py", "EXPORT.txt"} <= names
        again = await operator.context.request.get(made.origin + path.removeprefix(made.origin))
        assert again.status == 404
        async with at_browser(browser, made.origin, "eve") as eve:
            answer = await eve.context.request.get(made.origin + path.removeprefix(made.origin))
            assert answer.status == 401
