"""Two deals in one home: neither is guessed, and nobody acts in one by his id in the other."""

import json
from dataclasses import replace

from orchestrator.config.policy import default_text, read_policy
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, ConnectorName, DealId
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


async def test_a_name_that_one_of_them_has_names_its_conversation(opens: Opens) -> None:
    house = await opens((LUNCH,))
    await second_deal(house, roster(names=("ada", "bo")))
    row = "SELECT deal_id FROM message WHERE message_id = ?"
    _, remote = await house.far.direct("ada", "wallcross", "#lunch Noon in room four.")
    message = await house.taken(remote)
    kept_by_first = (await house.rows(row, message))[0][0] == house.deal
    assert await house.ends(message) == ("delivered" if kept_by_first else "held")


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
