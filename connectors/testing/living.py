"""A connector opens, says how it is, and ends, whatever the network does meanwhile."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import asyncio

from connectors.port.errors import ConnectorError, Outcome
from connectors.testing.base import ContractBase
from connectors.testing.rig import Rig

PROMPT = 5.0
"""Seconds that a close may take while a stream is open."""


class Living(ContractBase):
    """Part of the contract."""

    async def test_health_says_up(self, rig: Rig) -> None:
        health = await rig.connector.health()
        assert health.up
        assert health.seen_at is not None

    async def test_health_never_raises(self, rig: Rig) -> None:
        before = await rig.connector.health()
        await rig.faults.go_down()
        async with asyncio.timeout(self.patience):
            down = await rig.connector.health()
        assert (down.up, down.code == "", down.hint == "") == (False, False, False)
        assert down.seen_at == before.seen_at
        await rig.faults.come_back()
        async with asyncio.timeout(self.patience):
            assert (await rig.connector.health()).up

    async def test_health_of_a_closed_connector_is_down(self, rig: Rig) -> None:
        await rig.connector.close()
        assert not (await rig.connector.health()).up

    async def test_close_is_prompt_and_may_come_twice(self, rig: Rig) -> None:
        async def listen() -> None:
            async with self.listening(rig.connector, None) as stream:
                async for _ in stream:
                    started.set()

        started = asyncio.Event()
        task = asyncio.create_task(listen())
        async with asyncio.timeout(self.patience):
            await started.wait()
        async with asyncio.timeout(PROMPT):
            await rig.connector.close()
            await rig.connector.close()
            await asyncio.gather(task, return_exceptions=True)
        assert task.done()
        assert task.exception() is None

    async def test_after_close_nothing_is_sent(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.connector.close()
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT
        assert await rig.far.arrived(rig.room) == ()

    async def test_reopened_it_sends(self, rig: Rig) -> None:
        connector = await rig.reopen()
        delivery = await self.delivery(rig)
        await connector.send(delivery)
        assert await self.texts(rig) == [delivery.content.text]

    async def test_a_stream_can_be_cancelled(self, rig: Rig) -> None:
        async def listen() -> None:
            async with self.listening(rig.connector, None) as stream:
                async for _ in stream:
                    started.set()

        started = asyncio.Event()
        task = asyncio.create_task(listen())
        async with asyncio.timeout(self.patience):
            await started.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert (await rig.connector.health()).up
