"""Who might see what, and who was in the room: two answers, from the records of a live home."""

from dataclasses import replace

import pytest

from orchestrator.client.problems import Refused
from orchestrator.clock import DAY
from orchestrator.command.reviews import Reviews
from orchestrator.roster.document import to_document
from orchestrator.roster.read import RosterInvalid
from tiers.ids import CompartmentId, PersonId
from tiers.people import DEAL, Delegation, Grant, Phase, Span, Wall
from tiers.tier import Tier

from .conftest import House, eventually
from .house import ACTOR, BEGINS, roster, without

BO, CY = PersonId("bo"), PersonId("cy")


async def in_room(house: House, person: str, label: str) -> bool:
    found = await house.home.who_could_see(house.deal, label, house.clock(), None)
    return any(r.person == person and r.was_in for r in found.readers)


async def test_what_the_list_allows_and_who_was_there_are_two_answers(house: House) -> None:
    home, deal = house.home, house.deal
    await eventually(lambda: in_room(house, "bo", "supply"))
    before = house.clock()
    await home.adopt(deal, "roster", to_document(without(roster(), "bo")), actor=ACTOR)
    now = await home.could_see(deal, BO, house.clock(), None)
    supply = next(c for c in now.conversations if c.label == "supply")
    assert not supply.might
    assert supply.because == ("no grant of the list covers it",)
    assert supply.was_in
    then = await home.could_see(deal, BO, before, None)
    supply = next(c for c in then.conversations if c.label == "supply")
    assert supply.might
    assert "direct grant" in supply.because[0]
    everybody = await home.who_could_see(deal, "supply", house.clock(), None)
    bo = next(r for r in everybody.readers if r.person == "bo")
    assert (bo.might, bool(bo.was_in)) == (False, True)
    assert all(r.might or r.was_in for r in everybody.readers)


async def test_an_account_of_nobody_that_was_there_is_named(house: House) -> None:
    room = house.room("supply")
    await house.far.register("stranger")
    await house.far.add_member(room, "stranger")
    view = house.home.runtime.book.deals[house.deal]
    binding = next(b for found in view.rooms.values() for b in found if b.room == room)

    async def seen() -> bool:
        await house.home.runtime.watcher.look(view, binding, not_before=house.clock())
        found = await house.home.who_could_see(house.deal, "supply", house.clock(), None)
        return any(r.person is None for r in found.readers)

    await eventually(seen)
    found = await house.home.who_could_see(house.deal, "supply", house.clock(), None)
    (stranger,) = (r for r in found.readers if r.person is None)
    assert not stranger.might
    assert stranger.was_in[0].account == "stranger"


@pytest.mark.tampers("an entry is changed")
async def test_an_answer_from_a_record_that_is_not_whole_says_so(house: House) -> None:
    runtime = house.home.runtime
    assert (await house.home.could_see(house.deal, BO, house.clock(), None)).whole
    sql = "UPDATE audit SET salt = x'00' WHERE deal_id = ? AND n = 4"
    await runtime.store.write(lambda tx: tx.run(sql, (house.deal,)))
    await runtime.store.read(lambda tx: runtime.book.look(tx, anew=True))
    assert not (await house.home.could_see(house.deal, BO, house.clock(), None)).whole
    assert not (await house.home.who_could_see(house.deal, "supply", house.clock(), None)).whole


async def test_a_phase_decides_at_once_who_is_sent_anything(house: House) -> None:
    """A grant of the diligence alone: nothing reaches its owner once the deal is closed."""
    home, deal = house.home, house.deal
    only = frozenset({Phase.PLANNING, Phase.DILIGENCE})
    listed = roster()
    grants = tuple(replace(g, phases=only) if g.person_id == "bo" else g for g in listed.grants)
    await home.adopt(deal, "roster", to_document(replace(listed, grants=grants)), actor=ACTOR)
    assert await house.ends(await house.send("Supply terms are agreed.", "ada", "supply")) == (
        "delivered"
    )
    assert await home.deal_phase(deal, Phase.CLOSED, actor=ACTOR)
    message = await house.send("Supply terms changed.", "ada", "supply")
    assert await house.ends(message) == "held"
    found = await home.could_see(deal, BO, house.clock(), None)
    supply = next(c for c in found.conversations if c.label == "supply")
    assert "only in planning and diligence, and the deal was in closed" in supply.because[0]


async def test_a_delegate_is_let_in_for_his_principal_and_no_further(house: House) -> None:
    home, deal = house.home, house.deal
    bare = without(roster(), "cy")
    lent = (Delegation(BO, CY, Tier.COORDINATION, Span(BEGINS)),)
    await home.adopt(deal, "roster", to_document(replace(bare, delegations=lent)), actor=ACTOR)
    found = await home.could_see(deal, CY, house.clock(), None)
    answers = {c.label: (c.might, c.because) for c in found.conversations}
    assert answers["lunch"][0]
    assert "as delegate of bo" in answers["lunch"][1][0]
    assert not answers["supply"][0]
    assert "not up to operations" in answers["supply"][1][0]


async def test_a_roster_is_looked_through_or_it_is_a_finding(house: House) -> None:
    look = Reviews(house.home.runtime).look
    await look()
    assert "review_overdue" not in await house.findings()
    house.clock.ahead += 91 * DAY
    await look()
    assert "review_overdue" in await house.findings()
    await house.home.roster_review(house.deal, BO, actor=ACTOR)
    assert "review_overdue" not in await house.findings()
    await look()
    assert "review_overdue" not in await house.findings()


async def test_a_roster_that_would_be_read_across_its_wall_is_never_in_force(house: House) -> None:
    clean = CompartmentId("clean-team")
    listed = roster()
    walled = replace(
        listed,
        grants=(*without(listed, "cy").grants, Grant(CY, clean, Tier.OPERATIONS, Span(BEGINS))),
        walls=(Wall(DEAL, clean, Span(BEGINS)),),
        delegations=(Delegation(BO, CY, Tier.COORDINATION, Span(BEGINS)),),
    )
    before = house.home.runtime.book.deals[house.deal].roster_hash
    with pytest.raises(RosterInvalid) as caught:
        await house.home.adopt(house.deal, "roster", to_document(walled), actor=ACTOR)
    assert "clean-team by direct grant" in caught.value.mistakes[0].wrong
    assert "deal as delegate of bo" in caught.value.mistakes[0].wrong
    assert house.home.runtime.book.deals[house.deal].roster_hash == before


async def test_who_changes_a_roster_that_was_changed_meanwhile_looks_again(house: House) -> None:
    """Two change the list at once: the second does not put back what the first took away."""
    home, deal = house.home, house.deal
    seen = home.runtime.book.deals[deal].roster_hash
    await home.adopt(deal, "roster", to_document(without(roster(), "bo")), actor=ACTOR)
    more = to_document(replace(roster(), walls=(Wall(DEAL, CompartmentId("tax"), Span(BEGINS)),)))
    with pytest.raises(Refused, match="meanwhile"):
        await home.adopt(deal, "roster", more, actor=ACTOR, in_place_of=seen)
    assert not home.runtime.book.deals[deal].roster.grants_of(BO, house.clock())
