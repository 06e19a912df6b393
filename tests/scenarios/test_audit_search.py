"""The record searched at the desk: each finds what the Audit page shows him, and nothing else."""

import pytest

from orchestrator.audit.kinds import Kind
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import AuditQuery
from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.views import AuditLine
from tiers.rights import DeskRole
from tiers.tier import Tier

from .conftest import House, Opens
from .house import TALKS, Talk
from .test_approvals import hold
from .test_desk_approvals import COUNSEL, OFFICER, OPERATOR, OWNER, PERSON, at_desk, seated
from .test_desk_audit import every as rows_of
from .test_desk_audit import state


async def every(client: Client, house: House, **asked: object) -> list[AuditLine]:
    found: list[AuditLine] = []
    cursor: str | None = None
    sought = AuditQuery(**asked)  # type: ignore[arg-type]  # names as given
    while True:
        page = await client.audit_search(str(house.deal), sought, cursor=cursor, limit=7)
        found.extend(page.items)
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("role", [OWNER, OFFICER, COUNSEL])
async def test_whoever_sees_the_whole_record_finds_entries_as_the_tail_tells_them(
    house: House, role: DeskRole
) -> None:
    await hold(house)
    async with at_desk(house, seated(house, "ada", PERSON, role)) as client:
        tail = await client.audit_tail(str(house.deal), 10_000)
        found = [e for e in await every(client, house) if e.n <= tail[-1].n]
        held = await every(client, house, kinds=("message.held", "message.accepted"))
        nobody = await every(client, house, actor="nobody")
    assert found == list(reversed(tail))
    assert {e.kind for e in held} == {"message.held", "message.accepted"}
    assert nobody == []
    assert "27.50" not in str(found)


async def test_filters_join_and_an_instant_ends_before_itself(house: House) -> None:
    await state(house, Kind.PERSON_REVIEWED, "bo")
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        [one] = await every(client, house, kinds=("person.reviewed",), person="bo", actor="test")
        assert await every(client, house, person="bo", actor="person:bo") == []
        assert one in await every(client, house, since=one.at, until=one.at + 1)
        assert one not in await every(client, house, until=one.at)


async def test_a_conversation_is_named_by_its_label_and_brings_its_rooms(house: House) -> None:
    view = house.home.runtime.book.deals[house.deal]
    talk = next(iter(view.conversations.values()))
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        by_label = await every(client, house, conversation=talk.label)
        by_id = await every(client, house, conversation=talk.conversation_id)
        with pytest.raises(Missing):
            await every(client, house, conversation="no-such-talk")
    assert by_label == by_id
    assert "conversation.created" in {e.kind for e in by_label}


@pytest.mark.tampers("a finding is stated that is in no table")
async def test_a_participant_finds_the_rows_of_his_page_by_the_fields_of_his_page(
    house: House,
) -> None:
    await state(house, Kind.PERSON_REVIEWED, "bo")
    await state(house, Kind.PERSON_REVIEWED, "cy")
    await state(house, Kind.FINDING_OPENED, "bo", rule="unknown_member")
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        found = await every(client, house)
        page = await rows_of(client, house)
        assert await every(client, house, person="cy") == []
    assert [e.n for e in found] == [r.n for r in page]
    assert [e.actor for e in found] == [r.who for r in page]
    assert [e.body for e in found] == [dict(r.facts) for r in page]
    assert "finding.opened" not in {e.kind for e in found}


async def test_a_participant_cannot_ask_about_a_conversation_that_is_not_his(opens: Opens) -> None:
    house = await opens([*TALKS, Talk("own", Tier.OPERATIONS, side="kestrel")])
    async with at_desk(house, seated(house, "cy", PERSON)) as client:
        await every(client, house, conversation="supply")
        for conversation in ("own", "no-such-talk"):
            with pytest.raises(Missing):
                await every(client, house, conversation=conversation)


async def test_nor_does_he_learn_that_there_was_one(opens: Opens) -> None:
    house = await opens([*TALKS, Talk("own", Tier.OPERATIONS, side="kestrel")])
    await house.home.conv_close(
        house.deal, "own", even_waiting=True, only_look=False, actor="local:ada"
    )
    async with at_desk(house, seated(house, "cy", PERSON)) as client:
        for conversation in ("own", "no-such-talk"):
            with pytest.raises(Missing) as told:
                await every(client, house, conversation=conversation)
            assert str(told.value) == f"the deal has no conversation {conversation}"


async def test_whoever_runs_the_home_finds_his_own_acts_alone(house: House) -> None:
    await state(house, Kind.PERSON_REVIEWED, "bo")
    async with at_desk(house, seated(house, None, OPERATOR)) as client:
        assert await every(client, house) == []


async def test_a_kind_that_nobody_writes_is_a_mistake_with_the_nearest(house: House) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        with pytest.raises(Wrong) as caught:
            await every(client, house, kinds=("message.hold",))
    assert caught.value.then == "--kind message.held"


async def test_a_cursor_is_for_its_own_question(house: House) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        cursor = (await client.audit_search(str(house.deal), AuditQuery(), limit=2)).next
        asked = AuditQuery(kinds=("room.created",))
        with pytest.raises(Wrong):
            await client.audit_search(str(house.deal), asked, cursor=cursor, limit=2)
