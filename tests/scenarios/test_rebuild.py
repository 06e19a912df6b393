"""An account is lost: its rooms are made anew from the roster, and nothing follows by itself."""

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.problems import Missing, Unready
from orchestrator.client.rebuilding import RebuiltRoom
from orchestrator.client.views import NewRoom
from orchestrator.roster.document import to_document
from tiers.ids import ConnectorName

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, roster, verify_all, without
from .test_flow_legs import BOTH, mirrored

NAME = ConnectorName(CHANNEL)


async def rebuilt(house: House, *, only_look: bool = False) -> dict[str, RebuiltRoom]:
    found = await house.home.channel_rebuild(NAME, only_look=only_look, actor=ACTOR)
    return {room.conversation: room for room in found}


async def lose(house: House, *labels: str) -> None:
    for label in labels:
        await house.far.vanish(house.room(label))


async def seats(house: House, label: str) -> set[str]:
    sql = "SELECT person_id FROM seat WHERE connector = ? AND room = ?"
    return {person for (person,) in await house.rows(sql, CHANNEL, house.room(label))}


async def test_a_lost_room_is_made_anew_for_whoever_had_a_seat(house: House) -> None:
    before, people = house.room("lunch"), await seats(house, "lunch")
    stands = house.room("price")
    await lose(house, "lunch")
    found = await rebuilt(house)
    assert (found["lunch"].state, found["lunch"].was) == ("made anew", before)
    assert found["lunch"].people == len(people)
    assert (found["price"].state, house.room("price")) == ("stands", stands)
    assert house.room("lunch") == found["lunch"].room != before
    assert await seats(house, "lunch") == people
    await verify_all(house.home, house.deal)
    assert await house.ends(await house.send("Lunch at one", to="lunch")) == "delivered"


async def test_what_waited_for_it_is_held(house: House) -> None:
    await house.home.channel_pause(NAME, "test", actor=ACTOR)
    message = await house.send("Lunch at one", to="lunch")
    await house.quiet()
    await lose(house, "lunch")
    found = await rebuilt(house)
    assert found["lunch"].state == "made anew"
    await house.home.channel_resume(NAME, actor=ACTOR)
    assert await house.ends(message) == "held"
    assert await house.seen("bo", "lunch") == []


async def test_whoever_may_read_no_more_is_left_out_and_named(house: House) -> None:
    await lose(house, "lunch")
    document = to_document(without(roster(), "el"))
    await house.home.adopt(house.deal, "roster", document, actor=ACTOR)
    found = await rebuilt(house)
    assert found["lunch"].left_out == ("el",)
    members = (await house.home.runtime.connectors[NAME].members(house.room("lunch"))).members
    assert "el" not in {m.account for m in members}


async def test_a_look_changes_nothing(house: House) -> None:
    before = house.room("lunch")
    await lose(house, "lunch")
    entries = await house.rows("SELECT count(*) FROM audit WHERE deal_id = ?", house.deal)
    found = await rebuilt(house, only_look=True)
    assert (found["lunch"].state, house.room("lunch")) == ("lost", before)
    assert await house.rows("SELECT count(*) FROM audit WHERE deal_id = ?", house.deal) == entries


async def test_called_again_it_leaves_what_was_made(house: House) -> None:
    await lose(house, "lunch", "price")
    first = await rebuilt(house)
    again = await rebuilt(house)
    assert {room.state for room in again.values()} == {"stands"}
    assert {label: room.room for label, room in again.items()} == {
        label: room.room for label, room in first.items()
    }


async def test_what_cannot_be_asked_is_not_lost(house: House) -> None:
    """The planted fault: a network that does not answer now is no proof."""
    before = house.room("lunch")
    await house.far.inject(FaultKind.UNAVAILABLE, verb="members", times=None)
    found = await rebuilt(house)
    assert house.room("lunch") == before
    assert {room.state for room in found.values()} == {"stands"}
    with pytest.raises(Missing):
        await house.home.channel_rebuild(ConnectorName("nowhere"), only_look=True, actor=ACTOR)


GARBLED = [
    (FaultKind.UNREADABLE, "bad_answer"),
    (FaultKind.GARBAGE, "bad_answer"),
    (FaultKind.REFUSE, "refused"),
    (FaultKind.ANSWER_NOTHING, "bad_answer"),
    (FaultKind.RATE_LIMIT, "rate_limited"),
    (FaultKind.CUT_LOST, "cut"),
]


@pytest.mark.parametrize(("fault", "code"), GARBLED, ids=str)
async def test_a_garbled_answer_is_no_proof_and_nothing_is_made(
    house: House, fault: FaultKind, code: str
) -> None:
    """The planted fault: one channel whose answers make no sense, with every room standing."""
    before = {label: house.room(label) for label in ("lunch", "price")}
    entries = await house.rows("SELECT count(*) FROM audit WHERE deal_id = ?", house.deal)
    await house.far.inject(fault, verb="members", times=None)
    found = await rebuilt(house)
    assert {room.state for room in found.values()} == {"stands"}
    for room in found.values():
        assert room.unsure
        assert "we could not be sure" in (room.why or "")
        assert code in (room.why or "")
        assert room.then
    assert {label: house.room(label) for label in before} == before
    assert await house.rows("SELECT count(*) FROM audit WHERE deal_id = ?", house.deal) == entries


async def test_beside_a_lost_room_one_that_is_not_sure_stands(house: House) -> None:
    stands = house.room("price")
    await lose(house, "lunch")
    await house.far.inject(FaultKind.UNREADABLE, verb="members", room=stands, times=None)
    found = await rebuilt(house)
    assert (found["lunch"].state, found["price"].state) == ("made anew", "stands")
    assert (found["lunch"].unsure, found["price"].unsure) == (False, True)
    assert house.room("price") == stands


async def test_who_had_a_seat_in_a_lost_room_is_named_with_how_to_leave_it(house: House) -> None:
    people = await seats(house, "lunch")
    await lose(house, "lunch")
    looked = (await rebuilt(house, only_look=True))["lunch"]
    done = (await rebuilt(house))["lunch"]
    for room in (looked, done):
        assert set(room.behind) == people
        assert "leave" in (room.leaving or "")
    assert {seat for room in (await rebuilt(house)).values() for seat in room.behind} == set()


async def test_a_room_that_we_were_put_out_of_is_made_anew(house: House) -> None:
    account = house.home.runtime.connectors[NAME].account
    await house.far.remove_member(house.room("lunch"), account)
    found = await rebuilt(house)
    assert found["lunch"].state == "made anew"
    assert "our account is not in it" in (found["lunch"].why or "")


async def test_a_room_that_stood_in_stands_in_for_the_new_one(opens: Opens) -> None:
    house = await mirrored(opens)
    spare = NewRoom(channel=BOTH[1], owners=("ada",), alternate_of=house.room("lunch"))
    await house.home.conv_room_add(house.deal, "lunch", spare, actor=ACTOR)
    await lose(house, "lunch")
    found = await rebuilt(house)
    assert found["lunch"].state == "made anew"
    view = house.home.runtime.book.deals[house.deal]
    alternates = [b.alternate_of for _, b in house.home.runtime.book.rooms() if b.alternate_of]
    assert alternates == [(NAME, house.room("lunch"))]
    assert view.doubts == ()


async def test_while_the_home_is_not_live_nothing_is_made(opens: Opens) -> None:
    house = await opens()
    house.home.runtime.live = False
    with pytest.raises(Unready):
        await rebuilt(house)
    house.home.runtime.live = True
