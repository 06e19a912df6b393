"""Several rooms of one conversation: one seat each; an alternate has the people of its room."""

import pytest

from orchestrator.client.plans import PlanView
from orchestrator.client.views import NewRoom
from orchestrator.clock import SECOND as A_SECOND
from tiers.ids import ConnectorName

from .conftest import House, Opens
from .house import ACTOR, roster
from .test_drift import LUNCH, done, plan
from .test_flow_legs import BOTH, mirrored

FIRST, SECOND = (ConnectorName(name) for name in BOTH)


def acts(shown: PlanView) -> list[tuple[str, str, str | None, str]]:
    return [(a.kind, a.channel, a.account, a.because) for a in shown.acts if a.kind != "rotate"]


@pytest.fixture
async def both(opens: Opens) -> House:
    house = await mirrored(opens)
    house.home.runtime.hands._patience = A_SECOND
    return house


async def test_a_mirrored_conversation_as_it_was_made_needs_nothing(both: House) -> None:
    shown = await plan(both)
    assert (shown.acts, shown.held, shown.left) == ((), (), ())


async def test_who_comes_into_a_second_room_goes_from_it_and_keeps_his_seat(both: House) -> None:
    await both.others[SECOND].add_member(both.room("lunch", SECOND), "ada", by="bo")
    shown = await plan(both)
    assert acts(shown) == [("remove", SECOND, "ada", "no_seat")]
    assert {d.outcome for d in await done(both, shown)} == {"seen"}
    seats = (await both.others[FIRST].state(both.room("lunch", FIRST)))["seats"]
    assert "ada" in seats
    assert (await plan(both)).acts == ()


async def test_who_went_is_asked_in_where_he_has_his_seat(both: House) -> None:
    await both.others[SECOND].remove_member(both.room("lunch", SECOND), "el")
    shown = await plan(both)
    assert acts(shown) == [("invite", SECOND, "el", "named")]
    assert {d.outcome for d in await done(both, shown)} == {"seen"}


async def test_an_alternate_follows_the_room_that_it_stands_in_for(opens: Opens) -> None:
    house = await opens((LUNCH,), people=roster(BOTH), channels=BOTH)
    house.home.runtime.hands._patience = A_SECOND
    first = house.room("lunch", FIRST)
    beside = NewRoom(channel=SECOND, owners=("ada",), alternate_of=first)
    await house.home.conv_room_add(house.deal, "lunch", beside, actor=ACTOR)
    assert (await plan(house)).acts == ()
    await house.others[SECOND].add_member(house.room("lunch", SECOND), "greta", by="ada")
    await house.others[SECOND].remove_member(house.room("lunch", SECOND), "cy")
    await plan(house)
    shown = await plan(house)
    assert acts(shown) == [
        ("remove", SECOND, "greta", "unknown"),
        ("invite", SECOND, "cy", "cleared"),
    ]
    assert {d.outcome for d in await done(house, shown)} == {"seen"}
    assert (await plan(house)).acts == ()
