"""What is handed on to the API, and what comes back of it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from dashboard import proxy

from .conftest import INES, Far, Front


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/gate/ended",
        "/api/v1/GATE/ended",
        "/api/v1/gate",
        "/api/v1/%67ate/ended",
        "/api/v1//gate/ended",
        "/api/v1/./gate/ended",
        "/api/v1/x/../gate/ended",
        "/api/v1/x/%2e%2e/gate/ended",
        "/api/v1/..%2f..%2fgate",
        "/api/v1/gate%2fended",
        "/api/v1/a%00b",
        "/api/v1/a%0d%0ab",
        "/api/v1/a\\..\\gate",
    ],
)
async def test_what_is_for_the_front_alone_is_handed_on_under_no_spelling(
    desk: Front, far: Far, path: str
) -> None:
    url = httpx.URL("http://localhost:8642").copy_with(raw_path=path.encode())
    found = await desk.of(INES).send(httpx.Request("GET", url, headers={"host": "localhost:8642"}))
    assert found.status_code == 404
    assert far.seen == []


async def test_a_request_arrives_as_it_was_made_without_what_is_between_two_ends(
    desk: Front, far: Far
) -> None:
    headers = {"connection": "close, x-secret", "x-secret": "1", "te": "trailers"}
    headers |= {"x-forwarded-for": "6.6.6.6", "remote-user": "ines", "wallcross-name": "a.pdf"}
    found = await desk.of(INES, **headers).post("/api/v1/deals/A%2FB/x?q=1", content=b"hello")
    assert found.json() == {"ok": True}
    [(method, path, seen)] = far.seen
    assert (method, path) == ("POST", "/api/v1/deals/A/B/x")
    assert far.bodies == [b"hello"]
    assert seen["wallcross-name"] == "a.pdf"
    assert seen["cookie"] == "__Host-wallcross=" + INES
    assert seen["host"] == "localhost:8642"
    assert not {"x-secret", "te", "x-forwarded-for", "remote-user"} & set(seen)


async def test_a_cookie_that_is_set_goes_to_whoever_asked_and_is_kept_by_nobody(
    desk: Front, far: Far
) -> None:
    found = await desk.of(INES).get("/api/v1/cookie")
    assert found.headers["set-cookie"].startswith("__Host-wallcross=new")
    assert "server" not in found.headers
    assert found.headers["cache-control"] == "no-store"
    await desk.of().get("/api/v1/me")
    assert "cookie" not in far.seen[-1][2]


async def test_a_long_body_is_not_gathered(desk: Front, far: Far) -> None:
    async def pieces() -> "object":
        for _ in range(50):
            yield b"x" * 65_536

    await desk.of(INES).put("/api/v1/files", content=pieces())  # type: ignore[arg-type]
    assert len(far.bodies[0]) == 50 * 65_536


async def test_a_body_beyond_every_limit_is_turned_away(
    desk: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "MOST_BYTES", 1000)
    found = await desk.of(INES).post("/api/v1/files", content=b"x" * 1001)
    assert found.status_code in {413, 502}


async def test_nobody_holds_a_line_to_the_api_by_being_slow(
    desk: Front, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "SHORT_S", 0.2)
    seen: list[int] = []

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        seen.append(len(far.seen))
        await asyncio.sleep(60)
        yield b"}"

    async with asyncio.timeout(30):
        found = await asyncio.gather(
            *(desk.of().post("/api/v1/session/link", content=slow()) for _ in range(20))
        )
    assert {answer.status_code for answer in found} == {408}
    assert far.seen == []


async def test_few_long_bodies_of_nobody_are_handed_on_at_once(
    desk: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is signed in hands in his own meanwhile."""
    monkeypatch.setattr(proxy, "SHORT", 10)
    go = asyncio.Event()

    async def long() -> AsyncIterator[bytes]:
        yield b"x" * 20
        await go.wait()
        yield b"y"

    def asks(of: httpx.AsyncClient) -> "asyncio.Task[httpx.Response]":
        return asyncio.ensure_future(of.post("/api/v1/files", content=long()))

    nobody = [asks(desk.of(cookie="__Host-wallcross=" + "z" * 40)) for _ in range(40)]
    for _ in range(3000):
        await asyncio.sleep(0.01)
        if sum(one.done() for one in nobody) == 40 - proxy.MOST_OF_NOBODY:
            break
    assert sum(one.done() for one in nobody) == 40 - proxy.MOST_OF_NOBODY
    ines = asks(desk.of(INES))
    go.set()
    assert (await ines).status_code == 200
    found = [(await one).status_code for one in nobody]
    assert found.count(503) == 40 - proxy.MOST_OF_NOBODY


@pytest.mark.parametrize("path", ["/api/v1/slow", "/api/v1/export"])
async def test_a_long_answer_ends_with_the_session_that_asked_for_it(
    desk: Front, far: Far, path: str
) -> None:
    heard: list[bytes] = []
    begun = asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            heard.append(message["body"])  # type: ignore[arg-type]
            begun.set()

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    headers = [(b"host", b"localhost:8642"), (b"cookie", b"__Host-wallcross=" + INES.encode())]
    scope: dict[str, object] = {"type": "http", "method": "GET", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "headers": headers}
    task = asyncio.create_task(desk.app(scope, receive, send))  # type: ignore[arg-type]
    await asyncio.wait_for(begun.wait(), 5)
    far.end(INES)
    await asyncio.wait_for(task, 5)
    assert heard == [b"data: 1\n\n"]


async def test_an_api_that_is_away_is_said_to_be(desk: Front, far: Far) -> None:
    far.broken = True
    found = await desk.of(INES).get("/api/v1/me")
    assert found.status_code == 502
    assert found.text == "Bad Gateway"


async def test_an_answer_that_breaks_off_is_not_made_whole(desk: Front) -> None:
    done: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        done.append(message)

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    scope: dict[str, object] = {"type": "http", "method": "GET", "path": "/api/v1/falls"}
    scope |= {"headers": [(b"host", b"localhost:8642")], "query_string": b""}
    scope |= {"raw_path": b"/api/v1/falls"}
    await desk.app(scope, receive, send)  # type: ignore[arg-type]
    assert done[-1]["body"] == b"half"
    assert done[-1]["more_body"] is True
