"""Whoever gets another way to sign in is told; "That was not me" takes all of it away at once."""

from tests.orchestrator.signin.conftest import DeskHouse
from tests.orchestrator.signin.test_passkey_sign_in import bind, passkey, sign
from tests.scenarios.conftest import eventually

TOLD = "another way signs you in at the desk: a passkey"


async def told(desk: DeskHouse, person: str) -> list[str]:
    return [m.text for m in await desk.house.told(person, 0)]


async def test_whoever_gets_a_passkey_is_told_of_it_in_his_own_line(desk: DeskHouse) -> None:
    browser = await desk.signed_in("ada")
    assert (await bind(browser, passkey())).json() == 1

    async def is_told() -> bool:
        return any(TOLD in text for text in await told(desk, "ada"))

    await eventually(is_told)
    assert [t for t in await told(desk, "ada") if TOLD in t][1:] == []
    assert not any(TOLD in text for text in await told(desk, "bo"))


async def test_that_was_not_me_ends_everything_at_once_and_takes_from_nobody_else(
    desk: DeskHouse,
) -> None:
    thief, other, own = await desk.signed_in("ada"), await desk.signed_in("bo"), passkey(count=1)
    assert (await bind(thief, own)).json() == 1
    mine, later = await desk.signed_in("ada"), await desk.link("ada")
    answer = await mine.post("/deals/HERON/own/not-me")
    assert answer.status_code == 200, answer.text
    assert answer.json() == 2
    for browser in (thief, mine):
        assert (await browser.get("/me")).status_code == 401
    assert (await other.get("/me")).status_code == 200
    again = await sign(desk.browser(), own)
    assert again.status_code in {401, 403}, "the passkey is nobody's"
    assert (
        await desk.browser().post("/session/link", {"secret": later, "sure": True})
    ).status_code == 403
    [ended] = await desk.entries("login.ended")
    assert (ended["person"], ended["actor"]) == ("ada", "person:ada")
    assert "ada" in desk.home.runtime.book.deals[desk.house.deal].persons.paused
    assert "bo" not in desk.home.runtime.book.deals[desk.house.deal].persons.paused


async def test_a_stranger_of_the_deal_takes_nothing_away(desk: DeskHouse) -> None:
    operator = await desk.signed_in(None)
    assert (await operator.post("/deals/HERON/own/not-me")).status_code in {403, 404}
    assert not desk.home.runtime.book.deals[desk.house.deal].persons.paused
