"""The outbound door: where a connector may go, and what comes back through it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port.door import (
    AnswerTooLarge,
    Door,
    DoorClosed,
    Limits,
    Opening,
    capped,
    is_public,
)

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answer: bytes, heard: list[bytes]) -> AsyncIterator[int]:
    """A loopback server that answers every request with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1]


def resolving(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


async def test_the_configured_place_is_reached() -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as port:
        url = f"http://127.0.0.1:{port}"
        async with Door([Opening.of(url)]).client() as http:
            assert (await http.get(f"{url}/a")).text == "ok"


@pytest.mark.parametrize(
    "other",
    ["http://127.0.0.1:1/", "https://127.0.0.1:{port}/", "http://localhost:{port}/"],
    ids=["port", "scheme", "host"],
)
async def test_another_place_is_refused_before_a_packet(other: str) -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as port:
        async with Door([Opening.of(f"http://127.0.0.1:{port}")]).client() as http:
            with pytest.raises(DoorClosed) as refused:
                await http.get(other.format(port=port))
        assert (refused.value.code, heard) == ("place_refused", [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as target:
        there = f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:{target}/\r\n"
        async with server(f"{there}Content-Length: 0\r\n\r\n".encode(), []) as port:
            url = f"http://127.0.0.1:{port}"
            async with Door([Opening.of(url)]).client() as http:
                with pytest.raises(DoorClosed) as refused:
                    await http.get(url)
    assert (refused.value.code, heard) == ("redirect_refused", [])


async def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as port:
        url = f"http://matrix.example.org:{port}"
        door = Door([Opening.of(url)], resolver=resolving("127.0.0.1"))
        async with door.client() as http:
            with pytest.raises(DoorClosed) as refused:
                await http.get(url)
    assert (refused.value.code, heard) == ("private_address_refused", [])


async def test_one_private_address_among_public_ones_is_refused() -> None:
    door = Door(
        [Opening.of("https://matrix.example.org")], resolver=resolving("93.184.215.14", "10.0.0.1")
    )
    with pytest.raises(DoorClosed):
        await door.addresses(door.opening("https", "matrix.example.org"))


async def test_a_private_address_that_is_configured_is_reached_under_its_name() -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as port:
        url = f"http://matrix.example.org:{port}"
        door = Door([Opening.of(url, private=True)], resolver=resolving("127.0.0.1"))
        async with door.client() as http:
            assert (await http.get(url)).text == "ok"
    assert f"host: matrix.example.org:{port}".encode() in heard[0].lower()


async def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def changing(_host: str, _port: int) -> list[str]:
        return next(answers)

    async with server(PLAIN, []) as port:
        url = f"http://matrix.example.org:{port}"
        async with Door([Opening.of(url, private=True)], resolver=changing).client() as http:
            assert (await http.get(url)).text == "ok"
    assert list(answers) == [["127.0.0.2"]]


async def test_the_next_address_is_tried_when_the_first_takes_no_connection() -> None:
    async with server(PLAIN, []) as port:
        url = f"http://matrix.example.org:{port}"
        door = Door([Opening.of(url, private=True)], resolver=resolving("127.0.0.9", "127.0.0.1"))
        async with door.client() as http:
            assert (await http.get(url)).text == "ok"


async def test_a_name_without_an_address_is_unreachable() -> None:
    async def nothing(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    url = "https://matrix.example.org"
    async with Door([Opening.of(url)], resolver=nothing).client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)


@pytest.mark.parametrize("length", ["Content-Length: 5000\r\n", ""], ids=["said", "unsaid"])
async def test_an_answer_above_the_cap_ends(length: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\n{length}\r\n".encode() + b"x" * 5000
    async with server(answer, []) as port:
        url = f"http://127.0.0.1:{port}"
        async with Door([Opening.of(url)], Limits(answer_bytes=4999)).client() as http:
            with pytest.raises(AnswerTooLarge):
                await http.get(url)
            found = await http.get(url, extensions=capped(5000))
            assert len(found.content) == 5000


async def test_a_compressed_answer_is_refused() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"
    async with server(answer, []) as port:
        url = f"http://127.0.0.1:{port}"
        async with Door([Opening.of(url)]).client() as http:
            with pytest.raises(DoorClosed) as refused:
                await http.get(url)
    assert refused.value.code == "encoding_refused"


async def test_silence_has_an_end() -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    done = asyncio.Event()
    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
        async with Door([Opening.of(url)], Limits(silence=0.1)).client() as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get(url)
        done.set()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []
    async with server(PLAIN, heard) as proxy, server(PLAIN, []) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")
        url = f"http://127.0.0.1:{port}"
        async with Door([Opening.of(url)]).client() as http:
            assert (await http.get(url)).text == "ok"
    assert heard == []


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 (refused here)
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:0001::",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_a_private_address_wrapped_in_another_is_known(address: object) -> None:
    assert not is_public(f"::ffff:{address}")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", ["matrix.example.org", "", "https://", "gopher://x"])
def test_an_address_without_scheme_or_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="scheme and a host"):
        Opening.of(url)


@pytest.mark.parametrize(
    ("url", "loopback", "private"),
    [
        ("http://127.0.0.1:8008", True, True),
        ("http://[::1]:8008", True, True),
        ("http://localhost:8008", True, True),
        ("http://10.0.0.1", False, True),
        ("https://matrix.example.org", False, False),
        ("http://localhost.example.org", False, False),
    ],
)
def test_what_a_configured_address_implies(url: str, loopback: bool, private: bool) -> None:
    opening = Opening.of(url)
    assert (opening.loopback, opening.private) == (loopback, private)
