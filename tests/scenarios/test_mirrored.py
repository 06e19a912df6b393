"""Seats, alternates and what may be mirrored, on live networks: what the far sides saw decides."""

from dataclasses import replace

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.client.views import ConversationView, NewConversation, NewRoom
from orchestrator.config.policy import default_text, read_policy
from orchestrator.flow.stand_in import PATIENCE, StandIns
from orchestrator.outbox import rows
from orchestrator.roster.document import to_document
from tiers.ids import ConnectorName, PersonId

from .conftest import OURS, House, Opens, eventually
from .house import ACTOR, roster, verify_all
from .test_flow_legs import BOTH, SAID, SITS, mirrored, texts

FIRST, SECOND = (ConnectorName(name) for name in BOTH)
OTHERS = ("bo", "cy", "el")


async def show(house: House, label: str = "lunch") -> ConversationView:
    return await house.home.conv_show(house.deal, label)


# --- one seat for each person -------------------------------------------------------------------


async def test_a_second_seat_is_refused_with_the_name_and_the_room(opens: Opens) -> None:
    house = await mirrored(opens)
    again = NewRoom(channel=BOTH[1], owners=("ada",), members=("ada",))
    with pytest.raises(Wrong, match=f"ada sits on {BOTH[0]} {house.room('lunch')}"):
        await house.home.conv_room_add(house.deal, "lunch", again, actor=ACTOR)
    assert len((await show(house)).rooms) == len(BOTH)


async def test_who_comes_into_a_second_room_holds_it_for_all_by_name(opens: Opens) -> None:
    house = await mirrored(opens)
    await house.others[SECOND].add_member(house.room("lunch", SECOND), "ada", by="bo")
    await house.quiet()
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "held"
    assert "Ada sits in more than one room" in await house.reasons(message)
    for channel in BOTH:
        assert f"{channel} {house.room('lunch', channel)}" in await house.reasons(message)
    assert [await texts(house, c) for c in BOTH] == [[], []]
    assert any("Ada sits in more than one" in why for why in (await show(house)).against)


async def test_whoever_comes_in_between_is_seen_before_the_wire(opens: Opens) -> None:
    house = await mirrored(opens)
    for channel in (FIRST, SECOND):
        await house.home.channel_pause(channel, "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    await house.others[SECOND].add_member(house.room("lunch", SECOND), "ada", by="bo")

    async def read() -> bool:
        rooms = (await show(house)).rooms
        return any("ada" in (r.members or ()) for r in rooms if r.connector == SECOND)

    await eventually(read)
    for channel in (FIRST, SECOND):
        await house.home.channel_resume(channel, actor=ACTOR)
    assert await house.ends(message) == "held"
    assert "Ada sits in more than one room" in await house.reasons(message)


async def test_written_in_one_room_each_other_person_gets_it_once(opens: Opens) -> None:
    house = await mirrored(opens)
    remote = await house.others[SECOND].write("el", house.room("lunch", SECOND), SAID)
    message = await house.taken(remote, SECOND)
    assert await house.ends(message) == "delivered"
    for channel in BOTH:
        for person in SITS[channel]:
            inbox = await house.others[channel].inbox(person, house.room("lunch", channel))
            assert [m.text for m in inbox].count(SAID) == 1


async def test_people_take_their_seats_on_the_first_channel_that_they_are_on(
    opens: Opens,
) -> None:
    now = roster(BOTH)
    people = tuple(
        replace(p, accounts={FIRST: p.accounts[FIRST]}) if p.person_id in {"ada", "di"} else p
        for p in now.people
    )
    house = await opens((), people=replace(now, people=people), channels=BOTH)
    new = NewConversation(
        label="lunch",
        floor="coordination",
        channel=SECOND,
        also=(FIRST,),
        owner=PersonId("ada"),
        owners=("bo",),
    )
    made = await house.home.conv_new(house.deal, new, actor=ACTOR)
    seats = {room.connector: set(room.members or ()) for room in made.rooms}
    assert seats == {SECOND: {"bo", "cy", "el"}, FIRST: {"ada", "di"}}
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"


async def test_without_a_channel_the_policy_names_it(opens: Opens) -> None:
    house = await opens((), people=roster(BOTH), channels=BOTH)
    new = NewConversation(label="lunch", floor="coordination", owner=PersonId("ada"))
    with pytest.raises(Wrong, match="no channel"):
        await house.home.conv_new(house.deal, new, actor=ACTOR)
    await adopt(house, 'dead_head = "skips"', f'dead_head = "skips"\nchannels = ["{SECOND}"]')
    made = await house.home.conv_new(house.deal, new, actor=ACTOR)
    assert [room.connector for room in made.rooms] == [SECOND]


async def adopt(house: House, before: str, after: str) -> None:
    text = default_text()
    assert before in text
    await house.home.adopt(
        house.deal, "policy", read_policy(text.replace(before, after)), actor=ACTOR
    )


# --- what may be mirrored -----------------------------------------------------------------------

PRICE = NewConversation(
    label="price", floor="valuation", channel=BOTH[0], owner=PersonId("ada"), members=("ada", "bo")
)
CY = NewRoom(channel=BOTH[1], owners=("cy",), members=("cy",))


async def test_valuation_gets_no_second_room_unless_the_policy_says_so(opens: Opens) -> None:
    house = await opens((), people=roster(BOTH), channels=BOTH)
    several = replace(PRICE, label="bid", members=None, also=(SECOND,))
    await house.home.conv_new(house.deal, PRICE, actor=ACTOR)
    with pytest.raises(Refused, match="mirrored"):
        await house.home.conv_room_add(house.deal, "price", CY, actor=ACTOR)
    await house.home.conv_new(house.deal, several, actor=ACTOR)  # all have accounts on the first
    assert len((await show(house, "bid")).rooms) == 1


async def test_valuation_is_mirrored_while_the_policy_says_so_and_held_after(
    opens: Opens,
) -> None:
    house = await opens((), people=roster(BOTH), channels=BOTH)
    await adopt(house, "mirrored = false", "mirrored = true")
    await house.home.conv_new(house.deal, PRICE, actor=ACTOR)
    await house.home.conv_room_add(house.deal, "price", CY, actor=ACTOR)
    await verify_all(house.home, house.deal)
    said = "zvaluation: the board meets."
    assert await house.ends(await house.send(said, to="price")) == "delivered"
    await adopt(house, "mirrored = false", "mirrored = false")
    message = await house.send(said, to="price")
    assert await house.ends(message) == "held"
    assert "mirrored" in await house.reasons(message)
    assert any("mirrored" in why for why in (await show(house, "price")).against)


async def test_what_it_promises_is_what_its_weakest_room_does(opens: Opens) -> None:
    house = await mirrored(opens)
    before = {g.guarantee for g in (await show(house)).guarantees}
    await house.others[SECOND].change(house.room("lunch", SECOND), no_public_link=False)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    found = await show(house)
    assert before - {g.guarantee for g in found.guarantees} == {"no_public_link"}
    assert "no_public_link" in {g.guarantee for g in found.rooms[0].guarantees}


# --- alternates -----------------------------------------------------------------------------------


async def with_alternate(opens: Opens, floor: str = "coordination") -> House:
    """#lunch in a room of ``memory``, whose people also sit in an alternate on ``second``."""
    house = await opens((), people=roster(BOTH), channels=BOTH)
    new = NewConversation(
        label="lunch", floor=floor, channel=FIRST, owner=PersonId("ada"), members=(*OTHERS, "ada")
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    spare = NewRoom(channel=SECOND, owners=("ada",), alternate_of=house.room("lunch"))
    made = await house.home.conv_room_add(house.deal, "lunch", spare, actor=ACTOR)
    assert [r.alternate_of for r in made.rooms] == [None, f"{FIRST} {house.room('lunch')}"]
    assert made.against == ()
    return house


async def seen(house: House, channel: str) -> list[str]:
    inbox = await house.others[channel].inbox("cy", house.room("lunch", channel))
    return [m.text for m in inbox if m.sender != OURS or m.author_line is not None]


async def test_while_the_room_fits_nothing_goes_to_its_alternate(opens: Opens) -> None:
    house = await with_alternate(opens)
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
    assert [await seen(house, c) for c in BOTH] == [[SAID], []]


async def test_where_the_room_does_not_fit_its_alternate_stands_in(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.far.change(house.room("lunch"), invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(FIRST)
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
    assert [await seen(house, c) for c in BOTH] == [[], [SAID]]


async def test_on_a_paused_channel_its_alternate_stands_in(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.home.channel_pause(FIRST, "test", actor=ACTOR)
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
    await house.home.channel_resume(FIRST, actor=ACTOR)
    await house.quiet()
    assert [await seen(house, c) for c in BOTH] == [[], [SAID]]


async def test_while_its_network_is_away_what_was_last_read_is_the_measure(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.restart()
    for verb in ("send", "posture", "members"):
        await house.far.inject(FaultKind.UNAVAILABLE, verb=verb, times=None)
    house.home.runtime.observer.forget(FIRST)
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
    assert await seen(house, SECOND) == [SAID]
    await house.far.clear_faults()
    assert await seen(house, FIRST) == []


async def held_though_there_is_an_alternate(house: House) -> str:
    await house.home.channel_pause(FIRST, "test", actor=ACTOR)
    await house.far.change(house.room("lunch"), invite_only=False)
    await house.quiet()
    for channel in (FIRST, SECOND):
        house.home.runtime.observer.forget(channel)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "held"
    assert [await seen(house, c) for c in BOTH] == [[], []]
    return await house.reasons(message)


async def test_no_alternate_of_fewer_people(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.others[SECOND].remove_member(house.room("lunch", SECOND), "el", by="ada")
    assert "exactly the people" in await held_though_there_is_an_alternate(house)


async def test_no_alternate_of_more_people(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.others[SECOND].add_member(house.room("lunch", SECOND), "di", by="ada")
    assert "exactly the people" in await held_though_there_is_an_alternate(house)


async def test_no_alternate_that_promises_less_also_where_the_tier_would_let_it(
    opens: Opens,
) -> None:
    house = await with_alternate(opens)
    await house.others[SECOND].change(house.room("lunch", SECOND), no_public_link=False)
    assert "promises less" in await held_though_there_is_an_alternate(house)


async def test_an_alternate_has_exactly_the_people_of_its_room_from_the_start(
    opens: Opens,
) -> None:
    house = await with_alternate(opens)
    lunch, spare = house.room("lunch"), house.room("lunch", SECOND)
    for wrong, problem in (
        (NewRoom(channel=SECOND, owners=("ada",), members=("ada",), alternate_of=lunch), Wrong),
        (NewRoom(channel=SECOND, owners=("ada",), alternate_of=spare), Wrong),
        (NewRoom(channel=SECOND, owners=("ada",), alternate_of="!nowhere"), Missing),
    ):
        with pytest.raises(problem):
            await house.home.conv_room_add(house.deal, "lunch", wrong, actor=ACTOR)
    now = roster(BOTH)
    people = tuple(
        replace(p, accounts={FIRST: p.accounts[FIRST]}) if p.person_id == "el" else p
        for p in now.people
    )
    document = to_document(replace(now, people=people))
    await house.home.adopt(house.deal, "roster", document, actor=ACTOR)
    more = NewRoom(channel=SECOND, owners=("ada",), alternate_of=lunch)
    with pytest.raises(Wrong, match="el"):
        await house.home.conv_room_add(house.deal, "lunch", more, actor=ACTOR)


def stand_ins(house: House) -> StandIns:
    runtime = house.home.runtime
    router = runtime.router
    return StandIns(
        runtime.store, runtime.book, runtime.writer, router.route, router.row, runtime.now
    )


async def waiting(house: House) -> str:
    """A message that was routed to its room while no channel sent, and now only the other does."""
    for channel in (FIRST, SECOND):
        await house.home.channel_pause(channel, "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    sql = "SELECT connector, state FROM delivery WHERE message_id = ?"
    assert await house.rows(sql, message) == [(FIRST, "queued")]
    await house.home.channel_resume(SECOND, actor=ACTOR)
    return message


async def long_ago(house: House) -> None:
    """What waits was accepted so long ago that its room has had its time."""
    sql = "UPDATE message SET accepted_at = accepted_at - ? WHERE connector = 'api'"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (PATIENCE + 1_000_000,)))


async def test_what_waited_long_enough_for_its_room_goes_to_the_alternate_alone(
    opens: Opens,
) -> None:
    house = await with_alternate(opens)
    message = await waiting(house)
    await stand_ins(house).look()
    assert await seen(house, SECOND) == []
    await long_ago(house)
    await stand_ins(house).look()
    assert await house.ends(message) == "delivered"
    await house.home.channel_resume(FIRST, actor=ACTOR)
    await house.quiet()
    assert [await seen(house, c) for c in BOTH] == [[], [SAID]]


async def test_a_room_that_can_be_read_and_not_sent_to_fails_too(opens: Opens) -> None:
    house = await with_alternate(opens)
    await house.far.inject(FaultKind.UNAVAILABLE, times=None)
    message = await house.send(SAID, to="lunch")

    async def moved() -> bool:
        await long_ago(house)
        await stand_ins(house).look()
        return await seen(house, SECOND) == [SAID]

    await eventually(moved)
    assert await house.ends(message) == "delivered"
    assert await seen(house, FIRST) == []


@pytest.mark.parametrize("state", ["started", "queued"])
async def test_what_may_have_gone_to_the_room_never_goes_to_the_alternate(
    opens: Opens, state: str
) -> None:
    house = await with_alternate(opens)
    message = await waiting(house)
    sql = "UPDATE delivery SET state = ?, possibly = ?, started_at = 1 WHERE message_id = ?"
    await house.home.runtime.store.write(
        lambda tx: tx.run(sql, (state, state == "queued", message))
    )
    await long_ago(house)
    await stand_ins(house).look()
    await house.quiet()
    rooms = await house.rows(
        "SELECT DISTINCT connector FROM delivery WHERE message_id = ?", message
    )
    assert rooms == [(FIRST,)]
    assert await seen(house, SECOND) == []


async def test_the_guard_lets_nothing_go_to_both(opens: Opens) -> None:
    house = await with_alternate(opens)
    for channel in (FIRST, SECOND):
        await house.home.channel_pause(channel, "test", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    room = house.room("lunch", SECOND)
    deal, conversation = (
        await house.rows(
            "SELECT deal_id, conversation_id FROM delivery WHERE message_id = ?", message
        )
    )[0]
    await house.home.runtime.store.write(
        lambda tx: rows.enqueue(
            tx,
            kind="send",
            message_id=message,
            deal_id=deal,
            conversation_id=conversation,
            connector=SECOND,
            room=room,
            as_tier="coordination",
            blocks=True,
            at=0,
        )
    )
    for channel in (FIRST, SECOND):
        await house.home.channel_resume(channel, actor=ACTOR)
    assert await house.ends(message) == "held"
    assert "alternate" in await house.reasons(message)
    assert [await seen(house, c) for c in BOTH] == [[], []]


# --- what came in by itself -----------------------------------------------------------------------


async def test_what_stands_rightly_in_its_room_is_held_for_the_others_alone(opens: Opens) -> None:
    house = await mirrored(opens)
    room = house.room("lunch", SECOND)
    await house.others[SECOND].change(room, invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    remote = await house.far.write("ada", house.room("lunch"), SAID)
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    [told] = [m.text for m in await house.told("ada") if "stands in its room" in m.text]
    assert SAID not in told
    assert await house.rows("SELECT 1 FROM delivery WHERE kind = 'undo'") == []
    assert "not_carried" in await house.findings()
    await house.others[SECOND].change(room, invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert [await texts(house, c) for c in BOTH] == [[SAID], [SAID]]


SAME = "Thank you very much for this update, it is noted."


async def test_somebody_who_says_the_very_same_is_told_that_it_is_held_and_may_have_it_sent(
    opens: Opens,
) -> None:
    """A bridge may post so, and so may a person: never taken for delivered where it was not."""
    house = await mirrored(opens)
    first = await house.far.write("ada", house.room("lunch", FIRST), SAME)
    assert await house.ends(await house.taken(first)) == "delivered"
    again = await house.others[SECOND].write("el", house.room("lunch", SECOND), SAME)
    message = await house.taken(again, SECOND)
    assert await house.ends(message) == "held"
    assert "somebody else's very words" in await house.reasons(message)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    for person in SITS[FIRST]:
        inbox = await house.far.inbox(person, house.room("lunch", FIRST))
        carried = [m for m in inbox if m.text == SAME and m.author_line is not None]
        assert len(carried) == 1
