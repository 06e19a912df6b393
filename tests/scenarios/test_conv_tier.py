"""A conversation raised to a stricter tier: at once by one, used by two, never lowered again."""

from collections.abc import Callable

import pytest

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.conversing import TierChange
from orchestrator.client.problems import Missing, Refused, Waits, Wrong
from orchestrator.deals.raising import AWAITS
from orchestrator.deals.stated import NOT_AS_STATED, raised_body
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, SUPPLY, Talk
from .test_approvals import ADA, BO, CY, DI, asked, found, say

SAID = f"The {SUPPLY} list is ready."
PLAIN = "Lunch is at noon."


def conversation(house: House, label: str) -> Conversation:
    talks = house.home.runtime.book.deals[house.deal].conversations.values()
    return next(c for c in talks if c.label == label)


async def raise_it(
    house: House, label: str, tier: str, *, by: str = "ada", look: bool = False
) -> TierChange:
    who = PersonId(by)
    return await house.home.conv_tier(house.deal, label, tier, by=who, only_look=look, actor=ACTOR)


async def test_what_comes_next_is_held_for_whoever_is_not_cleared_and_goes_once_he_is_out(
    house: House,
) -> None:
    done = await raise_it(house, "lunch", "operations")
    assert (done.was, done.floor, done.changed) == ("coordination", "operations", True)
    assert done.uncleared == ("el",)
    assert "uncleared_member" in await house.findings()
    message = await house.send(PLAIN, to="lunch")
    assert await house.ends(message) == "held"
    assert await house.arrived() == []
    plan = await house.home.plan(house.deal)
    assert [(a.kind, a.account) for a in plan.acts] == [("remove", "el"), ("rotate", None)]
    lines = house.home.plan_apply(house.deal, plan.hash, None, actor=ACTOR)
    assert [line.outcome async for line in lines] == ["seen", "seen"]
    await house.home.runtime.watcher.look_at_all()
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert PLAIN not in await house.seen("el", "lunch")
    assert PLAIN in await house.seen("di", "lunch")


async def test_a_look_says_it_all_and_changes_nothing(house: House) -> None:
    look = await raise_it(house, "lunch", "valuation", look=True)
    assert (look.floor, look.changed) == ("valuation", False)
    assert look.uncleared == ("di", "el")
    assert conversation(house, "lunch").floor is Tier.COORDINATION
    assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"


async def test_its_name_is_sealed_as_any_valuation_name_is(house: House) -> None:
    await raise_it(house, "supply", "valuation")
    cid = conversation(house, "supply").conversation_id
    sql = "SELECT label, floor FROM conversation WHERE conversation_id = ?"
    assert await house.rows(sql, cid) == [(None, "valuation")]
    await house.restart()
    assert conversation(house, "supply").label == "supply"
    assert conversation(house, "supply").floor is Tier.VALUATION


async def test_it_is_never_lowered(house: House) -> None:
    with pytest.raises(Refused, match="no conversation is ever lowered") as caught:
        await raise_it(house, "supply", "coordination")
    assert "conv new NAME --tier coordination --owner ada" in caught.value.then
    assert "conv close supply" in caught.value.then
    assert conversation(house, "supply").floor is Tier.OPERATIONS


async def test_only_somebody_of_the_roster_raises_and_only_to_a_tier(house: House) -> None:
    with pytest.raises(Wrong, match="is no tier"):
        await raise_it(house, "lunch", "secret")
    with pytest.raises(Missing, match="not on the roster"):
        await raise_it(house, "lunch", "operations", by="eve")


async def test_to_valuation_it_stands_still_until_two_agreed(opens: Opens) -> None:
    house = await opens()
    await found(house, ADA, BO, CY, DI)
    with pytest.raises(Waits, match="two people must agree"):
        await raise_it(house, "supply", "valuation")
    made = conversation(house, "supply")
    assert made.floor is Tier.VALUATION, "it is stricter at once"
    [binding] = house.home.runtime.book.deals[house.deal].rooms[made.conversation_id]
    assert binding.paused == AWAITS
    message = await house.send(SAID, to="supply")
    assert await house.ends(message) == "held"
    with pytest.raises(Refused, match="Two people have not agreed"):
        await house.home.conv_resume(house.deal, "supply", actor=ACTOR)
    request = await asked(house)
    with pytest.raises(Waits):
        await raise_it(house, "supply", "valuation")
    assert await asked(house) == request, "asked again it is the same request"
    await say(house, request, BO)
    assert made.conversation_id in house.home.runtime.book.deals[house.deal].awaiting
    assert (await say(house, request, CY)).state == "done"
    view = house.home.runtime.book.deals[house.deal]
    assert not view.awaiting
    await house.restart()
    assert not house.home.runtime.book.deals[house.deal].awaiting


Plant = Callable[[House, Tx], None]


def _without_signatures(house: House, tx: Tx) -> None:
    """An entry says that it was done; nobody signed."""
    body: dict[str, Json] = {"request": "apr_" + "0" * 32, "at": 1, "row": "0" * 64}
    append(tx, house.deal, Kind.APPROVAL_DONE, body, at=house.clock(), actor=ACTOR)


def _row_lifted(house: House, tx: Tx) -> None:
    """The row of its room says that it runs."""
    tx.run("UPDATE room SET paused = NULL WHERE deal_id = ?", (house.deal,))


@pytest.mark.tampers("rows and entries of somebody else's")
@pytest.mark.parametrize("plant", [_without_signatures, _row_lifted])
async def test_what_nobody_signed_lets_nothing_through(opens: Opens, plant: Plant) -> None:
    house = await opens()
    await found(house, ADA, BO, CY, DI)
    with pytest.raises(Waits):
        await raise_it(house, "supply", "valuation")
    await house.home.runtime.store.write(lambda tx: plant(house, tx))
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    cid = conversation(house, "supply").conversation_id
    assert cid in house.home.runtime.book.deals[house.deal].awaiting
    assert await house.ends(await house.send(SAID, to="supply")) == "held"
    assert await house.arrived() == []


@pytest.mark.tampers("a row and an entry of somebody else's")
async def test_an_entry_that_lowers_it_lowers_nothing(house: House) -> None:
    made = conversation(house, "supply")

    def plant(tx: Tx) -> None:
        tx.run(
            "UPDATE conversation SET floor = 'coordination' WHERE conversation_id = ?",
            (made.conversation_id,),
        )
        lower = Conversation(
            made.conversation_id, made.deal_id, made.label, Tier.COORDINATION, made.compartment
        )
        body = raised_body(lower, made.floor)
        append(tx, house.deal, Kind.CONVERSATION_RAISED, body, at=house.clock(), actor=ACTOR)

    await house.home.runtime.store.write(plant)
    await house.home.runtime.book.reload(house.home.runtime.store, house.deal)
    view = house.home.runtime.book.deals[house.deal]
    assert view.conversations[made.conversation_id].floor is Tier.OPERATIONS
    [binding] = view.rooms[made.conversation_id]
    assert binding.paused == NOT_AS_STATED
    assert await house.ends(await house.send(SAID, to="supply")) == "held"


async def test_who_could_see_it_before_could(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION),))
    before = house.clock()
    await raise_it(house, "lunch", "operations")
    after = house.clock()
    then = await house.home.who_could_see(house.deal, "lunch", before, None)
    now = await house.home.who_could_see(house.deal, "lunch", after, None)
    assert [r.might for r in then.readers if r.person == "el"] == [True]
    assert not any(r.might for r in now.readers if r.person == "el")
