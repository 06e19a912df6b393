"""On Wickr and Signal too: one garbled answer has no room made anew, and a certain loss has.

Both are stand-ins in processes of their own; what goes wrong there is armed by their own hand.
"""

from collections.abc import Mapping

import pytest

from connectors.signal.standin.faults import FaultKind as SignalFault
from connectors.wickr.standin.faults import FaultKind as WickrFault
from orchestrator.client.rebuilding import RebuiltRoom
from tiers.ids import ConnectorName

from .far_sides import OWNER, Signal, Wickr
from .house import ACTOR
from .test_roster_networks import PEOPLE, TALKS, Town, town

__all__ = ["town"]
pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("town", [Wickr, Signal], indirect=True, ids=["wickr", "signal"]),
]
GARBLED: Mapping[str, Mapping[str, object]] = {
    "a page of HTML": {"kind": "garbage"},
    "a server's fault": {"kind": "unavailable", "amount": 500},
    "too many": {"kind": "unavailable", "amount": 429},
    "cut": {"kind": "cut_lost"},
    "cut midway": {"kind": "cut_midway"},
    "lists that are none": {"kind": "garbage_members"},
    "refused": {"kind": "refuse"},
    "nothing in it": {"kind": "nothing"},
}
EMPTY = {"wickr": '{"rooms": []}', "signal": "[]"}
ASKED = {"wickr": ("room", "rooms"), "signal": ("group", "groups")}
"""What is asked about one room, and about all."""


async def garble(town: Town, verb: str, fault: Mapping[str, object]) -> None:
    """Arms a fault for every such call from now on."""
    assert isinstance(town.far, Wickr | Signal)
    more = {"amount": fault.get("amount", 0), "text": fault.get("text", "")}
    if isinstance(town.far, Wickr):
        kind = WickrFault(str(fault["kind"]))
        await town.far.hand.fault(kind, verb=verb, times=None, **more)  # type: ignore[arg-type]  # as the table has them
    else:
        of = SignalFault(str(fault["kind"]))
        await town.far.hand.fault(of, verb=verb, times=None, **more)  # type: ignore[arg-type]  # likewise


async def rebuilt(town: Town) -> dict[str, RebuiltRoom]:
    name = ConnectorName(town.far.name)
    found = await town.house.home.channel_rebuild(name, only_look=False, actor=ACTOR)
    return {room.conversation: room for room in found}


async def test_no_garbled_answer_has_a_room_made_anew(town: Town) -> None:
    assert isinstance(town.far, Wickr | Signal)
    before = {talk.label: town.room(talk.label) for talk in TALKS}
    one, every = ASKED[town.far.name]
    empty = {"kind": "nothing", "text": EMPTY[town.far.name]}
    for fault in (*GARBLED.values(), empty):
        for verbs in ((one,), (one, every)):
            for verb in verbs:
                await garble(town, verb, fault)
            found = await rebuilt(town)
            assert {room.state for room in found.values()} == {"stands"}, (fault, verbs)
            assert all(room.unsure and room.then for room in found.values()), (fault, verbs)
            await town.far.hand.clear_faults()
    assert {talk.label: town.room(talk.label) for talk in TALKS} == before
    assert {room.unsure for room in (await rebuilt(town)).values()} == {False}


async def test_what_we_were_put_out_of_is_made_anew_and_nothing_else(town: Town) -> None:
    before = {talk.label: town.room(talk.label) for talk in TALKS}
    await town.far.put_out(before["lunch"], "bot")
    found = await rebuilt(town)
    assert (found["lunch"].state, found["tea"].state) == ("made anew", "stands")
    assert set(found["lunch"].behind) == PEOPLE
    assert found["lunch"].leaving
    assert town.room("lunch") != before["lunch"]
    assert town.room("tea") == before["tea"]
    assert await town.far.seated(before["lunch"]) == PEOPLE, "they are in the old room still"
    assert await town.far.seated(town.room("lunch")) == PEOPLE
    assert OWNER in await town.far.ruling(town.room("lunch"))
