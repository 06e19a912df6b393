"""Requests that are none, at both doors: no failure of ours, no content in an answer or a log.

Bytes go over real sockets to the real server. Whatever comes back is a refusal, or nothing; what
was written into a body comes back in no answer and stands in no log; memory does not grow.
"""

import asyncio
import json
import logging
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.api.app import make_app
from orchestrator.api.door import Door
from orchestrator.api.server import listening
from orchestrator.client.path import reachable
from orchestrator.signin.secret import COOKIE
from tiers.ids import PersonId

from .conftest import House
from .house import ACTOR

ORIGIN = "http://localhost:8642"
CANARY = "zmalformedcanary"
MIB = 1 << 20
AT_ONCE = 16
PATIENCE_S = 0.5
NAMES = ("ada", "lunch", "price", "x", "..", "%2e%2e", "%00", "é", "V1", "a" * 300, "'--", "{}")
PATHS = (
    "/deals/{d}/messages",
    "/deals/{d}/files",
    "/deals/{d}/people/{n}/pause",
    "/deals/{d}/adopted/roster",
    "/deals/{d}/conversations/{n}",
    "/deals/{d}/roster/could-see/{n}?at={i}",
    "/deals/{d}/audit?count={i}",
    "/deals/{d}/memberships?cursor={n}&limit={i}",
    "/deals/{d}/leaves/{n}",
    "/deals/{n}",
    "/held/{n}/move",
    "/approvals/{n}/answer",
    "/approvals?every={n}&deal={n}",
    "/documents/{n}",
    "/session/link",
    "/session/passkey",
    "/key-upload",
    "/webhooks/{n}/{n}",
    "/me",
    "/events-",
    "/openapi.json",
    "/nowhere/{n}",
    "/scim/v2/Users",
    "/scim/v2/Users/{n}",
    "/scim/v2/Users?filter={n}&count={i}&attributes={n}",
    "/scim/v2/Groups/.search",
    "/scim/v2/{n}/{n}",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY")
NUMBERS = ("0", "-1", "1e9", "9" * 19, "9" * 400, "NaN", "Infinity", "0x10", str(2**63), str(2**64))


def json_of(dice: random.Random) -> bytes:
    """Something like JSON, with the canary in it."""
    said = {"person": "ada", "text": f"{CANARY} {dice.random()}", "conversation": None}
    whole, word = json.dumps(said).encode(), CANARY.encode()
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: whole[: dice.randrange(len(whole))],
        lambda: b"[" * dice.randrange(1, 100_000),
        lambda: b'{"text":' * dice.randrange(1, 20_000) + b'"' + word,
        lambda: b'{"text": "%s", "at": %s}' % (word, dice.choice(NUMBERS).encode()),
        lambda: whole.decode().encode(dice.choice(["utf-16", "utf-32", "utf-7", "cp500"])),
        lambda: b'{"text": "%s \\ud800", "person": "\\u0000"}' % word,
        lambda: b'{"text": "' + word + b'\xff\xfe"}',
        lambda: json.dumps([said] * dice.randrange(50)).encode(),
        lambda: b'{"%s": 1, "text": {"a": "%s"}}' % (word, word),
    )
    return dice.choice(kinds)()


@dataclass
class Maker:
    """Makes requests that are wrong somewhere.

    Attributes:
        deal: one that is there.
        proof: headers of somebody who is signed in; none at the home's own door.
    """

    dice: random.Random
    deal: str
    proof: bytes

    def __call__(self) -> bytes:
        kinds: tuple[Callable[[], bytes], ...] = (
            self.noise,
            self.request,
            self.request,
            self.request,
            self.flood,
            self.lengths,
            self.chunks,
            self.line,
        )
        return self.dice.choice(kinds)()

    def path(self) -> bytes:
        made = self.dice.choice(PATHS).format(
            d=self.deal, n=self.dice.choice(NAMES), i=self.dice.choice(NUMBERS)
        )
        return (made if made.startswith("/scim/") else f"/api/v1{made}").encode()

    def head(self, *more: bytes, method: str | None = None) -> bytes:
        way = method or self.dice.choice(METHODS)
        lines = [way.encode() + b" " + self.path() + b" HTTP/1.1", b"host: x", b"connection: close"]
        if self.dice.random() < 0.7:
            lines.append(self.proof or b"x: y")
        return b"\r\n".join([*lines, *more, b"", b""])

    def noise(self) -> bytes:
        return self.dice.randbytes(self.dice.randrange(1, 2_000)) + CANARY.encode()

    def request(self) -> bytes:
        body = json_of(self.dice)
        kind = self.dice.choice(
            [
                "application/json",
                "text/plain",
                "application/json; charset=utf-16",
                "multipart/form-data",
            ]
        )
        return (
            self.head(
                f"content-type: {kind}".encode(),
                f"content-length: {len(body)}".encode(),
                method=self.dice.choice(["POST", "PUT", "GET", "PATCH"]),
            )
            + body
        )

    def flood(self) -> bytes:
        many = self.dice.randrange(1, 3_000)
        return self.head(*(f"x-{n}: {CANARY}".encode() for n in range(many)))

    def lengths(self) -> bytes:
        said = self.dice.choice([*NUMBERS, "", " ", "5, 5", "+3", CANARY])
        return self.head(f"content-length: {said}".encode(), method="POST") + CANARY.encode()

    def chunks(self) -> bytes:
        pieces = [b"5\r\nhello\r\n", b"zz\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", CANARY.encode()]
        body = b"".join(self.dice.choices(pieces, k=3))
        return self.head(b"transfer-encoding: chunked", method="POST") + body

    def line(self) -> bytes:
        path = self.path()
        return self.dice.choice(
            [
                b"GET " + path + b"\r\n\r\n",
                b"GET  " + path + b" HTTP/9.9\r\n\r\n",
                b"\r\n\r\n",
                b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"GET http://[::1/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                b"GET /api/v1/%zz%ff%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                self.head(b"cookie: " + COOKIE.encode() + b"=\xff\xfe; a=b; ;;=", method="GET"),
                self.head(b"authorization: Bearer " + b"A" * 9_000, method="GET"),
                self.head(b"last-event-id: \xe9", b"if-none-match: \xff", method="GET"),
                self.head(b"idempotency-key: " + b"k" * 300, b"content-length: 0", method="POST"),
            ]
        )


@dataclass
class Doors:
    """Both doors of a home, on real sockets."""

    own: Path
    desk: Path
    house: House
    proof: bytes
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def throw(self, count: int, seed: int) -> None:
        """Sends requests, so many at once, to both in turn."""
        left = iter(range(count))

        async def some(worker: int) -> None:
            dice = random.Random(seed * 1_000 + worker)  # noqa: S311 - reproducible, not secret
            for n in left:
                desk = n % 2 == 0
                make = Maker(dice, self.house.deal, self.proof if desk else b"")
                await self._one(self.desk if desk else self.own, make())

        async with asyncio.TaskGroup() as group:
            for worker in range(AT_ONCE):
                group.create_task(some(worker))

    async def _one(self, path: Path, sent: bytes) -> None:
        with reachable(path) as near:
            reader, writer = await asyncio.open_unix_connection(str(near))
        try:
            writer.write(sent)
            answer = await asyncio.wait_for(reader.read(MIB), PATIENCE_S)
        except (ConnectionError, TimeoutError):  # it waits for the rest, which never comes
            answer = b""
        finally:
            writer.close()
        self._look(sent, answer)

    def _look(self, sent: bytes, answer: bytes) -> None:
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
        self.statuses[status] += 1
        if status >= 500 or CANARY.encode() in answer:
            self.wrong.append(f"{status}: {sent[:200]!r} -> {answer[:600]!r}")


@pytest.fixture
async def doors(house: House, tmp_path: Path) -> AsyncIterator[Doors]:
    link = await house.home.link_new(house.deal, PersonId("ada"), actor=ACTOR)
    _, secret = await house.home.link_open(link.url.partition("#")[2], None)
    proof = f"cookie: {COOKIE}={secret}\r\norigin: {ORIGIN}".encode()
    own, desk = tmp_path / "run" / "own.sock", tmp_path / "run" / "desk.sock"
    async with (
        listening(make_app(house.home), own),
        listening(Door(house.home, ORIGIN), desk),
    ):
        yield Doors(own, desk, house, proof)


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Heard(logging.Filter):
    """Looks at what the server logs, and keeps nothing of it: what pytest keeps would be ours."""

    def __init__(self) -> None:
        super().__init__()
        self.canaries = 0
        self._form = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        self.canaries += CANARY in self._form.format(record)
        return False


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What a test before it left of the log's own settings must not make it deaf."""
    log, found = logging.getLogger("uvicorn.error"), Heard()
    left = log.level, log.disabled
    log.addFilter(found)
    log.setLevel(logging.DEBUG)
    log.disabled = False
    yield found
    log.level, log.disabled = left
    log.removeFilter(found)


def nothing_said(doors: Doors, heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    assert doors.wrong == []
    assert heard.canaries == 0
    assert CANARY not in caplog.text


async def test_what_is_no_request_is_refused_and_not_repeated(
    doors: Doors, heard: Heard, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    await doors.throw(1_500, seed=1)
    nothing_said(doors, heard, caplog)
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    assert {401, 404, 405, 422} <= doors.statuses.keys()
    assert doors.statuses[0] < 600, "most are answered"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.deep)])
async def test_many_thousands_of_them(
    count: int, doors: Doors, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    await doors.throw(count // 10, seed=2)
    before = resident()
    await doors.throw(count - count // 10, seed=3)
    nothing_said(doors, heard, caplog)
    assert resident() - before < 32 * MIB


async def test_a_planted_echo_is_found(doors: Doors, heard: Heard) -> None:
    """An answer, or a log, that repeats what was sent is seen by the same look."""
    logging.getLogger("uvicorn.error").warning("it was %s", CANARY)
    assert heard.canaries == 1
    doors._look(b"x", b"HTTP/1.1 422 x\r\n\r\n" + CANARY.encode())
    doors._look(b"x", b"HTTP/1.1 500 x\r\n\r\n")
    assert len(doors.wrong) == 2
