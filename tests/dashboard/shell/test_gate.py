"""Without a session no byte; after one nothing stays open; whatever is not known is not so."""

import asyncio
from collections.abc import Iterator
from typing import cast

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Message, Send
from streamlit.runtime import Runtime
from streamlit.starlette import App

from dashboard import gate as gates
from dashboard import public
from dashboard.app import pages
from dashboard.gate import ALIVE, SESSION, STREAM
from dashboard.nav import PAGES
from dashboard.watch import AWAY, BELIEVED_S, SIGNED_OUT
from tests.scenarios.conftest import eventually

from .conftest import HOST, INES, OMAR, ORIGIN, Far, Front

OUTSIDE = ["/", "/no-such-page", "/in/../static/index.html", "/in/nothing.js", "/in/font"]
EMPTY = {"Unauthorized", "Not Found", "Method Not Allowed", ""}


def routes() -> Iterator[tuple[str, str]]:
    """Every route of Streamlit's own application, with its kind."""
    built = pages()._build_starlette_app()
    for route in built.routes:
        yield from _paths(route)


def _paths(route: BaseRoute) -> Iterator[tuple[str, str]]:
    if isinstance(route, WebSocketRoute):
        yield "websocket", route.path
    elif isinstance(route, Route):
        yield from ((method, route.path) for method in route.methods or {"GET"})
    elif isinstance(route, Mount):
        yield "GET", route.path + "/index.html"


def asked(path: str) -> str:
    return path.replace("{path:path}", "x").replace("{", "").replace("}", "")


ROUTES = sorted(set(routes()))
OWN = [*OUTSIDE, *(f"/{page.key}" for page in PAGES)]
PATHS = [
    (method, path)
    for method, path in (
        *((m, asked(p)) for m, p in ROUTES if m != "websocket"),
        *(("GET", p) for p in OWN),
    )
    if public.find(path) is None  # anybody is given those; they have a test of their own
]


def test_the_routes_are_those_of_the_application() -> None:
    assert ("websocket", STREAM) in ROUTES
    assert len(ROUTES) > 12


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_every_route_refuses_whoever_has_no_session(
    desk: Front, method: str, path: str
) -> None:
    for secret in (None, "z" * 40):
        found = await desk.of(secret).request(method, path)
        assert found.status_code == 401
        assert found.text in EMPTY
        assert found.headers["cache-control"] == "no-store"


async def standing(client: httpx.AsyncClient) -> str:
    """What a page is told of its session; nothing else is in it."""
    return (await client.get(SESSION)).text


def test_what_anybody_is_given_is_a_list_of_our_own_files() -> None:
    found = set(public.public())
    assert {
        "/in",
        "/in/in.js",
        "/in/in.css",
        "/in/watch.js",
        "/in/press.js",
        "/in/font/inter.woff2",
    } <= found
    assert all(path.startswith(("/in", "/key", public.FAVICON)) for path in found)
    assert public.find("/in/../gate.py") is None


async def test_a_page_without_a_session_leads_to_where_one_signs_in(desk: Front) -> None:
    found = await desk.of(accept="text/html").get("/you")
    assert found.status_code == 303
    assert found.headers["location"] == "/in?to=/you"


async def test_with_a_session_the_page_comes_with_its_policy(desk: Front) -> None:
    found = await desk.of(INES).get("/you")
    assert found.status_code == 200
    assert "<title>Wallcross</title>" in found.text
    policy = found.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'sha256-" in policy
    assert "'unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "agent" not in found.text
    assert found.text.count("<script>") == 1


@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/agent/openapi.json", "/auth/login", "/oauth2callback"]
)
async def test_what_no_page_needs_is_closed_to_everybody(desk: Front, path: str) -> None:
    assert (await desk.of(INES).get(path)).status_code == 404


async def test_nothing_is_posted_to_streamlit(desk: Front) -> None:
    client = desk.of(INES)
    for path in ("/_stcore/agent/interact", "/_stcore/upload_file/a/b", "/you"):
        assert (await client.post(path)).status_code == 405
        assert (await client.put(path)).status_code == 405


async def test_another_name_of_this_machine_is_no_name_of_this_front(desk: Front) -> None:
    found = await desk.of(INES, host="evil.example").get("/you")
    assert found.status_code == 421


async def test_two_cookies_are_none(desk: Front) -> None:
    twice = f"__Host-wallcross={INES}; __Host-wallcross={OMAR}"
    assert await standing(desk.of(cookie=twice)) == "out"
    assert await standing(desk.of(INES)) == "in"


async def test_a_session_that_ended_is_over_at_once_though_its_answer_is_believed(
    desk: Front, far: Far
) -> None:
    client = desk.of(INES)
    assert await standing(client) == "in"
    far.end(INES)

    async def out() -> bool:
        return await standing(client) == "out"

    await asyncio.wait_for(eventually(out), BELIEVED_S / 2)
    assert (await client.get("/overview")).status_code == 401
    assert await standing(desk.of(OMAR)) == "in"


async def test_who_is_signed_in_is_asked_once_a_second_at_most(desk: Front, far: Far) -> None:
    client = desk.of(INES)
    for _ in range(20):
        await client.get(SESSION)
    assert far.asked <= 2


async def test_an_end_told_while_the_answer_is_under_way_wins(desk: Front, far: Far) -> None:
    desk.watch.end("ses_ines")
    assert await standing(desk.of(INES)) == "out"
    assert far.sessions[INES] == "ses_ines"  # the API still said yes


async def test_nobody_is_signed_in_while_the_api_is_away(desk: Front, far: Far) -> None:
    client = desk.of(INES)
    assert await standing(client) == "in"
    far.hang_up()

    async def nobody() -> bool:
        return (await client.get(SESSION)).status_code == 503

    await eventually(nobody)
    found = await desk.of(INES, accept="text/html").get("/you")
    assert found.headers["location"] == "/in?away&to=/you"
    far.broken = False

    async def again() -> bool:
        return await standing(client) == "in"

    await eventually(again)


async def test_identity_headers_from_outside_never_arrive() -> None:
    scope = {"headers": [(b"X-Forwarded-User", b"ines"), (b"Remote-User", b"i"), (b"Cookie", b"c")]}
    assert gates.cleaned(scope)["headers"] == [(b"cookie", b"c")]


class Socket:
    """A browser's end of a websocket."""

    def __init__(self, desk: Front, path: str, **headers: str) -> None:
        found = {"host": HOST, "origin": ORIGIN} | headers
        self.found = [(k.encode(), v.encode()) for k, v in found.items() if v]
        self.scope = {
            "type": "websocket",
            "path": path,
            "headers": self.found,
            "query_string": b"",
            "subprotocols": [],
        }
        self.said: asyncio.Queue[Message] = asyncio.Queue()
        self.heard: asyncio.Queue[Message] = asyncio.Queue()
        self.said.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(desk.app(self.scope, self.said.get, self.heard.put))

    async def next(self) -> Message:
        async with asyncio.timeout(30):
            return await self.heard.get()

    async def close(self) -> None:
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(30):
            await self.task


SOCKETS = [p for m, p in ROUTES if m == "websocket"] + [ALIVE]


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, SIGNED_OUT),
        ({"cookie": "__Host-wallcross=" + "z" * 40}, SIGNED_OUT),
        ({"cookie": f"__Host-wallcross={INES}", "origin": ""}, 1008),
        ({"cookie": f"__Host-wallcross={INES}", "origin": "https://evil.example"}, 1008),
        ({"cookie": f"__Host-wallcross={INES}", "host": "evil.example"}, 1008),
    ],
)
async def test_every_websocket_refuses_whoever_is_not_signed_in_or_comes_from_elsewhere(
    desk: Front, path: str, headers: dict[str, str], code: int
) -> None:
    line = Socket(desk, path, **headers)
    assert await line.next() == {"type": "websocket.close", "code": code}
    await line.task


async def test_a_websocket_to_anything_else_is_refused(desk: Front) -> None:
    line = Socket(desk, "/_stcore/other", cookie=f"__Host-wallcross={INES}")
    assert (await line.next())["code"] == 1008


async def test_a_line_is_closed_the_moment_its_session_ends(desk: Front, far: Far) -> None:
    ines = Socket(desk, ALIVE, cookie=f"__Host-wallcross={INES}")
    omar = Socket(desk, ALIVE, cookie=f"__Host-wallcross={OMAR}")
    for line in (ines, omar):
        assert (await line.next())["type"] == "websocket.accept"
        assert (await line.next())["text"] == "here"
    began = asyncio.get_running_loop().time()
    far.end(INES)
    assert await ines.next() == {"type": "websocket.close", "code": SIGNED_OUT}
    assert asyncio.get_running_loop().time() - began < 1
    assert omar.heard.empty()
    await omar.close()


async def test_every_line_is_closed_where_the_api_falls(desk: Front, far: Far) -> None:
    line = Socket(desk, ALIVE, cookie=f"__Host-wallcross={INES}")
    await line.next()
    await line.next()
    far.hang_up()
    assert await line.next() == {"type": "websocket.close", "code": AWAY}


async def test_streamlits_own_websocket_says_nothing_more_once_the_session_ended(
    desk: Front, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = asyncio.Event()

    async def chatty(_: object, receive: object, send: Send) -> None:
        await send({"type": "websocket.accept"})
        going.set()
        while True:
            await send({"type": "websocket.send", "bytes": b"a secret"})
            await asyncio.sleep(0)
            if (await receive())["type"] == "websocket.disconnect":  # type: ignore[operator]
                await send({"type": "websocket.send", "bytes": b"one more"})
                return

    monkeypatch.setattr(desk.app, "_pages", chatty)
    line = Socket(desk, STREAM, cookie=f"__Host-wallcross={INES}")
    await going.wait()
    far.end(INES)
    async with asyncio.timeout(30):
        await line.task
    heard = [line.heard.get_nowait() for _ in range(line.heard.qsize())]
    assert heard[-1] == {"type": "websocket.close", "code": SIGNED_OUT}
    assert not [m for m in heard if m.get("bytes") == b"one more"]


async def test_a_page_of_somebody_is_resumed_by_no_other(
    desk: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "_instance", None)  # one a process; `routes` made one
    runtime = cast("App", desk.app._pages)
    ines = await page_of(desk, INES)
    [(mine, _)] = _connected(runtime)
    await ines.close()
    omar = await page_of(desk, OMAR, resumes=mine, **{"x-wallcross-session": "ses_ines"})
    [(his, who)] = _connected(runtime)
    assert his != mine
    assert who == {"session": "ses_omar"}
    await omar.close()
    again = await page_of(desk, INES, resumes=mine)
    assert _connected(runtime) == [(mine, {"session": "ses_ines"})]
    await again.close()


async def page_of(desk: Front, secret: str, resumes: str = "", **headers: str) -> Socket:
    line = Socket(desk, STREAM, cookie=f"__Host-wallcross={secret}", **headers)
    if resumes:
        asked = f"streamlit, xsrf, {resumes}".encode()
        line.found.append((b"sec-websocket-protocol", asked))
    assert (await line.next())["type"] == "websocket.accept"
    return line


def _connected(app: App) -> list[tuple[str, dict[str, object]]]:
    assert app._runtime is not None
    found = app._runtime._session_mgr.list_active_sessions()
    return [(info.session.id, dict(info.session._user_info)) for info in found]


async def test_our_files_are_given_with_a_policy_that_lets_nothing_inline_run(desk: Front) -> None:
    found: httpx.Response = await desk.of().get("/in")
    assert found.status_code == 200
    policy = found.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "<script>" not in found.text
    assert "style=" not in found.text


async def test_the_worker_for_notices_is_for_whoever_is_signed_in(desk: Front) -> None:
    for path in ("/push.js", "/in/push.js"):
        assert (await desk.of().get(path)).status_code == 401
    found = await desk.of(INES).get("/push.js")
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    assert found.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in found.headers["content-security-policy"]
    assert "wallcrossPush" in found.text
