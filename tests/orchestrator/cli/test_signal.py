"""`doctor`, `serve` and `channel test` where a Signal channel is configured, on the stand-in."""

import asyncio
import base64
import json
import secrets
import socket
import sqlite3
import threading
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.signal.standin import process
from connectors.signal.standin.control import Control

from .conftest import Serve, Wx

CREDENTIAL = "credential-of-the-proxy"


class Proxy(ThreadingHTTPServer):
    """An own proxy before the API server, which asks for a credential, or does not."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.asks = True
        super().__init__(("127.0.0.1", 0), Through)


class Through(BaseHTTPRequestHandler):
    """Hands a request on."""

    def _pass(self) -> None:
        proxy = self.server
        assert isinstance(proxy, Proxy)
        if proxy.asks and self.headers["Authorization"] != f"Bearer {CREDENTIAL}":
            self.send_error(401)
            return
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)) or None
        request = urllib.request.Request(  # noqa: S310 - our own stand-in, http on loopback
            proxy.behind + self.path,
            body,
            {"Content-Type": "application/json"},
            method=self.command,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Every())
        with opener.open(request, timeout=45) as answer:
            data = answer.read()
            self.send_response(answer.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - as the library calls them

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Every(urllib.request.HTTPErrorProcessor):
    def http_response(self, _: Any, response: Any) -> Any:
        return response


class Far:
    """The stand-in, its hand, and the proxy before it."""

    def __init__(self, running: process.Running, proxy: Proxy, webhook: str) -> None:
        self._running = running
        self.proxy = proxy
        self._webhook = webhook

    def hand(self, work: Callable[[Control], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            async with Control(self._running.control, self._running.token) as hand:
                return await work(hand)

        return asyncio.run(run())

    def set_up(self, **options: str) -> None:
        """A new network with nobody on it, set up so."""
        self.hand(lambda h: h.reset(webhook=self._webhook, **options))

    def ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own stand-in, http on loopback
            self._running.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=45) as answer:
            data = answer.read()
        return json.loads(data) if data else None


@pytest.fixture
def far(wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:  # noqa: ARG001 - makes the environment
    """A home with a Signal channel, on a stand-in behind a proxy."""
    secret = secrets.token_urlsafe(32)
    for name, value in {
        "WX_TEST_WEBHOOK": secret,
        "WX_TEST_STATE": base64.b64encode(secrets.token_bytes(32)).decode(),
        "WX_TEST_TOKEN": CREDENTIAL,
    }.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    webhook = f"http://127.0.0.1:{port}/{secret}"
    with process.start(webhook=webhook) as running, Proxy(running.url) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        _write(home, proxy.server_port, port)
        made = Far(running, proxy, webhook)
        made.set_up(version="0.101", log_level="info", profile="Wallcross")
        yield made
        proxy.shutdown()


def _write(home: Path, api: int, listen: int) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "wallcross.toml"
    file.write_text(
        f"""
[channels.phones]
kind = "signal"
[channels.phones.settings]
api = "http://127.0.0.1:{api}"
number = "+15550100"
listen_port = {listen}
least_version = "0.101"
patience = 20.0
[channels.phones.secrets]
webhook_secret = "env:WX_TEST_WEBHOOK"
state_key = "env:WX_TEST_STATE"
api_token = "env:WX_TEST_TOKEN"
""",
        "utf-8",
    )
    file.chmod(0o600)


def _check(wx: Wx, name: str) -> dict[str, str]:
    """One check, held to the exit code that belongs to it."""
    ended = wx("doctor", f"phones {name}", "--json")
    (found,) = ended.lines
    assert ended.code == (3 if found["state"] == "fix" else 0)
    assert bool(found["then"]) == (found["state"] != "ok")
    return dict(found)


def _red(wx: Wx, name: str, wrong: str, what_to_do: str) -> None:
    found = _check(wx, name)
    assert found["state"] == "fix"
    assert wrong in found["text"]
    assert what_to_do in found["then"]


def test_each_red_is_shown_and_over_once_it_is_put_right(wx: Wx, serve: Serve, far: Far) -> None:
    serve()
    assert wx("doctor", "phones").code == 0, wx("doctor", "phones").out

    far.proxy.asks = False
    _red(wx, "api reach", "anybody reads and sends as us", "proxy")
    far.proxy.asks = True
    assert _check(wx, "api reach")["state"] == "ok"

    for level, state in (("debug", "fix"), ("info", "ok")):
        far.ask("POST", "/v1/configuration", {"logging": {"Level": level}})
        assert _check(wx, "api log")["state"] == state

    far.set_up(version="0.100", profile="Wallcross")
    _red(wx, "api version", "older than 0.101", "newer release")
    far.set_up(version="0.101", profile="Wallcross")
    assert _check(wx, "api version")["state"] == "ok"

    room, ann = far.hand(_a_room_of_ours)
    _red(wx, "room admins", "only admin of 1 rooms", "admin")
    far.ask("POST", f"/v1/groups/%2B15550100/{room}/admins", {"admins": [ann]})
    assert _check(wx, "room admins")["state"] == "ok"
    assert wx("doctor", "phones").code == 0


async def _a_room_of_ours(hand: Control) -> tuple[str, str]:
    ann = (await hand.person("ann")).uuid
    room = await hand.make_group("bot", ["ann"])
    return str(room), ann


def test_a_red_channel_starts_paused_and_goes_on_once_it_is_right(
    wx: Wx, serve: Serve, far: Far, tmp_path: Path
) -> None:
    far.ask("POST", "/v1/configuration", {"logging": {"Level": "debug"}})
    serve()
    (channel,) = wx("channel", "list", "--json").lines
    assert channel["state"] == "paused"
    assert "phones starts paused: phones api log" in (tmp_path / "serve.err").read_text("utf-8")
    refused = wx("channel", "resume", "phones")
    assert refused.code == 5
    assert "LOG_LEVEL=info" in refused.err
    far.ask("POST", "/v1/configuration", {"logging": {"Level": "info"}})
    assert wx("channel", "resume", "phones").code == 0
    assert wx("channel", "list", "--json").json["state"] == "up"


def test_a_stand_in_earns_lab_until_a_named_person_says_that_it_is_none(
    wx: Wx, serve: Serve, far: Far, home: Path
) -> None:
    process_ = serve()
    first = wx("channel", "test", "phones", "--json")
    assert first.code == 0, first.err
    assert first.json["grade"] == "lab"
    assert "--real-server" in wx("channel", "test", "phones").err
    said = wx("channel", "test", "phones", "--real-server", "noor.ivanova", "--json")
    assert said.json["grade"] == "field"  # the timer was asked for, and nobody has seen it
    assert wx("channel", "test", "phones", "--real-server", "No or").code == 2
    assert wx("channel", "list", "--json").json["grade"] == "field"
    assert wx("status", "--json").json["needs"] == []  # a room of our own is nobody's finding
    process_.terminate()
    assert process_.wait(timeout=45) == 0
    with closing(sqlite3.connect(home / "store.db")) as store:
        rows = store.execute("SELECT body FROM audit WHERE deal_id = 'home' ORDER BY rowid")
        found = [json.loads(body) for (body,) in rows]
    tested = [(b["grade"], b.get("by"), b.get("real_server")) for b in found if "grade" in b]
    assert tested == [("lab", None, None)] * 2 + [("field", "noor.ivanova", True)]
    everybody = far.hand(lambda h: h.people())
    assert [person.name for person in everybody] == ["bot"]  # it was tried on nobody else
    serve()
    assert wx("channel", "list", "--json").json["grade"] == "field"  # signed, and kept


def test_a_rate_limit_is_shown_with_its_token_and_over_with_it(
    wx: Wx, serve: Serve, far: Far
) -> None:
    serve()
    far.hand(lambda h: h.rate_limit("token-of-a-captcha"))
    refused = wx("channel", "test", "phones", "--json")
    assert refused.code == 1
    assert refused.json["steps"][-1]["text"] == "rate_limited"
    (channel,) = wx("channel", "list", "--json").lines
    assert (channel["state"], channel["why"]) == ("up", "rate_limited")
    (found,) = [c for c in wx("doctor", "phones", "--json").lines if c["name"] == "phones"]
    assert found["state"] == "soon"
    assert "token-of-a-captcha" in found["then"]
    assert wx("channel", "test", "phones").code == 0
    assert wx("channel", "list", "--json").json["why"] is None
