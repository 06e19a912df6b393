"""What somebody tries with a session that is over, or with a secret that was told once."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from orchestrator.api import guard, state
from orchestrator.audit.body import Json
from orchestrator.audit.kinds import Kind
from orchestrator.query import happenings
from orchestrator.signin.sessions import Session
from tests.orchestrator.signin.conftest import Browser, DeskHouse
from tests.orchestrator.signin.test_devices import asks, begun
from tests.orchestrator.signin.test_passkey_sign_in import bind, passkey, sign
from tiers.ids import PersonId


class Slow:
    """A body of which the rest comes when its sender likes."""

    def __init__(self, first: bytes, rest: bytes) -> None:
        self._first, self._rest = first, rest
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:  # as httpx reads a body
        yield self._first
        self.begun.set()
        await self.go.wait()
        yield self._rest


async def half(browser: Browser, path: str, body: bytes, **headers: str) -> "Half":
    """Begins a request, and keeps the half of its body back."""
    slow = Slow(body[:3], body[3:])
    asking = asyncio.ensure_future(browser.ask("POST", path, content=slow, headers=headers))
    await slow.begun.wait()
    return Half(slow, asking)


class Half:
    """A request of which a half is under way."""

    def __init__(self, slow: Slow, asking: "asyncio.Task[httpx.Response]") -> None:
        self._slow, self._asking = slow, asking

    async def rest(self) -> httpx.Response:
        """Hands in what was kept back; what is answered."""
        self._slow.go.set()
        return await asyncio.wait_for(self._asking, 5)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any body takes long."""
    monkeypatch.setattr(guard, "AGAIN_S", 0.0)


JSON = {"content-type": "application/json"}


@pytest.mark.usefixtures("at_once")
async def test_a_request_that_began_before_its_session_ended_does_nothing(desk: DeskHouse) -> None:
    ada = await desk.signed_in("ada")
    text = {"person": "ada", "conversation": "lunch", "text": "See you at noon."}
    under_way = await half(ada, "/deals/HERON/messages", json.dumps(text).encode(), **JSON)
    assert await desk.home.sign_out(desk.house.deal, PersonId("ada"), actor="local:test") == 1
    answer = await under_way.rest()
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:wallcross:problem:sign-in")
    file = {"wallcross-person": "ada", "wallcross-name": "a.txt", "content-length": "8"}
    ada = await desk.signed_in("ada")
    under_way = await half(ada, "/deals/HERON/files", b"12345678", **file)
    await desk.home.sign_out_all(actor="local:test")
    assert (await under_way.rest()).status_code == 401


@pytest.mark.usefixtures("at_once")
async def test_a_request_that_began_before_somebody_was_paused_does_nothing(
    desk: DeskHouse,
) -> None:
    home = await desk.signed_in(None)
    ada = await desk.signed_in("ada")
    text = {"person": "ada", "conversation": "lunch", "text": "See you at noon."}
    under_way = await half(ada, "/deals/HERON/messages", json.dumps(text).encode(), **JSON)
    paused = await home.post("/deals/HERON/people/ada/pause", {"reason": "lost_phone"})
    assert paused.status_code == 200, paused.text
    assert (await under_way.rest()).status_code in {401, 404}


@pytest.mark.usefixtures("at_once")
async def test_what_takes_long_and_is_still_allowed_is_done(desk: DeskHouse) -> None:
    ada = await desk.signed_in("ada")
    text = {"person": "ada", "conversation": "lunch", "text": "See you at noon."}
    under_way = await half(ada, "/deals/HERON/messages", json.dumps(text).encode(), **JSON)
    assert (await under_way.rest()).status_code == 202


async def test_whoever_is_paused_hears_nothing_more_of_the_deal(
    desk: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happenings, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(state, "LONGEST_S", 5.0)
    ada = await desk.signed_in("ada")
    listening = asyncio.ensure_future(ada.get("/events"))
    await asyncio.sleep(0.05)  # he listens
    await desk.home.person_pause(desk.house.deal, PersonId("ada"), "lost_phone", actor="local:test")
    heard = await asyncio.wait_for(listening, 2)  # it ends by itself, long before its longest
    assert "paused" not in heard.text


async def test_a_code_that_was_confirmed_signs_nobody_in_after_its_owner_was_signed_out(
    desk: DeskHouse,
) -> None:
    told, thief = await begun(desk), await desk.signed_in("ada")
    sure = {"shown": told["shown"], "sure": True}
    assert (await thief.post("/session/device", sure)).status_code == 200
    await desk.home.sign_out(desk.house.deal, PersonId("ada"), actor="local:test")
    assert await asks(desk, told) == (403, None)
    assert await asks(desk, told) == (403, None)


async def test_to_sign_everybody_out_makes_links_void_too(desk: DeskHouse) -> None:
    secret, browser = await desk.link("ada"), desk.browser()
    await desk.home.sign_out_all(actor="local:test")
    answer = await browser.post("/session/link", {"secret": secret, "sure": True})
    assert answer.status_code == 403


async def test_a_secret_that_is_told_once_is_not_told_again_under_its_key(desk: DeskHouse) -> None:
    home = await desk.signed_in(None)
    wanted = {
        "label": "crm-feed",
        "highest": "coordination",
        "conversations": ["lunch"],
        "persons": ["ada"],
    }
    again = {"idempotency-key": "one"}
    first = await home.post("/deals/HERON/tokens", wanted, headers=again)
    assert first.status_code == 200, first.text
    second = await home.post("/deals/HERON/tokens", wanted, headers=again)
    assert (second.status_code, "wxb_" in second.text) == (409, False)
    asked = await home.post("/deals/HERON/exports", {"what": "findings", "why": "closing"})
    path = f"/deals/HERON/exports/{asked.json()['export_id']}/link"
    assert (await home.post(path, headers=again | {"idempotency-key": "two"})).status_code == 201
    second = await home.post(path, headers=again | {"idempotency-key": "two"})
    assert (second.status_code, "fetch" in second.text) == (409, False)


async def test_a_session_that_ends_while_it_is_proven_again_is_over(
    desk: DeskHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, secret, keeper = await desk.signed_in("ada"), await desk.link("ada"), desk.keeper
    note = keeper._note  # the end is to come right behind its entry

    async def noted(kind: Kind, session: Session, more: dict[str, Json]) -> None:
        await note(kind, session, more)
        if kind is Kind.SESSION_RAISED:
            keeper.sessions.end(session.session_id, "revoked")

    monkeypatch.setattr(keeper, "_note", noted)
    answer = await ada.post("/session/link", {"secret": secret, "sure": True})
    assert answer.status_code == 401, answer.text
    assert (await ada.get("/me")).status_code == 401


async def test_a_key_that_is_known_is_bound_to_nobody_else(desk: DeskHouse) -> None:
    """Public keys stand in the record; to say that one is mine proves nothing."""
    ada, own = await desk.signed_in("ada"), passkey()
    assert (await bind(ada, own)).status_code == 200
    copied = passkey(key=own.key, handle=b"another handle")
    mallory = await desk.signed_in("el")
    assert (await bind(mallory, copied)).status_code == 403
    again = desk.browser()
    assert (await sign(again, own)).status_code == 200
    assert (await again.get("/me")).json()["deals"][0]["person"] == "ada"
