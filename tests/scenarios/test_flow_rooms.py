"""Rooms in which people write themselves: what we do when a text, a member or a device is wrong.

Seen by people's own clients: what is gone, what went on, who was told what.
"""

import re

from connectors.memory.farside import Upload
from connectors.memory.network import Options
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, Talk

PRICE = "zvaluation: we raise our offer to 27.50 per share."
SOFT = "zvaluation: what the board thinks of it will be seen."
SAID = "The list of documents was read again."


async def paused(house: House, label: str) -> str | None:
    view = await house.home.conv_show(house.deal, label)
    return view.rooms[0].paused


async def until_paused(house: House, label: str, *, so: bool = True) -> None:
    async def is_so() -> bool:
        rows = await house.rows("SELECT paused FROM room WHERE room = ?", house.room(label))
        return (rows[0][0] is not None) is so

    await eventually(is_so)


# --- what is above its room ---------------------------------------------------------------------


async def test_precise_evidence_above_the_room_is_withdrawn_and_seen_gone(house: House) -> None:
    room = house.room("lunch")
    remote = await house.far.write("ada", room, PRICE)
    message = await house.taken(remote)
    assert await house.ends(message) == "held"

    async def gone() -> bool:
        return all(m.gone for m in await house.far.inbox("el", room))

    await eventually(gone)
    [told] = await house.told("ada")
    assert told.text.startswith("We asked for the removal of what you wrote. Up to 5 people")
    assert "Held" not in told.text, "it went past us: others may have seen it"

    async def said() -> str:
        rows = await house.rows("SELECT reasons FROM finding WHERE rule = 'withdrawn'")
        return " ".join(row[0] for row in rows)

    async def timed() -> bool:
        return re.search(r"withdrawn after \d+\.\d s", await said()) is not None

    await eventually(timed)
    [waits] = await house.home.held_list(house.deal)
    assert waits.seen == "withdrawn"
    assert waits.visible_us is not None
    assert waits.visible_us > 0


async def test_withdrawn_its_author_moves_it_up(house: House) -> None:
    room = house.room("lunch")
    message = await house.taken(await house.far.write("ada", room, PRICE))
    await house.ends(message)
    line = (await house.told("ada"))[-1].room
    await house.ends(await house.taken(await house.far.write("ada", line, "1")))
    assert await house.ends(message) == "delivered"
    assert await house.seen("cy", "price") == [PRICE]


async def test_where_nothing_can_be_taken_back_we_say_so(opens: Opens) -> None:
    house = await opens(options=Options(undo="none"))
    room = house.room("lunch")
    message = await house.taken(await house.far.write("ada", room, PRICE))
    await house.ends(message)
    await house.quiet()
    assert [m.gone for m in await house.far.inbox("el", room)] == [False]
    rows = await house.rows("SELECT rule, reasons FROM finding")
    assert rows
    assert not any("withdrawn after" in reasons for _, reasons in rows)
    assert [waits.seen for waits in await house.home.held_list(house.deal)] == ["stays"]


async def test_softer_evidence_stays_and_its_author_is_asked(house: House) -> None:
    message = await house.taken(await house.far.write("ada", house.room("lunch"), SOFT))
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [SOFT]
    assert (await house.told("ada"))[-1].text.startswith("Your message went.")
    assert "above_room" in await house.findings()


async def test_what_fits_its_room_stays_and_nobody_is_told(house: House) -> None:
    message = await house.taken(await house.far.write("ada", house.room("lunch"), SAID))
    assert await house.ends(message) == "delivered"
    await house.quiet()
    assert await house.seen("el", "lunch") == [SAID]
    assert await house.findings() == set()
    assert await house.arrived() == [], "everybody has it from its author's own hand"


async def test_unread_content_in_the_room_is_a_finding_and_stays(house: House) -> None:
    room, image = house.room("lunch"), Upload("plan.png", b"\x89PNG....", "image/png")
    message = await house.taken(await house.far.write("ada", room, SAID, files=[image]))
    assert await house.ends(message) == "delivered"
    await house.quiet()
    assert [m.gone for m in await house.far.inbox("el", room)] == [False]
    assert "unread_content" in await house.findings()


# --- who is in the room -------------------------------------------------------------------------


async def test_a_stranger_stops_the_room_its_people_are_told_and_he_gone_it_goes_on(
    house: House,
) -> None:
    room = house.room("supply")
    await house.far.add_member(room, "mallory", by="ada")
    await until_paused(house, "supply")
    assert "unknown_member" in await house.findings()
    for name in ("ada", "bo", "cy", "di"):
        assert "#supply is paused" in (await house.told(name))[-1].text
    assert await house.far.inbox("mallory") == ()
    shown = await house.home.conv_show(house.deal, "supply")
    assert shown.rooms[0].paused == "an account that is on no list is in"
    message = await house.send(SAID, to="supply")
    assert await house.ends(message) == "held"
    waits = await house.home.held_list(house.deal)
    assert "reading:" not in " ".join(r for held in waits for r in held.reasons)
    await house.far.write("di", room, "I write here myself.")
    assert await house.seen("cy", "supply") == ["I write here myself."], "that goes on"
    await house.far.remove_member(room, "mallory", by="ada")
    await until_paused(house, "supply", so=False)
    assert "unknown_member" not in await house.findings()
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert SAID in await house.seen("cy", "supply")
    assert SAID not in [m.text for m in await house.far.inbox("mallory", room)]


async def test_somebody_on_the_list_without_clearance_stops_it_too(house: House) -> None:
    await house.far.add_member(house.room("price"), "el", by="ada")
    await until_paused(house, "price")
    assert "uncleared_member" in await house.findings()
    assert await house.ends(await house.send(SAID, to="price")) == "held"
    assert await house.arrived() == []


async def test_nobody_is_removed_by_us(house: House) -> None:
    room = house.room("supply")
    await house.far.add_member(room, "mallory", by="ada")
    await until_paused(house, "supply")
    await house.quiet()
    assert "mallory" in (await house.far.state(room))["seats"]


async def test_a_new_device_stops_valuation_and_a_ceremony_lets_it_go_on(house: House) -> None:
    await house.far.add_device("bo", "PHONE2", "key of a phone")
    await until_paused(house, "price")
    assert "new_device" in await house.findings()
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "held"
    await house.home.key_verify(
        house.deal, PersonId("bo"), PersonId("ada"), PersonId("cy"), actor=ACTOR
    )
    await until_paused(house, "price", so=False)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await house.seen("bo", "price") == [SAID]


async def test_a_changed_key_holds_operations_and_is_a_finding_in_coordination(
    house: House,
) -> None:
    [device] = (await house.far.directory())["accounts"]["di"]
    await house.far.change_key("di", device, "another key")

    async def found() -> bool:
        return "new_device" in await house.findings()

    await eventually(found)
    assert await house.ends(await house.send(SAID, to="supply")) == "held"
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
    assert (await house.seen("el", "lunch"))[-1:] == [SAID]


async def test_a_revoked_device_is_never_written_to_again(house: House) -> None:
    [device] = (await house.far.directory())["accounts"]["cy"]
    await house.home.key_mark(house.deal, PersonId("cy"), device, "compromise", actor=ACTOR)
    assert await house.ends(await house.send(SAID, to="price")) == "held"
    assert await house.ends(await house.send(SAID, to="lunch")) == "held"
    assert await house.arrived() == []


async def test_who_pauses_by_hand_resumes_by_hand(house: House) -> None:
    await house.home.conv_pause(house.deal, "lunch", "test", actor=ACTOR)
    await house.home.runtime.watcher.look_at_all()
    assert await paused(house, "lunch") == "test", "no reading ends it"
    assert "paused_by_person" in await house.findings()
    for name in ("ada", "cy"):
        assert "#lunch is paused: test." in (await house.told(name))[-1].text
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "held"
    await house.home.conv_resume(house.deal, "lunch", actor=ACTOR)
    assert "paused_by_person" not in await house.findings()
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"


async def test_a_relay_room_takes_no_word_but_ours(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION, gate=True),))
    message = await house.send(SAID, "di", "lunch")
    assert await house.ends(message) == "delivered"
    [seen] = await house.far.inbox("el", house.room("lunch"))
    assert (seen.text, seen.sender, seen.author_line) == (SAID, "wallcross", "Di")
