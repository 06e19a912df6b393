"""What we cannot read is never passed off as delivered, and stops nothing behind it."""

from collections.abc import AsyncIterator

import pytest

from connectors.port.errors import (
    ConnectorError,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import Batch, InboundMessage
from connectors.port.messages import Attachment, Content
from orchestrator.client.problems import Refused
from orchestrator.flow.listen import PATIENCE, Listener
from orchestrator.flow.quarantine import Quarantine
from orchestrator.rooms.linked import LinkedDevices
from tiers.ids import AccountId, ConnectorName, RemoteId

from .conftest import House, Opens
from .house import ACTOR, CHANNEL


async def test_an_unreadable_message_to_us_is_held_and_not_delivered_empty(opens: Opens) -> None:
    house = await opens()
    line, _ = await house.far.direct("ada", "wallcross", "#lunch Noon in room four.")
    remote = await house.far.write("ada", line, "never seen", unreadable="unknown_session")
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    assert "could not read it" in await house.reasons(message)
    assert "Held" in (await house.told("ada"))[-1].text
    assert await house.seen("bo", "price") == []
    with pytest.raises(Refused):
        await house.home.held_move(message, "price", actor=ACTOR)


def batch(error: ConnectorError) -> Batch:
    async def never() -> AsyncIterator[bytes]:
        yield b"the first piece"
        raise error

    file = Attachment("plan.txt", "text/plain", 3, never)
    said = InboundMessage(
        None,
        RemoteId(f"r-{error.code}"),
        AccountId("ada"),
        Content("#lunch See.", None, (file,)),
        1,
    )
    return Batch((said,), "1")


def listener(house: House) -> Listener:
    runtime = house.home.runtime
    name = ConnectorName(CHANNEL)
    return Listener(
        name,
        runtime.connectors[name],
        runtime.store,
        runtime.accepter,
        runtime.observer.forget,
        runtime.observer.forget_account,
        runtime.engine.wake,
        Quarantine(runtime.sealer, runtime.now),
        lambda *_: None,
        runtime.enrolling,
        LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now).hear,
    )


async def test_a_file_that_is_not_what_was_sent_stops_nothing(opens: Opens) -> None:
    house = await opens()
    await listener(house).take(batch(Rejected("file_altered")))
    assert await house.ends(await house.taken("r-file_altered")) == "held"


@pytest.mark.parametrize(
    "error", [Unavailable("gone"), Uncertain("cut"), Unreadable("folder_away")]
)
async def test_a_file_that_never_comes_is_waited_for_and_then_left_out(
    opens: Opens, error: ConnectorError
) -> None:
    house = await opens()
    ours = listener(house)
    for _ in range(PATIENCE):
        with pytest.raises(ConnectorError):
            await ours.take(batch(error))
    assert await house.rows("SELECT 1 FROM message WHERE remote_id = ?", f"r-{error.code}") == []
    await ours.take(batch(error))
    assert await house.ends(await house.taken(f"r-{error.code}")) == "held"
    assert await house.seen("bo", "lunch") == []
