"""The page people & access, over a live home, as whoever looks."""

from time import monotonic

import pytest
from streamlit.testing.v1 import AppTest

from connectors.memory.faults import FaultKind
from orchestrator.clock import HOUR, SECOND
from tests.dashboard.conftest import House, Look, words
from tests.scenarios.conftest import eventually
from tests.scenarios.house import CHANNEL
from tests.scenarios.test_desk_people import adopt, shows
from tiers.ids import PersonId


async def people(look: Look, *roles: str, person: str | None = "ada") -> AppTest:
    return await look.page("people", look.as_(*roles, person=person))


async def press(look: Look, at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return await look.again(at)


def said(at: AppTest) -> str:
    """All that is shown, dialogs too."""
    blocks = (at.markdown, at.caption, at.success, at.text)
    return "\n".join([words(at), *(str(e.value) for block in blocks for e in block)])


async def in_lunch(house: House, account: str) -> bool:
    return account in (await house.far.state(house.room("lunch")))["seats"]


async def test_everybody_in_his_place_is_the_first_line(look: Look) -> None:
    at = await people(look, "participant", "owner")
    assert "Everybody is where the list says." in said(at)
    assert "12 as they should be" in said(at)
    with pytest.raises(KeyError):
        at.button(key="people.right")


async def test_what_differs_is_put_right_as_it_was_shown(look: Look) -> None:
    await look.house.far.add_member(look.house.room("lunch"), "greta", by="ada")
    await shows(look.house, "greta", "lunch", "extra")
    at = await people(look, "participant", "owner")
    assert "1 place where a channel does not match your list." in said(at)
    at = await press(look, at, "people.right")
    assert "greta leaves" in said(at)
    assert await in_lunch(look.house, "greta"), "a plan changes nothing"
    at = await followed(look, await press(look, at, "people.plan.yes"))
    assert "Each of it was read back" in said(at)
    assert not await in_lunch(look.house, "greta")


async def test_a_plan_is_followed_on_a_slow_network_and_says_what_was_seen(look: Look) -> None:
    house = look.house
    await house.far.add_member(house.room("lunch"), "greta", by="ada")
    await shows(house, "greta", "lunch", "extra")
    at = await press(look, await people(look, "participant", "owner"), "people.right")
    await house.far.inject(FaultKind.SLOW, verb="remove", amount=6 * SECOND, times=1)
    began = monotonic()
    at = await press(look, at, "people.plan.yes")
    assert monotonic() - began < 6, "the page waits for no removal"
    assert "This goes on when you close it." in said(at)
    assert "Each of it was read back" not in said(at)
    at = await followed(look, at)
    assert "Each of it was read back" in said(at)
    assert not await in_lunch(house, "greta")


async def followed(look: Look, at: AppTest) -> AppTest:
    """Looks at the dialog as its live part does, until the plan is at its end."""

    async def over() -> bool:
        return "This goes on when you close it." not in said(await look.again(at))

    await eventually(over)
    return at


async def test_a_search_that_finds_nobody_is_an_answer(look: Look) -> None:
    at = await people(look, "participant", "owner")
    at.text_input(key="people.search").set_value("Zorro")
    at = await look.again(at)
    assert "Nobody by that name is on this deal." in said(at)


async def test_someone_leaves_from_the_first_button_and_is_seen_gone(look: Look) -> None:
    at = await people(look, "participant", "owner")
    at = await press(look, at, "people.leaving")
    at.text_input(key="people.leaving.who").set_value("el")
    at = await look.again(at)
    at.radio(key="people.leaving.whom").set_value("el")
    at = await press(look, await look.again(at), "people.leaving.go")

    async def seen_gone() -> bool:
        shown = said(await look.again(at))
        return "Out of 1 conversation on 1 channel, seen gone at" in shown

    await eventually(seen_gone)
    assert not await in_lunch(look.house, "el")


async def test_a_leave_is_answered_at_once_and_followed_on_a_slow_network(look: Look) -> None:
    house = look.house
    at = await people(look, "participant", "owner")
    at.session_state["people.chosen"] = "el"
    at = await press(look, await look.again(at), "people.card.leave")
    await house.far.inject(FaultKind.SLOW, verb="remove", amount=6 * SECOND, times=1)
    began = monotonic()
    at = await press(look, at, "people.leaving.go")
    assert monotonic() - began < 6, "the page waits for no removal"
    assert "0 of 1 removals seen. The rest is asked for." in said(at)
    assert "asked, not yet confirmed" in said(at)

    async def seen_gone() -> bool:
        return "seen gone at" in said(await look.again(at))

    await eventually(seen_gone)
    assert not await in_lunch(house, "el")


async def test_a_name_is_text_and_never_markup(look: Look) -> None:
    evil = "**Approved** [x](http://evil.example) :red[!]"
    house = look.house
    await house.far.register(evil)
    await house.far.add_member(house.room("lunch"), evil, by="ada")
    await shows(house, evil, "lunch", "extra")
    at = await press(look, await people(look, "participant", "owner"), "people.right")
    assert "[x](http" not in said(at)
    assert "**Approved**" not in said(at)


async def test_an_operator_sees_figures_and_no_name(look: Look) -> None:
    at = await people(look, "operator", person=None)
    shown = said(at)
    assert "V1" in shown
    assert not any(name in shown for name in ("Ada", "Bo", "Cy", "price"))


async def test_a_participant_gets_no_button_of_the_deals_owner(look: Look) -> None:
    at = await people(look, "participant", person="el")
    keys = {b.key for b in at.button}
    assert not keys & {"people.right", "people.leaving"}


async def test_access_is_shown_first_and_asked_for_after(look: Look) -> None:
    at = await people(look, "participant", "owner")
    at.session_state["people.chosen"] = "di"
    at = await press(look, await look.again(at), "people.card.change")
    at.selectbox(key="people.change.highest").set_value("coordination")
    at = await press(look, await look.again(at), "people.show")
    assert "Di no longer reads" in said(at)
    at = await press(look, at, "people.ask")
    assert "Done. The list is in force." in said(at)
    await shows(look.house, "di", "supply", "extra")


async def test_a_channel_that_is_away_is_never_all_well(look: Look) -> None:
    house = look.house
    await house.far.inject(FaultKind.UNAVAILABLE, verb="*", times=None)
    house.clock.ahead += HOUR
    shown = said(await people(look, "participant", "owner"))
    assert "We cannot tell right now about 12 seats." in shown
    assert "does not tell who is in its rooms" in shown
    assert "Everybody is where" not in shown


async def test_who_is_paused_is_let_go_on_from_his_card(look: Look) -> None:
    at = await people(look, "participant", "owner")
    at.session_state["people.chosen"] = "bo"
    at = await press(look, await look.again(at), "people.card.pause")
    at = await press(look, at, "people.pause.go")
    assert "Bo is paused." in said(at)
    at = await press(look, at, "people.card.resume")

    async def on() -> bool:
        return "bo" not in look.house.home.runtime.book.deals[look.house.deal].persons.paused

    await eventually(on)


async def test_the_map_is_there_and_of_the_same_people(look: Look) -> None:
    await adopt(look.house, "el")
    at = await people(look, "participant", "owner")
    at.session_state["people.kind"] = "Map"
    at = await look.again(at)
    assert "Red: in the channel" in said(at)


async def test_a_new_phone_is_compared_by_people_found_by_name_and_replaces_the_old(
    look: Look,
) -> None:
    house = look.house
    officer = look.as_("participant", "security_officer", person="bo", stepped_up=True)
    await house.far.add_device("ada", "second", "another-key")
    house.home.runtime.observer.forget(CHANNEL)

    async def seen() -> bool:
        card = await house.home.person_card(house.deal, PersonId("ada"), officer)
        return any(d.device == "second" for d in card.devices)

    await eventually(seen)
    card = await house.home.person_card(house.deal, PersonId("ada"), officer)
    [new] = [d for d in card.devices if d.device == "second"]
    [old] = [d for d in card.devices if d.state == "verified"]
    at = await look.page("people", officer)
    at.session_state["people.chosen"] = "ada"
    at = await press(look, await look.again(at), "people.card.verify")
    assert at.button(key="people.verify.go").disabled
    at.text_area(key="people.verify.words").set_value(" ".join(new.words))
    at.text_input(key="people.verify.second").set_value("a")
    at = await look.again(at)
    offered = at.radio(key="people.verify.second.of").options
    assert not any(one.startswith(("Ada", "Bo")) for one in offered), "neither of the two"
    at.text_input(key="people.verify.second").set_value("cy")
    at.selectbox(key="people.verify.replaces").set_value(old.device)
    at = await press(look, await look.again(at), "people.verify.go")
    assert "was compared by two people." in said(at)
    keys = {k.device: k for k in await house.home.key_list(house.deal, PersonId("ada"))}
    assert keys["second"].state == "verified"
    assert keys[old.device].state != "verified"
