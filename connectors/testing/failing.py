"""A failed act says what is known of it, and nothing of what was written."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import asyncio
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from connectors.port import DeliveryKey, RoomId
from connectors.port.errors import (
    ConnectorError,
    Outcome,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.messages import Accepted, Attachment, Delivery
from connectors.testing.base import ContractBase
from connectors.testing.rig import Rig, attachment

NOWHERE = RoomId("!no-such-room:nowhere.invalid")
SECOND = 1_000_000

Spoil = Callable[[Rig], Awaitable[None]]


async def _stranger(rig: Rig) -> None:
    await rig.far.let_in_stranger(rig.room)


SPOILS: dict[str, Spoil] = {
    "refused": lambda rig: rig.faults.refuse(),
    "unavailable": lambda rig: rig.faults.unavailable(),
    "rate limit": lambda rig: rig.faults.rate_limit(SECOND),
    "cut before": lambda rig: rig.faults.cut_before(),
    "cut after": lambda rig: rig.faults.cut_after(),
    "nothing": lambda rig: rig.faults.answer_nothing(),
    "garbage": lambda rig: rig.faults.answer_garbage(),
    "down": lambda rig: rig.faults.go_down(),
    "stranger": _stranger,
    "key": lambda rig: rig.far.change_key(),
}


class Failing(ContractBase):
    """Part of the contract."""

    async def test_a_cut_before_the_write_is_unavailable(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.cut_before()
        error = await self.fails(rig.connector.send(delivery), Unavailable)
        assert (error.outcome, error.retry) == (Outcome.NOT_SENT, True)
        assert await self.texts(rig) == []

    async def test_a_cut_after_the_write_is_uncertain(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.cut_after()
        error = await self.fails(rig.connector.send(delivery), Uncertain)
        assert (error.outcome, error.retry) == (Outcome.UNKNOWN, False)
        assert await self.texts(rig) == [delivery.content.text]

    async def test_after_a_cut_the_connector_goes_on(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.cut_before()
        await self.fails(rig.connector.send(delivery), Unavailable)
        await rig.connector.send(replace(delivery, attempt=2))
        assert await self.texts(rig) == [delivery.content.text]

    async def test_a_refusal_is_rejected(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.refuse()
        error = await self.fails(rig.connector.send(delivery), Rejected)
        assert (error.outcome, error.retry) == (Outcome.NOT_SENT, False)
        assert await self.texts(rig) == []

    async def test_a_disturbance_is_unavailable(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.unavailable()
        await self.fails(rig.connector.send(delivery), Unavailable)
        assert await self.texts(rig) == []

    async def test_a_rate_limit_says_how_long_to_wait(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.rate_limit(7 * SECOND)
        error = await self.fails(rig.connector.send(delivery), Unavailable)
        assert error.retry_after == 7 * SECOND
        assert await self.texts(rig) == []

    async def test_a_success_that_did_nothing_is_not_accepted(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.answer_nothing()
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        assert not error.retry
        assert await self.texts(rig) == []

    async def test_an_answer_without_sense_is_uncertain(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.answer_garbage()
        await self.fails(rig.connector.send(delivery), Uncertain)

    async def test_an_unknown_room_is_refused(self, rig: Rig) -> None:
        delivery = replace(await self.delivery(rig), room=NOWHERE)
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT

    async def test_an_unknown_room_cannot_be_read(self, rig: Rig) -> None:
        await self.fails(rig.connector.posture(NOWHERE), Unreadable)
        await self.fails(rig.connector.members(NOWHERE), Unreadable)

    async def test_no_foreign_error_crosses_the_port(self, rig: Rig) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"x" * 10
            raise LookupError("a foreign error")

        def unopened() -> AsyncIterator[bytes]:
            raise OSError("a foreign error")

        for source in (broken, unopened):
            file = Attachment("x", "text/plain", 5000, source)
            delivery = await self.delivery(rig, attachments=(file,))
            await self.fails(rig.connector.send(delivery), ConnectorError)
        assert await rig.far.arrived(rig.room) == ()

    @pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
    async def test_a_failure_tells_nothing_of_the_message(
        self, rig: Rig, caplog: pytest.LogCaptureFixture, spoil: Spoil
    ) -> None:
        caplog.set_level(logging.DEBUG)
        canary = secrets.token_hex(16)
        delivery = await self._with_canary(rig, canary)
        await spoil(rig)
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        told = [*_told_by(error), repr(delivery), repr(rig.connector), *_logged(caplog)]
        assert not [piece for piece in told if canary in piece]

    async def test_a_success_tells_nothing_of_the_message(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        canary = secrets.token_hex(16)
        cursor = await self.now(rig.connector)
        accepted = await rig.connector.send(await self._with_canary(rig, canary))
        written = await rig.far.write(rig.room, canary)
        heard = await self.heard(rig.connector, cursor, written)
        assert heard[0].content.text == canary
        told = [repr(accepted), repr(heard), repr(rig.connector), *_logged(caplog)]
        assert not [piece for piece in told if canary in piece]

    async def test_what_cannot_be_encoded_tells_nothing_either(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        canary = secrets.token_hex(16)
        delivery = await self.delivery(rig, f"{canary} \ud800")
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        assert not [piece for piece in [*_told_by(error), *_logged(caplog)] if canary in piece]

    async def _with_canary(self, rig: Rig, canary: str) -> Delivery:
        files: tuple[Attachment, ...] = ()
        if rig.connector.capabilities.max_attachment_bytes:
            files = (attachment(f"{canary}.txt", canary.encode()),)
        return await self.delivery(rig, canary, attachments=files)

    # asking after an unknown outcome

    async def test_after_a_cut_the_delivery_is_found(self, rig: Rig) -> None:
        finder = self.finder(rig)
        delivery = await self.delivery(rig)
        await rig.faults.cut_after()
        await self.fails(rig.connector.send(delivery), Uncertain)
        found = await finder.find(rig.room, delivery.key)
        (seen,) = await rig.far.arrived(rig.room)
        assert isinstance(found, Accepted)
        assert found.remote_id == seen.remote_id

    async def test_what_never_went_is_not_found(self, rig: Rig) -> None:
        finder = self.finder(rig)
        await rig.connector.send(await self.delivery(rig))
        assert await finder.find(rig.room, DeliveryKey(secrets.token_hex(16))) is None

    async def test_while_nothing_answers_nothing_is_said_of_it(self, rig: Rig) -> None:
        finder = self.finder(rig)
        delivery = await self.delivery(rig)
        await rig.faults.go_down()
        await self.fails(finder.find(rig.room, delivery.key), Unavailable)

    async def test_in_an_unknown_room_nothing_is_said_of_it(self, rig: Rig) -> None:
        finder = self.finder(rig)
        await self.fails(finder.find(NOWHERE, DeliveryKey(secrets.token_hex(16))), ConnectorError)

    async def test_while_nothing_answers_reading_is_unavailable(self, rig: Rig) -> None:
        await rig.faults.go_down()
        await self.fails(rig.connector.posture(rig.room), Unavailable)
        await self.fails(rig.connector.members(rig.room), Unavailable)
        await rig.faults.come_back()
        async with asyncio.timeout(self.patience):
            assert (await rig.connector.members(rig.room)).complete


def _told_by(error: BaseException) -> list[str]:
    """All that an error says of itself and of what it came from."""
    told: list[str] = []
    todo: list[BaseException | None] = [error]
    while todo:
        each = todo.pop()
        if each is not None:
            told += [str(each), repr(each), repr(each.args), repr(vars(each))]
            told += traceback.format_exception(each)
            todo += [each.__cause__, each.__context__]
    return told


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """All that was logged, with arguments that no format shows."""
    return [repr(vars(record)) + record.getMessage() for record in caplog.records]
