"""A provider's word is believed when it is to us, about what we asked, now."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from orchestrator.clock import MINUTE, SECOND, now
from orchestrator.config.model import OidcPart
from orchestrator.signin.provider import LOGGED_OUT
from orchestrator.signin.secret import UNDER_WAY
from tests.orchestrator.signin.conftest import Browser, DeskHouse
from tests.orchestrator.signin.wrong_provider import CLIENT, SECRET, Wrong, standing


@pytest.fixture
async def provider(desk: DeskHouse, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wrong]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    async with standing(now() // SECOND) as wrong:
        part = OidcPart(
            issuer=wrong.issuer,
            client_id=CLIENT,
            client_secret="env:OIDC_SECRET",
            operators=["root@kestrel.example"],
        )
        settings = desk.home.runtime.settings
        web = settings.config.web.model_copy(update={"oidc": part})
        config = settings.config.model_copy(update={"web": web})
        monkeypatch.setattr(desk.home.runtime, "settings", replace(settings, config=config))
        yield wrong


async def begin(browser: Browser, *, again: bool = False) -> str:
    answer = await browser.post("/session/oidc/begin", {"again": again})
    assert answer.status_code == 200, answer.text
    told = answer.headers["set-cookie"]
    assert told.startswith(UNDER_WAY)
    browser.headers["cookie2"] = told.partition(";")[0]
    return str(answer.json()["url"])


async def come_back(browser: Browser, brought: dict[str, str]) -> httpx.Response:
    """As the provider's redirect does: a navigation, from elsewhere, with the cookies."""
    kept = [browser.headers.pop("cookie2", "")]
    if browser.cookie is not None:
        kept.append(f"__Host-wallcross={browser.cookie}")
    cookies = "; ".join(one for one in kept if one)
    origin, browser.origin = browser.origin, None
    answer = await browser.get("/session/oidc/back", params=brought, headers={"cookie": cookies})
    browser.origin = origin
    for told in answer.headers.get_list("set-cookie"):
        if told.startswith("__Host-wallcross="):
            browser.cookie = told.partition("=")[2].partition(";")[0]
    return answer


async def signed_in(desk: DeskHouse, provider: Wrong) -> Browser:
    browser = desk.browser()
    answer = await come_back(browser, provider.grants(await begin(browser)))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


async def test_a_subject_is_nobody_until_he_opens_his_link(
    desk: DeskHouse, provider: Wrong
) -> None:
    browser = await signed_in(desk, provider)
    me = (await browser.get("/me")).json()
    assert (me["way"], me["deals"]) == ("oidc", [])
    assert (await browser.get("/deals/HERON")).status_code == 404
    await desk.keeper.sweep()
    opened = await browser.post("/session/link", {"secret": await desk.link("ada"), "sure": True})
    assert opened.status_code == 200
    assert (await browser.get("/me")).json()["deals"][0]["person"] == "ada"
    [entry] = await desk.entries("login.bound")
    assert (entry["way"], entry["person"]) == ("oidc", "ada")
    assert provider.subject not in str(entry)  # its hash alone
    again = await signed_in(desk, provider)
    me = (await again.get("/me")).json()
    assert (me["actor"], me["deals"][0]["person"]) == ("person:ada", "ada")
    taken = await again.post("/session/link", {"secret": await desk.link("bo"), "sure": True})
    assert taken.status_code == 403  # nobody is two people of one deal


async def test_an_operator_is_one_by_the_settings_alone(desk: DeskHouse, provider: Wrong) -> None:
    provider.subject = "root@kestrel.example"
    me = (await (await signed_in(desk, provider)).get("/me")).json()
    assert me["actor"] == "operator:root@kestrel.example"
    assert "operator" in me["deals"][0]["roles"]


async def test_the_request_is_as_the_standards_want_it(desk: DeskHouse, provider: Wrong) -> None:
    browser = desk.browser()
    url = httpx.URL(await begin(browser))
    assert str(url).startswith(f"{provider.issuer}/authorize?")
    asked = dict(url.params)
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid")
    assert asked["redirect_uri"] == "http://localhost:8642/api/v1/session/oidc/back"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    other = dict(httpx.URL(await begin(desk.browser())).params)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != other[name]
    assert "prompt" not in asked


HOSTILE: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "of-another-request"}},
    "no nonce": {"without": ["nonce"]},
    "unsigned": {"alg": "none"},
    "signed with what is public": {"alg": "HS256"},
    "of another key": {"key": RSAKey.generate_key(2048, {"kid": "one"})},
    "for another": {"claims": {"aud": "another-client"}},
    "for others too": {"claims": {"aud": [CLIENT, "another-client"]}},
    "for others too, by another": {
        "claims": {"aud": [CLIENT, "another-client"], "azp": "another-client"}
    },
    "of another issuer": {"claims": {"iss": "http://127.0.0.1:1"}},
    "over": {"claims": {"exp": 1}},
    "of another day": {"claims": {"iat": 1_000_000_000}},
    "without an end": {"without": ["exp"]},
    "without a subject": {"without": ["sub"]},
    "an empty subject": {"claims": {"sub": ""}},
    "a subject that is no text": {"claims": {"sub": {"a": 1}}},
    "of another access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "mixed up": {"iss": "http://127.0.0.1:1"},
    "metadata of another": {"metadata": {"issuer": "http://127.0.0.1:1"}},
    "keys elsewhere": {"metadata": {"jwks_uri": "http://127.0.0.1:1/jwks"}},
    "codes elsewhere": {"metadata": {"token_endpoint": "https://evil.example/token"}},
    "keys behind a redirect": {"redirects": ["/jwks"]},
    "codes behind a redirect": {"redirects": ["/token"]},
}


@pytest.mark.parametrize("lie", HOSTILE)
async def test_a_lie_signs_nobody_in(desk: DeskHouse, provider: Wrong, lie: str) -> None:
    early = "metadata" in HOSTILE[lie]
    browser = desk.browser()
    if early:
        provider.lies = HOSTILE[lie]
        refused = await browser.post("/session/oidc/begin", {"again": False})
        assert refused.status_code == 403
        assert "127.0.0.1:1" not in refused.text
        return
    url = await begin(browser)
    provider.lies = HOSTILE[lie]
    answer = await come_back(browser, provider.grants(url))
    assert (answer.status_code, answer.headers["location"]) == (303, "/in?failed")
    assert browser.cookie is None
    assert desk.keeper.sessions.living() == ()


async def test_an_answer_counts_once_in_the_browser_that_began(
    desk: DeskHouse, provider: Wrong
) -> None:
    mine, his = desk.browser(), desk.browser()
    brought = provider.grants(await begin(mine))
    await begin(his)
    assert (await come_back(his, brought)).headers["location"] == "/in?failed"
    assert his.cookie is None  # a lure with somebody else's code and state
    assert (await come_back(mine, brought)).headers["location"] == "/in?failed"  # and void by now
    mine = desk.browser()
    brought = provider.grants(await begin(mine))
    kept = mine.headers["cookie2"]
    assert (await come_back(mine, brought)).headers["location"] == "/"
    replay = desk.browser(headers={"cookie2": kept})
    assert (await come_back(replay, brought)).headers["location"] == "/in?failed"
    late = desk.browser()
    brought = provider.grants(await begin(late))
    desk.ticks.at += 10 * MINUTE
    assert (await come_back(late, brought)).headers["location"] == "/in?failed"


async def test_an_answer_without_the_issuer_is_refused_where_it_names_itself(
    desk: DeskHouse, provider: Wrong
) -> None:
    browser = desk.browser()
    brought = provider.grants(await begin(browser))
    del brought["iss"]
    assert (await come_back(browser, brought)).headers["location"] == "/in?failed"


async def test_proving_again_is_by_the_same_one_and_just_now(
    desk: DeskHouse, provider: Wrong
) -> None:
    browser = await signed_in(desk, provider)
    await browser.post("/session/link", {"secret": await desk.link("ada"), "sure": True})
    desk.ticks.at += 6 * MINUTE
    provider.lies = {"claims": {"auth_time": provider.now - 600}}
    url = await begin(browser, again=True)
    assert dict(httpx.URL(url).params) | {"prompt": "login", "max_age": "60"} == dict(
        httpx.URL(url).params
    )
    assert (await come_back(browser, provider.grants(url))).headers["location"] == "/in?failed"
    provider.lies, provider.subject = {}, "bo@kestrel.example"
    back = await come_back(browser, provider.grants(await begin(browser, again=True)))
    assert back.headers["location"] == "/in?failed"
    assert (await browser.get("/me")).json()["stepped_up_until"] is None
    provider.subject = "ada@kestrel.example"
    before = browser.cookie
    back = await come_back(browser, provider.grants(await begin(browser, again=True)))
    assert back.headers["location"] == "/"
    assert browser.cookie != before
    assert (await browser.get("/me")).json()["stepped_up_until"] is not None


async def test_a_sign_in_of_long_ago_there_is_no_fresh_proof(
    desk: DeskHouse, provider: Wrong
) -> None:
    provider.lies = {"claims": {"auth_time": provider.now - 3600}}
    browser = await signed_in(desk, provider)
    assert (await browser.get("/me")).json()["stepped_up_until"] is None


async def test_signing_out_ends_it_there_too(desk: DeskHouse, provider: Wrong) -> None:
    browser = await signed_in(desk, provider)
    kept = browser.cookie
    url = httpx.URL((await browser.post("/session/oidc/end")).json()["url"])
    assert str(url).startswith(f"{provider.issuer}/end?")
    assert url.params["post_logout_redirect_uri"] == "http://localhost:8642/in"
    assert (await desk.browser(cookie=kept).get("/me")).status_code == 401


async def told(desk: DeskHouse, token: str) -> int:
    outside = desk.browser(origin=None)
    body = {"logout_token": token}
    return (await outside.ask("POST", "/oidc/back-channel", data=body)).status_code


async def test_the_provider_ends_sessions(desk: DeskHouse, provider: Wrong) -> None:
    browser = await signed_in(desk, provider)
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "aud": CLIENT,
        "iat": provider.now,
        "jti": "once",
        "sid": provider.sid,
        "events": {LOGGED_OUT: {}},
    }
    wrong: dict[str, Any]
    for wrong in (
        {"aud": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"nonce": "x"},
        {"events": {}},
        {"iat": 1},
        {"sid": None, "sub": None},
    ):
        assert await told(desk, provider.signed({**claims, **wrong})) == 403
    assert await told(desk, "not.a.token") == 403
    assert (await browser.get("/me")).status_code == 200
    assert await told(desk, provider.signed({**claims, "jti": "2", "sid": "another"})) == 200
    assert (await browser.get("/me")).status_code == 200
    assert await told(desk, provider.signed(claims)) == 200
    assert (await browser.get("/me")).status_code == 401
    assert await told(desk, provider.signed(claims)) == 403  # heard before
