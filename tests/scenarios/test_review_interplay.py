"""What parts do to each other: deletions and routing, copies and alternates, notices and holds."""

from typing import Any

import pytest

from connectors.memory.connector import MemoryConnector
from connectors.port.errors import ReadersChanged, Rejected, Unavailable
from connectors.port.messages import Accepted, Delivery
from orchestrator.client.views import FileHead, NewRoom, Post
from orchestrator.clock import DAY
from orchestrator.flow import room_notice
from orchestrator.flow.judge import Judge
from tiers import documents as rules
from tiers.decision import Decision, Effect, Reason
from tiers.ids import ConnectorName, MessageId, PersonId, RuleId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, SUPPLY, Talk, roster
from .test_documents import READERS, TEXT, inbox, parties, pieces, send, states
from .test_flow_legs import BOTH, mirrored
from .test_mirrored import long_ago, stand_ins
from .test_room_notice import look
from .test_thread import SAID, copies, written

FIRST, SECOND = (ConnectorName(name) for name in BOTH)


async def taken_back(house: House, remote: str) -> None:
    """Its author deletes it, and that is stored."""
    await house.far.delete("ada", house.room("lunch"), remote)

    async def known() -> bool:
        sql = "SELECT taken_back_at FROM message WHERE remote_id = ?"
        return (await house.rows(sql, remote))[0][0] is not None

    await eventually(known)


async def test_deleted_while_it_is_looked_at_it_goes_nowhere(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await mirrored(opens)
    judge, remotes = Judge.judge, []

    async def slowly(self: Judge, body: Any, *rest: Any) -> Any:
        found = await judge(self, body, *rest)
        if body.text == SAID:
            [(remote,)] = await house.rows("SELECT remote_id FROM message WHERE room IS NOT NULL")
            remotes.append(remote)
            await taken_back(house, remote)
        return found

    monkeypatch.setattr(Judge, "judge", slowly)
    remote = await house.far.write("ada", house.room("lunch"), SAID)
    message = await house.taken(remote)
    await house.ends(message)
    assert remotes == [remote]
    assert await copies(house, SECOND) == []
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []


async def test_deleted_while_it_is_sent_it_is_not_sent_again(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await mirrored(opens)
    once, tried = MemoryConnector.send, []

    async def fails(self: MemoryConnector, delivery: Delivery) -> Accepted:
        tried.append(delivery)
        if len(tried) > 1:
            return await once(self, delivery)
        await taken_back(house, remote)
        raise Unavailable("away")

    remote = await house.far.write("ada", house.room("lunch"), SAID)
    monkeypatch.setattr(MemoryConnector, "send", fails)
    message = await house.taken(remote)
    await house.ends(message)
    assert len(tried) == 1
    assert await copies(house, SECOND) == []


async def test_a_copy_goes_to_no_alternate_and_is_not_lost(opens: Opens) -> None:
    house = await parties(opens, people=roster(BOTH), channels=BOTH)
    deal = house.home.runtime.book.deals[house.deal]
    [bindings] = deal.rooms.values()
    own = bindings[0].room
    spare = NewRoom(channel=SECOND, owners=("bo",), alternate_of=own)
    await house.home.conv_room_add(house.deal, "agreement", spare, actor=ACTOR)
    one, other = PersonId("ada"), PersonId("cy")
    await house.home.key_verify(house.deal, PersonId("bo"), one, other, actor=ACTOR)
    for channel in (FIRST, SECOND):
        await house.home.channel_pause(channel, "test", actor=ACTOR)
    head = FileHead(name="agreement.txt", size=len(TEXT.encode()), media_type="text/plain")
    post = Post(person="ada", conversation="agreement", file=head, readers=("bo",))
    sent = await house.home.document_send(house.deal, post, pieces(TEXT), actor=ACTOR)
    await house.quiet()
    await house.home.channel_resume(SECOND, actor=ACTOR)
    await long_ago(house)
    await stand_ins(house).look()
    await house.quiet()
    await house.home.channel_resume(FIRST, actor=ACTOR)
    assert await house.ends(sent.message_id) == "delivered"
    assert len(await inbox(house, "bo")) == 1


async def test_a_copy_that_cannot_be_checked_stops_no_other(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await parties(opens)
    decide = rules.decide_copy

    def fails(reader: PersonId, *facts: Any, **when: Any) -> Decision:
        if reader == "bo":
            raise RuntimeError("planted")
        return decide(reader, *facts, **when)

    monkeypatch.setattr("orchestrator.flow.guard.decide_copy", fails)
    found = await send(house)
    assert states(found) == {"bo": "not_sent", "cy": "sent", "di": "sent"}
    assert await house.rows("SELECT 1 FROM held") == []


async def test_a_notice_that_a_network_refuses_is_told_anew_and_held_for_nobody(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_notice, "QUIET", 50_000)
    once, tried = MemoryConnector.send, []

    async def refuses(self: MemoryConnector, delivery: Delivery) -> Accepted:
        tried.append(delivery)
        if len(tried) == 1:
            raise ReadersChanged("readers_changed")
        return await once(self, delivery)

    monkeypatch.setattr(MemoryConnector, "send", refuses)
    house = await opens((Talk("lunch", Tier.COORDINATION),))

    async def ended() -> bool:
        return bool(await house.rows("SELECT 1 FROM delivery WHERE state IN ('dead', 'stopped')"))

    await eventually(ended)
    assert await house.rows("SELECT 1 FROM held") == [], "it has no author who could act"
    await look(house)

    async def told() -> bool:
        return any("hosted by" in text for text in await house.seen("el", "lunch"))

    await eventually(told)


async def test_what_was_dropped_is_not_held_again_by_a_part_under_way(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await mirrored(opens)
    await house.home.channel_pause(FIRST, "test", actor=ACTOR)
    once, tried = MemoryConnector.send, []

    async def refuses(self: MemoryConnector, delivery: Delivery) -> Accepted:
        if delivery.room != house.room("lunch", SECOND):
            return await once(self, delivery)
        tried.append(delivery)
        await house.far.change(house.room("lunch"), invite_only=False)
        await house.home.channel_resume(FIRST, actor=ACTOR)
        assert await house.ends(message) == "held"
        await house.home.held_drop(message, actor=ACTOR)
        raise ReadersChanged("readers_changed")

    monkeypatch.setattr(MemoryConnector, "send", refuses)
    post = Post(person="ada", conversation="lunch")
    message = MessageId("")
    sent = await house.home.send_text(house.deal, post, SAID, actor=ACTOR)
    message = MessageId(sent.message_id)
    await house.quiet()
    assert len(tried) == 1
    assert await house.state(message) == "dropped"
    assert await house.rows("SELECT message_id FROM held WHERE state = 'held'") == []


LATER = "The list of documents was read again before noon."


async def test_what_another_said_and_took_back_is_no_echo(opens: Opens) -> None:
    house = await mirrored(opens)
    remote = await written(house, FIRST, "ada", LATER)
    await taken_back(house, remote)
    await house.quiet()
    said = await house.others[SECOND].write("el", house.room("lunch", SECOND), LATER)
    await house.ends(await house.taken(said, SECOND))
    assert [m.author_line for m in await copies(house, FIRST)] == ["El"]


async def test_what_was_held_of_another_is_no_echo(opens: Opens) -> None:
    house = await mirrored(opens)
    await house.home.channel_pause(SECOND, "test", actor=ACTOR)
    remote = await house.far.write("ada", house.room("lunch"), LATER)
    message = await house.taken(remote)
    await house.quiet()
    room = house.room("lunch", SECOND)
    await house.others[SECOND].change(room, invite_only=False)
    await house.home.channel_resume(SECOND, actor=ACTOR)
    assert await house.ends(message) == "held"
    await house.home.held_drop(message, actor=ACTOR)
    await house.others[SECOND].change(room, invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    said = await house.others[SECOND].write("el", room, LATER)
    await house.ends(await house.taken(said, SECOND))
    assert [m.author_line for m in await copies(house, FIRST)] == ["El"]


async def test_a_copy_that_was_refused_at_the_wire_keeps_no_later_document_waiting(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await parties(opens)
    decide = rules.decide_copy
    refused: list[PersonId] = []

    def once(reader: PersonId, *facts: Any, **when: Any) -> Decision:
        if reader == "cy" and not refused:
            refused.append(reader)
            rules_against = ("readers", "side", "valuation_to", "vouched")
            return Decision(tuple(Reason(RuleId(r), Effect.HOLD, "not now") for r in rules_against))
        return decide(reader, *facts, **when)

    monkeypatch.setattr("orchestrator.flow.guard.decide_copy", once)
    assert states(await send(house))["cy"] == "not_sent"
    assert states(await send(house)) == dict.fromkeys(READERS, "sent")
    assert len(await inbox(house, "cy")) == 1


async def test_what_time_ended_at_the_wire_keeps_nothing_behind_it_waiting(opens: Opens) -> None:
    house = await opens((Talk("supply", Tier.OPERATIONS),))
    await house.home.channel_pause(FIRST, "test", actor=ACTOR)
    late = await house.send(f"{SUPPLY} is late.", to="supply")
    after = await house.send(f"{SUPPLY} is here.", to="supply")
    await house.quiet()
    sql = "UPDATE message SET accepted_at = accepted_at - ? WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (15 * DAY, late)))
    await house.home.channel_resume(FIRST, actor=ACTOR)
    assert await house.ends(late) == "dead"
    assert await house.ends(after) == "delivered"


async def test_an_older_correction_never_takes_the_place_of_a_newer_one(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    room = house.room("lunch", SECOND)
    await house.others[SECOND].change(room, invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    older = await written(house, FIRST, "ada", f"{SAID} Or at one.", edits=said)
    held = await house.taken(older)
    assert await house.state(held) == "held"
    await house.others[SECOND].change(room, invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    await written(house, FIRST, "ada", f"{SAID} Or at two.", edits=said)
    await house.home.held_release(held, actor=ACTOR)
    await house.ends(held)
    first, newer, *late = await copies(house, SECOND)
    assert newer.edits == first.id
    assert [(m.edits, m.author_line) for m in late] == [(None, "Ada (an earlier wording)")]


async def test_a_network_whose_code_is_no_code_stops_no_lane(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit entry takes no such text; the delivery ends all the same, and the next one goes."""
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    once, tried = MemoryConnector.send, []

    async def refuses(self: MemoryConnector, delivery: Delivery) -> Accepted:
        tried.append(delivery)
        if len(tried) == 1:
            raise Rejected("550 No, not here!")
        return await once(self, delivery)

    monkeypatch.setattr(MemoryConnector, "send", refuses)
    assert await house.ends(await house.send(SAID, to="lunch")) == "dead"
    assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
