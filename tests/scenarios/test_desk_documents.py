"""Adviser documents and connections at the desk, each as far as it is the viewer's."""

import pytest

from orchestrator.client.documents_desk import DocumentRow
from orchestrator.client.problems import Problem, Refused
from tiers.rights import DeskRole

from .conftest import House, Opens
from .house import CHANNEL
from .test_desk_approvals import COUNSEL, OFFICER, OPERATOR, OWNER, PERSON, at_desk, seated
from .test_documents import READERS, parties, send

ADVISER = DeskRole.ADVISER


async def seen(house: House, person: str, *roles: DeskRole) -> tuple[DocumentRow, ...]:
    async with at_desk(house, seated(house, person, *roles)) as client:
        return (await client.desk_documents(str(house.deal))).documents


async def test_each_copy_is_told_to_owner_and_sender_and_nobody_elses_to_a_reader(
    opens: Opens,
) -> None:
    house = await parties(opens)
    await send(house)
    for roles in (("ada", PERSON), ("bo", PERSON, OWNER), ("el", COUNSEL), ("el", OFFICER)):
        [row] = await seen(house, *roles)
        assert [c.reader for c in row.copies] == list(READERS)
        assert {c.state for c in row.copies} == {"sent"}
        assert row.sender == "Ada"
    for reader in ("cy", "di"):
        for role in (PERSON, ADVISER):
            [row] = await seen(house, reader, role)
            assert [c.reader for c in row.copies] == [reader]
            assert "Bo" not in repr(row)
    assert await seen(house, "el", PERSON) == ()


async def test_no_name_of_a_file_is_in_any_view(opens: Opens) -> None:
    house = await parties(opens)
    await send(house)
    for roles in ((PERSON,), (OWNER,), (COUNSEL,)):
        assert "agreement.txt" not in repr(await seen(house, "ada", *roles))


async def test_whoever_runs_the_home_sees_no_document(opens: Opens) -> None:
    house = await parties(opens)
    async with at_desk(house, seated(house, None, OPERATOR)) as client:
        with pytest.raises(Refused):
            await client.desk_documents(str(house.deal))


async def test_only_his_own_conversations_are_offered_to_send_into(opens: Opens) -> None:
    house = await parties(opens)
    async with at_desk(house, seated(house, "cy", PERSON)) as client:
        view = await client.desk_documents(str(house.deal))
    assert view.person == "cy"
    own = {
        c.conversation_id for c in house.home.runtime.book.deals[house.deal].conversations.values()
    }
    assert {cid for cid, _ in view.into} <= own
    async with at_desk(house, seated(house, "cy", ADVISER)) as client:
        view = await client.desk_documents(str(house.deal))
    assert (view.person, view.into) == (None, ()), "an adviser sends none here"


async def test_a_channel_has_one_card_in_the_words_of_doctor(house: House) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        found = await client.desk_channels(str(house.deal))
    [card] = found.cards
    checks = {c.name: c for c in await house.home.checks()}
    assert (card.words, card.check) == (checks[CHANNEL].text, checks[CHANNEL].state)
    assert card.state == "up"
    assert sum(card.modes.values()) == 3
    assert not card.may, "an owner sees; whoever runs the home acts"
    rooms = {str(b.room) for _, b in house.home.runtime.book.rooms()}
    assert not any(room in repr(card) for room in rooms)


async def test_whoever_runs_the_home_pauses_and_lets_go_on(house: House) -> None:
    deal = str(house.deal)
    async with at_desk(house, seated(house, None, OPERATOR)) as client:
        paused = await client.desk_channel_pause(deal, CHANNEL)
        assert (paused.state, paused.may) == ("paused", True)
        message = await house.send("Lunch at noon.", to="lunch")
        assert (await client.desk_channels(deal)).cards[0].queued >= 0
        again = await client.desk_channel_again(deal, CHANNEL)
        assert again.state == "up"
    assert await house.ends(message) == "delivered"
    entries = await house.home.audit_tail("home", 20)  # type: ignore[arg-type]  # the home's own chain
    assert [e.kind for e in entries if e.kind.startswith("channel.")][-2:] == [
        "channel.paused",
        "channel.resumed",
    ]


@pytest.mark.parametrize("role", [PERSON, ADVISER, OWNER, OFFICER, COUNSEL, DeskRole.APPROVER])
async def test_nobody_else_pauses_a_channel(house: House, role: DeskRole) -> None:
    async with at_desk(house, seated(house, "bo", role)) as client:
        for act in (client.desk_channel_pause, client.desk_channel_again):
            with pytest.raises(Refused):
                await act(str(house.deal), CHANNEL)
    assert house.home.runtime.channels[CHANNEL].paused is None


async def test_a_channel_that_is_not_there_is_missing_and_nothing_changes(house: House) -> None:
    async with at_desk(house, seated(house, None, OPERATOR)) as client:
        for act in (client.desk_channel_pause, client.desk_channel_again):
            with pytest.raises(Problem):
                await act(str(house.deal), "signal")
