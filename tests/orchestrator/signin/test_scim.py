"""A company's directory takes people out at once, lets nobody in, and learns of no deal."""

import asyncio
import json
import random
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from orchestrator.api.access import TABLE
from orchestrator.api.app import application
from orchestrator.api.guard import operations
from orchestrator.client.bots import NewToken, TokenWanted
from orchestrator.client.problems import Refused, Waits, Wrong
from orchestrator.config.model import OidcPart
from orchestrator.roster.document import to_document
from orchestrator.signin.logins import bind, subject_login
from orchestrator.signin.sessions import Who
from tests.orchestrator.signin.conftest import ACTOR, ORIGIN, DeskHouse
from tests.scenarios.house import roster
from tests.scenarios.test_approvals import ADA, BO, CY, found, say
from tests.scenarios.test_review_deals import second_deal
from tiers.ids import PersonId

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
WANTED = TokenWanted(
    label="entra", highest="", conversations=(), persons=(), each_minute=600, scope="scim"
)
CANARY = "zscimcanary"
NO_FILTERS = (
    *('title eq "x"', 'userName co "p"', "userName pr", 'userName eq "a" or id eq "b"'),
    *("userName eq", "(", "active eq true", f"userName eq {CANARY}", "a" * 3000),
    *("(" * 500 + "id pr" + ")" * 500, 'displayName eq "x"', "userName eq 5"),
)


@dataclass
class Scim:
    """A directory with a token."""

    desk: DeskHouse
    made: NewToken

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.made.secret}"} | more.pop("headers", {})
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        if content is not None:
            headers.setdefault("content-type", "application/scim+json")
        transport = httpx.ASGITransport(self.desk.door, client=("127.0.0.1", 5))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            answer = await http.request(
                method, f"/scim/v2{path}", content=content, headers=headers, **more
            )
        if answer.status_code >= 400:
            told = answer.json()
            assert answer.headers["content-type"] == "application/scim+json"
            assert (told["schemas"], told["status"]) == ([ERROR], str(answer.status_code))
            assert CANARY not in answer.text
        return answer

    async def add(self, name: str, **more: Any) -> dict[str, Any]:
        answer = await self.ask("POST", "/Users", user(name, **more))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def patch(self, identity: str, *operations: dict[str, Any]) -> httpx.Response:
        body = {"schemas": [PATCH], "Operations": list(operations)}
        return await self.ask("PATCH", f"/Users/{identity}", body)


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": name, **more}


def gone(path: str | None = "active") -> dict[str, Any]:
    if path is None:
        return {"op": "replace", "value": {"active": False}}
    return {"op": "Replace", "path": path, "value": "False"}


def paused(desk: DeskHouse) -> set[str]:
    return {str(p) for p in desk.home.runtime.book.deals[desk.house.deal].persons.paused}


def account(desk: DeskHouse, person: str) -> str:
    listed = desk.home.runtime.book.deals[desk.house.deal].roster.person(PersonId(person))
    assert listed is not None
    return str(next(iter(listed.accounts.values())))


@pytest.fixture
async def scim(desk: DeskHouse, monkeypatch: pytest.MonkeyPatch) -> Scim:
    monkeypatch.setattr("orchestrator.command.bots.ticks", desk.ticks)
    await found(desk.house, ADA, BO, CY)
    made = await desk.home.token_new(desk.house.deal, WANTED, actor=ACTOR)
    assert made.request is not None
    assert (await Scim(desk, made).ask("GET", "/Users")).status_code == 401, "two agree first"
    shown = await desk.home.approval_show(made.request)
    assert "paused in every deal" in " ".join(shown.changes)
    for person in (ADA, BO):
        await say(desk.house, made.request, person)
    return Scim(desk, made)


async def test_two_people_agree_to_a_directory_and_a_draft_has_none(desk: DeskHouse) -> None:
    with pytest.raises(Refused, match="Two people agree"):
        await desk.home.token_new(desk.house.deal, WANTED, actor=ACTOR)
    for wrong in ({"persons": ("ada",)}, {"conversations": ("lunch",)}, {"label": "A B"}):
        with pytest.raises(Wrong):
            await desk.home.token_new(desk.house.deal, replace(WANTED, **wrong), actor=ACTOR)


async def test_it_describes_itself(scim: Scim) -> None:
    config = (await scim.ask("GET", "/ServiceProviderConfig")).json()
    assert [config[n]["supported"] for n in ("patch", "bulk", "sort", "etag", "filter")] == [
        *(True, False, False, True, True)
    ]
    types = (await scim.ask("GET", "/ResourceTypes")).json()
    assert {r["endpoint"] for r in types["Resources"]} == {"/Users", "/Groups"}
    schemas = (await scim.ask("GET", "/Schemas")).json()["Resources"]
    kept = {s["id"]: {a["name"] for a in s["attributes"]} for s in schemas}
    assert kept == {USER: {"userName", "displayName", "active"}, GROUP: {"displayName", "members"}}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas", f"/Schemas/{USER}"):
            assert (await scim.ask(method, path, {})).status_code == 405, (method, path)
    assert (await scim.ask("DELETE", "/Users")).status_code == 405
    for path in ("/ResourceTypes/User", f"/Schemas/{USER}"):
        assert (await scim.ask("GET", path)).status_code == 200
    for path in (
        "/ResourceTypes/Device",
        "/Schemas/x",
        "/Devices",
        "/Me",
        "/Bulk",
        "",
        "/Users/a/b",
    ):
        assert (await scim.ask("GET", path)).status_code == 404, path


async def test_whoever_is_named_is_known_and_has_no_seat(scim: Scim) -> None:
    before = scim.desk.home.runtime.book.deals[scim.desk.house.deal]
    made = await scim.add(
        "nora@kestrel.example",
        externalId="s-1",
        displayName="Nora",
        active=True,
        emails=[{"value": "nora@kestrel.example", "type": "work", "primary": True}],
        title="Head of M&A",
        password="hunter2",
    )
    assert set(made) == {"schemas", "id", "externalId", "meta", "userName", "displayName", "active"}
    assert made["meta"]["version"] == 'W/"1"'
    view = scim.desk.home.runtime.book.deals[scim.desk.house.deal]
    assert (view.roster, view.persons) == (before.roster, before.persons)
    rows = await scim.desk.house.rows("SELECT * FROM identity")
    assert "hunter2" not in str(rows)
    assert "Head" not in str(rows)
    [known] = await scim.desk.home.directory_list()
    assert (known.name, known.active, known.persons) == ("nora@kestrel.example", True, ())
    group = {"schemas": [GROUP], "displayName": "Deal team", "members": [{"value": made["id"]}]}
    assert (await scim.ask("POST", "/Groups", group)).status_code == 201
    assert scim.desk.home.runtime.book.deals[scim.desk.house.deal].roster == before.roster


@pytest.mark.parametrize("path", ["active", None])
async def test_who_is_gone_is_paused_and_signed_out_at_once(scim: Scim, path: str | None) -> None:
    desk = scim.desk
    browser = await desk.signed_in("di")
    assert (await browser.get("/me")).status_code == 200
    made = await scim.add(account(desk, "di").upper())
    assert paused(desk) == set()
    answer = await scim.patch(made["id"], gone(path))
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert paused(desk) == {"di"}
    assert (await browser.get("/me")).status_code == 401
    [entry] = await desk.entries("person.paused")
    assert entry["actor"] == f"directory:{scim.made.token_id}"
    assert entry["reason"] == "directory"
    again = await scim.patch(made["id"], gone(path))
    assert (again.status_code, again.json()) == (200, answer.json()), "the same said twice"
    assert len(await desk.entries("person.paused")) == 1
    back = await scim.patch(made["id"], {"op": "replace", "path": "active", "value": True})
    assert back.json()["active"] is True
    assert paused(desk) == {"di"}, "people let him back in, no directory"


async def test_who_is_gone_is_paused_in_every_deal(scim: Scim) -> None:
    desk = scim.desk
    other = await second_deal(desk.house, roster(names=("di", "bo")))
    made = await scim.add(account(desk, "di"))
    browser = await desk.signed_in("di")
    assert (await scim.patch(made["id"], gone())).status_code == 200
    deals = desk.home.runtime.book.deals
    assert {d: set(deals[d].persons.paused) for d in (desk.house.deal, other)} == {
        desk.house.deal: {"di"},
        other: {"di"},
    }
    assert (await browser.get("/me")).status_code == 401
    [known] = await desk.home.directory_list()
    assert set(known.persons) == {"HERON di", "PLOVER di"}
    answers = [await scim.ask("GET", path) for path in ("/Users", f"/Users/{made['id']}")]
    assert not any(code in a.text for a in answers for code in ("HERON", "PLOVER"))


async def test_who_agrees_is_told_what_the_directory_says(scim: Scim) -> None:
    home, deal = scim.desk.home, scim.desk.house.deal
    await scim.add(account(scim.desk, "di"), active=False)
    with pytest.raises(Waits):
        await home.person_resume(deal, PersonId("di"), actor=ACTOR)
    [asked] = await home.approval_list(deal, every=False)
    assert "the company's directory said that he does not work there" in asked.changes[0]
    await home.approval_take_back(asked.request_id, actor=ACTOR)
    without = roster(names=("ada", "bo", "cy", "el"))
    await home.adopt(deal, "roster", to_document(without), actor=ACTOR)
    with pytest.raises(Waits):
        await home.adopt(deal, "roster", to_document(roster()), actor=ACTOR)
    [asked] = await home.approval_list(deal, every=False)
    assert "di does not work there any more, as the company's directory says" in asked.sees


async def test_the_providers_subject_is_who_he_is(scim: Scim) -> None:
    desk, issuer = scim.desk, "https://login.kestrel.example"
    settings = desk.home.runtime.settings
    web = settings.config.web.model_copy(update={"oidc": OidcPart(issuer=issuer, client_id="w")})
    config = settings.config.model_copy(update={"web": web})
    object.__setattr__(settings, "config", config)
    login, deal = subject_login(issuer, "sub-7"), desk.house.deal
    at = desk.home.runtime.now()
    await desk.home.runtime.store.write(
        lambda tx: bind(tx, deal, PersonId("el"), login, None, at=at, actor=ACTOR)
    )
    secret, _ = await desk.keeper.begin(Who(way="oidc", login=login))
    browser = desk.browser(cookie=secret)
    assert (await browser.get("/me")).status_code == 200
    made = await scim.add("anything@x.example", externalId="sub-7")
    other = await scim.add("other@x.example", externalId="SUB-7")
    assert (await scim.ask("DELETE", f"/Users/{other['id']}")).status_code == 204
    assert paused(desk) == set(), "an external id is compared exactly"
    assert (await scim.ask("DELETE", f"/Users/{made['id']}")).status_code == 204
    assert paused(desk) == {"el"}
    assert (await browser.get("/me")).status_code == 401
    assert (await scim.ask("GET", f"/Users/{made['id']}")).status_code == 404


async def test_one_who_comes_as_gone_and_one_who_is_replaced_are_taken_out(scim: Scim) -> None:
    desk = scim.desk
    await scim.add(account(desk, "di"), active=False)
    assert paused(desk) == {"di"}
    made = await scim.add(account(desk, "el"))
    body = user("renamed@x.example", active=False)
    assert (await scim.ask("PUT", f"/Users/{made['id']}", body)).status_code == 200
    assert paused(desk) == {"di", "el"}, "by the name under which he was known"
    kept = await scim.ask("PUT", f"/Users/{made['id']}", user("renamed@x.example"))
    assert kept.json()["active"] is False, "nobody comes back by being left out"


async def test_one_directory_pauses_so_many_an_hour_and_signs_the_rest_out(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.rooms.distress.MOST_AN_HOUR", 1)
    desk = scim.desk
    browser = await desk.signed_in("el")
    first, second = [await scim.add(account(desk, p)) for p in ("di", "el")]
    assert (await scim.patch(first["id"], gone())).status_code == 200
    assert (await scim.patch(second["id"], gone())).status_code == 429
    assert paused(desk) == {"di"}
    assert (await browser.get("/me")).status_code == 401
    shown = await scim.ask("GET", f"/Users/{second['id']}")
    assert shown.json()["active"] is True, "it is not noted before it is done"


async def test_pages_filters_and_attributes(scim: Scim) -> None:
    for i in range(5):
        await scim.add(f"p{i}@x.example", externalId=f"e-{i}")
    first = (await scim.ask("GET", "/Users?startIndex=0&count=2")).json()
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (5, 1, 2)
    rest = (await scim.ask("GET", "/Users?startIndex=3&count=500")).json()["Resources"]
    names = [r["userName"] for r in [*first["Resources"], *rest]]
    assert names == [f"p{i}@x.example" for i in range(5)]
    none = (await scim.ask("GET", "/Users?count=0")).json()
    assert (none["totalResults"], none["Resources"]) == (5, [])

    async def filtered(text: str, more: str = "") -> list[str]:
        answer = await scim.ask("GET", f"/Users{more}", params={"filter": text})
        return [r["userName"] for r in answer.json()["Resources"]]

    assert await filtered('userName eq "P3@X.example"') == ["p3@x.example"]
    assert await filtered(f'{USER}:userName eq "p3@x.example"') == ["p3@x.example"]
    assert await filtered('externalId eq "e-4"') == ["p4@x.example"]
    assert await filtered('externalId eq "E-4"') == []
    for text in NO_FILTERS:
        answer = await scim.ask("GET", "/Users", params={"filter": text})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter"), text
    some = (await scim.ask("GET", "/Users?attributes=userName&count=1")).json()["Resources"][0]
    assert set(some) == {"schemas", "id", "userName"}
    for query in ("startIndex=x", "count=1&count=2", "attributes=userName&excludedAttributes=id"):
        assert (await scim.ask("GET", f"/Users?{query}")).status_code == 400


async def test_a_search_that_no_log_reads(scim: Scim) -> None:
    for i in range(3):
        await scim.add(f"p{i}@x.example")
    asked = {"filter": 'userName eq "P1@x.example"', "attributes": ["userName"], "count": 5}
    found = await scim.ask("POST", "/Users/.search", {"schemas": [SEARCH], **asked})
    assert found.status_code == 200, found.text
    [one] = found.json()["Resources"]
    assert (one["userName"], "active" in one) == ("p1@x.example", False)
    page = {"schemas": [SEARCH], "startIndex": 2, "count": 1}
    told = (await scim.ask("POST", "/Users/.search", page)).json()
    assert (told["totalResults"], [r["userName"] for r in told["Resources"]]) == (
        3,
        ["p1@x.example"],
    )
    for wrong in ({}, {"schemas": [SEARCH], "filter": CANARY}, {"schemas": [SEARCH], "count": "x"}):
        assert (await scim.ask("POST", "/Users/.search", wrong)).status_code == 400


async def test_versions_are_kept_apart(scim: Scim) -> None:
    made = await scim.add("v@x.example")
    path = f"/Users/{made['id']}"
    shown = await scim.ask("GET", path)
    assert shown.headers["etag"] == made["meta"]["version"]
    same = await scim.ask("GET", path, headers={"if-none-match": shown.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    body = user("v@x.example", displayName="V")
    late = await scim.ask("PUT", path, body, headers={"if-match": 'W/"7"'})
    assert late.status_code == 412
    done = await scim.ask("PUT", path, body, headers={"if-match": 'W/"1"'})
    assert done.headers["etag"] == 'W/"2"'
    assert (await scim.ask("PUT", path, body)).headers["etag"] == 'W/"2"', "nothing was changed"
    assert (await scim.ask("DELETE", path, headers={"if-match": 'W/"1"'})).status_code == 412
    assert (await scim.ask("DELETE", path, headers={"if-match": "*"})).status_code == 204


async def test_a_name_is_one_persons(scim: Scim) -> None:
    await scim.add("a@x.example")
    answer = await scim.ask("POST", "/Users", user("A@x.example"))
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    other = await scim.add("b@x.example")
    answer = await scim.patch(
        other["id"], {"op": "replace", "path": "userName", "value": "A@X.EXAMPLE"}
    )
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "remove"}, "noTarget"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "remove", "path": "active"}, "mutability"),
        ({"op": "replace", "path": "active", "value": None}, "mutability"),
        ({"op": "replace", "path": "id", "value": CANARY}, "mutability"),
        ({"op": "turn", "path": "active", "value": CANARY}, "invalidValue"),
        ({"op": "replace", "path": "active", "value": CANARY}, "invalidValue"),
        ({"op": "replace", "path": "userName[", "value": CANARY}, "invalidPath"),
        ({"op": "add", "path": "displayName"}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": ""}, None),
        ({"op": "replace", "path": "userName", "value": f"{CANARY}\n"}, None),
        ({"op": "replace", "path": "displayName", "value": "x" * 300}, None),
    ],
)
async def test_a_change_that_is_none_changes_nothing(
    scim: Scim, operation: dict[str, Any], code: str | None
) -> None:
    made = await scim.add(account(scim.desk, "di"))
    answer = await scim.patch(made["id"], gone(), operation)
    assert answer.status_code == 400, answer.text
    assert code is None or answer.json()["scimType"] == code
    assert paused(scim.desk) == set(), "all of it, or none"
    assert (await scim.ask("GET", f"/Users/{made['id']}")).json() == made


async def test_what_is_not_kept_stops_no_change(scim: Scim) -> None:
    made = await scim.add(account(scim.desk, "di"))
    answer = await scim.patch(
        made["id"],
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "x@y.example"},
        {"op": "add", "path": "name.givenName", "value": "D"},
        {"op": "replace", "value": {"title": "x", "active": False}},
    )
    assert answer.status_code == 200, answer.text
    assert paused(scim.desk) == {"di"}


async def test_groups_have_members_that_are_there(scim: Scim) -> None:
    one, two = [await scim.add(f"{n}@x.example") for n in "ab"]
    group = {"schemas": [GROUP], "displayName": "G", "members": [{"value": one["id"]}]}
    made = (await scim.ask("POST", "/Groups", group)).json()
    path = f"/Groups/{made['id']}"

    async def change(*operations: dict[str, Any]) -> httpx.Response:
        return await scim.ask("PATCH", path, {"schemas": [PATCH], "Operations": operations})

    more = await change({"op": "add", "path": "members", "value": [{"value": two["id"]}]})
    assert [m["value"] for m in more.json()["members"]] == [one["id"], two["id"]]
    less = await change({"op": "remove", "path": f'members[value eq "{one["id"]}"]'})
    assert [m["value"] for m in less.json()["members"]] == [two["id"]]
    wrong = await change({"op": "add", "path": "members", "value": [{"value": CANARY}]})
    assert wrong.status_code == 400
    await scim.ask("DELETE", f"/Users/{two['id']}")
    assert "members" not in (await scim.ask("GET", path)).json()
    found = await scim.ask("GET", "/Groups", params={"filter": 'displayName eq "g"'})
    assert found.json()["totalResults"] == 1
    only = await scim.ask("GET", f"{path}?excludedAttributes=members")
    assert only.status_code == 200


async def test_a_directory_does_nothing_else_and_nobody_else_is_one(scim: Scim) -> None:
    desk = scim.desk
    headers = {"authorization": f"Bearer {scim.made.secret}"}
    robot = desk.browser(origin=None, headers=headers)
    code = desk.code
    for method, path in (
        ("GET", "/me"), ("GET", "/deals"), ("GET", f"/deals/{code}"), ("GET", "/directory"),
        ("POST", f"/deals/{code}/messages"), ("POST", f"/deals/{code}/people/di/pause"),
        ("GET", "/events"), ("GET", "/openapi.json"),
    ):  # fmt: skip
        answer = await robot.ask(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 403, path
        here = "This is for the user who runs this home"
        only = "A directory says who works here, and nothing else"
        assert answer.json()["title"] == (here if path == "/directory" else only)
    person = await desk.signed_in("ada")
    transport = httpx.ASGITransport(desk.door, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        for cookie, status in ((f"__Host-wallcross={person.cookie}", 403), ("", 401)):
            answer = await http.get("/scim/v2/Users", headers={"cookie": cookie})
            assert (answer.status_code, answer.json()["schemas"]) == (status, [ERROR])
    table = {name for name, need in TABLE.items() if need.directory}
    routes = {o.name for o in operations(application()) if "/scim/" in o.path.pattern}
    assert table == routes
    await desk.home.token_revoke(desk.house.deal, scim.made.token_id, actor=ACTOR)
    assert (await scim.ask("GET", "/Users")).status_code == 401


async def test_what_is_no_request_is_refused_and_not_repeated(scim: Scim) -> None:
    dice = random.Random(7)  # noqa: S311 - the same bytes in each run
    made = await scim.add(account(scim.desk, "di"))
    whole = json.dumps(user(CANARY, active=False, externalId="x")).encode()
    bodies = [
        *(b"", b"null", b"[]", b'"x"', b"{", b"[" * 50_000, whole[:-1]),
        whole.decode().encode("utf-16"),
        whole[:-1] + b', "active": true}',
        b'{"schemas": ["%s"], "userName": "\\ud800%s"}' % (USER.encode(), CANARY.encode()),
        json.dumps({"userName": CANARY}).encode(),
        json.dumps(user(CANARY, schemas="x")).encode(),
        json.dumps(user(CANARY, active=[1])).encode(),
        json.dumps(user({"a": CANARY})).encode(),  # type: ignore[arg-type]
        json.dumps(user(CANARY * 40)).encode(),
        json.dumps({"schemas": [PATCH], "Operations": [{"op": "add"}] * 40}).encode(),
        json.dumps({"schemas": [PATCH], "Operations": CANARY}).encode(),
        json.dumps({"schemas": [PATCH], "Operations": []}).encode(),
        *(bytes(dice.randrange(256) for _ in range(60)) for _ in range(20)),
    ]
    path = f"/Users/{made['id']}"
    for body in bodies:
        for method, where in (
            ("POST", "/Users"),
            ("PUT", path),
            ("PATCH", path),
            ("POST", "/Groups"),
        ):
            answer = await scim.ask(method, where, body)
            assert answer.status_code == 400, (method, body[:60], answer.text)
            scim.desk.ticks.at += 1_000_000
    assert (
        await scim.ask("POST", "/Users", whole, headers={"content-type": "text/xml"})
    ).status_code == 400
    assert paused(scim.desk) == set()
    assert (await scim.ask("GET", path)).json() == made


async def test_what_would_take_long_is_refused_first(scim: Scim) -> None:
    made = await scim.add("long@x.example")
    path = f"/Users/{made['id']}"
    change = {"op": "replace", "path": "displayName", "value": "x"}
    many = await scim.patch(made["id"], *[change] * 51)
    assert (many.status_code, many.json()["scimType"]) == (400, "tooMany")
    ands = 'emails[type eq "x"' + ' and type eq "x"' * 1_000 + "]"
    long = await scim.patch(made["id"], {**change, "Path": ands})
    assert (long.status_code, long.json()["scimType"]) == (400, "tooMany")
    large = await scim.ask("PUT", path, user("long@x.example", title="x" * (130 << 10)))
    assert large.status_code == 413
    members = [{"value": made["id"]}] * 1_500
    group = {"schemas": [GROUP], "displayName": "G", "members": members}
    assert (await scim.ask("POST", "/Groups", group)).status_code == 201, "one member, named often"


async def test_changes_at_the_same_moment_are_one_after_another(scim: Scim) -> None:
    made = await scim.add("c@x.example")
    answers = await asyncio.gather(
        *(
            scim.patch(made["id"], {"op": "replace", "path": "displayName", "value": f"n{i}"})
            for i in range(8)
        )
    )
    done = sorted(a.status_code for a in answers)
    assert set(done) <= {200, 412}
    version = (await scim.ask("GET", f"/Users/{made['id']}")).json()["meta"]["version"]
    assert version == f'W/"{1 + done.count(200)}"'
    twice = await asyncio.gather(*(scim.ask("POST", "/Users", user("d@x.example")) for _ in "ab"))
    assert sorted(a.status_code for a in twice) == [201, 409]
