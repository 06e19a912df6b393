"""A real home with a deal, its desk's door, and browsers of people who sign in there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.api.door import Door
from orchestrator.command.home import OpenHome
from orchestrator.signin.keeper import Keeper
from orchestrator.signin.secret import COOKIE
from tests.scenarios.conftest import House, opening
from tiers.ids import PersonId

ORIGIN = "http://localhost:8642"
ACTOR = "local:test"


@dataclass
class Ticks:
    """A clock that only a test moves."""

    at: int = 1_000_000_000

    def __call__(self) -> int:
        return self.at


@dataclass
class Browser:
    """Somebody's browser at the desk's door: his cookie, his page."""

    door: Door
    cookie: str | None = None
    origin: str | None = ORIGIN
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = dict(self.headers)
        if self.cookie is not None:
            headers["cookie"] = f"{COOKIE}={self.cookie}"
        if self.origin is not None:
            headers["origin"] = self.origin
        headers |= more.pop("headers", {})
        transport = httpx.ASGITransport(self.door, client=("127.0.0.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            answer = await http.request(method, f"/api/v1{path}", headers=headers, **more)
        set_cookie = answer.headers.get("set-cookie", "")
        if set_cookie.startswith(f"{COOKIE}="):
            value = set_cookie.partition("=")[2].partition(";")[0].strip('"')
            self.cookie = value or None
        return answer

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=body, **more)


@dataclass
class DeskHouse:
    """A home at whose door people stand."""

    house: House
    ticks: Ticks
    door: Door

    @property
    def home(self) -> OpenHome:
        return self.house.home

    @property
    def keeper(self) -> Keeper:
        return self.home.keeper

    @property
    def code(self) -> str:
        return "HERON"

    def browser(self, **more: Any) -> Browser:
        return Browser(self.door, **more)

    async def link(self, person: str) -> str:
        """The secret of a person's new link."""
        made = await self.home.link_new(self.house.deal, PersonId(person), actor=ACTOR)
        return made.url.partition("#")[2]

    async def signed_in(self, person: str | None) -> Browser:
        """A browser in which a person opened his link; None: the home's own user."""
        browser = self.browser()
        if person is None:
            secret = (await self.home.home_link(actor=ACTOR)).url.partition("#")[2]
        else:
            secret = await self.link(person)
        answer = await browser.post("/session/link", {"secret": secret, "sure": True})
        assert answer.status_code == 200, answer.text
        return browser

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        lines = [*await self.home.audit_tail(self.house.deal, 500)]
        return [{"actor": line.actor, **line.body} for line in lines if line.kind == kind]


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def desk(
    request: pytest.FixtureRequest, tmp_path: Path, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DeskHouse]:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("orchestrator.command.signing_in.ticks", ticks)
    async with opening(tmp_path) as opens:
        marker = request.node.get_closest_marker("tampers")
        opens.tampers = None if marker is None else marker.args[0]
        house = await opens()
        yield DeskHouse(house, ticks, Door(house.home, ORIGIN))
