"""A person's own page, over a live home."""

from streamlit.testing.v1 import AppTest

from tests.dashboard.conftest import Look, words
from tests.scenarios.conftest import eventually
from tests.scenarios.test_desk_people import shows


async def own(look: Look, person: str, *roles: str) -> AppTest:
    return await look.page("own", look.as_(*(roles or ("participant",)), person=person))


async def test_nothing_is_left_and_each_room_says_who_reads_it(look: Look) -> None:
    shown = words(await own(look, "ada"))
    assert "Nothing is left for you to do." in shown
    assert "You and 4 others can read it." in shown
    assert "We see it at the same time as everybody else." in shown


async def test_who_is_not_in_yet_is_told_where_to_join(look: Look) -> None:
    await look.house.far.remove_member(look.house.room("lunch"), "el", by="ada")
    await shows(look.house, "el", "lunch", "missing")
    shown = words(await own(look, "el"))
    assert "One thing is left for you: join where you are asked." in shown
    assert "Join on memory" in shown


async def test_an_adviser_reads_names_of_his_firm_alone(look: Look) -> None:
    shown = words(await own(look, "di", "adviser"))
    assert "Cy" in shown
    assert "Ada" not in shown
    assert "are of other firms" in shown


async def test_leaving_is_asked_once_and_done_at_once(look: Look) -> None:
    at = await own(look, "el")
    at.button(key="own.leave").click()
    at = await look.again(at)
    assert "el" in (await look.house.far.state(look.house.room("lunch")))["seats"]
    at.button(key="own.yes").click()
    at = await look.again(at)
    assert "You left this deal." in words(at)

    async def out() -> bool:
        seats = (await look.house.far.state(look.house.room("lunch")))["seats"]
        return "el" not in seats

    await eventually(out)


async def test_a_new_phone_is_noted_and_opens_nothing(look: Look) -> None:
    at = await own(look, "cy")
    at.button(key="own.phone").click()
    at = await look.again(at)
    at.button(key="own.yes").click()
    assert "Noted." in words(await look.again(at))
    assert "new_phone" in await look.house.findings()


async def test_that_was_not_me_pauses_him_and_is_asked_once(look: Look) -> None:
    at = await own(look, "cy")
    assert "No passkey or other sign-in is yours yet." in words(at)
    at.button(key="own.not_me").click()
    at = await look.again(at)
    assert "cy" not in look.house.home.runtime.book.deals[look.house.deal].persons.paused
    at.button(key="own.yes").click()
    assert "You are paused." in words(await look.again(at))
    assert "cy" in look.house.home.runtime.book.deals[look.house.deal].persons.paused
