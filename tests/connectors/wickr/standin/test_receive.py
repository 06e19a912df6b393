"""Receiving: what is taken, what is posted, in which form, and what gets lost (2.2, 2.3, 2.5)."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.shared.standin.listener import Listener
from connectors.wickr.standin.control import Upload

from .conftest import Far, Hook, account, met

GONE = "http://127.0.0.1:9/"


def on_host(name: str) -> bytes | None:
    return Path(name).read_bytes() if Path(name).exists() else None


async def test_get_messages_takes_away_what_it_hands_out(far: Far) -> None:
    for n in range(3):
        await far.hand.write("ann", f"{n}")
    assert [each["message"] for each in await far.take(2)] == ["0", "1"]
    assert [each["message"] for each in await far.take(2)] == ["2"]
    assert await far.take(2) == []


async def test_count_is_1_by_default_and_start_means_nothing(far: Far) -> None:
    for n in range(3):
        await far.hand.write("ann", f"{n}")
    answer = await far.get("/Messages")
    assert [each["message"] for each in answer.json()] == ["0"]
    answer = await far.get("/Messages", start=2, count=1)
    assert [each["message"] for each in answer.json()] == ["1"]


@pytest.mark.parametrize("count", ["0", "-1", "many"])
async def test_a_count_below_1_is_400(far: Far, count: str) -> None:
    assert (await far.get("/Messages", count=count)).status_code == 400


async def test_count_is_cut_to_1000(far: Far) -> None:
    room = await far.create("ann")
    for n in range(1001):
        await far.hand.write("ann", f"{n}", room=room)
    assert len(await far.take(5000)) == 1000
    assert len(await far.take(5000)) == 1


@pytest.mark.parametrize("ends", ["hang", "error"])
async def test_a_message_that_cannot_be_parsed_takes_its_batch_along(far: Far, ends: str) -> None:
    await far.hand.reset(garbled=ends)
    await met(far)
    far.http.timeout = httpx.Timeout(0.5)
    lost = [await far.hand.write("ann", "lost"), await far.hand.garbled("ann")]
    await far.hand.write("ann", "kept")
    try:
        answer = await far.get("/Messages", count=10)
    except httpx.ReadTimeout:
        assert ends == "hang"
    else:
        assert (ends, answer.status_code) == ("error", 400)
    assert [each["message"] for each in await far.take()] == ["kept"]
    assert [each.message for each in await far.hand.losses()] == lost


@pytest.mark.parametrize("fault", ["cut_after", "cut_midway", "garbage"])
async def test_what_was_taken_by_an_answer_that_did_not_arrive_is_lost(
    far: Far, fault: str
) -> None:
    written = await far.hand.write("ann", "lost")
    await getattr(far.hand, fault)("receive")
    try:
        answer = await far.get("/Messages")
        assert answer.text.startswith("<html>")
    except httpx.HTTPError:
        pass
    assert await far.take() == []
    assert [each.message for each in await far.hand.losses()] == [written]
    assert await far.hand.handed() == ()


async def test_whoever_goes_before_the_answer_loses_what_is_in_it(far: Far) -> None:
    written = await far.hand.write("ann", "lost")
    await far.hand.late("receive", by=400_000)
    far.http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        await far.get("/Messages")
    await asyncio.sleep(0.6)
    assert [each.message for each in await far.hand.losses()] == [written]


# --- the form ------------------------------------------------------------------------------------


async def test_a_text_has_the_fields_of_the_vendors_page(far: Far) -> None:
    room = await far.create("ann", ttl=60)
    written = await far.hand.write("ann", "Grüße", room=room, bor=5)
    (told,) = await far.take()
    assert (told["message"], told["message_id"], told["msgtype"]) == ("Grüße", written, 1000)
    assert (told["sender"], told["sender_type"]) == (account("ann"), "normal")
    assert (told["vgroupid"], "receiver" in told) == (room, False)
    assert re.fullmatch(r"\d{10}\.\d{6}", told["msg_ts"])
    for date in ("time", "ttl", "bor"):
        assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d\d \d{1,2}:\d\d [AP]M", told[date])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", told["time_iso"])


async def test_a_private_line_names_its_receiver_and_begins_with_no_s_and_no_g(far: Far) -> None:
    await far.hand.person("guest", guest=True)
    await far.hand.write("guest", "hello")
    (told,) = await far.take()
    assert (told["receiver"], told["sender_type"]) == (far.user, "guest")
    assert told["vgroupid"][0] not in "SG"


async def test_a_file_stays_on_the_host_until_somebody_removes_it(on_disk: Far) -> None:
    file = Upload("a/b\\c.pdf", b"bytes", screenshot=True)
    await on_disk.hand.write("ann", file=file)
    (told,) = await on_disk.take()
    assert (told["msgtype"], told["file"]["filename"]) == (6000, "a/b\\c.pdf")
    assert told["file"]["isscreenshot"] is True
    assert on_host(told["file"]["localfilename"]) == b"bytes"


async def test_without_a_folder_a_files_path_leads_nowhere(far: Far) -> None:
    await far.hand.write("ann", file=Upload("a.pdf", b"bytes"))
    (told,) = await far.take()
    assert on_host(told["file"]["localfilename"]) is None
    assert "isscreenshot" not in told["file"]


async def test_what_is_done_to_rooms_comes_as_control_messages(far: Far) -> None:
    room = await far.create("ann", "bob")
    await far.hand.add_member(room, "cyd", by="ann")
    await far.hand.grant_master(room, "ann")
    await far.hand.change(room, ttl=60)
    await far.hand.leave(room, "bob")
    theirs = await far.hand.write("ann", "slip", room=room)
    await far.hand.recall("ann", theirs, room=room)
    await far.hand.vanish(room)
    told = await far.take()
    kinds = [each["msgtype"] for each in told]
    assert kinds == [4002, 4004, 4004, 4003, 1000, 4011, 4005]
    assert told[0]["control"] == {
        "addedusers": [account("cyd")],
        "deletedusers": [],
        "msgtype": 4002,
    }
    assert (told[2]["control"]["ttl"], told[1]["control"]["masters"]) == (
        60,
        [far.user, account("ann")],
    )
    assert told[3]["sender"] == account("bob")
    assert told[5]["control"] == {"message_id": theirs, "isrecall": True, "msgtype": 4011}


async def test_a_reinstalled_app_asks_to_be_verified(far: Far) -> None:
    before = await far.hand.person("ann")
    after = await far.hand.reinstall("ann")
    (told,) = await far.take()
    assert (told["msgtype"], told["sender"]) == (3000, account("ann"))
    assert before.key != after.key


async def test_of_our_own_acts_nothing_comes_back(far: Far) -> None:
    room = await far.create("ann")
    await far.say(room)
    await far.post(f"/Rooms/{room}", {"members": [], "masters": [{"name": far.user}]})
    assert await far.take() == []


# --- the callback --------------------------------------------------------------------------------


async def test_a_callback_gets_each_message_once_in_order_and_unsigned(
    far: Far, hook: Hook
) -> None:
    for n in range(20):
        await far.hand.write("ann", f"{n}")
    await far.hand.settle()
    assert [each["message"] for each in hook.bodies] == [f"{n}" for n in range(20)]
    assert hook.most_at_once == 1
    assert {each["content-type"] for each in hook.headers} == {"application/json"}
    assert not {"authorization", "x-api-key"} & {name for each in hook.headers for name in each}
    assert await far.take() == []


async def test_an_older_client_posts_latin_1(far: Far) -> None:
    await far.hand.reset(encoding="latin-1")
    await met(far)
    raw: list[bytes] = []

    async def take(request: Request) -> Response:
        raw.append(await request.body())
        return Response(None)

    listener = Listener(Starlette(routes=[Route("/", take, methods=["POST"])]), 0)
    await listener.open()
    await far.hand.callback(f"http://127.0.0.1:{listener.port}/")
    await far.hand.write("ann", "Grüße 你好")
    await far.hand.settle()
    listener.close()
    assert "Grüße ??".encode("latin-1") in raw[0]


async def test_what_the_callback_refuses_is_lost_with_its_instant(far: Far, hook: Hook) -> None:
    hook.status = 503
    before = await far.hand.advance(0)
    written = await far.hand.write("ann", "lost")
    await far.hand.settle()
    (lost,) = await far.hand.losses()
    assert (lost.message, lost.reason, lost.author) == (written, "status 503", "ann")
    assert before <= lost.at <= await far.hand.advance(0)
    assert await far.take() == []


async def test_what_nobody_was_there_for_is_lost_when_it_was_tried(far: Far, hook: Hook) -> None:
    await far.hand.callback(GONE)
    await far.hand.write("ann", "lost")
    await far.hand.settle()
    assert [each.reason for each in await far.hand.losses()] == ["ConnectError"]
    assert hook.bodies == []


async def test_a_client_fails_to_post_by_itself_and_counts_that(far: Far, hook: Hook) -> None:
    await far.hand.fail_callback()
    lost = await far.hand.write("ann", "lost")
    await far.hand.write("ann", "posted")
    await far.hand.settle()
    assert [each["message"] for each in hook.bodies] == ["posted"]
    assert [(e.message, e.reason) for e in await far.hand.losses()] == [
        (lost, "the client failed by itself")
    ]
    for errors in (1, 0):
        assert (await far.get("/Statistics")).json()["statistics"]["recv_errors"] == errors
        await far.delete("/Statistics")


async def test_or_it_waits_to_be_taken(far: Far) -> None:
    await far.hand.reset(on_failure="queue")
    await met(far)
    await far.hand.callback(GONE)
    await far.hand.write("ann", "kept")
    await far.hand.settle()
    assert [each["message"] for each in await far.take()] == ["kept"]
    assert await far.hand.losses() == ()


async def test_what_waited_before_a_callback_was_set_goes_on_waiting(far: Far) -> None:
    await far.hand.write("ann", "before")
    await far.hand.callback(GONE)
    assert [each["message"] for each in await far.take()] == ["before"]


async def test_the_callback_is_set_told_and_deleted_in_text(far: Far) -> None:
    url = "http://127.0.0.1:9/a?b=c"
    assert (await far.post("/MsgRecvCallback", callbackurl=url)).status_code == 200
    assert (await far.get("/MsgRecvCallback")).text == url
    assert (await far.delete("/MsgRecvCallback")).headers["content-type"].startswith("text/plain")
    assert (await far.get("/MsgRecvCallback")).text == ""
    assert (await far.post("/MsgRecvCallback")).status_code == 400


async def test_without_its_interface_the_client_goes_on_posting(far: Far, hook: Hook) -> None:
    await far.hand.lose_interface()
    await far.hand.write("ann", "hello")
    await far.hand.settle()
    assert len(hook.bodies) == 1
    with pytest.raises(httpx.ConnectError):
        await far.get("/Rooms")
    await far.hand.find_interface()
    assert (await far.get("/Rooms")).status_code == 200


async def test_while_the_host_is_down_messages_wait_at_wickr(far: Far, hook: Hook) -> None:
    await far.hand.go_down()
    await far.hand.write("ann", "hello")
    assert (await far.hand.waiting(), hook.bodies) == ((1, 0), [])
    await far.hand.come_back()
    await far.hand.settle()
    assert len(hook.bodies) == 1
    assert await far.hand.losses() == ()


async def test_what_waited_at_the_host_waits_on_when_it_goes(far: Far) -> None:
    for n in range(3):
        await far.hand.write("ann", f"{n}")
    await far.hand.go_down()
    await far.hand.write("ann", "3")
    await far.hand.come_back()
    assert [each["message"] for each in await far.take()] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("polled", [True, False])
async def test_events_come_twice_or_in_another_order(far: Far, hook: Hook, *, polled: bool) -> None:
    if polled:
        await far.hand.callback("")
    await far.hand.duplicate()
    for text in ("twice", "once"):
        await far.hand.write("ann", text)
    await far.hand.swap()
    for text in ("second", "first"):
        await far.hand.write("ann", text)
    await far.hand.settle()
    told = await far.take() if polled else hook.bodies
    texts = [each["message"] for each in told]
    assert texts == ["twice", "twice", "once", "first", "second"]
