"""The one route whose proof is in its path: what it hands on, what it answers, whom it tells what.

The connector behind it is the listener's own part; the door, the server and the sockets are real.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from connectors.port.posts import Said
from connectors.shared.webhook import MOST_BYTES, QUESTION, Posts
from orchestrator.api import webhooks
from orchestrator.api.app import application
from orchestrator.api.door import Door
from orchestrator.api.server import listening_near
from orchestrator.command.webhooks import Webhooks
from orchestrator.signin.secret import COOKIE

from .conftest import MemoryHome

SECRET = "k3" * 32
ORIGIN = "http://localhost:8642"
PROBLEM = "application/problem+json"
TEXT = b'{"text": "the price is forty-two"}'


@dataclass
class Account:
    """A channel that is posted to; stores what came, or says what it is told to."""

    says: Said = Said.STORED
    taken: list[bytes] = field(default_factory=list)
    told: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.posts = Posts((SECRET,), self._take, lambda said, _: self.told.append(said), int)
        self.posted = self.posts.posted

    async def _take(self, body: bytes) -> Said:
        self.taken.append(body)
        return self.says


@dataclass
class Far:
    """What stands at the door, and how to post there."""

    account: Account
    home: MemoryHome
    port: int

    def url(self, channel: str = "signal", secret: str = SECRET) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1/webhooks/{channel}/{secret}"

    async def post(
        self, channel: str = "signal", secret: str = SECRET, content: Any = TEXT, **more: Any
    ) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.post(self.url(channel, secret), content=content, **more)


@pytest.fixture
async def far(home: MemoryHome) -> AsyncIterator[Far]:
    account = Account()
    connectors = {"signal": account, "matrix": SimpleNamespace(account="@bot:x")}
    runtime: Any = SimpleNamespace(connectors=connectors)
    home.post_in = Webhooks(runtime).post_in  # type: ignore[attr-defined]  # it answers any name
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with listening_near(Door(home, ORIGIN), "127.0.0.1", port):
        yield Far(account, home, port)


async def test_what_is_posted_comes_byte_for_byte_and_its_answer_back(far: Far) -> None:
    answer = await far.post()
    assert (answer.status_code, answer.content) == (200, b"")
    whole = bytes(range(256)) * (MOST_BYTES // 256)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 100_001):
            yield whole[at : at + 100_001]

    assert (await far.post(content=pieces())).status_code == 200
    assert far.account.taken == [TEXT, whole]
    asked = await far.post(content=QUESTION)
    assert (asked.status_code, asked.content) == (204, b"")
    assert len(far.account.taken) == 2


@pytest.mark.parametrize("said", [Said.MALFORMED, Said.OTHER_ACCOUNT, Said.NOT_STORED])
async def test_what_the_channel_refuses_is_refused_as_it_says(far: Far, said: Said) -> None:
    far.account.says = said
    answer = await far.post()
    assert (answer.status_code, answer.json()["status"]) == (said, said)
    assert answer.headers["content-type"] == PROBLEM
    assert "forty-two" not in answer.text + str(answer.headers)


async def test_a_wrong_channel_and_a_wrong_secret_are_one_answer(far: Far) -> None:
    """Also for a channel that is there and is not posted to, and before anything is read."""

    def head(answer: httpx.Response) -> dict[str, str]:
        return {k: v for k, v in answer.headers.items() if k != "date"}

    wrong = [
        await far.post(secret="x" * len(SECRET)),
        await far.post(secret=SECRET[:-1]),
        await far.post(secret=SECRET.swapcase()),
        await far.post(channel="none"),
        await far.post(channel="matrix"),
        await far.post(channel="SIGNAL"),
    ]
    first = wrong[0]
    assert (first.status_code, first.headers["content-type"]) == (404, PROBLEM)
    assert {answer.content for answer in wrong} == {first.content}
    assert [head(answer) for answer in wrong] == [head(first)] * len(wrong)
    assert far.account.taken == []


async def raw(far: Far, *lines: str, secret: str = SECRET, body: bytes = b"") -> bytes:
    """What comes back to a head whose body does not follow, or not whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", far.port)
    path = f"/api/v1/webhooks/signal/{secret}"
    writer.write("\r\n".join([f"POST {path} HTTP/1.1", "host: x", *lines, "", ""]).encode() + body)
    try:
        async with asyncio.timeout(30):
            return await reader.read(65_536)
    finally:
        writer.close()


async def test_whoever_guesses_is_answered_before_his_body_is_read(far: Far) -> None:
    for length in ("content-length: 999999999", "transfer-encoding: chunked"):
        answer = await raw(far, length, secret="x" * len(SECRET))
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"connection: close" in answer.lower()


async def test_what_is_too_large_is_said_by_its_channel(far: Far) -> None:
    answer = await far.post(content=b"x" * (MOST_BYTES + 1))
    assert (answer.status_code, far.account.taken) == (413, [])
    assert far.account.told == [Said.TOO_LARGE]  # who tells of what was lost


async def test_what_is_cut_in_its_middle_is_not_taken_and_told(far: Far) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", far.port)
    path = f"/api/v1/webhooks/signal/{SECRET}"
    writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    async with asyncio.timeout(30):
        while not far.account.told:  # noqa: ASYNC110 - the server's own doing
            await asyncio.sleep(0.01)
    assert (far.account.told, far.account.taken) == ([Said.BROKEN_OFF], [])


async def test_no_session_token_or_origin_stands_for_the_secret(far: Far) -> None:
    proofs = {
        "cookie": f"{COOKIE}=abc",
        "authorization": f"Bearer {SECRET}",
        "origin": ORIGIN,
        "x-secret": SECRET,
        "idempotency-key": SECRET,
    }
    answer = await far.post(secret="x" * len(SECRET), headers=proofs)
    assert (answer.status_code, far.account.taken) == (404, [])
    assert not [call for call in far.home.calls if call[0] in {"viewer_of", "bot_of"}]
    assert (await far.post(headers=proofs)).status_code == 200
    foreign = {"origin": "https://evil.example", "cookie": "a=b"}
    assert (await far.post(headers=foreign)).status_code == 200, "it is no browser's"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_it_is_posted_to_and_nothing_else(far: Far, method: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, far.url(), content=b"")
    assert answer.status_code == 401
    assert (far.account.taken, far.account.told) == ([], [])


async def test_a_flood_of_guesses_waits_and_whoever_knows_does_not(far: Far) -> None:
    """Neither a server that knows its secret nor people are slowed down by those who guess."""
    found = await asyncio.gather(*(far.post(secret=f"{n:064}") for n in range(200)))
    statuses = [answer.status_code for answer in found]
    assert set(statuses) == {404, 429}
    assert statuses.count(404) <= webhooks.GUESSES_EACH_MINUTE + 5
    assert all(answer.headers["connection"] == "close" for answer in found)
    assert (await far.post(channel="none")).status_code == 429
    assert (await far.post()).status_code == 200
    async with httpx.AsyncClient(trust_env=False) as http:
        person = await http.get(f"http://127.0.0.1:{far.port}/api/v1/me")
    assert person.status_code == 401, "he is told to sign in, and not to wait"


async def test_a_stalled_post_holds_nobody_up(far: Far) -> None:
    """Lines on which nothing comes, with the secret and without it, are many; others are heard."""
    lines = [await asyncio.open_connection("127.0.0.1", far.port) for _ in range(64)]
    for n, (_, writer) in enumerate(lines):
        secret = SECRET if n % 2 else "x" * len(SECRET)
        head = f"POST /api/v1/webhooks/signal/{secret} HTTP/1.1\r\nhost: x\r\n"
        writer.write(head.encode() + b"content-length: 9000\r\n\r\n")
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(30):
        for _ in range(20):
            assert (await http.get(f"http://127.0.0.1:{far.port}/api/v1/me")).status_code == 401
    for _, writer in lines:
        writer.close()


async def test_the_secret_and_the_text_stand_in_no_log(
    far: Far, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    far.account.says = Said.MALFORMED
    for secret in (SECRET, "x" * len(SECRET)):
        await far.post(secret=secret)
    await raw(far, "content-length: nonsense", body=TEXT)
    await raw(far, "content-length: 3", "content-length: 4", body=TEXT)
    # the client of this very test logs the URL that it posts to; ours must not
    ours = [r for r in caplog.records if r.name.partition(".")[0] not in {"httpx", "httpcore"}]
    said = [f"{vars(record)} {record.getMessage()}" for record in ours]
    out, err = capfd.readouterr()
    assert not [s for s in (*said, out, err) if SECRET in s or "forty-two" in s]


def test_the_description_names_it_and_no_secret() -> None:
    methods = application().openapi()["paths"]["/api/v1/webhooks/{channel}/{secret}"]
    operation = methods["post"]
    assert list(methods) == ["post"]
    assert operation["security"] == []
    assert {"200", "204", "4XX", "5XX"} == operation["responses"].keys()
    [secret] = [p for p in operation["parameters"] if p["name"] == "secret"]
    assert secret["schema"] == {"type": "string", "format": "password", "title": "Secret"}
    assert "example" not in str(operation).lower()
    assert list(operation["requestBody"]["content"]) == ["application/octet-stream"]
