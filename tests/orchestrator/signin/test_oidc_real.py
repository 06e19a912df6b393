"""Against a real provider on loopback: sign in, be bound, prove again, sign out."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from orchestrator.clock import MINUTE
from orchestrator.config.model import OidcPart
from tests.orchestrator.signin import real_provider
from tests.orchestrator.signin.canaille_program import CLIENT, SECRET
from tests.orchestrator.signin.conftest import ORIGIN, Browser, DeskHouse
from tests.orchestrator.signin.real_provider import Person
from tests.orchestrator.signin.test_oidc import begin, come_back

BACK, AFTER = f"{ORIGIN}/api/v1/session/oidc/back", f"{ORIGIN}/in"
pytestmark = [pytest.mark.long, pytest.mark.real]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider.provider(BACK, AFTER) as found:
        yield found


@pytest.fixture
def there(desk: DeskHouse, issuer: str, monkeypatch: pytest.MonkeyPatch) -> DeskHouse:
    """The desk, which asks the real provider."""
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    runtime = desk.home.runtime
    secret = "env:OIDC_SECRET"
    part = OidcPart(issuer=issuer, client_id=CLIENT, client_secret=secret)
    web = runtime.settings.config.web.model_copy(update={"oidc": part})
    config = runtime.settings.config.model_copy(update={"web": web})
    monkeypatch.setattr(runtime, "settings", replace(runtime.settings, config=config))
    return desk


async def through(browser: Browser, person: Person, *, again: bool = False) -> httpx.Response:
    url = await begin(browser, again=again)
    return await come_back(browser, await asyncio.to_thread(person.goes, url, BACK))


async def test_a_person_signs_in_and_is_known_the_next_time(there: DeskHouse) -> None:
    ada, browser = Person("ada"), there.browser()
    assert (await through(browser, ada)).headers["location"] == "/"
    assert (await browser.get("/me")).json()["deals"] == []
    await browser.post("/session/link", {"secret": await there.link("ada"), "sure": True})
    assert (await browser.get("/me")).json()["deals"][0]["person"] == "ada"
    other = there.browser()
    assert (await through(other, Person("ada"))).headers["location"] == "/"
    assert (await other.get("/me")).json()["deals"][0]["person"] == "ada"
    stranger = there.browser()
    assert (await through(stranger, Person("bo"))).headers["location"] == "/"
    assert (await stranger.get("/me")).json()["deals"] == []


async def test_proving_again_asks_for_the_password_and_for_him(there: DeskHouse) -> None:
    ada, browser = Person("ada"), there.browser()
    await through(browser, ada)
    there.ticks.at += 6 * MINUTE
    assert (await browser.get("/me")).json()["stepped_up_until"] is None
    assert (await through(browser, ada, again=True)).headers["location"] == "/"
    assert (await browser.get("/me")).json()["stepped_up_until"] is not None
    assert (await through(browser, Person("bo"), again=True)).headers["location"] == "/in?failed"


async def test_signing_out_leads_to_the_providers_own_end(there: DeskHouse) -> None:
    ada, browser = Person("ada"), there.browser()
    await through(browser, ada)
    url = (await browser.post("/session/oidc/end")).json()["url"]
    answer = await asyncio.to_thread(ada.http.get, url)
    assert answer.status_code in {200, 302}
    assert (await browser.get("/me")).status_code == 401
    silent = await begin(there.browser())
    gone = await asyncio.to_thread(ada.http.get, silent)
    assert "/login" in gone.headers["location"]  # he is asked for his password again
