"""What the memory network and its far side do beyond the contract."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.memory.connector import open_connector
from connectors.memory.farside import Upload
from connectors.memory.faults import FaultKind
from connectors.memory.wire import Refusal
from connectors.port import DeliveryKey, Evidence, Guarantee, RoomId
from connectors.port.capabilities import Undo
from connectors.port.errors import (
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.port.events import Event, InboundMessage, Receipt, ReceiptKind
from connectors.port.messages import Content, Delivery, Presence, Reader, RoomSpec

from .conftest import DAY, MEMBER, THIRD, US, MemoryRig, setup


async def deliver(rig: MemoryRig, text: str = "words", room: RoomId | None = None) -> Delivery:
    where = room or rig.room
    snapshot = await rig.connector.members(where)
    readers = frozenset(Reader(m.account, m.devices) for m in snapshot.members)
    key = DeliveryKey(secrets.token_hex(8))
    return Delivery(key, where, Content(text), readers, "Ann Example")


async def events(rig: MemoryRig, cursor: str = "0") -> AsyncIterator[Event]:
    stream = rig.connector.receive(cursor)
    async with aclosing(stream), asyncio.timeout(30):  # type: ignore[type-var]  # it is a generator
        async for batch in stream:
            for event in batch.events:
                yield event


async def first_message(rig: MemoryRig, name: str) -> InboundMessage:
    async for event in events(rig):
        if isinstance(event, InboundMessage) and event.remote_id == name:
            return event
    raise AssertionError("the stream ended")


async def held(rig: MemoryRig, room: RoomId | None = None) -> set[Guarantee]:
    posture = await rig.connector.posture(room or rig.room)
    return {h.guarantee for h in posture.holdings if h.evidence is Evidence.VERIFIED}


# readers


async def test_a_hidden_member_is_in_no_list_and_still_stops_the_message(rig: MemoryRig) -> None:
    await rig.side.hide_member(rig.room, "lurker")
    snapshot = await rig.connector.members(rig.room)
    assert snapshot.complete
    assert "lurker" not in {m.account for m in snapshot.members}
    with pytest.raises(ReadersChanged):
        await rig.connector.send(await deliver(rig))
    assert await rig.side.arrived(rig.room) == []


async def test_who_is_only_asked_in_reads_already(rig: MemoryRig) -> None:
    await rig.side.reset(auto_join=False)
    await rig.start()
    snapshot = await rig.connector.members(rig.room)
    assert {m.account: m.presence for m in snapshot.members}[MEMBER] is Presence.INVITED
    delivery = await deliver(rig)
    alone = frozenset(r for r in delivery.readers if r.account != MEMBER)
    with pytest.raises(ReadersChanged):
        await rig.connector.send(replace(delivery, readers=alone))
    await rig.side.join(MEMBER, rig.room)
    joined = {m.account: m.presence for m in (await rig.connector.members(rig.room)).members}
    assert joined[MEMBER] is Presence.JOINED


async def test_who_left_is_no_obstacle(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.leave(THIRD, rig.room)
    accepted = await rig.connector.send(delivery)
    assert THIRD not in {r.account for r in accepted.sealed_to or ()}
    assert await rig.side.inbox(THIRD) == ()


async def test_without_encryption_nothing_is_said_of_sealing_nor_left_out(rig: MemoryRig) -> None:
    plain = RoomId(await rig.side.make_room(MEMBER, [US], end_to_end_encrypted=False))
    delivery = await deliver(rig, room=plain)
    assert (await rig.connector.send(delivery)).sealed_to is None
    (member,) = [m for m in (await rig.connector.members(plain)).members if m.account == MEMBER]
    assert member.devices
    await rig.side.add_device(MEMBER, "PHONE", "another key")
    await rig.connector.distrust(MEMBER, next(iter(member.devices)))
    with pytest.raises(IdentityChanged):  # distrust cannot keep a device from reading here
        await rig.connector.send(replace(delivery, key=DeliveryKey("new")))


async def test_a_device_that_was_not_sealed_to_shows_nothing(rig: MemoryRig) -> None:
    (member,) = [m for m in (await rig.connector.members(rig.room)).members if m.account == MEMBER]
    for device in member.devices or ():
        await rig.connector.distrust(MEMBER, device)
    await rig.connector.send(await deliver(rig, "not for bob"))
    (bobs,) = await rig.side.inbox(MEMBER, rig.room)
    (cyds,) = await rig.side.inbox(THIRD, rig.room)
    assert (bobs.text, bobs.unreadable) == ("", "not_sealed_to_us")
    assert (cyds.text, cyds.unreadable) == ("not for bob", None)


async def test_the_first_devices_are_trusted_only_where_the_settings_say_so(rig: MemoryRig) -> None:
    assert Guarantee.DEVICES_VERIFIED not in await held(rig)
    await rig.reopen(unsafe_trust_first_seen=True)
    assert Guarantee.DEVICES_VERIFIED in await held(rig)
    await rig.side.add_device(THIRD, "PHONE", "new key")
    assert Guarantee.DEVICES_VERIFIED not in await held(rig)


# rooms


async def test_a_vanished_room_is_gone_for_every_verb(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.vanish(rig.room)
    with pytest.raises(Rejected):
        await rig.connector.send(delivery)
    with pytest.raises(Unreadable):
        await rig.connector.members(rig.room)
    with pytest.raises(Unreadable):
        await rig.connector.find(rig.room, delivery.key)


async def test_behind_a_gate_only_our_account_writes(rig: MemoryRig) -> None:
    spec = RoomSpec("x", frozenset({MEMBER}), frozenset(), None, gate=True)
    room = await rig.connector.create(spec)
    with pytest.raises(Refusal, match="may_not_post"):
        await rig.side.write(MEMBER, room, "out of turn")
    await rig.connector.send(await deliver(rig, room=room))
    await rig.side.set_admin(room, US, admin=False)
    posture = await rig.connector.posture(room)
    assert (posture.gate, US in posture.admins, posture.undo) == (False, False, Undo.OWN)
    with pytest.raises(Rejected):
        await rig.connector.send(await deliver(rig, room=room))


async def test_a_timer_destroys_for_everybody(rig: MemoryRig) -> None:
    accepted = await rig.connector.send(await deliver(rig))
    await rig.side.skew(DAY + 1)
    assert await rig.connector.is_gone(rig.room, accepted.remote_id)
    (seen,) = await rig.side.inbox(MEMBER, rig.room)
    assert (seen.gone, seen.text) == (True, "")
    assert (await first_message(rig, accepted.remote_id)).unreadable == "gone"


async def test_a_network_that_shortens_timers_is_read_back(rig: MemoryRig) -> None:
    await rig.side.reset(longest_timer=1000)
    await rig.start()
    holdings = (await rig.connector.posture(rig.room)).holdings
    assert [h.value for h in holdings if h.guarantee is Guarantee.TIMER] == [1000]


@pytest.mark.parametrize("hidden", [True, False])
async def test_history_is_hidden_from_newcomers_where_the_room_says_so(
    rig: MemoryRig, hidden: bool
) -> None:
    await rig.side.change(rig.room, history_hidden=hidden)
    await rig.connector.send(await deliver(rig, "early"))
    await rig.side.add_member(rig.room, "newcomer")
    await rig.side.write(MEMBER, rig.room, "late")
    names = [m.arrival for m in await rig.side.inbox("newcomer", rig.room)]
    assert len(names) == (1 if hidden else 2)


async def test_what_the_network_does_not_tell_is_not_held(rig: MemoryRig) -> None:
    await rig.reopen(untold=["timer", "invite_only"])
    assert not {Guarantee.TIMER, Guarantee.INVITE_ONLY} & await held(rig)


async def test_a_weaker_network_makes_weaker_rooms(rig: MemoryRig) -> None:
    await rig.reopen(guarantees=["encrypted_in_transit", "members_readable"])
    spec = RoomSpec("x", frozenset({MEMBER}), frozenset(), DAY, gate=False)
    room = await rig.connector.create(spec)
    state = await rig.side.state(room)
    assert [name for name, on in state["flags"].items() if on] == [
        "encrypted_in_transit",
        "members_readable",
    ]
    assert state["timer"] is None
    assert await held(rig, room) == rig.connector.capabilities.can


async def test_the_server_sees_the_name_that_was_given_and_no_other(rig: MemoryRig) -> None:
    spec = RoomSpec("kestrel-417", frozenset({MEMBER}), frozenset(), None, gate=False)
    room = await rig.connector.create(spec)
    assert (await rig.side.directory())["rooms"][room] == "kestrel-417"


# taking back


@pytest.mark.parametrize(("rights", "mine", "others"), [("own", True, False), ("none", 0, 0)])
async def test_rights_to_take_back(rig: MemoryRig, rights: str, mine: int, others: int) -> None:
    await rig.side.reset(undo=rights)
    await rig.start()
    assert (await rig.connector.posture(rig.room)).undo.value == rights
    ours = (await rig.connector.send(await deliver(rig))).remote_id
    theirs = await rig.far.write(rig.room, "theirs")
    for message, may in ((ours, mine), (theirs, others)):
        if may:
            await rig.connector.undo(rig.room, message)
        else:
            with pytest.raises(Rejected):
                await rig.connector.undo(rig.room, message)


async def test_an_admin_takes_back_what_others_wrote(rig: MemoryRig) -> None:
    theirs = await rig.far.write(rig.room, "a slip")
    await rig.connector.undo(rig.room, theirs)
    assert await rig.connector.is_gone(rig.room, theirs)
    assert [m.gone for m in await rig.side.inbox(THIRD, rig.room)] == [True]


async def test_after_its_time_nothing_is_taken_back(rig: MemoryRig) -> None:
    await rig.side.reset(undo_for=1000)
    await rig.start()
    assert (await rig.connector.posture(rig.room)).undo_for == 1000
    accepted = await rig.connector.send(await deliver(rig))
    await rig.side.skew(2000)
    with pytest.raises(Rejected):
        await rig.connector.undo(rig.room, accepted.remote_id)
    assert not await rig.connector.is_gone(rig.room, accepted.remote_id)


# repeating and unknown outcomes


async def test_after_its_time_a_key_is_not_recognised(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.connector.send(delivery)
    await rig.side.skew(rig.connector.capabilities.idempotent_for)
    await rig.connector.send(replace(delivery, attempt=2))
    assert [m["attempt"] for m in await rig.side.arrived(rig.room)] == [1, 2]


async def test_what_was_lost_on_the_way_is_uncertain_and_not_found(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.inject(FaultKind.CUT_LOST)
    with pytest.raises(Uncertain):
        await rig.connector.send(delivery)
    assert await rig.connector.find(rig.room, delivery.key) is None


async def test_a_lie_is_told_apart_by_reading_back_only(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.inject(FaultKind.LIE)
    assert (await rig.connector.send(delivery)).remote_id
    assert await rig.connector.find(rig.room, delivery.key) is None
    assert await rig.side.arrived(rig.room) == []


async def test_a_fault_is_for_its_room_and_its_number_of_calls(rig: MemoryRig) -> None:
    spec = RoomSpec("x", frozenset({MEMBER}), frozenset(), None, gate=False)
    other = await rig.connector.create(spec)
    await rig.side.inject(FaultKind.UNAVAILABLE, room=rig.room, times=2)
    await rig.connector.send(await deliver(rig, room=other))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await rig.connector.send(await deliver(rig))
    await rig.connector.send(await deliver(rig))


async def test_a_close_in_the_middle_of_a_send_leaves_it_uncertain(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.inject(FaultKind.SLOW, amount=5_000_000)
    task = asyncio.create_task(rig.connector.send(delivery))
    await asyncio.wait({task}, timeout=0.05)
    await rig.connector.close()
    with pytest.raises(Uncertain):
        await task


async def test_no_answer_in_time_is_uncertain(rig: MemoryRig) -> None:
    await rig.reopen(timeout=0.05)
    delivery = await deliver(rig)
    await rig.side.inject(FaultKind.SLOW, amount=5_000_000)
    with pytest.raises(Uncertain, match="timeout"):
        await rig.connector.send(delivery)
    await rig.reopen(timeout=5)
    await rig.connector.send(delivery)


# people


async def test_what_people_do_is_told(rig: MemoryRig) -> None:
    asked = await rig.side.write(
        MEMBER, rig.room, "see this", subject="A plan", files=[Upload("plan.txt", b"the plan")]
    )
    answer = await rig.side.write(THIRD, rig.room, "agreed", reply_to=asked, quote=True)
    heard = await first_message(rig, asked)
    assert heard.content.subject == "A plan"
    assert heard.sender_device is not None
    assert heard.sender_device.key in (await rig.side.register(MEMBER)).values()
    assert (await first_message(rig, answer)).quoted == "see this"


async def test_a_line_is_private_to_two(rig: MemoryRig) -> None:
    room, message = await rig.side.direct(MEMBER, US, "to the intake")
    again, _ = await rig.side.direct(MEMBER, US, "once more")
    assert room == again
    assert (await first_message(rig, message)).direct
    assert set((await rig.side.state(room))["seats"]) == {MEMBER, US}


async def test_receipts_are_told(rig: MemoryRig) -> None:
    accepted = await rig.connector.send(await deliver(rig))
    await rig.side.receipt(MEMBER, rig.room, accepted.remote_id)
    receipts = [e async for e in _until_receipt(rig)]
    assert receipts[-1] == Receipt(
        rig.room, accepted.remote_id, MEMBER, ReceiptKind.READ, receipts[-1].at
    )


async def _until_receipt(rig: MemoryRig) -> AsyncIterator[Receipt]:
    async for event in events(rig):
        if isinstance(event, Receipt):
            yield event
            return


async def test_only_who_is_in_writes_and_only_admins_let_in(rig: MemoryRig) -> None:
    with pytest.raises(Refusal, match="not_a_member"):
        await rig.side.write("outsider", rig.room, "hello")
    with pytest.raises(Refusal, match="not_an_admin"):
        await rig.side.add_member(rig.room, "outsider", by=MEMBER)
    with pytest.raises(Refusal, match="may_not_undo"):
        await rig.side.delete(THIRD, rig.room, await rig.side.write(MEMBER, rig.room, "mine"))


async def test_lost_keys_read_nothing_and_say_so(rig: MemoryRig) -> None:
    message = await rig.side.write(MEMBER, rig.room, "sealed")
    await rig.side.set_keys(US, held=False)
    assert not (await rig.connector.posture(rig.room)).read
    heard = await first_message(rig, message)
    assert (heard.content.text, heard.unreadable) == ("", "keys_lost")


async def test_events_out_of_order_keep_their_names(rig: MemoryRig) -> None:
    sent = [await rig.side.write(MEMBER, rig.room, f"{n}") for n in range(3)]
    await rig.side.inject(FaultKind.OUT_OF_ORDER)
    heard: list[str] = []
    async for event in events(rig):
        if isinstance(event, InboundMessage):
            heard.append(event.remote_id)
        if len(heard) == len(sent):
            break
    assert heard == sent[::-1]


# opening


async def test_a_signed_out_account_is_down_and_sends_nothing(rig: MemoryRig) -> None:
    delivery = await deliver(rig)
    await rig.side.set_signed_in(US, signed_in=False)
    health = await rig.connector.health()
    assert (health.up, health.code) == (False, "signed_out")
    with pytest.raises(Rejected):
        await rig.connector.send(delivery)


async def test_the_networks_clock_is_its_own(rig: MemoryRig) -> None:
    await rig.side.skew(10 * DAY)
    await rig.connector.health()
    heard = rig.connector.network_time()
    assert heard is not None
    assert abs(heard[0] - heard[1] - 10 * DAY) < DAY


async def test_a_promise_that_the_network_does_not_keep_is_refused(rig: MemoryRig) -> None:
    await rig.side.reset(idempotent_for=0)
    with pytest.raises(Rejected, match="idempotent_for"):
        await rig.reopen()
    await rig.reopen(idempotent_for=0)


def test_wrong_settings_are_named_together_and_not_quoted(tmp_path: Path) -> None:
    wrong = {"adress": "secret-1", "timeout": -1, "address": "10.0.0.1:80", "account": ""}
    with pytest.raises(Rejected) as caught:
        open_connector(setup(tmp_path, **wrong))
    assert all(name in caught.value.hint for name in wrong)
    assert "secret-1" not in str(caught.value)


async def test_a_spoilt_trust_store_is_refused(rig: MemoryRig) -> None:
    path = rig.setup.state / "trust.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(Rejected, match="trust_unreadable"):
        await rig.reopen()


async def test_the_trust_store_is_its_owners_alone(rig: MemoryRig) -> None:
    await rig.reopen(unsafe_trust_first_seen=True)
    await rig.connector.members(rig.room)
    path = rig.setup.state / "trust.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("cursor", ["", "x", "-1", "999999"])
async def test_a_cursor_of_another_life_is_refused(rig: MemoryRig, cursor: str) -> None:
    with pytest.raises(Rejected, match="cursor_unknown"):
        await anext(rig.connector.receive(cursor))
