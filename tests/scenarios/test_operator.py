"""What whoever watches the machine is told, without signing in: states, and nothing of a deal."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from orchestrator.api.operator import for_operators, operator_app
from orchestrator.audit.whole import Flaw
from orchestrator.client.problems import Unready
from orchestrator.config import Config
from orchestrator.deals.book import HOME
from orchestrator.query import operating
from orchestrator.query.checks import operator_check
from orchestrator.store.unit import StoreError

from .conftest import House
from .house import CHANNEL, PRICE

HERE = "http://127.0.0.1:9642"


@pytest.fixture
async def asks(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=operator_app(house.home, "127.0.0.1"))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        yield client


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def fresh(house: House, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=operator_app(house.home, "127.0.0.1"))
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        return await client.get(path)


async def test_a_running_home_is_well_and_ready(asks: httpx.AsyncClient) -> None:
    assert (await asks.get("/healthz")).text == "ok\n"
    ready = await asks.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "lacks": []})
    told = await asks.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = figures(told.text)
    assert found["wallcross_ready",] == found["wallcross_chain_whole",] == 1
    assert found["wallcross_channel_state", CHANNEL, "up"] == 1
    assert found["wallcross_channel_state", CHANNEL, "down"] == 0
    assert found["wallcross_channel_stuck", CHANNEL] == 0


async def test_nothing_of_a_deal_is_told_and_messages_change_nothing(house: House) -> None:
    before = await fresh(house, "/metrics")
    message = await house.send(f"{PRICE}: we raise our offer to 27.50 per share.", "ada", "lunch")
    assert await house.ends(message) == "held"
    for person in ("ada", "bo"):
        await house.ends(await house.send("See you at noon.", person, "lunch"))
    after = await fresh(house, "/metrics")

    def own(text: str) -> list[str]:
        return [line for line in text.splitlines() if "wallcross_process" not in line]

    assert own(after.text) == own(before.text)
    view = house.home.runtime.book.deals[house.deal]
    names = {view.code, str(house.deal), *(p.name for p in view.roster.people)}
    names |= {p.person_id for p in view.roster.people if len(p.person_id) > 3}
    names |= {c.label for c in view.conversations.values()} | {"lunch", "27.50"}
    whole = after.text + (await fresh(house, "/readyz")).text
    assert not [name for name in names if name in whole]
    labels = {
        key
        for family in text_string_to_metric_families(after.text)
        for sample in family.samples
        for key in sample.labels
    }
    assert labels == {"channel", "state"}


async def test_a_paused_channel_is_known_and_a_silent_one_is_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.home.channel_pause(CHANNEL, "tried", actor="local:test")
    found = figures((await fresh(house, "/metrics")).text)
    assert found["wallcross_channel_state", CHANNEL, "paused"] == found["wallcross_ready",] == 1
    channel = house.home.runtime.channels[CHANNEL]
    channel.paused = None
    monkeypatch.setattr(operating, "PATIENCE_S", 0.01)

    async def never(*_: object) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(type(channel.connector), "health", never)
    ready = await fresh(house, "/readyz")
    assert (ready.status_code, ready.json()["lacks"]) == (503, ["channels"])
    found = figures((await fresh(house, "/metrics")).text)
    assert found["wallcross_channel_state", CHANNEL, "unknown"] == 1


async def test_a_broken_chain_or_store_is_not_ready(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = house.home.runtime
    runtime.book.record.add(Flaw(HOME, 1, "altered"))
    assert (await fresh(house, "/readyz")).json()["lacks"] == ["chain"]
    runtime.book.record.flaws.clear()

    async def broken(*_: object) -> Any:
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(runtime.store, "read", broken)
        told = await fresh(house, "/readyz")
        assert (told.status_code, told.json()["lacks"]) == (503, ["store", "chain"])
        assert "disk" not in told.text + (await fresh(house, "/metrics")).text


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/metrics/", "/readyz?deal=x", "//metrics"])
async def test_nothing_else_is_there(asks: httpx.AsyncClient, path: str) -> None:
    assert (await asks.get(path)).status_code in ({200} if "?" in path else {404})
    assert (await asks.post("/metrics")).status_code == 405


async def test_no_browser_is_led_here_under_another_name(asks: httpx.AsyncClient) -> None:
    for host in ("evil.example", "evil.example:9642", "127.0.0.1.evil.example", ""):
        assert (await asks.get("/metrics", headers={"host": host})).status_code == 421
    assert (await asks.get("/metrics", headers={"host": "localhost:9642"})).status_code == 200


async def test_it_listens_on_a_port_of_its_own(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unready, match="Something else listens"):
            async with for_operators(house.home, f"127.0.0.1:{port}"):
                raise AssertionError("it listened on a port that is taken")
    async with (
        for_operators(house.home, f"127.0.0.1:{port}"),
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client,
    ):
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/api/v1/me")).status_code == 404


async def test_who_asks_often_costs_the_home_nothing(
    house: House, asks: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    real = type(house.home).operating

    async def counted(home: Any) -> operating.Operating:
        looks.append(1)
        return await real(home)

    monkeypatch.setattr(type(house.home), "operating", counted)
    await asyncio.gather(*(asks.get("/metrics") for _ in range(200)))
    assert len(looks) <= 3


def test_doctor_says_who_reaches_it() -> None:
    def found(**web: Any) -> Any:
        return operator_check(Config.model_validate({"web": web}))

    assert found() is None
    assert found(operator="127.0.0.1:9642").state == "ok"
    beyond = found(operator="10.0.0.7:9642", operator_network=True)
    assert (beyond.state, beyond.group) == ("soon", "home")
