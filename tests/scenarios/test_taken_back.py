"""What its author deletes is asked back from the other rooms; where that cannot be, it is said."""

from typing import Any

import pytest

from tiers.ids import ConnectorName

from .conftest import House, Opens, eventually
from .house import ACTOR
from .test_flow_legs import mirrored as both
from .test_thread import FIRST, SAID, SECOND, Nothing, copies, written

CLOSED = ConnectorName(SECOND)


async def delete(house: House, remote: str, by: str = "ada") -> None:
    await house.far.delete(by, house.room("lunch"), remote)

    async def known() -> bool:
        rows = await house.rows("SELECT taken_back_at FROM message WHERE remote_id = ?", remote)
        return rows[0][0] is not None

    await eventually(known)
    await house.quiet()


async def state(house: House, remote: str) -> Any:
    return (await house.rows("SELECT state FROM message WHERE remote_id = ?", remote))[0][0]


async def test_our_copy_is_taken_back_and_seen_gone(opens: Opens) -> None:
    house = await both(opens)
    said = await written(house, FIRST, "ada", SAID)
    assert [m.gone for m in await copies(house, SECOND)] == [False]
    await delete(house, said)

    async def gone() -> bool:
        inbox = await house.others[SECOND].inbox("el", house.room("lunch", SECOND))
        return [m.gone for m in inbox if m.key and SAID in m.text] == []

    await eventually(gone)
    rows = await house.rows("SELECT state FROM delivery WHERE kind = 'undo'")
    assert rows == [("done",)]
    assert "not_taken_back" not in await house.findings()


async def test_a_correction_goes_with_it(opens: Opens) -> None:
    house = await both(opens)
    said = await written(house, FIRST, "ada", SAID)
    await written(house, FIRST, "ada", f"{SAID} Or at one.", edits=said)
    await delete(house, said)
    await house.quiet()
    rows = await house.rows("SELECT state FROM delivery WHERE kind = 'undo'")
    assert rows == [("done",), ("done",)]


async def test_where_a_network_takes_nothing_back_it_is_said(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.wiring.live.UndoesMessages", Nothing)
    house = await both(opens)
    told = await house.rows("SELECT count(*) FROM line")
    assert told == [(0,)]
    said = await written(house, FIRST, "ada", SAID)
    await delete(house, said)
    assert [m.text for m in await copies(house, SECOND)] == [SAID]
    assert "not_taken_back" in await house.findings()
    told = await house.rows(
        "SELECT reasons FROM finding WHERE rule = 'not_taken_back' AND closed_at IS NULL"
    )
    assert SECOND in told[0][0]
    assert SAID not in told[0][0]


async def test_what_still_waited_goes_nowhere(opens: Opens) -> None:
    house = await both(opens)
    await house.home.channel_pause(CLOSED, "test", actor=ACTOR)
    said = await house.far.write("ada", house.room("lunch"), SAID)
    await house.taken(said)
    await house.quiet()
    assert await state(house, said) == "delivering"
    await delete(house, said)
    await house.home.channel_resume(CLOSED, actor=ACTOR)
    await house.quiet()
    assert await state(house, said) == "dropped"
    assert await copies(house, SECOND) == []
    message = await house.taken(said)
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []


async def test_what_was_held_is_dropped(opens: Opens) -> None:
    house = await both(opens)
    await house.others[SECOND].change(house.room("lunch", SECOND), invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(CLOSED)
    said = await house.far.write("ada", house.room("lunch"), SAID)
    assert await house.ends(await house.taken(said)) == "held"
    await delete(house, said)
    assert await state(house, said) == "dropped"
    assert await house.rows("SELECT 1 FROM held WHERE state = 'held'") == []


async def test_what_an_admin_removes_from_one_room_stays_in_the_others(opens: Opens) -> None:
    house = await both(opens)
    said = await written(house, FIRST, "di", SAID)
    await house.far.delete("ada", house.room("lunch"), said)
    later = await written(house, FIRST, "ada", "See you there.")
    assert later
    assert [m.gone for m in await copies(house, SECOND)] == [False, False]
