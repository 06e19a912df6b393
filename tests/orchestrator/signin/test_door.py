"""At the desk's door: who shows what is somebody, and everybody else is nobody."""

import asyncio

import pytest

from orchestrator.clock import HOUR, MINUTE
from tests.orchestrator.signin.conftest import ORIGIN, DeskHouse
from tiers.ids import PersonId


async def test_a_link_signs_a_person_in_as_himself_and_once(desk: DeskHouse) -> None:
    secret, browser = await desk.link("ada"), desk.browser()
    looked = await browser.post("/session/link", {"secret": secret})
    assert looked.json() == {"home": False, "name": "Ada", "code": "HERON", "made_up": True}
    assert browser.cookie is None
    opened = await browser.post("/session/link", {"secret": secret, "sure": True})
    assert opened.status_code == 200
    told = opened.headers["set-cookie"]
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in told
    assert "Domain" not in told
    me = (await browser.get("/me")).json()
    [deal] = me["deals"]
    assert (me["actor"], me["name"], me["way"]) == ("person:ada", "Ada", "link")
    assert (deal["person"], deal["roles"], deal["stands_in"]) == ("ada", ["participant"], False)
    assert deal["rights"]["matrix"] == ["nothing", "nothing"]
    again = desk.browser()
    assert (await again.post("/session/link", {"secret": secret, "sure": True})).status_code == 403
    assert again.cookie is None


async def test_whoever_runs_the_home_stands_in_while_nobody_is_named(desk: DeskHouse) -> None:
    browser = await desk.signed_in(None)
    me = (await browser.get("/me")).json()
    assert me["actor"] == "local:test"
    assert me["deals"][0]["roles"] == ["operator", "owner", "security_officer"]
    assert me["deals"][0]["stands_in"] is True
    assert (await browser.get("/status")).status_code == 403  # he is at the desk, not at the socket


@pytest.mark.parametrize(
    "path", ["/me", "/session", "/deals/HERON", "/openapi.json", "/deals", "/nowhere"]
)
async def test_nobody_gets_nothing(desk: DeskHouse, path: str) -> None:
    assert (await desk.browser().get(path)).status_code == 401
    assert (await desk.browser(cookie="x" * 43).get(path)).status_code == 401


async def test_a_session_ends_idle_and_at_its_longest(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    desk.ticks.at += 29 * MINUTE
    assert (await browser.get("/me")).status_code == 200  # a page that refreshes by itself
    desk.ticks.at += 1 * MINUTE
    assert (await browser.get("/me")).status_code == 401
    browser = await desk.signed_in("ada")
    for _ in range(16):
        desk.ticks.at += 29 * MINUTE
        assert (await browser.post("/session/alive")).status_code == 200
    desk.ticks.at += 16 * MINUTE
    assert (await browser.get("/me")).status_code == 401
    whys = [e["why"] for e in await desk.entries("session.ended")]
    assert whys == ["idle", "too_long"]


async def test_use_is_a_persons_doing(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    desk.ticks.at += 20 * MINUTE
    await browser.get("/me", headers={"wallcross-used": "1"})
    desk.ticks.at += 20 * MINUTE
    assert (await browser.get("/me")).status_code == 200


async def test_signing_out_ends_it_for_whoever_kept_the_cookie(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    kept = browser.cookie
    assert (await browser.post("/session/end")).status_code == 204
    assert browser.cookie is None
    assert (await desk.browser(cookie=kept).get("/me")).status_code == 401
    [began], [ended] = await desk.entries("session.began"), await desk.entries("session.ended")
    assert (began["way"], began["actor"], ended["why"]) == ("link", "person:ada", "signed_out")
    assert began["session"] == ended["session"]


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", ORIGIN + ".evil.example"])
async def test_a_change_by_cookie_comes_from_our_page(desk: DeskHouse, origin: str | None) -> None:
    browser = await desk.signed_in("ada")
    browser.origin = origin
    assert (await browser.post("/session/end")).status_code == 403
    assert (await browser.get("/me")).status_code == 200
    lured = desk.browser(origin=origin)  # nor is anybody signed in as somebody else from elsewhere
    body = {"secret": await desk.link("bo"), "sure": True}
    assert (await lured.post("/session/link", body)).status_code == 403


async def test_two_cookies_or_cookie_and_token_are_nobody(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    both = {"authorization": f"Bearer {browser.cookie}"}
    assert (await browser.get("/me", headers=both)).status_code == 401
    twice = {"cookie": f"__Host-wallcross={browser.cookie}; __Host-wallcross={browser.cookie}"}
    assert (await browser.get("/me", headers=twice)).status_code == 401


async def test_whoever_leaves_or_is_paused_loses_his_seat_at_once(desk: DeskHouse) -> None:
    browser, other = await desk.signed_in("ada"), await desk.signed_in("bo")
    await desk.home.person_pause(desk.house.deal, PersonId("ada"), "asked", actor="local:test")
    assert (await browser.get("/deals/HERON")).status_code == 404
    assert (await browser.get("/me")).json()["deals"] == []
    assert (await other.get("/deals/HERON")).status_code == 200
    await desk.keeper.sweep()
    assert (await browser.get("/me")).status_code == 401
    await desk.home.leave(desk.house.deal, PersonId("bo"), "left", actor="local:test")
    assert (await other.get("/deals/HERON")).status_code == 404


async def test_ends_are_told_as_they_happen(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    session = (await browser.get("/session")).json()["session_id"]
    stream = desk.home.sessions_ended()
    upcoming = anext(stream)
    assert desk.keeper.sessions.ticks() == desk.ticks.at
    waiting = asyncio.ensure_future(upcoming)
    await asyncio.sleep(0)
    ended = await desk.home.sign_out(desk.house.deal, PersonId("ada"), actor="local:test")
    assert (ended, await waiting) == (1, session)
    await stream.aclose()
    [entry] = await desk.entries("session.ended")
    assert (entry["why"], entry["by"]) == ("revoked", "local:test")


async def test_the_stream_of_ends_is_for_our_own_front(desk: DeskHouse) -> None:
    assert (await desk.browser(origin=None).get("/gate/ended")).status_code == 401
    browser = await desk.signed_in(None)
    assert (await browser.get("/gate/ended")).status_code in {401, 403}


async def test_putting_the_clock_back_lengthens_nothing(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    desk.house.clock.ahead = -10 * HOUR
    desk.ticks.at += 31 * MINUTE
    assert (await browser.get("/me")).status_code == 401
