"""Two deals in one home: neither is guessed, and nobody acts in one by his id in the other."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.config.policy import default_text, read_policy
from orchestrator.flow.accept import Accepter
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, ConnectorName, DealId, MessageId
from tiers.people import Roster
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, PRICE, Talk, make_talk, roster

LUNCH = Talk("lunch", Tier.COORDINATION)


async def second_deal(house: House, people: Roster) -> DealId:
    policy = read_policy(default_text())
    made = await house.home.deal_new("PLOVER", made_up=True, policy=policy, actor=ACTOR)
    deal = DealId(made.deal_id)
    await house.home.adopt(deal, "roster", to_document(people), actor=ACTOR)
    key = generate("joint", [Group("nobody", 1, 1)])
    await house.home.journal_key_add(deal, "joint", json.dumps(key.public), actor=ACTOR)
    return deal


async def test_a_name_that_two_deals_have_names_neither(opens: Opens) -> None:
    house = await opens((LUNCH,))
    other = await second_deal(house, roster(names=("ada", "bo")))
    await make_talk(house.home, other, LUNCH)
    _, remote = await house.far.direct("ada", "wallcross", "#lunch Noon in room four.")
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    assert "another deal" in await house.reasons(message)
    assert await house.arrived() == []


GARDEN = Talk("garden", Tier.COORDINATION)
NOON = "Noon in room four."


async def two_deals(opens: Opens) -> tuple[House, dict[str, DealId]]:
    """#lunch is of the one deal, #garden of the other; ada is on both, el on the first alone."""
    house = await opens((LUNCH,))
    other = await second_deal(house, roster(names=("ada", "bo")))
    await make_talk(house.home, other, GARDEN)
    return house, {"lunch": house.deal, "garden": other}


async def line(house: House, text: str, **more: Any) -> MessageId:
    _, remote = await house.far.direct("ada", "wallcross", text, **more)
    return await house.taken(remote)


async def deals_of(house: House, message: MessageId) -> dict[str, set[str]]:
    """Every deal in which there is something of a message."""
    entries = "SELECT deal_id FROM audit WHERE instr(body, CAST(? AS BLOB)) > 0"
    found = {
        table: {deal for (deal,) in await house.rows(sql, message)}
        for table, sql in (
            ("message", "SELECT deal_id FROM message WHERE message_id = ?"),
            ("sealed", "SELECT deal_id FROM sealed WHERE owner = ?"),
            ("journal", "SELECT deal_id FROM journal WHERE message_id = ?"),
            ("delivery", "SELECT deal_id FROM delivery WHERE message_id = ?"),
            ("held", "SELECT deal_id FROM held WHERE message_id = ?"),
            ("audit", entries),
        )
    }
    return {table: deals for table, deals in found.items() if deals}


@pytest.mark.parametrize("label", ["lunch", "garden"])
async def test_a_name_that_one_of_them_has_names_its_conversation_and_deal(
    opens: Opens, label: str
) -> None:
    house, deals = await two_deals(opens)
    message = await line(house, f"#{label} {NOON}")
    assert await house.ends(message) == "delivered"
    assert set().union(*(await deals_of(house, message)).values()) == {deals[label]}
    [arrived] = await house.arrived()
    bound = {b.room: view.deal_id for view, b in house.home.runtime.book.rooms()}
    assert bound[arrived["room"]] == deals[label]


@pytest.mark.parametrize("label", ["lunch", "garden"])
async def test_an_answer_goes_to_the_deal_of_what_it_answers(opens: Opens, label: str) -> None:
    house, deals = await two_deals(opens)
    first = await line(house, f"#{label} {NOON}")
    assert await house.ends(first) == "delivered"
    [(remote,)] = await house.rows("SELECT remote_id FROM message WHERE message_id = ?", first)
    room = await house.rows("SELECT room FROM message WHERE message_id = ?", first)
    reply = await house.far.write("ada", room[0][0], "Or at one.", reply_to=remote)
    message = await house.taken(reply)
    assert await house.ends(message) == "delivered"
    assert set().union(*(await deals_of(house, message)).values()) == {deals[label]}


async def test_what_names_nothing_is_held_and_told_the_names_of_all_his_deals(
    opens: Opens,
) -> None:
    house, _ = await two_deals(opens)
    for text in (NOON, "About #garden and #lunch.", "#nothing at noon"):
        message = await line(house, text)
        assert await house.ends(message) == "held"
        [told] = (await house.told("ada"))[-1:]
        assert {"#lunch", "#garden"} <= set(told.text.replace(",", " ").replace(".", " ").split())
    assert await house.arrived() == []


async def test_nobody_is_told_names_of_a_deal_that_he_is_not_on(opens: Opens) -> None:
    house, _ = await two_deals(opens)
    _, remote = await house.far.direct("el", "wallcross", "#garden at noon")
    assert await house.ends(await house.taken(remote)) == "held"
    [told] = await house.told("el")
    assert "#garden" not in told.text


async def test_a_planted_guess_from_content_is_caught(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = await two_deals(opens)
    guess = re.compile(r"(?s).*?#([\w-]{1,80})")
    monkeypatch.setattr("orchestrator.flow.resolve._PREFIX", guess)
    message = await line(house, "About #garden.")
    with pytest.raises(AssertionError):
        assert await house.ends(message) == "held"


async def test_a_planted_first_deal_is_caught(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, deals = await two_deals(opens)
    monkeypatch.setattr(Accepter, "_meant", lambda *_: None)
    ends = {label: await house.ends(await line(house, f"#{label} {NOON}")) for label in deals}
    assert sorted(ends.values()) == ["delivered", "held"], "one of them is not the first"


async def test_nobody_answers_for_who_bears_his_id_in_another_deal(opens: Opens) -> None:
    house = await opens((LUNCH,))
    await house.far.register("zoe")
    alike = roster(names=("ada", "bo"))
    zoe = replace(alike.people[0], accounts={ConnectorName(CHANNEL): AccountId("zoe")})
    await second_deal(house, replace(alike, people=(zoe, *alike.people[1:])))
    held = await house.send(f"{PRICE}: we raise our offer to 27.50 per share.", to="lunch")
    assert await house.ends(held) == "held"
    _, remote = await house.far.direct("zoe", "wallcross", "2")
    assert await house.ends(await house.taken(remote)) == "delivered"
    assert await house.state(held) == "held"
