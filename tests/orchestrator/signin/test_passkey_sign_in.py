"""Passkeys at the desk's door: whose they are, and what they do not do."""

import base64
import json
from hashlib import sha256

import httpx
import pytest

from orchestrator.approvals.credentials import Credential
from orchestrator.approvals.passkey import read_made
from orchestrator.approvals.plan import statement
from orchestrator.approvals.requests import enrol, standing
from orchestrator.clock import MINUTE
from orchestrator.signin.challenges import WORDS
from tests.orchestrator.approvals.authenticator import PRESENT, Authenticator
from tests.orchestrator.signin.conftest import ORIGIN, Browser, DeskHouse
from tiers.approval import Role
from tiers.ids import PersonId
from tiers.people import Party


def passkey(**more: object) -> Authenticator:
    return Authenticator(rp_id="localhost", origin=ORIGIN, **more)  # type: ignore[arg-type]  # its own fields


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def bind(browser: Browser, own: Authenticator) -> httpx.Response:
    asked = (await browser.post("/session/passkey/new/ask")).json()
    made = own.made(bytes_of(asked["challenge"]))
    body = {"challenge_id": asked["challenge_id"], "answer": made}
    return await browser.post("/session/passkey/new", body)


async def sign(browser: Browser, own: Authenticator) -> httpx.Response:
    asked = (await browser.post("/session/passkey/ask")).json()
    signed = own.signed(bytes_of(asked["challenge"]))
    body = {"challenge_id": asked["challenge_id"], "answer": signed}
    return await browser.post("/session/passkey", body)


async def test_a_passkey_that_a_person_bound_signs_him_in(desk: DeskHouse) -> None:
    first, own = await desk.signed_in("ada"), passkey(count=1)
    assert (await bind(first, own)).json() == 1
    [entry] = await desk.entries("login.bound")
    assert (entry["person"], entry["way"], entry["actor"]) == ("ada", "passkey", "person:ada")
    second = desk.browser()
    answer = await sign(second, own)
    assert answer.status_code == 200, answer.text
    assert second.cookie is not None
    assert second.cookie not in answer.text
    me = (await second.get("/me")).json()
    assert (me["way"], me["deals"][0]["person"]) == ("passkey", "ada")
    listed = (await second.get("/deals/HERON/people/ada/logins")).json()
    assert [(one["way"], one["person"]) for one in listed] == [("passkey", "ada")]
    ended = await second.post("/deals/HERON/people/ada/logins/end", {"login": listed[0]["login"]})
    assert ended.json() == 2  # the session that bound it lives by it too
    assert (await second.get("/me")).status_code == 401
    assert (await sign(desk.browser(), own)).status_code == 403


async def test_a_bound_passkey_outlives_a_restart_and_a_session_does_not(desk: DeskHouse) -> None:
    first, own = await desk.signed_in("ada"), passkey()
    await bind(first, own)
    await desk.house.restart()
    desk.door = type(desk.door)(desk.home, ORIGIN)
    first.door = desk.door
    assert (await first.get("/me")).status_code == 401
    again = desk.browser()
    assert (await sign(again, own)).status_code == 200
    assert (await again.get("/me")).json()["deals"][0]["person"] == "ada"


async def test_a_challenge_is_for_one_purpose_session_and_moment(desk: DeskHouse) -> None:
    first, own = await desk.signed_in("ada"), passkey()
    await bind(first, own)
    other = desk.browser()
    asked = (await other.post("/session/passkey/ask")).json()
    assert bytes_of(asked["challenge"]).startswith(WORDS)
    assert asked["handles"] == []  # nobody learns whose passkeys there are
    signed = own.signed(bytes_of(asked["challenge"]))
    body = {"challenge_id": asked["challenge_id"], "answer": signed}
    assert (await first.post("/session/passkey", body)).status_code == 403  # not his session's
    assert (await other.post("/session/passkey", body)).status_code == 403  # and void by now
    asked = (await other.post("/session/passkey/ask")).json()
    body = {
        "challenge_id": asked["challenge_id"],
        "answer": own.signed(bytes_of(asked["challenge"])),
    }
    desk.ticks.at += 2 * MINUTE
    assert (await other.post("/session/passkey", body)).status_code == 403
    desk.ticks.at -= 1 * MINUTE
    assert (await sign(other, own)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"cross": True},
    ],
)
async def test_what_another_page_got_signs_nobody_in(
    desk: DeskHouse, wrong: dict[str, object]
) -> None:
    first, own = await desk.signed_in("ada"), passkey()
    await bind(first, own)
    for name, value in wrong.items():
        setattr(own, name, value)
    assert (await sign(desk.browser(), own)).status_code == 403
    assert (
        await bind(first, Authenticator(**{**vars(passkey()), **wrong, "handle": b"n"}))
    ).status_code == 422


async def test_a_stranger_and_a_copy_are_refused(desk: DeskHouse) -> None:
    first, own = await desk.signed_in("ada"), passkey(count=5)
    await bind(first, own)
    assert (await sign(desk.browser(), passkey(handle=own.handle))).status_code == 403
    copy = passkey(key=own.key, count=own.count)
    assert (await sign(desk.browser(), own)).status_code == 200
    refused = await sign(desk.browser(), copy)
    assert refused.status_code == 403
    assert "copy" in refused.json()["title"]


async def test_a_new_passkey_takes_a_fresh_proof(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    desk.ticks.at += 6 * MINUTE
    assert (await bind(browser, passkey())).status_code == 403
    assert await desk.entries("login.bound") == []


async def test_proving_again_gives_another_secret_and_five_minutes(desk: DeskHouse) -> None:
    browser, own = await desk.signed_in("ada"), passkey()
    await bind(browser, own)
    desk.ticks.at += 6 * MINUTE
    assert (await browser.get("/me")).json()["stepped_up_until"] is None
    before, session = browser.cookie, (await browser.get("/session")).json()["session_id"]
    assert (await sign(browser, own)).json()["session_id"] == session
    assert browser.cookie != before
    assert (await desk.browser(cookie=before).get("/me")).status_code == 401
    assert (await browser.get("/me")).json()["stepped_up_until"] is not None
    assert len(await desk.entries("session.raised")) == 1


async def enrolled(desk: DeskHouse, name: str, own: Authenticator, *roles: Role) -> str:
    made = read_made(own.made())
    rp, origin = (sha256(t.encode()).hexdigest() for t in ("localhost", ORIGIN))
    credential = Credential(
        PersonId(name),
        "passkey",
        made.kind,
        made.public,
        frozenset(roles),
        Party.ACQUIRER,
        frozenset(),
        made.handle,
        rp,
        origin,
    )
    deal = desk.house.deal
    await desk.home.runtime.store.write(
        lambda tx: enrol(tx, deal, credential, None, at=1, actor="local:test")
    )
    return credential.hash


async def test_roles_are_in_force_for_whoever_proved_them(
    desk: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = passkey()
    await enrolled(desk, "ada", own, Role.SECURITY_OFFICER)
    browser = await desk.signed_in("ada")
    roles = (await browser.get("/me")).json()["deals"][0]["roles"]
    assert roles == ["participant", "security_officer"]  # the deal is not founded
    home = await desk.signed_in(None)
    assert (await home.get("/me")).json()["deals"][0]["roles"] == ["operator"]  # one is named

    founded = await desk.home.runtime.store.read(lambda tx: standing(tx, desk.house.deal))
    founded.founded_at, founded.credentials = 1, founded.drafts
    monkeypatch.setattr("orchestrator.signin.seats.read_standing", lambda _deal, _entries: founded)
    desk.keeper.seats._known.clear()
    assert (await browser.get("/me")).json()["deals"][0]["roles"] == ["participant"]
    assert (await sign(browser, own)).status_code == 200
    assert (await browser.get("/me")).json()["deals"][0]["roles"] == roles
    founded.credentials = {}  # withdrawn
    assert (await browser.get("/me")).json()["deals"][0]["roles"] == ["participant"]


async def test_a_sign_in_is_no_approval(desk: DeskHouse) -> None:
    own = passkey()
    asked = (await desk.browser().post("/session/passkey/ask")).json()
    agreed = statement(desk.house.deal, "0" * 64, 1, "yes")
    assert not agreed.startswith(WORDS)
    assert not bytes_of(asked["challenge"]).startswith(agreed[:8])
    assert json.loads(own.signed(b"x"))["id"]


async def test_the_homes_own_user_binds_his_in_the_homes_chain(desk: DeskHouse) -> None:
    first, own = await desk.signed_in(None), passkey()
    assert (await bind(first, own)).json() == 1
    assert await desk.entries("login.bound") == []
    second = desk.browser()
    assert (await sign(second, own)).status_code == 200
    me = (await second.get("/me")).json()
    assert (me["actor"], me["deals"][0]["person"]) == ("local:test", None)
    assert "operator" in me["deals"][0]["roles"]
