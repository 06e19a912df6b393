"""What is told was read after it was asked for, however many ask."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port.errors import Unavailable
from connectors.shared.joined import Joined


class Server:
    """Answers with how often it was asked, each time when it is let to."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates: list[asyncio.Event] = []
        self.fails: set[int] = set()

    async def read(self) -> int:
        self.begun += 1
        number = self.begun
        gate = asyncio.Event()
        self.gates.append(gate)
        await gate.wait()
        if number in self.fails:
            raise Unavailable("unreachable", "the server does not answer")
        return number


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_asks_in_mid_read_waits_for_the_next() -> None:
    server = Server()
    joined = Joined(server.read)
    first = asyncio.create_task(joined.ask())
    await settle()
    late = [asyncio.create_task(joined.ask()) for _ in range(5)]
    await settle()
    assert server.begun == 1
    server.gates[0].set()
    await settle()
    assert await first == 1
    assert not any(task.done() for task in late)
    server.gates[1].set()
    assert await asyncio.gather(*late) == [2] * 5
    assert server.begun == 2


async def test_an_error_is_everybodys_who_waited_for_that_read_and_nobody_elses() -> None:
    server = Server()
    server.fails = {2}
    joined = Joined(server.read)
    first = asyncio.create_task(joined.ask())
    await settle()
    late = [asyncio.create_task(joined.ask()) for _ in range(3)]
    await settle()
    server.gates[0].set()
    await settle()
    server.gates[1].set()
    assert await first == 1
    found = await asyncio.gather(*late, return_exceptions=True)
    assert [type(error) for error in found] == [Unavailable] * 3
    again = asyncio.create_task(joined.ask())
    await settle()
    server.gates[2].set()
    assert await again == 3


async def test_who_gives_up_in_mid_read_takes_nobody_with_him() -> None:
    server = Server()
    joined = Joined(server.read)
    first = asyncio.create_task(joined.ask())
    await settle()
    second = asyncio.create_task(joined.ask())
    await settle()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await settle()
    server.gates[1].set()
    assert await second == 2


@given(starts=st.lists(st.integers(0, 30), max_size=12), length=st.integers(0, 5))
def test_every_answer_was_begun_after_the_question(starts: list[int], length: int) -> None:
    begun = 0

    async def read() -> int:
        nonlocal begun
        begun += 1
        number = begun
        for _ in range(length):
            await asyncio.sleep(0)
        return number

    async def ask(joined: Joined[int], after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        before = begun
        assert await joined.ask() > before

    async def all_of_them() -> None:
        joined = Joined(read)
        await asyncio.gather(*(ask(joined, start) for start in starts))

    asyncio.run(all_of_them())
