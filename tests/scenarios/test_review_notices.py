"""Who may send up but not read is told nothing of who reads there."""

import pytest

from orchestrator.roster.document import to_document
from tiers.ids import ConnectorName

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, PRICE, roster, without


@pytest.fixture
async def house(opens: Opens) -> House:
    return await opens()


async def test_an_uncleared_author_is_told_nothing_of_the_members(house: House) -> None:
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "cy")), actor=ACTOR)
    message = await house.send(f"The {PRICE} is agreed.", person="el")
    assert await house.ends(message) == "held"
    assert "Cy" in await house.reasons(message)  # the desk sees it all
    said = (await house.told("el"))[-1].text
    assert "Held" in said
    assert "it cannot go to the conversation of its tier now" in said
    assert "Cy" not in said
    assert "price" not in said


async def test_nor_when_the_guard_stops_it(house: House) -> None:
    await house.home.channel_pause(ConnectorName(CHANNEL), "test", actor=ACTOR)
    message = await house.send(f"The {PRICE} is agreed.", person="el")
    await house.quiet()
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "cy")), actor=ACTOR)
    await house.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    assert await house.ends(message) == "held"
    assert "Cy" not in (await house.told("el"))[-1].text


async def test_a_cleared_author_is_told_why(house: House) -> None:
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "cy")), actor=ACTOR)
    message = await house.send(f"The {PRICE} is agreed.", person="ada")
    assert await house.ends(message) == "held"
    assert "Cy" in (await house.told("ada"))[-1].text
