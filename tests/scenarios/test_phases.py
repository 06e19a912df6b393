"""In a founded deal a phase that gives anybody anything counts only as two people signed it."""

from dataclasses import replace

import pytest

from orchestrator.approvals.errors import NotAllowed
from orchestrator.client.problems import Waits
from orchestrator.deals.agreed_phase import back_rule
from orchestrator.roster.document import to_document
from orchestrator.roster.phase import state_phase
from tiers.ids import PersonId
from tiers.people import Delegation, Phase, Span
from tiers.tier import Tier

from .conftest import House
from .house import ACTOR, BEGINS, roster, without
from .test_approvals import ADA, BO, CY, DI, asked, found, say

SIGNING = frozenset({Phase.SIGNING})


async def phased(house: House) -> None:
    """El reads only while the deal is being signed; then the deal is founded."""
    listed = roster()
    grants = tuple(replace(g, phases=SIGNING) if g.person_id == "el" else g for g in listed.grants)
    document = to_document(replace(listed, grants=grants))
    await house.home.adopt(house.deal, "roster", document, actor=ACTOR)
    await found(house, ADA, BO, CY, DI)


def phase(house: House) -> Phase | None:
    view = house.home.runtime.book.deals.get(house.deal)
    return None if view is None else view.phase


async def test_two_put_a_deal_into_a_phase_that_gives(house: House) -> None:
    await phased(house)
    with pytest.raises(Waits):
        await house.home.deal_phase(house.deal, Phase.SIGNING, actor=ACTOR)
    assert phase(house) is Phase.PLANNING
    request = await asked(house)
    shown = await house.home.approval_show(request)
    assert shown.changes[0] == "The deal goes from planning to signing"
    assert "el newly reads" in " ".join(shown.sees)
    assert shown.otherwise == "The deal stays in planning."
    await say(house, request, BO)
    await say(house, request, DI)
    assert phase(house) is Phase.SIGNING
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    assert phase(house) is Phase.SIGNING
    assert await house.home.deal_phase(house.deal, Phase.CLOSED, actor=ACTOR)
    assert phase(house) is Phase.CLOSED


async def test_what_was_agreed_for_one_step_is_carried_out_for_no_other(house: House) -> None:
    """Meanwhile the deal went elsewhere: people saw another step than the one that is left."""
    await phased(house)
    with pytest.raises(Waits):
        await house.home.deal_phase(house.deal, Phase.SIGNING, actor=ACTOR)
    request = await asked(house)
    await say(house, request, BO)
    assert await house.home.deal_phase(house.deal, Phase.DILIGENCE, actor=ACTOR)
    with pytest.raises(NotAllowed, match="ask again"):
        await say(house, request, DI)
    assert phase(house) is Phase.DILIGENCE


@pytest.mark.parametrize("request_id", [None, "apr_" + "0" * 32])
async def test_a_phase_that_nobody_agreed_to_puts_the_deal_out_of_force(
    house: House, request_id: str | None
) -> None:
    """Planted: the command states it without asking. What is read next believes none of it."""
    await phased(house)
    runtime = house.home.runtime
    await runtime.store.write(
        lambda tx: state_phase(
            tx,
            house.deal,
            Phase.PLANNING,
            Phase.SIGNING,
            at=house.clock(),
            actor=ACTOR,
            request=request_id,
        )
    )
    await runtime.book.reload(runtime.store, house.deal)
    assert phase(house) is None
    assert "phase" in runtime.book.refused[house.deal]


async def test_a_step_from_where_the_deal_is_not_is_believed_as_little(house: House) -> None:
    """Planted: it says that it takes away, from a phase that the deal never was in."""
    await phased(house)
    runtime = house.home.runtime
    await runtime.store.write(
        lambda tx: state_phase(
            tx, house.deal, Phase.SIGNING, Phase.SIGNING, at=house.clock(), actor=ACTOR
        )
    )
    await runtime.book.reload(runtime.store, house.deal)
    assert phase(house) is None


def test_who_comes_back_gains_for_his_delegates_too() -> None:
    """A delegate reads VALUATION by nobody but the one who comes back: neither may agree to it."""
    listed = roster()
    lent = (Delegation(PersonId("ada"), PersonId("el"), Tier.VALUATION, Span(BEGINS)),)
    rule = back_rule(replace(listed, delegations=lent), PersonId("ada"))
    assert rule.valuation_raise
    assert rule.barred == {"ada", "el"}
    alone = back_rule(listed, PersonId("el"))
    assert not alone.valuation_raise
    assert alone.barred == {"el"}
    bare = back_rule(without(listed, "el"), PersonId("el"))
    assert bare.barred == {"el"}
