"""A dry run changes nothing: not a row, not a file, not a room, whatever is asked."""

import inspect
import pkgutil
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from connectors import port
from orchestrator.api.app import application, make_app, make_desk
from orchestrator.api.rehearsing import IN_MEMORY
from orchestrator.api.who import here
from orchestrator.store.rehearsal import Rehearsed, rehearsal
from orchestrator.wiring.stillness import ACTS, READS, still_in_rehearsal

from .conftest import House
from .test_access_cut import Asked, asked  # noqa: F401 - the fixture
from .test_access_fuzzed import Fuzz, described
from .test_access_matrix import viewer_of

SAFE = {"GET", "HEAD", "OPTIONS"}
BY_ITSELF = frozenset({"audit", "audit_head", "audit_leaf", "timer", "finding", "risk_look"})
"""Tables in which a home notes from time to time what it does by itself, too."""
BY_PEOPLE = """SELECT entry FROM audit WHERE entry LIKE '%"local:%' OR entry LIKE '%"person:%'"""


async def kept(house: House) -> dict[str, Any]:
    """Every row of the store, every file of the home, and what the network was asked to do."""
    listed = await house.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    found: dict[str, Any] = {}
    for (table,) in listed:
        if table not in BY_ITSELF and not table.startswith("sqlite_"):
            found[table] = sorted(map(repr, await house.rows(f"SELECT * FROM {table}")))  # noqa: S608 - its own names
    state = house.home.runtime.settings.state
    found["files"] = sorted(
        (str(p.relative_to(state)), p.stat().st_size)
        for p in state.rglob("*")
        if p.is_file() and not p.name.startswith("store.db")
    )
    found["by people"] = await house.rows(BY_PEOPLE)
    found["arrived"] = await house.arrived()
    return found


class Rehearsing(Fuzz):
    """Asks for everything that would change something, and only behind the dry run's path."""

    def __init__(self, asked_: Asked, schema: dict[str, Any]) -> None:
        super().__init__(asked_, schema)
        self.came_to: dict[str, Any] = {}

    def _ask(self, case: Any) -> None:
        if case.method in SAFE:
            return
        case.path = case.path.replace("/api/v1/", "/api/v1/dry-run/")
        super()._ask(case)

    def _check(self, case: Any, answer: httpx.Response) -> None:
        name = case.operation.definition.raw["operationId"]
        if answer.is_success:
            told = answer.json()
            assert set(told) == {"dry_run", "would_state", "would_ask_network"}, name
            self.came_to[name] = told
        elif answer.status_code >= 500 and answer.status_code != 503:
            self.wrong.append(f"{name}: {answer.status_code} {answer.text}")


async def asked_dry(house: House, path: str, body: Any) -> httpx.Response:
    home: Any = house.home
    transport = httpx.ASGITransport(make_app(home), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1/dry-run") as http:
        return await http.post(path, json=body)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/deals/{deal}/messages", {"person": "ada", "text": "see you at noon"}, "accepted"),
        ("/deals/{deal}/conversations/zvprice/pause", {"reason": "doubt"}, "paused"),
        ("/deals/{deal}/people/cy/pause", {"reason": "doubt"}, "paused"),
        ("/deals/{deal}/leaves/di", {"reason": "left"}, ""),
        ("/held/{message}/drop", None, "dropped"),
        ("/channels/memory/pause", {"reason": "doubt"}, "memory was paused"),
        ("/deals/{deal}/watch-list", {"names": ["ORION"], "amounts": []}, ""),
    ],
)
async def test_it_goes_as_far_as_the_record_and_no_further(
    asked: Asked,  # noqa: F811 - the fixture
    path: str,
    body: Any,
    says: str,
) -> None:
    things = {name: values[0] for name, values in asked.things.items()}
    await asked.house.quiet()
    before = await kept(asked.house)
    answer = await asked_dry(asked.house, path.format(**things), body)
    await asked.house.quiet()
    after = await kept(asked.house)
    assert [name for name in before if before[name] != after.get(name)] == []
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["would_state"], told
    assert says in " ".join(told["would_state"])


async def test_whatever_is_rehearsed_nothing_is_changed(
    asked: Asked,  # noqa: F811 - the fixture
) -> None:
    rehearsing = Rehearsing(asked, described(asked.things))
    await asked.house.quiet()
    before = await kept(asked.house)
    await rehearsing.all(6)
    await asked.house.quiet()
    after = await kept(asked.house)
    assert [name for name in before if before[name] != after.get(name)] == []
    assert rehearsing.wrong == []


async def test_what_nobody_signed_in_asks_and_what_lies_in_memory_is_not_rehearsed(
    asked: Asked,  # noqa: F811 - the fixture
) -> None:
    """A secret could be guessed at without an attempt's being counted; a link would be made."""
    paths = {str(r.name): str(r.path) for r in iter_route_contexts(application().routes)}
    for name in sorted(IN_MEMORY | {"session_link", "passkey_sign", "device_token"}):
        path = paths[name].removeprefix("/api/v1").format_map(Filled(asked.things))
        answer = await asked_dry(asked.house, path, {})
        assert "There is no dry run of this" in answer.text, name


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/channels/memory/rotate", {"secret": "password", "value": "x", "make": False}),
        ("/channels/memory/rotate", {"make": True}),
        ("/deals/{deal}/own/not-me", {}),
        ("/deals/{deal}/findings/{unknown}/answer", {"answer": "put_right"}),
    ],
    ids=["rotate", "rotate made here", "not me", "a plan by its finding"],
)
async def test_what_begins_beside_the_store_is_refused_before_it_begins(
    asked: Asked,  # noqa: F811 - the fixture
    path: str,
    body: Any,
) -> None:
    sql = "SELECT finding_id FROM finding WHERE rule = 'unknown_member' AND closed_at IS NULL"
    things = {name: values[0] for name, values in asked.things.items()}
    things["unknown"] = (await asked.house.rows(sql))[0][0]
    answer = await asked_dry(asked.house, path.format(**things), body)
    assert "There is no dry run of this" in answer.text


@pytest.mark.parametrize("path", ["exports/fetch/x", "prevented/fetch/x"])
async def test_what_is_given_once_is_not_given_behind_it(
    asked: Asked,  # noqa: F811 - the fixture
    path: str,
) -> None:
    home: Any = asked.house.home
    transport = httpx.ASGITransport(make_app(home), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        answer = await http.get(f"/dry-run/deals/{asked.house.deal}/{path}")
    assert "There is no dry run of this" in answer.text


class Filled(dict[str, str]):
    """A thing of each kind; ``x`` where there is none."""

    def __init__(self, things: dict[str, list[str]]) -> None:
        super().__init__({name: values[0] for name, values in things.items()})

    def __missing__(self, name: str) -> str:
        return "x"


async def test_whoever_may_not_is_refused_in_the_same_words(
    asked: Asked,  # noqa: F811 - the fixture
) -> None:
    home: Any = asked.house.home
    who = viewer_of("R", asked.house.deal)
    transport = httpx.ASGITransport(make_desk(home, who))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        path = f"/deals/{asked.house.deal}/people/cy/pause"
        real = await http.post(path, json={"reason": "doubt"})
        dry = await http.post(f"/dry-run{path}", json={"reason": "doubt"})
        nobody = await http.post("/dry-run/dry-run/deals", json={})
    assert (real.status_code, real.json()) == (dry.status_code, dry.json())
    assert real.status_code == 403
    assert nobody.status_code == 404


async def test_what_is_read_behind_it_is_read_as_ever(
    asked: Asked,  # noqa: F811 - the fixture
) -> None:
    home: Any = asked.house.home
    transport = httpx.ASGITransport(make_app(home), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        assert (await http.get("/dry-run/deals")).json() == (await http.get("/deals")).json()


class Channel:
    """Stands for an open connector, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def remove(self, room: str) -> None:
        self.asked.append(room)

    async def members(self, room: str) -> None:
        self.asked.append(room)


async def test_no_network_is_asked_to_act_and_each_may_be_read() -> None:
    channel: Any = Channel()
    still_in_rehearsal(channel)
    with rehearsal():
        await channel.members("a")
        with pytest.raises(Rehearsed) as ended:
            await channel.remove("b")
    await channel.remove("c")
    assert ended.value.network
    assert channel.asked == ["a", "c"]


def test_each_verb_of_the_port_is_known_to_read_or_to_act() -> None:
    modules = [
        import_module(m.name) for m in pkgutil.iter_modules(port.__path__, "connectors.port.")
    ]
    protocols = {one for m in modules for _, one in inspect.getmembers(m, inspect.isclass)}
    verbs = {
        name
        for one in protocols
        if getattr(one, "_is_protocol", False) and one.__module__.startswith("connectors.")
        for name, verb in vars(one).items()
        if inspect.iscoroutinefunction(verb) or inspect.isgeneratorfunction(verb)
    }
    assert verbs - {"receive"} == (ACTS | READS) - {"receive"}
