"""Connections under calls that go at the same time: how many, whose turn, and which is used."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.port.door import Door, Limits, Opening

from .test_door import resolving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True)
class Server:
    """Answers each call once it may, and says on which connection each came."""

    port: int = 0
    asked: list[tuple[int, str]] = field(default_factory=list)
    opened: int = 0
    open: int = 0
    may: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.opened = self.opened + 1
        self.open += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append((number, head.split()[1].decode()))
                await self.may.wait()
                writer.write(OK)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.open -= 1
        finally:
            writer.close()

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()

    async def has(self, calls: int) -> None:
        """Until so many calls have come."""
        await until(lambda: len(self.asked) >= calls)

    async def is_left_with(self, most: int) -> None:
        """Until no more than so many connections are open, as it sees them."""
        await until(lambda: self.open <= most)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    server.may.set()
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with running:
        server.port = running.sockets[0].getsockname()[1]
        yield server
        server.hang_up()


def client(*servers: Server, connections: int = 20, silence: float = 60.0) -> httpx.AsyncClient:
    openings = [Opening.of(server.url) for server in servers]
    return Door(openings, Limits(connections=connections, silence=silence)).client()


async def test_calls_after_one_another_go_on_one_connection() -> None:
    async with serving() as server, client(server) as http:
        for n in range(5):
            assert (await http.get(f"{server.url}/{n}")).text == "ok"
        assert server.asked == [(1, f"/{n}") for n in range(5)]


async def test_calls_at_the_same_time_go_on_one_each_and_no_more_than_may() -> None:
    async with serving() as server, client(server, connections=3) as http:
        server.may.clear()
        calls = [asyncio.create_task(http.get(f"{server.url}/{n}")) for n in range(9)]
        await server.has(3)
        await asyncio.sleep(0.05)
        assert [number for number, _ in server.asked] == [1, 2, 3]  # the others wait
        server.may.set()
        assert [answer.text for answer in await asyncio.gather(*calls)] == ["ok"] * 9
        assert server.opened == 3


async def test_who_waits_too_long_for_his_turn_is_told_that_nothing_left() -> None:
    async with serving() as server, client(server, connections=1, silence=0.2) as http:
        server.may.clear()
        first = asyncio.create_task(http.get(server.url, timeout=20))
        await server.has(1)
        with pytest.raises(httpx.PoolTimeout):
            await http.get(f"{server.url}/late")
        server.may.set()
        assert (await first).text == "ok"
        assert (await http.get(f"{server.url}/again")).text == "ok"
        assert [path for _, path in server.asked] == ["/", "/again"]


@pytest.mark.parametrize("waits", [True, False], ids=["for its answer", "for its turn"])
async def test_a_call_that_is_given_up_leaves_the_way_to_the_next(waits: bool) -> None:
    async with serving() as server, client(server, connections=1) as http:
        server.may.clear()
        first = asyncio.create_task(http.get(f"{server.url}/1"))
        await server.has(1)
        second = asyncio.create_task(http.get(f"{server.url}/2"))
        await asyncio.sleep(0.02)
        given_up, goes_on = (first, second) if waits else (second, first)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        server.may.set()
        assert (await goes_on).text == "ok"
        assert (await http.get(f"{server.url}/3")).text == "ok"


async def test_an_answer_that_is_not_read_to_its_end_keeps_its_connection_until_closed() -> None:
    async with serving() as server, client(server, connections=2) as http:
        async with http.stream("GET", f"{server.url}/long") as answer:
            assert (await http.get(f"{server.url}/beside")).text == "ok"
            assert (await http.get(f"{server.url}/beside")).text == "ok"
            assert server.asked == [(1, "/long"), (2, "/beside"), (2, "/beside")]
            assert not answer.is_closed
        assert (await http.get(f"{server.url}/after")).text == "ok"
        assert server.opened <= 3


async def test_a_connection_that_the_server_closed_is_not_written_to() -> None:
    async with serving() as server, client(server) as http:
        assert (await http.get(f"{server.url}/1")).text == "ok"
        server.hang_up()
        await server.is_left_with(0)
        assert (await http.get(f"{server.url}/2")).text == "ok"
        assert server.asked == [(1, "/1"), (2, "/2")]


async def test_what_nobody_uses_is_closed_at_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.port.door._KEPT", 0.2)
    async with serving() as server, client(server) as http:
        server.may.clear()
        calls = [asyncio.create_task(http.get(server.url)) for _ in range(4)]
        await server.has(4)
        server.may.set()
        await asyncio.gather(*calls)
        assert server.open == 4
        await asyncio.sleep(0.3)
        await http.get(server.url)
        await server.is_left_with(1)


async def test_two_places_share_no_connection_and_one_limit() -> None:
    async with serving() as one, serving() as other, client(one, other, connections=2) as http:
        for server in (one, other, one, other):
            assert (await http.get(server.url)).text == "ok"
        assert (one.opened, other.opened) == (1, 1)
        one.may.clear()
        calls = [asyncio.create_task(http.get(one.url)) for _ in range(2)]
        await one.has(4)  # both go there, and what leads to the other place is closed for that
        await other.is_left_with(0)
        one.may.set()
        await asyncio.gather(*calls)


async def test_two_names_of_one_address_share_no_connection() -> None:
    """A certificate was held against the one name; it says nothing of the other."""
    async with serving() as server:
        names = [f"http://{name}.example.org:{server.port}" for name in ("one", "other")]
        openings = [Opening.of(name, private=True) for name in names]
        async with Door(openings, resolver=resolving("127.0.0.1")).client() as http:
            for name in (*names, *names):
                assert (await http.get(name)).text == "ok"
        assert [number for number, _ in server.asked] == [1, 2, 1, 2]


async def test_who_waits_while_all_is_closed_makes_no_connection() -> None:
    async with serving() as server:
        http = client(server, connections=1)
        server.may.clear()
        first = asyncio.create_task(http.get(f"{server.url}/1"))
        await server.has(1)
        waits = asyncio.create_task(http.get(f"{server.url}/2"))
        await asyncio.sleep(0.02)
        await http.aclose()
        server.may.set()
        _, told = await asyncio.gather(first, waits, return_exceptions=True)
        assert isinstance(told, httpx.ConnectError)  # it is certain that nothing left
        assert server.asked == [(1, "/1")]
        await server.is_left_with(0)


async def test_closing_ends_what_is_on_its_way() -> None:
    async with serving() as server:
        http = client(server)
        await http.get(server.url)
        server.may.clear()
        under_way = asyncio.create_task(http.get(server.url))
        await server.has(2)
        await http.aclose()
        server.may.set()
        await server.is_left_with(0)
        (error,) = await asyncio.gather(under_way, return_exceptions=True)
        assert isinstance(error, httpx.HTTPError)


async def test_a_place_that_takes_no_connection_takes_up_no_turn() -> None:
    async with serving() as server:
        url = f"http://name.example.org:{server.port}"
        resolver = resolving("127.0.0.9", "127.0.0.1")
        door = Door([Opening.of(url, private=True)], Limits(connections=2), resolver)
        async with door.client() as http:
            for _ in range(3):
                assert (await http.get(url)).text == "ok"
        assert server.opened == 1


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["call", "give up", "stream"]), min_size=1, max_size=20))
async def test_whatever_is_done_at_once_all_turns_come_back(acts: list[str]) -> None:
    async with serving() as server, client(server, connections=3) as http:

        async def does(act: str) -> None:
            if act == "stream":
                async with http.stream("GET", server.url):
                    return
            call = asyncio.create_task(http.get(server.url))
            if act == "give up":
                await asyncio.sleep(0)
                call.cancel()
            await asyncio.gather(call, return_exceptions=True)

        async with asyncio.timeout(20):
            await asyncio.gather(*map(does, acts))
            answers = await asyncio.gather(*(http.get(server.url) for _ in range(6)))
        assert [answer.text for answer in answers] == ["ok"] * 6
        await server.is_left_with(3)
