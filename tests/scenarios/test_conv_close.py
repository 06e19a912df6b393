"""A conversation that is closed: nothing is taken, nobody stays in, and nothing opens it again."""

import pytest

from connectors.port.errors import Unavailable
from orchestrator.client.conversing import Closed
from orchestrator.client.problems import Refused
from orchestrator.deals.stated import REOPENED
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import ConversationId, RoomId
from tiers.tier import Tier

from .conftest import House, eventually
from .house import ACTOR, CHANNEL, PRICE, Talk, make_talk

PLAIN = "Lunch is at noon."
TEXT = f"{PRICE}: we raise our offer to 27.50 per share."


def cid_of(house: House, label: str) -> ConversationId:
    view = house.home.runtime.book.deals[house.deal]
    talks: dict[ConversationId, Conversation] = {**view.closed, **view.conversations}
    return next(cid for cid, c in talks.items() if c.label == label)


async def close(
    house: House, label: str = "lunch", *, even: bool = False, look: bool = False
) -> Closed:
    return await house.home.conv_close(
        house.deal, label, even_waiting=even, only_look=look, actor=ACTOR
    )


async def members(house: House, room: RoomId) -> set[str]:
    connector = house.home.runtime.connectors[CHANNEL]
    return {m.account for m in (await connector.members(room)).members}


async def test_everybody_is_out_read_back_and_it_is_no_room_of_ours_any_more(house: House) -> None:
    room, cid = house.room("lunch"), cid_of(house, "lunch")
    assert (await close(house, look=True)).state == "open"
    done = await close(house)
    assert (done.state, (await close(house, look=True)).state) == ("closed", "closed")
    assert [(r.state, r.out, r.still) for r in done.rooms] == [("given up", 5, 0)]
    assert not (await members(house, room)) & {"ada", "bo", "cy", "di", "el"}
    assert await house.rows("SELECT 1 FROM room WHERE room = ?", room) == []
    assert await house.rows("SELECT 1 FROM seat WHERE conversation_id = ?", cid) == []
    assert "#lunch was closed." in (await house.told("el"))[-1].text
    assert (await house.home.conv_show(house.deal, "lunch")).state == "closed"
    listed = await house.home.conv_list(house.deal)
    assert [(c.label, c.state) for c in listed][-1] == ("lunch", "closed")


async def test_it_is_refused_at_our_door_and_never_reaches_another_conversation(
    house: House,
) -> None:
    await close(house)
    with pytest.raises(Refused, match="was closed"):
        await house.send(PLAIN, to="lunch")
    message = await house.send(f"#lunch {PLAIN}")
    assert await house.ends(message) == "held"
    assert "that conversation was closed" in await house.reasons(message)


async def test_a_look_counts_what_waits_and_nothing_else_happens(house: House) -> None:
    message = await house.send(TEXT, to="lunch")
    assert await house.ends(message) == "held"
    look = await close(house, look=True)
    assert (look.state, look.held, look.queued) == ("open", 1, 0)
    assert [r.state for r in look.rooms] == ["there"]
    with pytest.raises(Refused, match="waits") as caught:
        await close(house)
    assert caught.value.details == ("1 message is held",)
    assert (await house.home.conv_show(house.deal, "lunch")).state == "open"
    assert (await close(house, even=True)).state == "closed"
    assert await house.state(message) == "held", "it is lost nowhere"
    await house.home.held_move(message, "price", actor=ACTOR)
    assert await house.ends(message) == "delivered"


async def test_what_was_on_its_way_is_held_and_not_sent(house: House) -> None:
    await house.home.channel_pause(CHANNEL, "test", actor=ACTOR)
    message = await house.send(PLAIN, to="lunch")

    async def routed() -> bool:
        return await house.state(message) != "accepted"

    await eventually(routed)
    room = house.room("lunch")
    await close(house, even=True)
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(message) == "held"
    assert [m for m in await house.far.arrived(room) if m["author_line"]] == []


async def test_its_findings_close_with_it(house: House) -> None:
    await house.home.conv_pause(house.deal, "lunch", "test", actor=ACTOR)
    assert "paused_by_person" in await house.findings()
    await close(house)
    assert "paused_by_person" not in await house.findings()


async def test_until_it_is_seen_it_is_not_confirmed_and_is_tried_again_after_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = house.room("lunch")
    network = type(house.home.runtime.connectors[CHANNEL])
    members_of = network.members

    async def away(_: object, __: object) -> object:
        raise Unavailable("away", "it does not answer")

    monkeypatch.setattr(network, "members", away)
    done = await close(house)
    assert done.state == "closing"
    assert [(r.state, r.why) for r in done.rooms] == [("not confirmed", "away")]
    assert (await house.home.conv_show(house.deal, "lunch")).state == "closing"
    await house.restart()
    assert (await house.home.conv_show(house.deal, "lunch")).state == "closing"
    monkeypatch.setattr(network, "members", members_of)

    async def closed() -> bool:
        await house.home.runtime.closing.turn()
        return (await house.home.conv_show(house.deal, "lunch")).state == "closed"

    await eventually(closed)
    assert not (await members(house, room)) & {"ada", "bo", "cy", "di", "el"}


async def test_who_writes_on_in_its_room_reaches_no_other_conversation(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = house.room("lunch")
    network = type(house.home.runtime.connectors[CHANNEL])

    async def away(_: object, __: object) -> object:
        raise Unavailable("away", "it does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(network, "members", away)
        assert (await close(house)).state == "closing"
        for text in (PLAIN, f"#supply {PLAIN}"):
            remote = await house.far.write("di", room, text)
            message = await house.taken(remote)
            assert await house.ends(message) == "held"
            assert "that conversation was closed" in await house.reasons(message)
    assert await house.arrived() == []


@pytest.mark.tampers("rows of somebody else's")
async def test_a_row_that_says_it_is_open_opens_nothing(house: House) -> None:
    room, cid = house.room("lunch"), cid_of(house, "lunch")
    [row] = await house.rows("SELECT * FROM room WHERE room = ?", room)
    await close(house)

    def plant(tx: Tx) -> None:
        tx.run("UPDATE conversation SET state = 'open' WHERE conversation_id = ?", (cid,))
        marks = ", ".join("?" * len(row))
        tx.run(f"INSERT INTO room VALUES ({marks})", row)  # noqa: S608 - marks alone

    await house.home.runtime.store.write(plant)
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    view = house.home.runtime.book.deals[house.deal]
    assert cid not in view.conversations
    assert cid not in view.rooms
    assert REOPENED in {d.because for d in view.doubts}
    with pytest.raises(Refused, match="was closed"):
        await house.send(PLAIN, to="lunch")
    message = await house.send(f"#lunch {PLAIN}")
    assert await house.ends(message) == "held"
    assert [m for m in await house.far.arrived(room) if m["author_line"]] == []


async def test_a_name_that_was_closed_may_be_given_again(house: House) -> None:
    await close(house)
    await make_talk(house.home, house.deal, Talk("lunch", Tier.COORDINATION), channel=CHANNEL)
    assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"
