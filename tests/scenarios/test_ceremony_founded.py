"""In a founded deal the two who compared a key sign for it; two names typed by one open nothing."""

import pytest

from orchestrator.approvals.errors import NotAllowed
from orchestrator.client.problems import Refused, Waits
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, PRICE, Talk
from .test_approvals import ADA, BO, CY, DI, asked, found, say

TALKS = (Talk("price", Tier.VALUATION),)
WHO, ONE, OTHER = PersonId("cy"), PersonId("ada"), PersonId("bo")


@pytest.fixture
async def house(opens: Opens) -> House:
    house = await opens(TALKS)
    await found(house, ADA, BO, CY, DI)
    await house.far.add_device("cy", "second", "a-second-key")
    return house


async def states(house: House) -> dict[str, str]:
    keys = await house.home.key_list(house.deal, WHO)
    return {key.device: key.state for key in keys if key.connector == CHANNEL}


async def ceremony(house: House, one: PersonId = ONE, other: PersonId = OTHER) -> None:
    await house.home.key_verify(house.deal, WHO, one, other, actor=ACTOR)


async def second_seen(house: House) -> None:
    await house.send(PRICE, to="price")
    await house.quiet()
    assert sorted((await states(house)).values()) == ["seen", "verified"]


async def test_it_waits_until_both_who_compared_have_signed(house: House) -> None:
    await second_seen(house)
    with pytest.raises(Waits, match="ada and bo"):
        await ceremony(house)
    request = await asked(house)
    assert (await say(house, request, ADA)).state == "waits"
    assert "seen" in (await states(house)).values()
    assert (await say(house, request, BO)).state == "done"
    assert set((await states(house)).values()) == {"verified"}


async def test_nobody_else_can_sign_for_what_they_compared(house: House) -> None:
    await second_seen(house)
    with pytest.raises(Waits):
        await ceremony(house)
    request = await asked(house)
    for stranger in (CY, DI):
        with pytest.raises(NotAllowed):
            await say(house, request, stranger)
    assert "seen" in (await states(house)).values()


async def test_who_has_no_key_enrolled_cannot_be_named(house: House) -> None:
    await second_seen(house)
    with pytest.raises(Refused, match="el has no key enrolled"):
        await ceremony(house, ONE, PersonId("el"))
    assert "seen" in (await states(house)).values()


async def test_a_key_that_is_another_by_then_is_not_verified(house: House) -> None:
    await second_seen(house)
    with pytest.raises(Waits):
        await ceremony(house)
    request = await asked(house)
    await say(house, request, ADA)
    device = next(d for d, state in (await states(house)).items() if state == "seen")
    await house.home.key_mark(house.deal, WHO, device, "compromise", actor=ACTOR)
    with pytest.raises(Refused, match="could not be carried out"):
        await say(house, request, BO)
    assert sorted((await states(house)).values()) == ["compromised", "verified"]
