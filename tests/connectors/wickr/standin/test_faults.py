"""What goes wrong on demand, once, at the call that it is meant for."""

import time

import httpx
import pytest

from .conftest import Far, account, met, named


async def test_statistics_of_a_client_that_has_none_are_never_answered(far: Far) -> None:
    await far.hand.reset(statistics=False)
    await met(far)
    far.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await far.get("/Statistics")
    assert (await far.get("/Rooms")).status_code == 200


async def test_a_refusal_is_the_calls_own_400_and_nothing_is_done(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.refuse()
    answer = await far.say(room)
    assert (answer.status_code, answer.text) == (400, "Failed to send message")
    await far.hand.refuse("room")
    assert (await far.get(f"/Rooms/{room}")).text == "Failed to retrieve room"
    assert await far.texts("ann") == []
    assert (await far.say(room)).status_code == 200


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_proxy_answers_in_the_programs_place(far: Far, status: int) -> None:
    room = await far.create("ann")
    await far.hand.unavailable(status=status, retry_after=7)
    answer = await far.say(room)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert await far.texts("ann") == []


@pytest.mark.parametrize(
    ("fault", "done"), [("cut_lost", False), ("cut_after", True), ("cut_midway", True)]
)
async def test_a_cut_is_before_or_after_what_was_asked_for(
    far: Far, fault: str, *, done: bool
) -> None:
    room = await far.create("ann")
    await getattr(far.hand, fault)()
    with pytest.raises(httpx.TransportError):
        await far.say(room)
    assert await far.texts("ann") == (["hello"] if done else [])


@pytest.mark.parametrize("done", [True, False])
async def test_a_call_that_hangs_is_done_or_not(far: Far, *, done: bool) -> None:
    room = await far.create("ann")
    await far.hand.hang(done=done)
    far.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await far.say(room)
    assert await far.texts("ann") == (["hello"] if done else [])


async def test_200_that_did_nothing_says_need_or_the_very_words_of_success(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.answer_nothing()
    assert (await far.say(room)).text.startswith("Need a message")
    await far.hand.lie()
    assert (await far.say(room)).text == "Sending message"
    assert await far.texts("ann") == []
    await far.hand.lie("room_modify")
    body = {"members": named(far.user), "masters": named(far.user)}
    assert (await far.post(f"/Rooms/{room}", body)).text == "Room modified successfully"
    assert (await far.hand.room(room)).members == ("ann", "bot")


async def test_an_answer_is_a_page_of_html(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.garbage()
    answer = await far.say(room)
    assert (answer.status_code, answer.text.startswith("<html>")) == (200, True)
    assert await far.texts("ann") == ["hello"]


@pytest.mark.parametrize("fault", ["slow", "late"])
async def test_a_call_takes_its_time(far: Far, fault: str) -> None:
    room = await far.create("ann")
    await getattr(far.hand, fault)(by=250_000)
    began = time.monotonic()
    assert (await far.say(room)).status_code == 200
    assert time.monotonic() - began >= 0.25


async def test_a_listing_is_not_whole_or_makes_no_sense(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.partial_members()
    entry = await far.entry(room)
    assert (entry["members"], entry["masters"]) == (named(far.user), [])
    await far.hand.garbage_members()
    assert (await far.entry(room))["members"] == "many"
    assert (await far.entry(room))["members"] == named(far.user, account("ann"))


async def test_a_timer_is_ignored_without_a_word(far: Far) -> None:
    await far.hand.ignore_timer()
    assert (await far.entry(await far.create("ann", ttl=60)))["ttl"] == str(30 * 86_400)


async def test_a_suspended_account_does_nothing_and_what_comes_for_it_is_lost(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.person("bot", active=False)
    assert (await far.say(room)).status_code == 400
    await far.hand.write("ann", "lost", room=room)
    assert [each.reason for each in await far.hand.losses()] == ["the account is suspended"]


async def test_a_fault_is_used_up_by_the_call_that_it_is_for(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.refuse("changes")
    assert (await far.say(room)).status_code == 200
    assert (await far.delete(f"/Rooms/{room}")).status_code == 400
    await far.hand.refuse(times=None)
    await far.hand.clear_faults()
    assert (await far.say(room)).status_code == 200
