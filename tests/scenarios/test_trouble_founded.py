"""In a founded deal a pause takes one and a resumption two others, for that very pause."""

import pytest

from orchestrator.approvals.errors import NotAllowed
from orchestrator.client.problems import Waits
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, Talk
from .test_approvals import ADA, CY, DI, asked, found, say
from .test_approvals import BO as BO_SIGNS

BO = PersonId("bo")
TALKS = (Talk("price", Tier.VALUATION), Talk("lunch", Tier.COORDINATION))


@pytest.fixture
async def house(opens: Opens) -> House:
    return await opens(TALKS)


async def stands(house: House) -> bool:
    return BO in house.home.runtime.book.deals[house.deal].persons.paused


async def test_in_a_founded_deal_a_resumption_waits_for_two_others(house: House) -> None:
    await found(house, ADA, BO_SIGNS, CY, DI)
    await house.home.person_pause(house.deal, BO, "doubt", actor=ACTOR)
    with pytest.raises(Waits):
        await house.home.person_resume(house.deal, BO, actor=ACTOR)
    request = await asked(house)
    with pytest.raises(NotAllowed, match="paused"):
        await say(house, request, BO_SIGNS)
    assert (await say(house, request, ADA)).state == "waits"
    assert await stands(house)
    assert (await say(house, request, CY)).state == "done"
    assert not await stands(house)


async def test_what_was_signed_for_one_pause_ends_no_later_one(house: House) -> None:
    await found(house, ADA, BO_SIGNS, CY, DI)
    await house.home.person_pause(house.deal, BO, "doubt", actor=ACTOR)
    with pytest.raises(Waits):
        await house.home.person_resume(house.deal, BO, actor=ACTOR)
    first = await asked(house)
    for signs in (ADA, CY):
        await say(house, first, signs)
    await house.home.person_pause(house.deal, BO, "phished", actor=ACTOR)
    with pytest.raises(Waits):
        await house.home.person_resume(house.deal, BO, actor=ACTOR)
    assert await asked(house) != first
    assert await stands(house)
