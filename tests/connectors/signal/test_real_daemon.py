"""What the real signal-cli says without an account, and that the stand-in says the same.

No account can be made here: sending, receiving, groups and timers are the stand-in's alone.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.port import ConnectorName
from connectors.port.connector import Inspects, Setup
from connectors.port.door import Door, Opening
from connectors.port.errors import Rejected, Unavailable, Uncertain
from connectors.port.posts import Said
from connectors.signal.connector import open_connector
from connectors.signal.ids import Own
from connectors.signal.outgoing import Request
from connectors.signal.reachable import CUT
from connectors.signal.rpc.client import Client, sending
from connectors.signal.rpc.daemon import Daemon
from connectors.signal.rpc.events import Stream
from connectors.signal.settings import MOST_IN_A_STRING
from connectors.signal.standin import process
from connectors.testing.rig import attachment
from orchestrator import clock

from . import daemon

pytestmark = [pytest.mark.real, pytest.mark.long]
NUMBER = "+15550100"
UNKNOWN = "+15550199"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with daemon.running(tmp_path_factory.mktemp("signal-cli"), free_port()) as url:
        yield url


@pytest.fixture(scope="module")
def standin() -> Iterator[str]:
    with process.start(backend="json-rpc") as running:
        yield running.url


def post(url: str, body: bytes | str, kind: str = "application/json") -> httpx.Response:
    headers = {"Content-Type": kind}
    return httpx.post(f"{url}/api/v1/rpc", content=body, headers=headers, trust_env=False)


def call(method: str, **params: Any) -> str:
    named: dict[str, Any] = {"params": params} if params else {}
    return json.dumps({"jsonrpc": "2.0", "id": "a", "method": method} | named)


def shape(answer: httpx.Response) -> object:
    """Status, and the answer without words that are the JSON reader's own."""
    if not answer.content:
        return answer.status_code, None
    told = answer.json()
    for each in told if isinstance(told, list) else [told]:
        if each.get("error", {}).get("code") == -32700:
            each["error"]["message"] = ""
    return answer.status_code, sorted(map(str, told)) if isinstance(told, list) else told


ASKED = {
    "version": call("version"),
    "an unknown account": call("listGroups", account=UNKNOWN),
    "no account": call("send", recipient=["+15550101"], message="x"),
    "an unknown method": call("subscribeReceive"),
    "not JSON": "not json",
    "no method": '{"jsonrpc": "2.0", "id": "a"}',
    "another protocol": '{"id": "a", "method": "version"}',
    "a batch": f"[{call('version')}, {call('nope')}]",
    "an empty batch": "[]",
    "a notification": '{"jsonrpc": "2.0", "method": "version"}',
    "no id": '{"jsonrpc": "2.0", "id": null, "method": "version"}',
}


@pytest.mark.parametrize("body", ASKED.values(), ids=ASKED.keys())
def test_the_stand_in_answers_as_the_real_one(real: str, standin: str, body: str) -> None:
    assert shape(post(real, body)) == shape(post(standin, body))


def test_what_is_no_call_is_refused_alike(real: str, standin: str) -> None:
    for url in (real, standin):
        assert post(url, "{}", "text/plain").status_code == 415
        assert httpx.get(f"{url}/api/v1/rpc", trust_env=False).status_code == 405
        for path in ("/api/v1/nope", "/v1/about", "/v2/send"):  # it is not signal-cli-rest-api
            assert httpx.get(f"{url}{path}", trust_env=False).status_code == 404
        check = httpx.get(f"{url}/api/v1/check", trust_env=False)
        assert (check.status_code, check.content) == (200, b"")
        events = httpx.get(f"{url}/api/v1/events?account=%2B15550199", trust_env=False)
        assert (events.status_code, events.content) == (400, b"")


async def test_the_head_of_the_stream_comes_with_its_first_byte(real: str) -> None:
    """After 15 seconds of nothing: so neither can be waited for when a window is to end."""
    port = int(real.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 3)
    first = await asyncio.wait_for(reader.read(4096), 20)
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert first.endswith(b"\r\n\r\n2\r\n:\n\r\n")
    writer.close()


# --- our own client against it ----------------------------------------------------------------


async def sent(client: Client, request: Request) -> object:
    return await client.send(request, Own(NUMBER), frozenset())


@pytest.fixture
def client(real: str) -> Client:
    return Client(real, Door([Opening.of(real)]), 30.0, None, NUMBER)


async def test_our_client_reads_the_version_and_no_accounts(client: Client) -> None:
    program = Daemon(client, NUMBER, 1000, None, clock.now)
    await program.fit()
    assert await program.version() == "0.13.19"
    assert not await program.is_registered()
    assert await program.alive(5.0)
    assert await program.anybody_may_ask()
    await program.close()


async def test_every_call_for_an_account_that_is_not_there_is_unavailable(client: Client) -> None:
    program = Daemon(client, NUMBER, 1000, None, clock.now)
    asked = (
        program.standing(),
        program.own_uuid(),
        program.devices(),
        program.peers(Own(NUMBER)),
        program.groups(Own(NUMBER)),
        sent(client, sending(NUMBER, {"message": "x", "recipient": ["+15550101"]}, ())),
    )
    for one in asked:
        with pytest.raises(Unavailable) as caught:
            await one
        assert caught.value.code == "not_registered"
    await program.close()


async def test_an_unknown_method_is_rejected(client: Client) -> None:
    with pytest.raises(Rejected) as caught:
        await client.ask("nope")
    assert caught.value.code == "method_unknown"
    await client.close()


async def test_the_largest_file_that_we_send_is_read_and_a_larger_one_is_not(
    client: Client,
) -> None:
    """Its JSON reader takes no longer string; what it could not read has no id to answer to."""

    def request(size: int) -> Request:
        params = {"message": "x", "recipient": ["+15550101"]}
        return sending(NUMBER, params, (attachment("x", b"x" * size),))

    with pytest.raises(Unavailable) as caught:
        await sent(client, request(MOST_IN_A_STRING))
    assert caught.value.code == "not_registered"
    with pytest.raises(Uncertain):
        await sent(client, request(MOST_IN_A_STRING + 1024 * 1024))
    await client.close()


async def test_a_stream_for_an_account_that_is_not_there_says_so(client: Client) -> None:
    class Deaf:
        well_at = 0

        def broke(self, code: str, since: int | None) -> None:
            assert (code, since) in {(CUT, 0), (CUT, None)}

    reachable: Any = Deaf()
    stream = Stream(client, lambda _: Said.STORED, reachable, clock.now, 10.0, near=True)
    with pytest.raises(Unavailable) as caught:
        await stream.start()
    assert caught.value.code == "not_registered"
    await stream.stop()
    await client.close()


async def test_a_connector_without_an_account_does_not_open(real: str, tmp_path: Path) -> None:
    settings = {"backend": "json-rpc", "api": real, "number": NUMBER}
    secrets = {"state_key": "ab" * 32}
    connector = open_connector(
        Setup(ConnectorName("signal"), settings, secrets, tmp_path, clock.now)
    )
    with pytest.raises(Rejected) as caught:
        await connector.open()
    assert caught.value.code == "not_registered"
    assert (await connector.health()).up is False
    assert isinstance(connector, Inspects)
    await connector.close()
