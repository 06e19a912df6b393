"""People are told who hosts their room, that we read it, and whether it is journaled."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.client.views import NewConversation
from orchestrator.clock import DAY, MINUTE, SECOND
from orchestrator.flow import room_notice
from orchestrator.flow.standing import Standing
from orchestrator.roster.document import to_document
from tiers.decision import Decision
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually, opening
from .house import ACTOR, HIGHEST, Talk, roster, without

LUNCH = Talk("lunch", Tier.COORDINATION)
JOINT = "only counsel of the sides together can open it."
BEGINS = "This conversation is hosted by Kestrel Industries."


@pytest.fixture
async def opens(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Opens]:
    monkeypatch.setattr(room_notice, "QUIET", SECOND // 20)
    async with opening(tmp_path) as making:
        yield making


async def notices(house: House, label: str = "lunch", who: str = "el") -> list[str]:
    return [text for text in await house.seen(who, label) if text.startswith(BEGINS)]


async def until(house: House, count: int, label: str = "lunch", who: str = "el") -> list[str]:
    async def there() -> bool:
        return len(await notices(house, label, who)) >= count

    await eventually(there)
    return await notices(house, label, who)


async def look(house: House) -> None:
    """What the schedule does twice a minute."""
    runtime = house.home.runtime
    await runtime.watcher.look_at_all()
    lanes = [f"{room_notice.LANE}{b.connector}/{b.room}" for _, b in runtime.book.rooms()]

    def wake(tx: object) -> None:
        for lane in lanes:
            runtime.engine.wake(lane, 0, tx)  # type: ignore[arg-type]  # the unit's own

    await runtime.store.write(wake)
    await house.quiet()


async def passed(house: House, time: int) -> None:
    """So much time goes by since the rooms were told: the clock itself may not jump."""
    sql = "UPDATE room_notice SET at = at - ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (time,)))


async def test_a_new_room_is_told_once_who_hosts_it_reads_it_and_keeps_it(opens: Opens) -> None:
    house = await opens((LUNCH,))
    [text] = await until(house, 1)
    assert text.splitlines() == [
        BEGINS,
        "Wallcross is a member of it and can read what is written here; so can who runs the host.",
        f"A sealed copy of each message is kept for counsel: {JOINT}",
    ]
    await look(house)
    assert len(await notices(house)) == 1, "it is said once, not at each look"


async def test_a_private_one_names_whose_counsel_alone(opens: Opens) -> None:
    house = await opens((Talk("own", Tier.COORDINATION, side="kestrel"),))
    [text] = await until(house, 1, "own", "ada")
    assert text.endswith("only counsel of Kestrel Industries can open it.")


async def test_a_newcomer_has_the_room_told_again(opens: Opens) -> None:
    listed = [name for name in HIGHEST if name != "el"]
    house = await opens((LUNCH,), people=roster(names=listed))
    await until(house, 1, who="ada")
    await house.home.adopt(house.deal, "roster", to_document(roster()), actor=ACTOR)
    await house.far.add_member(house.room("lunch"), "el")
    assert len(await until(house, 1, who="el")) == 1, "who came in later reads it too"
    assert len(await notices(house, who="ada")) == 2


async def test_once_a_month_everybody_is_told_again(opens: Opens) -> None:
    house = await opens((LUNCH,))
    await until(house, 1)
    await passed(house, 30 * DAY - MINUTE)
    await look(house)
    assert len(await notices(house)) == 1
    await passed(house, 2 * MINUTE)
    await look(house)
    assert len(await until(house, 2)) == 2


async def test_a_room_that_does_not_fit_is_told_once_it_does(opens: Opens) -> None:
    house = await opens((LUNCH,))
    await until(house, 1)
    await house.home.conv_pause(house.deal, "lunch", "a look first", actor=ACTOR)
    await passed(house, 31 * DAY)
    await look(house)
    assert len(await notices(house)) == 1, "nothing of ours goes into a paused room"
    await house.home.conv_resume(house.deal, "lunch", actor=ACTOR)
    await look(house)
    assert len(await until(house, 2)) == 2


async def test_what_the_guard_stops_is_told_anew_and_held_for_nobody(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room changes between writing the notice and the wire."""
    decided: list[bool] = []
    decide = Standing.decide

    def first_stops(self: Standing, *facts: Any, **when: Any) -> Decision:
        decided.append(True)
        found = decide(self, *facts, **when)
        return Decision() if len(decided) == 1 else found

    monkeypatch.setattr(Standing, "decide", first_stops)
    house = await opens((LUNCH,))

    async def died() -> bool:
        rows = await house.rows("SELECT reason FROM delivery WHERE state = 'dead'")
        return rows == [("room_not_fit",)]

    await eventually(died)
    assert await notices(house) == []
    assert await house.rows("SELECT 1 FROM held") == [], "it has no author who could act"
    await look(house)
    assert len(await until(house, 1)) == 1


async def test_an_uncleared_member_keeps_it_out(opens: Opens) -> None:
    """Planted: somebody who may not read is in. Nobody is told anything there."""
    house = await opens((LUNCH,), people=without(roster(), "el"))
    await house.far.add_member(house.room("lunch"), "el")
    await look(house)
    await passed(house, 31 * DAY)
    before = len(await notices(house))
    await look(house)
    assert len(await notices(house)) == before


async def test_a_mirrored_conversation_says_where_it_goes(opens: Opens) -> None:
    both = ("memory", "second")
    house = await opens((LUNCH,), people=roster(both), channels=both)
    deal = house.home.runtime.book.deals[house.deal]
    [conversation] = deal.conversations.values()
    bindings = deal.rooms[conversation.conversation_id]
    new = NewConversation(
        label="other", floor="coordination", channel="second", owner=PersonId("ada")
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    deal = house.home.runtime.book.deals[house.deal]
    rooms = [b for found in deal.rooms.values() for b in found]
    carried = replace(deal, rooms={conversation.conversation_id: tuple(rooms)})
    text = room_notice.wording(carried, conversation, journaled=False)
    assert "held in 2 rooms (memory, second)" in text
    assert "By counsel's signed decision nothing of it is journaled." in text
    assert len(bindings) == 1
