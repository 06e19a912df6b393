"""What is held: whose, why, until when, and the ways out; its text is on no page."""

from orchestrator.clock import HOUR
from orchestrator.flow.overdue import hand_on
from tests.dashboard.conftest import Look, words
from tests.scenarios.test_approvals import found, say
from tests.scenarios.test_desk_pages import ADA, BO, CY, desk

PRICE = "zvaluation: we raise our offer to 27.50 per share."


async def hold(look: Look, person: str = "ada") -> str:
    message = await look.house.send(PRICE, person, "lunch")
    assert await look.house.ends(message) == "held"
    return message


async def test_nothing_is_held(look: Look) -> None:
    said = words(await look.page("held", look.as_("participant", "owner")))
    assert "Nothing is held." in said


async def test_its_author_reads_why_and_moves_it_with_one_click(look: Look) -> None:
    message = await hold(look)
    at = await look.page("held", look.as_("participant"))
    said = words(at)
    assert "One message waits for you." in said
    assert "Held. Nobody has seen it." in said
    assert "Why it waits" in said
    assert "27.50" not in said
    at.button(key=f"move-{message}-0").click()
    await look.again(at)
    assert await look.house.ends(message) == "delivered"
    assert "Nothing is held." in words(at)


async def test_its_author_drops_it_or_asks_for_its_release(look: Look) -> None:
    one, other = await hold(look), await hold(look)
    at = await look.page("held", look.as_("participant"))
    at.button(key=f"drop-{one}").click()
    await look.again(at)
    assert await look.house.state(one) == "dropped"
    assert "Dropped. It goes to nobody." in words(at)
    at.button(key=f"ask-{other}").click()
    await look.again(at)
    assert await look.house.state(other) == "held"
    assert "release_asked" in await look.house.findings()


async def test_a_refusal_is_said_with_what_still_holds(look: Look) -> None:
    message = await hold(look)
    at = await look.page("held", look.as_("participant"))
    await look.house.home.held_drop(message, actor="local:test")  # type: ignore[arg-type]  # an id
    at.button(key=f"move-{message}-0").click()
    await look.again(at)
    assert "There is no such" in words(at)


async def test_what_is_past_its_deadline_says_so(look: Look) -> None:
    await hold(look)
    store = look.house.home.runtime.store
    look.house.clock.ahead = 25 * HOUR
    await hand_on(store, look.house.clock())
    said = words(await look.page("held", look.as_("participant", "owner", person="bo")))
    assert "1 is past the deadline" in said
    assert "Past its deadline. It is with Bo now." in said


async def test_an_operator_sees_that_something_is_held_and_no_more(look: Look) -> None:
    await hold(look)
    said = words(await look.page("held", look.as_("operator", person=None)))
    assert "1 message is held. None is yours to settle." in said
    assert "Ada" not in said


async def test_who_looks_after_the_deal_asks_to_read_it_and_never_reads_it_here(
    look: Look,
) -> None:
    house = look.house
    await found(house, ADA, BO, CY)
    message = await house.send(PRICE, "el", "lunch")
    assert await house.ends(message) == "held"
    who = look.as_("participant", "owner", stepped_up=True)
    at = await look.page("held", who)
    at.button(key=f"see-{message}").click()
    await look.again(at)
    assert "Two other people must agree." in words(at)
    async with desk(house, who) as client:
        [item] = (await client.held_desk("HERON")).items
    assert item.reveal is not None
    await say(house, item.reveal.request, BO)
    await say(house, item.reveal.request, CY)
    await look.again(at)
    said = words(at)
    assert "Two people agreed that you read it" in said
    assert "27.50" not in said, "the browser asks for it, not this page"


async def test_counsel_is_asked_for_the_matter(look: Look) -> None:
    house = look.house
    await found(house, ADA, BO, CY)
    message = await hold(look, "bo")
    at = await look.page("held", look.as_("counsel", person="cy"))
    at.text_input(key=f"matter-{message}").set_value("M-2026/17")
    at.button(key=f"see-{message}").click()
    await look.again(at)
    assert "You asked to read it." in words(at)


async def test_what_is_with_others_is_not_said_to_wait_for_who_may_settle_it(look: Look) -> None:
    message = await look.house.send(PRICE, "el", "lunch")
    assert await look.house.ends(message) == "held"
    at = await look.page("held", look.as_("participant", "owner"))
    assert "1 message is held, and others settle it. You may do so too." in words(at)
    assert at.button(key=f"move-{message}-0").label == "Move it to #price"
