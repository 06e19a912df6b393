"""Pictures of screens on a live home: found once for each message, and over by a fact."""

from dataclasses import replace

import pytest

from connectors.memory.farside import Upload
from connectors.port.events import Batch, InboundMessage
from orchestrator.clock import DAY
from orchestrator.command.risk_look import RiskLook
from tiers.ids import RemoteId
from tiers.rights import DeskRole

from .conftest import House, eventually
from .test_first_contact import listener, said
from .test_risk import desk

pytestmark = pytest.mark.usefixtures("untold")
OPEN = (
    "SELECT f.severity, f.reasons, m.remote_id FROM finding f JOIN message m "
    "ON m.message_id = f.subject WHERE f.rule = 'screenshot' AND f.closed_at IS NULL"
)
PICTURE = Upload("marmalade.png", b"\x89PNG", "image/png", screenshot=True)


async def put(house: House, who: str, label: str, file: Upload = PICTURE) -> str:
    """Somebody puts a file into a room; our name of the network's message."""
    remote = await house.far.write(who, house.room(label), "", files=[file])
    await house.ends(await house.taken(remote))
    await house.quiet()
    return remote


async def look(house: House) -> None:
    await RiskLook(house.home.runtime).look()


def shown(n: int) -> InboundMessage:
    """A picture of his screen that somebody writes to us alone."""
    return replace(said(n, "bo", "marmalade"), screenshot=True)


async def test_a_picture_of_a_screen_is_found_and_ends_when_it_is_taken_back(house: House) -> None:
    remote = await put(house, "ada", "supply")
    [(severity, reasons, found)] = await house.rows(OPEN)
    assert (severity, found) == ("high", remote)
    assert "marmalade" not in reasons
    await look(house)
    assert "screenshot" in await house.findings()
    await house.far.delete("ada", house.room("supply"), remote)

    async def taken_back() -> bool:
        sql = "SELECT 1 FROM message WHERE remote_id = ? AND taken_back_at IS NOT NULL"
        return bool(await house.rows(sql, remote))

    await eventually(taken_back)
    await look(house)
    assert "screenshot" not in await house.findings()


async def test_it_is_low_among_those_who_only_coordinate(house: House) -> None:
    await put(house, "el", "lunch")
    [(severity, _, _)] = await house.rows(OPEN)
    assert severity == "low"
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        [one] = [f for f in (await client.risk_show(house.deal)).findings if f.rule == "screenshot"]
    assert one.points == 2


async def test_another_file_is_none(house: House) -> None:
    await put(house, "ada", "supply", replace(PICTURE, screenshot=False))
    assert "screenshot" not in await house.findings()


async def test_it_is_over_once_a_week_passed(house: House) -> None:
    await put(house, "ada", "price")
    house.clock.ahead += 6 * DAY
    await look(house)
    assert len(await house.rows(OPEN)) == 1
    house.clock.ahead += DAY
    await look(house)
    assert await house.rows(OPEN) == []


async def test_what_is_offered_again_is_told_once_also_when_it_is_over(house: House) -> None:
    ours, every = listener(house), "SELECT closed_at FROM finding WHERE rule = 'screenshot'"
    await ours.take(Batch((shown(1), shown(1)), "1"))
    [(severity, _, remote)] = await house.rows(OPEN)
    assert (severity, remote) == ("high", RemoteId("m-1")), "nobody knows yet where it goes"
    house.clock.ahead += 8 * DAY
    await look(house)
    await ours.take(Batch((shown(1),), "2"))
    [(closed,)] = await house.rows(every)
    assert closed is not None


async def test_what_is_read_a_second_time_is_the_same_picture(house: House) -> None:
    ours = listener(house)
    await ours.take(Batch((replace(shown(1), unreadable="no_key"),), "1"))
    await ours.take(Batch((shown(1), shown(2)), "2"))
    assert len(await house.rows("SELECT 1 FROM message WHERE remote_id = 'm-1'")) == 2
    assert sorted(remote for _, _, remote in await house.rows(OPEN)) == ["m-1", "m-2"]


async def test_a_unit_that_fails_tells_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding stands in the unit of its message, so that neither is there without the other."""
    ours = listener(house)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("orchestrator.flow.accept._set_cursor", full)
        with pytest.raises(OSError, match="no space"):
            await ours.take(Batch((shown(1),), "1"))
    assert await house.rows("SELECT 1 FROM finding WHERE rule = 'screenshot'") == []
    await ours.take(Batch((shown(1),), "1"))
    assert len(await house.rows(OPEN)) == 1
