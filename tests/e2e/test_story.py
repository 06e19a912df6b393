"""One afternoon of a deal at real pages: signed in by the company, put right, agreed, left, out."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from orchestrator.client.approvals import NewCredential
from orchestrator.client.views import Post
from tests.orchestrator.approvals.signers import Signer
from tests.scenarios.conftest import eventually as so
from tiers.approval import Role

from .people import NARROW, Person, at_browser
from .provider import provider, signs_in
from .test_approvals import (
    CY,
    DI,
    GONE,
    TEXT,
    agrees,
    eventually,
    keys,
    proves,
    says_yes,
    signed_in,
)
from .town import Town, free_port, town

pytestmark = pytest.mark.long
LONG_MS = 120_000
_TRIED_OUT = re.compile(r"//[^/]+/.+/_stcore/")
"""Streamlit's own routes under a page: it is told where they are, and tries no address out."""
ADA = Signer("ada", frozenset({Role.OWNER}), ties=frozenset({"subject:ada"}))


async def test_an_afternoon(
    browser: Browser, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with provider(port, monkeypatch) as (issuer, lines):
        async with (
            town(folder, port=port, more=lines) as made,
            at_browser(browser, made.origin, "ada") as ada,
            at_browser(browser, made.origin, "bo", size=NARROW) as bo,
        ):
            await is_bound_by_his_link(made, ada, issuer)
            await makes_a_passkey(made, bo)
            await is_founded(made, bo)
            await comes_as_owner(ada, issuer)
            await puts_right_who_came_by_a_phone(made, ada)
            await lets_a_message_out_with_a_second_person(made, ada, bo)
            await takes_out_who_leaves(made, ada)
            for person in (ada, bo):
                assert [w for w in person.wrong if GONE not in w] == []
            await is_shut_out(made, bo)
            await signs_out(ada)
            for person in (ada, bo):
                assert [w for w in person.wrong if w.startswith("asked")] == []
                assert person.hosts <= {"localhost", "127.0.0.1"}
                assert not [at for at in person.asked if _TRIED_OUT.search(at)]


async def is_bound_by_his_link(made: Town, ada: Person, issuer: str) -> None:
    """Who signs in by the company is nobody in a deal until he opened his own link once."""
    await signs_in(ada, issuer, "ada")
    await ada.settled()
    assert "Heron" not in await ada.text()
    await signed_in(ada, made, "ada")
    assert "Signed in as Ada" in await ada.text()


async def makes_a_passkey(made: Town, bo: Person) -> None:
    await made.client.signing_offer(made.deal, "bo", ("approver",))
    await bo.passkeys()
    await signed_in(bo, made, "bo")
    await bo.go("/signing")
    await bo.page.get_by_role("button", name="Make a passkey").click(timeout=LONG_MS)
    await bo.page.get_by_role("button", name="Use it once").click(timeout=LONG_MS)
    await bo.page.get_by_text("You can sign for others").wait_for(timeout=LONG_MS)


async def is_founded(made: Town, bo: Person) -> None:
    client, deal = made.client, made.deal
    await keys(client, deal, (CY, DI))
    await is_tied(made, ADA)
    founding = (await client.deal_found(deal)).request_id
    await says_yes(client, founding, (ADA, CY, DI))
    await agrees(bo)
    await eventually(client, founding)
    await proves(bo)


async def is_tied(made: Town, one: Signer) -> None:
    """His key is enrolled with who he is at the provider."""
    roles, ties = tuple(r.value for r in one.roles), tuple(one.ties)
    new = NewCredential(person=one.name, way="ssh", public=one.public, roles=roles, ties=ties)
    proof = await made.client.approver_proof(made.deal, new)
    await made.client.approver_enrol(made.deal, new, one.armoured(proof.text))


async def comes_as_owner(ada: Person, issuer: str) -> None:
    """His key is tied to what the provider says of him: it counts, where he came by it."""
    await ada.go("/in/out")
    await ada.page.get_by_role("button", name="Sign out").click()
    company = ada.page.get_by_role("button", name="Sign in with your company")
    await company.wait_for(timeout=LONG_MS)
    await signs_in(ada, issuer, "ada")
    await ada.settled()
    assert "Deal owner" in await ada.text()


async def puts_right_who_came_by_a_phone(made: Town, ada: Person) -> None:
    await made.far.add_member(made.rooms["lunch"], "greta")

    async def differs() -> bool:
        return (await made.client.memberships(made.deal)).counts.remove > 0

    await so(differs)
    await ada.go("/people")
    page = ada.page
    await page.get_by_text("1 place where a channel does not match").wait_for(timeout=LONG_MS)
    await page.get_by_role("button", name="Put it right").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_text("greta").wait_for(timeout=LONG_MS)
    assert "greta" in await members(made, "lunch"), "it is shown before it is done"
    await dialog.get_by_role("button", name="Remove 1 now").click()
    await dialog.get_by_text("Each of it was read back").wait_for(timeout=LONG_MS)
    assert "greta" not in await members(made, "lunch")
    await dialog.get_by_role("button", name="Close").last.click()
    await page.get_by_text("Everybody is where the list says.").wait_for(timeout=LONG_MS)


async def lets_a_message_out_with_a_second_person(made: Town, ada: Person, bo: Person) -> None:
    client, deal = made.client, made.deal
    sent = await client.send_text(deal, Post(person="el", conversation="lunch"), TEXT)

    async def held() -> bool:
        return (await client.message_show(sent.message_id)).state == "held"

    await so(held)
    await ada.go("/held")
    await ada.page.get_by_role("button", name="Ask for its release").click(timeout=LONG_MS)
    await ada.page.get_by_text("It waits for two people.").wait_for(timeout=LONG_MS)
    [request] = await client.approval_list(deal, every=False)
    await says_yes(client, request.request_id, (CY,))
    assert (await client.message_show(sent.message_id)).state == "held"
    await agrees(bo)
    await eventually(client, request.request_id)

    async def delivered() -> bool:
        return (await client.message_show(sent.message_id)).state == "delivered"

    await so(delivered)


async def takes_out_who_leaves(made: Town, ada: Person) -> None:
    await ada.go("/people")
    page = ada.page
    await page.get_by_role("button", name="Someone is leaving").click(timeout=LONG_MS)
    await page.get_by_role("textbox", name="Who?").fill("Di")
    await page.get_by_role("textbox", name="Who?").press("Enter")
    await page.get_by_text("Di, Marlow Systems").click(timeout=LONG_MS)
    await page.get_by_role("button", name="Take out now").click(timeout=LONG_MS)
    await page.get_by_text("Out of 2 conversations").wait_for(timeout=LONG_MS)

    async def gone() -> bool:
        rooms = [await members(made, label) for label in ("supply", "lunch")]
        return not any("di" in room for room in rooms)

    await so(gone)


async def is_shut_out(made: Town, bo: Person) -> None:
    """His page is empty the moment his session is taken back."""
    assert "Show what was settled" in await bo.text()
    assert await made.client.desk_end(made.deal, "bo") == 1
    await bo.page.get_by_text("You are signed out.").wait_for(timeout=LONG_MS)
    left = (await bo.page.content()).casefold()
    assert "heron" not in left
    assert "settled" not in left


async def signs_out(ada: Person) -> None:
    await ada.page.get_by_text("Sign out").click()
    await ada.page.get_by_role("button", name="Sign out").click()
    await ada.page.wait_for_url("**/in*", timeout=LONG_MS)
    await ada.go("/people")
    await ada.page.get_by_role("heading", name="Sign in").wait_for(timeout=LONG_MS)
    assert "heron" not in (await ada.page.content()).casefold()


async def members(made: Town, label: str) -> set[str]:
    """Who is in a room, by the network's own word."""
    return set((await made.far.state(made.rooms[label]))["seats"])
