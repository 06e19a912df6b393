"""Remedies are done from the card, and what they did is seen, beside what closes the finding."""

import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.api import Client
from orchestrator.client.risk import FindingAnsweredView
from orchestrator.client.wire import app_transport
from orchestrator.command.risk_look import RiskLook
from tiers.ids import ConnectorName
from tiers.rights import Viewer

from .conftest import OURS, House, eventually
from .house import ACTOR, CHANNEL
from .test_risk import looked, one
from .test_risk_answers import answers, raised
from .test_risk_texts import LONG, PASTE, written

pytestmark = pytest.mark.usefixtures("untold")


async def home_answers(
    house: House, finding: str, answer: str, **given: str
) -> FindingAnsweredView:
    """As the home's own user, who runs its channels, answers it."""
    whole = Viewer("test", whole=True)
    async with Client(app_transport(make_desk(house.home, whole), here())) as client:
        return await client.finding_answer(house.deal, finding, answer, given)


async def test_what_a_stranger_wrote_is_dropped_from_the_card(house: House) -> None:
    await house.far.direct("mallory", OURS, "who are you?")

    async def told() -> bool:
        return "first_contact" in await house.findings()

    await eventually(told)
    sql = "SELECT finding_id FROM finding WHERE rule = 'first_contact' AND closed_at IS NULL"
    [(finding,)] = await house.rows(sql)
    await home_answers(house, finding, "drop_stranger")
    assert await house.rows("SELECT kept FROM quarantine") == [(0,)]
    assert await house.rows(sql) == []


async def test_a_channel_is_tested_paused_and_goes_on_from_the_card(house: House) -> None:
    channel = house.home.runtime.channels[ConnectorName(CHANNEL)]
    forged = await raised(house, "forged", f"{CHANNEL}:wrong_path", deal="home")
    tried = await home_answers(house, forged, "test_channel")
    assert "steps seen" in tried.done[0]
    await home_answers(house, forged, "pause_channel")
    assert channel.paused == "finding forged"
    lost = await raised(house, "account_lost", str(CHANNEL), deal="home")
    await home_answers(house, lost, "resume_channel")
    assert channel.paused is None


async def test_a_person_is_paused_and_goes_on_again_from_the_card(house: House) -> None:
    stale = await raised(house, "stale_clearance", "di")
    await answers(house, stale, "pause_person")
    paused = one(await looked(house), "person_paused")
    persons = house.home.runtime.book.deals[house.deal].persons.paused
    assert "di" in persons
    await answers(house, paused.finding_id, "resume_person")
    assert "di" not in house.home.runtime.book.deals[house.deal].persons.paused
    assert "person_paused" not in await house.findings()


async def test_a_new_phone_is_said_from_the_card(house: House) -> None:
    finding = await raised(house, "new_device", f"{CHANNEL}:{house.room('supply')} di")
    came = await answers(house, finding, "new_phone")
    assert came.done
    assert "new_phone" in await house.findings()


async def test_a_held_message_is_moved_from_the_card(house: House) -> None:
    await house.home.watch_add(house.deal, ["Quill Feather"], [], actor=ACTOR)
    held = await house.send("All about Quill Feather", person="di", to="lunch")
    assert await house.ends(held) == "held"
    finding = await raised(house, "held_overdue", held)
    await answers(house, finding, "move", to="price")
    assert await house.state(held) != "held"


async def test_a_restricted_passage_is_over_once_its_author_dropped_it(house: House) -> None:
    await written(house, "ada", "supply", LONG)
    leak = await written(house, "di", "lunch", PASTE)
    assert await house.state(leak) == "held"
    look = RiskLook(house.home.runtime)

    async def undone() -> bool:
        sql = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'undo' AND state = 'done'"
        return bool(await house.rows(sql, leak))

    assert "restricted_text" in await house.findings()
    await eventually(undone)
    await look.look()
    assert "restricted_text" not in await house.findings()


async def test_a_listed_amount_is_found_and_over_once_it_is_seen_gone(house: House) -> None:
    await house.home.watch_add(house.deal, [], ["EUR 1.37bn"], actor=ACTOR)
    leak = await written(house, "di", "lunch", "They said 1,370 million euros on the phone.")
    assert "watch_amount" in await house.findings()

    async def undone() -> bool:
        sql = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'undo' AND state = 'done'"
        return bool(await house.rows(sql, leak))

    await eventually(undone)
    await RiskLook(house.home.runtime).look()
    assert "watch_amount" not in await house.findings()
