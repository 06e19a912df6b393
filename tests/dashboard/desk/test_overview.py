"""The Overview: an answer in a sentence, never better than what was read back."""

import pytest

from orchestrator.clock import HOUR
from tests.dashboard.conftest import Look, words
from tests.scenarios.conftest import eventually

OWNER = ("participant", "owner")
PRICE = "zvaluation: we raise our offer to 27.50 per share."


async def hold(look: Look, person: str = "el") -> str:
    message = await look.house.send(PRICE, person, "lunch")
    assert await look.house.ends(message) == "held"
    return message


async def test_nothing_needs_anybody_in_a_deal_in_order(look: Look) -> None:
    at = await look.page("overview", look.as_(*OWNER))
    said = words(at)
    assert "Nothing needs you." in said
    assert "Checked on the one channel" in said
    assert "PLANNING" in said
    assert "Disappears after" in said
    assert "signing" not in said, "nobody said when it is to be signed"


async def test_old_figures_are_said_to_be_old_and_never_well(look: Look) -> None:
    look.house.clock.ahead = 2 * HOUR
    said = words(await look.page("overview", look.as_(*OWNER)))
    assert "We cannot tell right now." in said
    assert "rooms were not read back lately" in said.casefold()
    assert "Nothing needs you" not in said
    assert "where it should be" not in said


async def test_a_channel_that_is_down_is_named_with_what_we_do(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = next(iter(look.house.home.runtime.channels.values()))
    monkeypatch.setattr(channel, "connector", None)
    said = words(await look.page("overview", look.as_(*OWNER)))
    assert "We cannot tell right now." in said
    assert "Messages wait here. Nothing is sent another way." in said


async def test_its_author_reads_that_his_message_waits_and_others_do_not(look: Look) -> None:
    await hold(look)
    own = words(await look.page("overview", look.as_("participant", person="el")))
    assert "One thing needs you." in own
    assert "Your message waits" in own
    assert "27.50" not in own
    other = words(await look.page("overview", look.as_("participant", person="di")))
    assert "Nothing needs you." in other
    assert "Your message waits" not in other


async def test_at_most_three_items_and_the_rest_is_counted(look: Look) -> None:
    for _ in range(5):
        await hold(look)
    at = await look.page("overview", look.as_("participant", person="el"))
    assert "Five things need you." in words(at)
    assert "And 2 more things" in words(at)
    assert len([b for b in at.button if (b.key or "").startswith("item-go-")]) == 3


async def test_an_item_says_what_happened_what_was_done_and_where_it_is_settled(
    look: Look,
) -> None:
    house = look.house
    await house.far.add_member(house.room("price"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    at = await look.page("overview", look.as_(*OWNER))
    said = words(at)
    assert "on no list" in said
    assert "We stopped sending to that room until it is settled." in said
    assert any(b.label == "See who it is" for b in at.button)


async def test_what_happened_just_now_is_told_without_content(look: Look) -> None:
    await hold(look)
    await look.house.ends(await look.house.send("lunch is at noon", "ada", "lunch"))
    said = words(await look.page("overview", look.as_(*OWNER)))
    assert "Waits for its author" in said
    assert "Delivered" in said
    assert "noon" not in said
    assert "27.50" not in said


async def test_a_participant_sees_no_figure_and_no_name_that_is_not_his(look: Look) -> None:
    said = words(await look.page("overview", look.as_("participant", person="el")))
    assert "You are in it" in said
    assert "price" not in said
    assert "supply" not in said


async def test_whoever_is_not_signed_in_sees_nothing_of_it(look: Look) -> None:
    said = words(await look.whole(None))
    assert "You are signed out." in said
    assert "Nothing needs you" not in said
