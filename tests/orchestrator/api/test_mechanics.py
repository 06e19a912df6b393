"""Limits, tags, keys and pages of the API: each bound, and what lies just beyond it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from orchestrator.api import idempotency, limits, state
from orchestrator.api.access import OPEN
from orchestrator.api.app import application, make_app, make_desk
from orchestrator.api.guard import operations
from orchestrator.api.idempotency import Remembered
from orchestrator.api.limits import LONGER, MIB
from orchestrator.api.openapi import needs
from orchestrator.api.paging import seal, unseal
from orchestrator.api.who import here
from orchestrator.client.paging import Page, Window, every, stretch
from orchestrator.client.problems import Busy, SignInFirst, Wrong
from orchestrator.client.views import Happening, Sent
from orchestrator.query.happenings import Told
from tiers.rights import Viewer

from .conftest import MemoryHome

PROBLEM = "application/problem+json"


@pytest.fixture
async def http(home: MemoryHome) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(home), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as found:
        await found.post("/deals", json={"code": "HALCYON", "made_up": True})
        home.calls.clear()
        yield found


SEND = "/deals/HALCYON/messages"
TEXT = {"person": "ximena", "text": "hello"}


async def test_a_body_that_says_it_is_too_long_is_not_read(
    home: MemoryHome, http: httpx.AsyncClient
) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(4):
            read += 1
            yield b" " * MIB

    answer = await http.post(SEND, content=pieces(), headers={"content-length": str(4 * MIB)})
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert read <= 1  # the transport takes the first piece before anybody is asked
    assert home.calls == []


async def test_a_body_that_does_not_say_so_is_read_no_further(
    home: MemoryHome, http: httpx.AsyncClient
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b" " * (MIB // 2)

    answer = await http.post(SEND, content=pieces(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:wallcross:problem:too-large")
    assert home.calls == []


@pytest.mark.parametrize("said", ["-1", "1e3", "x", "9" * 19, "\u0661"])
async def test_a_length_that_is_none_is_malformed(http: httpx.AsyncClient, said: str) -> None:
    headers = {b"content-length": said.encode()}
    answer = await http.post(SEND, content=b"{}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


def test_what_may_be_longer_is_an_operation() -> None:
    assert set(LONGER) <= {o.name for o in operations(application())}
    assert {o.name for o in operations(application())} >= idempotency.STREAMED


async def test_what_was_not_changed_is_not_sent_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/deals")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    assert first.headers["cache-control"] == "no-store"
    for named in (tag, f'"x", {tag}', tag.removeprefix("W/")):
        again = await http.get("/deals", headers={"if-none-match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await http.post("/deals", json={"code": "OSPREY", "made_up": True})
    changed = await http.get("/deals", headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_problem_and_a_change_have_no_tag(http: httpx.AsyncClient) -> None:
    missing = await http.get("/deals/NOPE")
    made = await http.post("/deals", json={"code": "OSPREY", "made_up": True})
    assert "etag" not in missing.headers
    assert "etag" not in made.headers
    assert {missing.headers["cache-control"], made.headers["cache-control"]} == {"no-store"}


async def test_the_same_request_with_a_key_is_done_once(
    home: MemoryHome, http: httpx.AsyncClient
) -> None:
    home.answers["send_text"] = Sent(message_id="msg_1", state="accepted")
    key = {"idempotency-key": "k-1"}
    first = await http.post(SEND, json=TEXT, headers=key)
    again = await http.post(SEND, json=TEXT, headers=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert len(home.calls) == 1
    other = await http.post(SEND, json={**TEXT, "text": "bye"}, headers=key)
    assert (other.status_code, len(home.calls)) == (422, 1)
    elsewhere = await http.post("/held/msg_1/drop", headers=key)
    assert (elsewhere.status_code, len(home.calls)) == (422, 1)


async def test_a_key_is_one_callers(home: MemoryHome, http: httpx.AsyncClient) -> None:
    home.answers["send_text"] = Sent(message_id="msg_1", state="accepted")
    key = {"idempotency-key": "k-1"}
    await http.post(SEND, json=TEXT, headers=key)
    another = Viewer("local:another", whole=True)
    transport = httpx.ASGITransport(make_desk(home, another))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as other:
        await other.post(SEND, json=TEXT, headers=key)
    assert len(home.calls) == 2


async def test_while_the_first_is_under_way_the_second_waits(
    home: MemoryHome, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **named: Any) -> Sent:
        home.calls.append(("send_text", args, named))
        began.set()
        await go.wait()
        return Sent(message_id="msg_1", state="accepted")

    monkeypatch.setattr(MemoryHome, "send_text", slow, raising=False)
    key = {"idempotency-key": "k-1"}
    first = asyncio.create_task(http.post(SEND, json=TEXT, headers=key))
    await began.wait()
    second = await http.post(SEND, json=TEXT, headers=key)
    go.set()
    assert (second.status_code, second.json()["type"]) == (409, "urn:wallcross:problem:busy")
    assert (await first).status_code == 202
    assert len(home.calls) == 1


async def test_what_was_not_done_may_be_asked_again(
    home: MemoryHome, http: httpx.AsyncClient
) -> None:
    key = {"idempotency-key": "k-1"}
    assert (await http.post(SEND, json={"text": 1}, headers=key)).status_code == 422
    home.answers["send_text"] = Sent(message_id="msg_1", state="accepted")
    assert (await http.post(SEND, json=TEXT, headers=key)).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_of_another_shape_is_malformed(http: httpx.AsyncClient, key: str) -> None:
    answer = await http.post(SEND, json=TEXT, headers={"idempotency-key": key})
    assert answer.status_code == 422


async def test_what_is_read_as_it_arrives_has_a_key_of_its_own(http: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k", "wallcross-person": "ximena", "wallcross-name": "a.pdf"}
    answer = await http.post("/deals/HALCYON/files", content=b"abc", headers=headers)
    assert (answer.status_code, answer.json()["then"]) == (422, "wallcross-key")


def test_what_is_remembered_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST", 5)
    monkeypatch.setattr(idempotency, "MOST_OF_ONE", 3)
    monkeypatch.setattr(idempotency, "MOST_BYTES", 250)
    found = Remembered()
    body = [{"type": "http.response.body", "body": b"x" * 100}]
    for n in range(3):
        assert found.begin(("one", str(n)), b"") is None
        found.end(("one", str(n)), body, kept=True)  # type: ignore[arg-type]  # as ASGI's
    with pytest.raises(Busy):
        found.begin(("one", "more"), b"")
    oldest = found.begin(("one", "0"), b"")
    assert oldest is not None
    assert (oldest.kept, oldest.messages) == (False, [])
    for n in range(5):
        assert found.begin((f"other {n}", "k"), b"") is None
    assert found.begin(("one", "0"), b"") is None  # its place was taken


def test_after_a_day_a_key_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    at = 0.0
    monkeypatch.setattr(idempotency, "monotonic", lambda: at)
    found = Remembered()
    assert found.begin(("one", "k"), b"") is None
    at = idempotency.LASTS_S - 1
    assert found.begin(("one", "k"), b"") is not None
    at = idempotency.LASTS_S
    assert found.begin(("one", "k"), b"") is None


def test_a_cursor_is_good_for_one_question_of_one_caller() -> None:
    cursor = seal((7, "id"), b"one")
    assert unseal(cursor, b"one") == (7, "id")
    assert "7" not in cursor or "id" not in cursor
    with pytest.raises(Wrong):
        unseal(cursor, b"another")


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "=" * 20, "A" * 1000])
def test_what_is_no_cursor_is_malformed(cursor: str) -> None:
    with pytest.raises(Wrong):
        unseal(cursor, b"one")


def test_each_altered_letter_of_a_cursor_is_seen() -> None:
    cursor = seal((1, "a"), b"one")
    for n, letter in enumerate(cursor[:-1]):
        other = "A" if letter != "A" else "B"
        with pytest.raises(Wrong):
            unseal(cursor[:n] + other + cursor[n + 1 :], b"one")


async def test_pages_come_to_the_whole_list() -> None:
    whole = list(range(23))

    async def fetch(cursor: str | None) -> Page[int]:
        after = None if cursor is None else unseal(cursor, b"list")
        window = Window(limit=5, after=after)
        rest = whole if after is None else [n for n in whole if n > int(after[0])]
        found = stretch(window, rest[: window.limit + 1], lambda n: (n,))
        following = None if found.after is None else seal(found.after, b"list")
        return Page(items=found.items, next=following)

    assert [n async for n in every(fetch)] == whole


async def test_events_have_ids_to_go_on_from(home: MemoryHome, http: httpx.AsyncClient) -> None:
    home.happened = [
        Happening(at=n, kind="held", deal="deal_1", subject=f"msg_{n}") for n in (1, 2, 3)
    ]
    heard = (await http.get("/events")).text
    ids = [line.removeprefix("id: ") for line in heard.splitlines() if line.startswith("id: ")]
    assert "retry: " in heard
    assert len(ids) == 3
    rest = (await http.get("/events", headers={"last-event-id": ids[1]})).text
    told = [json.loads(x.removeprefix("data: ")) for x in rest.splitlines() if x[:5] == "data:"]
    assert [t["subject"] for t in told] == ["msg_3"]
    stolen = Viewer("local:another", whole=True)
    transport = httpx.ASGITransport(make_desk(home, stolen))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as other:
        answer = await other.get("/events", headers={"last-event-id": ids[1]})
    assert answer.status_code == 422


async def test_a_session_that_is_over_hears_nothing_more(home: MemoryHome) -> None:
    home.happened = [Happening(at=1, kind="held", deal="deal_1", subject="msg_1")]
    listener = Viewer("person:ada", session="ses_1")
    transport = httpx.ASGITransport(make_desk(home, listener))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        home.answers["session_show"] = object()
        assert "msg_1" in (await http.get("/events")).text
        home.answers["session_show"] = SignInFirst("over")
        assert "msg_1" not in (await http.get("/events")).text


async def test_where_nothing_happens_a_stream_says_that_it_is_there_and_ends(
    home: MemoryHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0.0

    async def quiet(*_: Any) -> AsyncIterator[Told]:
        nonlocal at
        while True:
            at += 1.0
            yield Told(7)

    monkeypatch.setattr(MemoryHome, "happenings", quiet)
    monkeypatch.setattr(state, "monotonic", lambda: at)
    home.answers["session_show"] = object()
    transport = httpx.ASGITransport(make_desk(home, Viewer("person:ada", session="ses_1")))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        heard = (await http.get("/events")).text
    assert heard.count(": still here") == state.LONGEST_S // state.HEARTBEAT_S
    assert "data:" not in heard


async def test_the_framework_refuses_in_our_own_form(http: httpx.AsyncClient) -> None:
    wrong_way = await http.patch("/deals")
    assert (wrong_way.status_code, wrong_way.json()["status"]) == (405, 405)
    assert "GET" in wrong_way.headers["allow"] or "POST" in wrong_way.headers["allow"]
    nowhere = await http.get("/deals/")
    assert (nowhere.status_code, nowhere.headers["content-type"]) == (404, PROBLEM)


def test_each_operation_has_its_own_id() -> None:
    names = [o.name for o in operations(application()) if o.name != "openapi"]
    assert len(names) == len(set(names))


async def test_what_is_told_once_is_not_told_again(
    home: MemoryHome, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "TOLD_ONCE", frozenset({"send_text"}))
    home.answers["send_text"] = Sent(message_id="msg_1", state="accepted")
    key = {"idempotency-key": "k-1"}
    assert (await http.post(SEND, json=TEXT, headers=key)).status_code == 202
    again = await http.post(SEND, json=TEXT, headers=key)
    assert (again.status_code, again.json()["type"]) == (409, "urn:wallcross:problem:busy")
    assert "msg_1" not in again.text
    assert len(home.calls) == 1


def test_each_operation_is_described() -> None:
    found = application().openapi()
    assert set(found["components"]["securitySchemes"]) == {"session", "token"}
    assert "HTTPValidationError" not in json.dumps(found)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            assert operation["summary"], name
            assert operation["tags"], name
            assert operation["x-needs"], name
            assert {"4XX", "5XX"} <= operation["responses"].keys(), name
            for status in ("4XX", "5XX"):
                assert list(operation["responses"][status]["content"]) == [PROBLEM]
            named = {p["name"].lower() for p in operation.get("parameters", ())}
            safe = method == "get"
            assert ("if-none-match" in named) == safe, path
            expected = not safe and name not in idempotency.STREAMED | limits.COUNTED_BEHIND
            assert ("idempotency-key" in named) == expected, path
            assert (operation.get("security") == []) == (name in OPEN), name


def test_no_two_words_say_who_may() -> None:
    """What the description says is read from the tables: planted, another row changes it."""
    assert needs("status") == "The home's own user, on its machine."
    assert needs("audit_tail") == "Of the deal: owner, security_officer, counsel."
    assert "About himself: participant" in needs("leave")
    assert " Or: " in needs("adopt")
