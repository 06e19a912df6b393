"""A program is signed in as whoever confirmed its code, once, and without what he proved."""

from orchestrator.clock import MINUTE, SECOND
from orchestrator.signin.devices import GUESSES, LETTERS
from tests.orchestrator.signin.conftest import Browser, DeskHouse


async def begun(desk: DeskHouse) -> dict[str, str]:
    answer = await desk.browser(origin=None).post("/device/begin", {"label": "ada-laptop"})
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


async def asks(desk: DeskHouse, told: dict[str, str]) -> tuple[int, str | None]:
    desk.ticks.at += 4 * SECOND
    program = desk.browser(origin=None)
    answer = await program.post("/device/token", {"device": told["device"]})
    return answer.status_code, answer.json().get("secret")


def program_of(desk: DeskHouse, secret: str | None) -> Browser:
    return desk.browser(origin=None, headers={"authorization": f"Bearer {secret}"})


async def test_a_program_is_whoever_confirmed_it(desk: DeskHouse) -> None:
    told, ada = await begun(desk), await desk.signed_in("ada")
    assert told["device"] not in told["shown"]
    assert set(told["shown"]) <= {*LETTERS, "-"}
    assert await asks(desk, told) == (200, None)
    looked = await ada.post("/session/device", {"shown": told["shown"].lower()})
    assert looked.json() == {"label": "ada-laptop"}
    assert await asks(desk, told) == (200, None)  # looking confirms nothing
    sure = {"shown": told["shown"], "sure": True}
    assert (await ada.post("/session/device", sure)).status_code == 200
    assert (await ada.post("/session/device", sure)).status_code == 404  # once
    status, secret = await asks(desk, told)
    assert status == 200
    me = (await program_of(desk, secret).get("/me")).json()
    assert (me["way"], me["deals"][0]["person"], me["stepped_up_until"]) == ("device", "ada", None)
    assert (await asks(desk, told))[0] == 403  # its secret was told once
    assert (await program_of(desk, secret).post("/session/end")).status_code == 204  # no Origin
    assert (await program_of(desk, secret).get("/me")).status_code == 401
    assert (await ada.get("/me")).status_code == 200


async def test_nobody_confirms_who_is_not_signed_in_just_now(desk: DeskHouse) -> None:
    told, ada = await begun(desk), await desk.signed_in("ada")
    sure = {"shown": told["shown"], "sure": True}
    assert (await desk.browser().post("/session/device", sure)).status_code == 401
    desk.ticks.at += 6 * MINUTE
    assert (await ada.post("/session/device", sure)).status_code == 403
    assert await asks(desk, told) == (200, None)


async def test_a_code_is_over_in_time_and_guessing_ends_soon(desk: DeskHouse) -> None:
    told, ada = await begun(desk), await desk.signed_in("ada")
    for _ in range(GUESSES):
        wrong = await ada.post("/session/device", {"shown": "BBBB-BBBB", "sure": True})
        assert wrong.status_code == 404
    right = {"shown": told["shown"], "sure": True}
    assert (await ada.post("/session/device", right)).status_code == 404  # guessed too often
    desk.ticks.at += 1 * MINUTE
    assert (await ada.post("/session/device", right)).status_code == 200
    late = await begun(desk)
    desk.ticks.at += 10 * MINUTE
    assert (await asks(desk, late))[0] == 403


async def test_who_asks_too_often_is_told_to_wait(desk: DeskHouse) -> None:
    told = await begun(desk)
    assert (await asks(desk, told))[0] == 200
    program = desk.browser(origin=None)
    again = await program.post("/device/token", {"device": told["device"]})
    assert again.status_code == 429
