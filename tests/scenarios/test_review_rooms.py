"""Who must not read stops a room, whatever the reason; and only a whole reading ends a pause."""

import asyncio
from dataclasses import replace

import pytest

from connectors.memory.network import Options
from connectors.port.capabilities import Posture
from orchestrator.client.problems import Wrong
from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.deals.stated import BY_READING
from orchestrator.rooms.observe import _raised
from tiers.conversation import RoomBinding
from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, ConnectorName, PersonId, RoomId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, Talk, make_talk

BOARD = Talk("board", Tier.COORDINATION, side="kestrel")


async def paused(house: House, label: str) -> str | None:
    [(why,)] = await house.rows("SELECT paused FROM room WHERE room = ?", house.room(label))
    return None if why is None else str(why)


async def pauses(house: House, label: str) -> None:
    async def is_so() -> bool:
        return await paused(house, label) is not None

    await eventually(is_so)


async def look(house: House, label: str) -> None:
    runtime = house.home.runtime
    found = runtime.book.room(ConnectorName(CHANNEL), house.room(label))
    assert found is not None
    await runtime.watcher.look(*found, not_before=house.clock())


async def test_the_other_side_in_a_private_conversation_stops_it_and_is_told_nothing(
    opens: Opens,
) -> None:
    house = await opens((BOARD,))
    await house.far.add_member(house.room("board"), "di", by="ada")
    await pauses(house, "board")
    assert "uncleared_member" in await house.findings()
    assert any("paused" in m.text for m in await house.told("ada"))
    line = house.home.runtime.book.line_room(ConnectorName(CHANNEL), "di")  # type: ignore[arg-type]  # his account bears his name
    assert line is None, "the name of a conversation that is private to another side was told"


async def test_an_incomplete_list_ends_no_pause(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    room = house.room("lunch")
    await house.far.add_member(room, "mallory", by="ada")
    await pauses(house, "lunch")
    connector = house.home.runtime.connectors[ConnectorName(CHANNEL)]
    whole = connector.members

    async def some(asked: object) -> object:
        told = await whole(asked)  # type: ignore[arg-type]  # a room, as it came
        kept = tuple(m for m in told.members if m.account != "mallory")
        return replace(told, members=kept, complete=False)

    monkeypatch.setattr(connector, "members", some)
    await look(house, "lunch")
    assert await paused(house, "lunch") is not None
    assert "unknown_member" in await house.findings()


async def test_a_pause_by_hand_outlasts_what_a_reading_had_paused(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    room = house.room("lunch")
    await house.far.add_member(room, "mallory", by="ada")
    await pauses(house, "lunch")
    await house.home.conv_pause(house.deal, "lunch", "by hand", actor=ACTOR)
    await house.far.remove_member(room, "mallory", by="ada")
    await look(house, "lunch")
    assert await paused(house, "lunch") == "by hand"


async def test_where_nothing_can_be_taken_back_its_author_is_told_so(opens: Opens) -> None:
    talks = (Talk("lunch", Tier.COORDINATION), Talk("price", Tier.VALUATION))
    house = await opens(talks, options=Options(undo="none"))
    above = f"{PRICE}: we raise our offer to 27.50 per share."
    await house.far.write("ada", house.room("lunch"), above)
    said = (await house.told("ada"))[-1].text
    assert "we cannot remove it: please delete it" in said
    assert "We asked for" not in said


async def test_a_conversation_is_not_made_again_for_other_people(opens: Opens) -> None:
    house = await opens((BOARD,))
    with pytest.raises(Wrong):
        await make_talk(house.home, house.deal, replace(BOARD, side=None))
    view = await house.home.conv_show(house.deal, "board")
    assert set(view.rooms[0].members or ()) == {"ada", "bo", "el"}


async def test_a_timer_is_attested_with_the_value_that_was_seen(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    with pytest.raises(Wrong):
        await house.home.conv_attest(
            house.deal, "lunch", "timer", None, by=PersonId("ada"), actor=ACTOR
        )


def test_an_attestation_speaks_for_no_other_value() -> None:
    seen = Holding(Guarantee.TIMER, Evidence.ATTESTED, Source.PERSON, 1, by="ada")
    asked = Holding(Guarantee.TIMER, Evidence.REQUESTED, Source.SERVER, 2, DAY)
    assert _raised(asked, (replace(seen, value=DAY),)).evidence is Evidence.ATTESTED
    for value in (None, 7 * DAY):
        assert _raised(asked, (replace(seen, value=value),)) == asked


@pytest.mark.parametrize("hint", ["room", "account"])
async def test_a_hint_that_comes_during_a_reading_has_it_made_anew(
    opens: Opens, monkeypatch: pytest.MonkeyPatch, hint: str
) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    runtime, name = house.home.runtime, ConnectorName(CHANNEL)
    found = runtime.book.room(name, house.room("lunch"))
    assert found is not None
    connector, reads = runtime.connectors[name], 0
    whole, ours = connector.posture, asyncio.current_task()

    async def posture(asked: RoomId) -> Posture:
        nonlocal reads
        told = await whole(asked)
        if asyncio.current_task() is not ours:
            return told
        reads += 1
        if reads == 1:  # what was read is old before it is kept
            if hint == "room":
                runtime.observer.forget(name, asked)
            else:
                runtime.observer.forget_account(name, AccountId("bo"))
        return told

    monkeypatch.setattr(connector, "posture", posture)
    await runtime.observer.view(*found, not_before=house.clock())
    assert reads == 2


async def test_a_reason_typed_by_a_person_is_never_taken_for_a_reading(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    with pytest.raises(Wrong):
        await house.home.conv_pause(house.deal, "lunch", f" {BY_READING} typed", actor=ACTOR)
    assert await paused(house, "lunch") is None


async def test_a_first_device_that_another_look_wrote_down_meanwhile_is_no_new_one(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens((BOARD,))
    watcher = house.home.runtime.watcher
    see, looked = watcher._see, []

    async def meanwhile(deal: DealView, binding: RoomBinding) -> None:
        await see(deal, binding)
        if binding.room not in looked:
            looked.append(binding.room)
            await watcher.look(deal, binding, not_before=house.clock())

    monkeypatch.setattr(watcher, "_see", meanwhile)
    await make_talk(house.home, house.deal, Talk("supply", Tier.OPERATIONS))
    assert house.room("supply") in looked
    assert ("new_device",) not in await house.rows("SELECT rule FROM finding"), "closed or not"
