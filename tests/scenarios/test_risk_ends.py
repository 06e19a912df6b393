"""Findings that end by a fact of their own, and how soon a page can say anything."""

from dataclasses import replace

import pytest

from connectors.port.events import Batch, InboundMessage
from connectors.port.messages import Content
from orchestrator.clock import DAY, HOUR
from orchestrator.command.risk_look import RiskLook
from orchestrator.deals.book import HOME
from orchestrator.risk.settle import PASSING, SLOWLY
from orchestrator.wiring.assemble import tell_lost
from tiers.ids import AccountId, ConnectorName, PersonId, RemoteId, RoomId
from tiers.rights import DeskRole

from .conftest import OURS, House, eventually
from .house import ACTOR, CHANNEL
from .test_first_contact import listener
from .test_flow_rooms import SOFT
from .test_risk import desk
from .test_risk_answers import raised

pytestmark = pytest.mark.usefixtures("untold")


def wrote(n: int, who: str, device: str) -> InboundMessage:
    return InboundMessage(
        None,
        RemoteId(f"w-{n}"),
        AccountId(who),
        Content("good morning", None, ()),
        1,
        written_on=device,
    )


async def test_a_linked_device_is_over_once_two_people_compared_his_key(house: House) -> None:
    ours = listener(house)
    await ours.take(Batch((wrote(1, "bo", "1"), wrote(2, "di", "1")), "1"))
    assert "linked_device" not in await house.findings()
    await ours.take(Batch((wrote(3, "bo", "2"), wrote(4, "di", "2")), "2"))
    sql = "SELECT subject FROM finding WHERE rule = 'linked_device' AND closed_at IS NULL"
    assert len(await house.rows(sql)) == 2
    await RiskLook(house.home.runtime).look()
    assert len(await house.rows(sql)) == 2
    people = (PersonId("ada"), PersonId("cy"))
    [key] = await house.home.key_list(house.deal, PersonId("bo"))
    words, verify = " ".join(key.words), house.home.key_verify
    await verify(house.deal, PersonId("bo"), *people, words=words, actor=ACTOR)
    [(left,)] = await house.rows(sql)
    assert ":di:" in left


async def test_a_mail_that_also_goes_to_somebody_of_no_deal_is_told_for_a_week(
    house: House,
) -> None:
    ours, look = listener(house), RiskLook(house.home.runtime)
    among = replace(wrote(1, "bo", ""), also_to=(AccountId("ADA"), AccountId("di")))
    await ours.take(Batch((among,), "1"))
    assert "misaddressed" not in await house.findings()
    outside = replace(
        wrote(2, "bo", ""), also_to=(AccountId("di"), AccountId("old@friend.example"))
    )
    nobody = replace(wrote(3, "mallory", ""), also_to=(AccountId("old@friend.example"),))
    await ours.take(Batch((outside, nobody), "2"))
    sql = "SELECT subject, reasons FROM finding WHERE rule = 'misaddressed' AND closed_at IS NULL"
    [(subject, why)] = await house.rows(sql)
    assert subject.endswith(":bo")
    assert "friend" not in why
    house.clock.ahead += 6 * DAY
    await look.look()
    assert len(await house.rows(sql)) == 1
    house.clock.ahead += 2 * DAY
    await look.look()
    assert await house.rows(sql) == []


@pytest.mark.parametrize("rule", sorted(set(PASSING) - {SLOWLY}))
async def test_what_is_told_each_time_it_happens_is_over_after_a_day_without(
    house: House, rule: str
) -> None:
    look = RiskLook(house.home.runtime)
    for deal in (house.deal, HOME):
        await raised(house, rule, f"{CHANNEL}:mallory of {deal}", deal=deal)
    house.clock.ahead += DAY - HOUR
    await look.look()
    assert rule in await house.findings()
    house.clock.ahead += 2 * HOUR
    await look.look()
    assert rule not in await house.findings()


async def test_a_lost_name_is_over_once_it_can_be_read(house: House) -> None:
    runtime = house.home.runtime
    await house.home.watch_add(house.deal, ["Quill Feather"], [], actor=ACTOR)
    [(owner,)] = await house.rows("SELECT owner FROM sealed WHERE owner LIKE '%watch%'")
    runtime.book.lost.add(owner)
    await tell_lost(runtime.store, runtime.book, house.clock())
    await RiskLook(runtime).look()
    assert "seal_lost" in await house.findings()
    await house.home.watch_add(house.deal, ["Blue Lantern"], [], actor=ACTOR)
    await RiskLook(runtime).look()
    assert "seal_lost" not in await house.findings()


async def test_a_deal_is_looked_at_within_two_turns_of_a_few_seconds(house: House) -> None:
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    look = RiskLook(house.home.runtime)
    await look.look_soon()
    assert await house.rows("SELECT 1 FROM risk_look") == [], "not in its first second"
    await look.look_soon()
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        assert not (await client.risk_show(house.deal)).stale
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    house.clock.ahead += HOUR
    await look.look_soon()
    assert await house.rows("SELECT 1 FROM risk_look") == [], "nothing happened in it since"
    await house.home.watch_add(house.deal, ["Quill Feather"], [], actor=ACTOR)
    await look.look_soon()
    assert await house.rows("SELECT 1 FROM risk_look") != [], "what moved is looked at soon"
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    await house.home.watch_add(house.deal, ["Blue Lantern"], [], actor=ACTOR)
    await look.look_soon()
    assert await house.rows("SELECT 1 FROM risk_look") == [], "and not all the time"


async def test_what_reads_like_more_is_over_once_its_author_took_it_back(house: House) -> None:
    room = house.room("lunch")
    remote = await house.far.write("ada", room, SOFT)
    message = await house.taken(remote)
    await house.ends(message)
    look = RiskLook(house.home.runtime)
    await look.look()
    assert "above_room" in await house.findings()
    await house.far.delete("ada", room, remote)

    async def gone() -> bool:
        sql = "SELECT 1 FROM message WHERE message_id = ? AND taken_back_at IS NOT NULL"
        return bool(await house.rows(sql, message))

    await eventually(gone)
    await look.look()
    assert "above_room" not in await house.findings()


async def test_a_new_device_is_over_once_two_people_compared_it(house: House) -> None:
    await house.far.add_device("bo", "PHONE2", "key of a phone")

    async def found() -> bool:
        return "new_device" in await house.findings()

    async def over() -> bool:
        return not await found()

    await eventually(found)
    people = (PersonId("ada"), PersonId("cy"))
    await house.home.key_verify(house.deal, PersonId("bo"), *people, actor=ACTOR)
    await house.home.runtime.watcher.look_at_all()
    await eventually(over)
    assert "changed_key" not in await house.findings()


async def test_a_room_that_only_we_may_change_is_a_finding_until_a_person_may(house: House) -> None:
    room, runtime = house.room("supply"), house.home.runtime

    async def admins() -> list[str]:
        listed = await runtime.connectors[ConnectorName(CHANNEL)].members(RoomId(room))
        return [m.account for m in listed.members if m.admin and m.account != OURS]

    async def alone() -> bool:
        runtime.observer.forget(ConnectorName(CHANNEL))
        await runtime.reconciler.look()
        return "sole_admin_bot" in await house.findings()

    async def over() -> bool:
        return not await alone()

    for who in await admins():
        await house.far.set_admin(room, who, admin=False)
    await eventually(alone)
    await house.far.set_admin(room, "ada", admin=True)
    await eventually(over)
    assert "ada" in await admins()
