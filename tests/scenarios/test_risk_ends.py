"""Findings that end by a fact of their own, and how soon a page can say anything."""

from dataclasses import replace

import pytest

from connectors.port.events import Batch, InboundMessage
from connectors.port.messages import Content
from orchestrator.clock import DAY
from orchestrator.command.risk_look import RiskLook
from orchestrator.wiring.assemble import tell_lost
from tiers.ids import AccountId, PersonId, RemoteId
from tiers.rights import DeskRole

from .conftest import House
from .house import ACTOR
from .test_first_contact import listener
from .test_risk import desk

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
    await look.look_new()
    assert await house.rows("SELECT 1 FROM risk_look") == [], "not in its first second"
    await look.look_new()
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        assert not (await client.risk_show(house.deal)).stale
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM risk_look"))
    await look.look_new()
    assert await house.rows("SELECT 1 FROM risk_look") == [], "from then on each minute's look does"
