"""A held message and its author: told in his own line, with three ways out, none of them downwards.

Looked at from the far side: what people's own clients show.
"""

import pytest

from orchestrator.client.problems import Refused, Waits
from orchestrator.clock import HOUR
from orchestrator.flow.notices import code_of
from orchestrator.flow.overdue import hand_on
from tiers.ids import MessageId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, Talk, roster

PRICE = "zvaluation: we raise our offer to 27.50 per share."


async def hold(house: House, text: str = PRICE, person: str = "ada") -> MessageId:
    message = await house.send(text, person, "lunch")
    assert await house.ends(message) == "held"
    return message


async def answer(house: House, person: str, text: str) -> str:
    """A person answers in the line in which we told him."""
    room = (await house.told(person))[-1].room
    return await house.taken(await house.far.write(person, room, text))


async def test_what_is_above_its_room_is_held_and_its_author_told(house: House) -> None:
    message = await hold(house)
    [told] = await house.told("ada")
    assert told.text.startswith("Held. Nobody has seen it.")
    for way in ("1", "2", "3"):
        assert f"{way} {code_of(message)}" in told.text
    assert "27.50" not in told.text
    assert await house.arrived() == []


async def test_its_author_moves_it_up(house: House) -> None:
    message = await hold(house)
    await house.ends(await answer(house, "ada", f"1 {code_of(message)}"))
    assert await house.ends(message) == "delivered"
    assert await house.seen("bo", "price") == [PRICE]
    assert await house.seen("el", "lunch") == []
    [arrived] = await house.arrived()
    assert arrived["room"] == house.room("price")


async def test_its_author_drops_it(house: House) -> None:
    message = await hold(house)
    line = await answer(house, "ada", "2")
    assert await house.ends(line) == "delivered", "an answer goes to nobody"
    assert await house.state(message) == "dropped"
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []
    assert await house.arrived() == []


async def test_its_author_asks_for_release(house: House) -> None:
    message = await hold(house)
    await house.ends(await answer(house, "ada", f"3 {code_of(message)}"))
    assert await house.state(message) == "held"
    assert "release_asked" in await house.findings()


async def test_an_answer_in_a_line_that_the_author_began_himself_counts_too(house: House) -> None:
    room, first = await house.far.direct("ada", "wallcross", f"#lunch {PRICE}")
    message = await house.taken(first)
    assert await house.ends(message) == "held"
    await house.told("ada")
    line = await house.taken(await house.far.write("ada", room, f"2 {code_of(message)}"))
    assert await house.ends(line) == "delivered"
    assert await house.state(message) == "dropped"


async def test_nobody_answers_for_another(house: House) -> None:
    message = await hold(house)
    await hold(house, person="bo")
    await house.ends(await answer(house, "bo", f"2 {code_of(message)}"))
    assert await house.state(message) == "held"


async def test_an_answer_that_comes_to_nothing_is_said_so(house: House) -> None:
    message = await hold(house)
    await house.ends(await answer(house, "ada", "2 00000000"))
    _, second = await house.told("ada", 2)
    assert "Nothing was done" in second.text
    assert await house.state(message) == "held"


async def test_a_text_that_only_begins_like_an_answer_is_a_message(house: House) -> None:
    message = await hold(house)
    line = await answer(house, "ada", f"2 {code_of(message)} and lunch is at noon")
    assert await house.ends(line) == "delivered"
    assert await house.state(message) == "held"
    assert len(await house.arrived()) == 1


async def test_downwards_waits_for_a_second_person(house: House) -> None:
    message = await hold(house)
    for verb in (
        house.home.held_release(message, actor=ACTOR),
        house.home.held_move(message, "lunch", actor=ACTOR),
        house.home.held_move(message, "supply", actor=ACTOR),
    ):
        with pytest.raises(Waits) as caught:
            await verb
        assert caught.value.exit_code == 6
    await house.quiet()
    assert await house.state(message) == "held"
    assert await house.arrived() == []


async def test_upwards_one_person_moves_it_from_the_desk(house: House) -> None:
    message = await hold(house)
    [listed] = await house.home.held_list(house.deal)
    assert listed.message_id == message
    assert listed.fits == ("price",)
    assert (listed.owner, listed.next_person) == ("ada", "bo")
    await house.home.held_move(message, "price", actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await house.seen("cy", "price") == [PRICE]
    assert await house.home.held_list(house.deal) == []


async def test_where_it_does_not_fit_it_stays_held(house: House) -> None:
    message = await hold(house)
    await house.far.add_member(house.room("price"), "mallory", by="ada")

    async def seen() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(seen)
    with pytest.raises(Refused):
        await house.home.held_move(message, "price", actor=ACTOR)
    assert await house.state(message) == "held"
    assert await house.arrived() == []


async def test_past_its_deadline_it_is_handed_to_the_next_person(house: House) -> None:
    message = await hold(house)
    store, later = house.home.runtime.store, house.clock() + 25 * HOUR
    assert await hand_on(store, house.clock()) == 0
    assert await hand_on(store, later) == 1
    [listed] = await house.home.held_list(house.deal)
    assert (listed.message_id, listed.owner) == (message, "bo")
    assert "held_overdue" in await house.findings()
    assert await hand_on(store, later) == 0, "once"


async def test_a_deadline_with_nobody_next_is_still_a_finding(opens: Opens) -> None:
    alone = roster(names=("ada", "cy", "di"))
    house = await opens((Talk("lunch", Tier.COORDINATION),), people=alone)
    await hold(house)
    later = house.clock() + 25 * HOUR
    await hand_on(house.home.runtime.store, later)
    assert "held_overdue" in await house.findings()


async def test_the_author_is_told_the_names_that_he_may_use(house: House) -> None:
    _, remote = await house.far.direct("el", "wallcross", "#dinner is at eight.")
    assert await house.ends(await house.taken(remote)) == "held"
    [told] = await house.told("el")
    assert "#lunch" in told.text
    assert "#price" not in told.text, "nor the name of what is above him"
    assert "#supply" not in told.text
    assert await house.arrived() == []


async def test_softer_evidence_goes_and_its_author_is_asked(house: House) -> None:
    text = "zvaluation: what the board thinks of it will be seen."
    message = await house.send(text, "ada", "lunch")
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [text]
    [told] = await house.told("ada")
    assert told.text.startswith("Your message went.")
    assert "above_room" in await house.findings()


async def test_two_held_messages_need_their_code(house: House) -> None:
    one, other = await hold(house), await hold(house, PRICE.replace("27", "28"))
    await house.ends(await answer(house, "ada", "2"))
    assert await house.state(one) == await house.state(other) == "held"
    await house.ends(await answer(house, "ada", f"2 {code_of(other)}"))
    assert (await house.state(one), await house.state(other)) == ("held", "dropped")
