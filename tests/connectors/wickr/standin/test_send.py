"""Sending: each thing that the real program was seen to do (CONTRACTS 2.2 to 2.5)."""

import asyncio

import httpx
import pytest

from connectors.wickr.standin.control import NotDoneError

from .conftest import Far, account, named

SECOND = 1_000_000
DAY = 86_400


async def never(act: object) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await act  # type: ignore[misc]  # a call of the client


async def test_a_message_is_accepted_in_text_that_names_nothing(far: Far) -> None:
    room = await far.create()
    answer = await far.say(room)
    assert (answer.status_code, answer.text) == (200, "Sending message")
    assert answer.headers["content-type"].startswith("text/plain")
    for name in ("ann", "bob", "cyd"):
        assert await far.texts(name, room) == ["hello"]


async def test_neither_users_nor_vgroupid_is_200_and_need(far: Far) -> None:
    answer = await far.post("/Messages", {"message": "hello"})
    assert (answer.status_code, answer.text) == (
        200,
        "Need a list of users OR a vGroupID to send a message.",
    )


async def test_neither_message_nor_attachment_is_200_and_need(far: Far) -> None:
    room = await far.create()
    for body in ({"vgroupid": room}, {"vgroupid": room, "message": ""}):
        answer = await far.post("/Messages", body)
        assert (answer.status_code, answer.text) == (
            200,
            "Need a message OR an attachment to send a message.",
        )
    assert await far.texts("ann") == []


async def test_users_and_vgroupid_both_given_the_vgroupid_is_ignored(far: Far) -> None:
    room = await far.create("bob")
    answer = await far.say(room, users=named(account("ann")))
    assert answer.text == "Sending message"
    assert (await far.texts("ann"), await far.texts("bob")) == (["hello"], [])


async def test_users_as_texts_give_the_client_a_null_user_and_200(far: Far) -> None:
    answer = await far.post("/Messages", {"users": [account("ann")], "message": "hello"})
    assert (answer.status_code, answer.text) == (200, "Sending message")
    assert await far.texts("ann") == []


async def test_users_that_are_no_list_are_never_answered(far: Far) -> None:
    far.http.timeout = httpx.Timeout(0.3)
    for users in (account("ann"), {"name": account("ann")}, [None]):
        await never(far.post("/Messages", {"users": users, "message": "hello"}))
    assert await far.texts("ann") == []


@pytest.mark.parametrize("place", ["S" + "0" * 63, "ann"])
async def test_an_unknown_room_is_400_in_text_that_says_no_reason(far: Far, place: str) -> None:
    answer = await far.say(place)
    assert (answer.status_code, answer.text) == (400, "Failed to send message")


async def test_a_room_that_we_are_not_in_is_the_same_400(far: Far) -> None:
    room = await far.hand.make_room("ann", ["bob"])
    assert (await far.say(room)).text == "Failed to send message"


async def test_no_repetition_is_recognised(far: Far) -> None:
    room = await far.create("ann")
    for _ in range(2):
        await far.say(room)
    assert await far.texts("ann") == ["hello", "hello"]


async def test_messagemeta_goes_along(far: Far) -> None:
    room = await far.create("ann")
    await far.say(room, messagemeta={"note": 1})
    (seen,) = await far.hand.arrived("ann")
    assert seen.meta == {"note": 1}


# --- 2.4 time to live and burn on read -----------------------------------------------------------


@pytest.mark.parametrize("ttl", [0, "", None])
async def test_a_ttl_of_0_is_none_given(far: Far, ttl: object) -> None:
    room = await far.create("ann", ttl=3600)
    await far.say(room, ttl=ttl)
    (seen,) = await far.hand.arrived("ann")
    assert seen.ttl == 3600


@pytest.mark.parametrize("ttl", ["soon", True, 1.5])
async def test_a_ttl_that_is_no_number_is_an_error_of_the_client(far: Far, ttl: object) -> None:
    room = await far.create("ann")
    answer = await far.say(room, ttl=ttl)
    assert (answer.status_code, answer.text) == (400, "Failed to send message")
    assert await far.texts("ann") == []


async def test_the_security_group_caps_ttl_and_bor_without_a_word(far: Far) -> None:
    await far.hand.reset(max_ttl=60, max_bor=5)
    await far.hand.person("ann")
    room = await far.create("ann", ttl=DAY, bor=DAY)
    entry = await far.entry(room)
    assert (entry["ttl"], entry["bor"]) == ("60", "5")
    await far.say(room, ttl=DAY)
    assert (await far.hand.arrived("ann"))[0].ttl == 60


async def test_a_message_goes_when_its_time_is_over(far: Far) -> None:
    room = await far.create("ann", ttl=60)
    await far.say(room)
    await far.hand.advance(59 * SECOND)
    assert await far.texts("ann") == ["hello"]
    await far.hand.advance(2 * SECOND)
    assert await far.texts("ann") == []


async def test_a_message_burns_once_it_was_read(far: Far) -> None:
    room = await far.create("ann", "bob")
    await far.say(room, bor=5)
    (seen,) = await far.hand.arrived("ann")
    await far.hand.read("ann", seen.id)
    await far.hand.advance(6 * SECOND)
    assert (await far.texts("ann"), await far.texts("bob")) == ([], ["hello"])


# --- recall --------------------------------------------------------------------------------------


async def test_what_is_recalled_is_gone_from_everybody_and_only_its_author_may(far: Far) -> None:
    room = await far.create("ann", "bob")
    await far.say(room)
    (seen,) = await far.hand.arrived("ann")
    theirs = await far.hand.write("ann", "mine", room=room)
    refused = await far.delete(f"/Messages/{room}/{theirs}", dorecall="true")
    assert (refused.status_code, refused.text) == (400, "Failed to recall message")
    answer = await far.delete(f"/Messages/{room}/{seen.id}", dorecall="true")
    assert (answer.status_code, answer.text) == (200, "Recall message sent")
    assert [m.recalled for m in await far.hand.arrived("bob")] == [True, False]
    assert await far.texts("bob") == [None, "mine"]


async def test_a_delete_without_recall_takes_it_from_our_own_devices_alone(far: Far) -> None:
    room = await far.create("ann")
    await far.say(room)
    (seen,) = await far.hand.arrived("ann")
    answer = await far.delete(f"/Messages/{room}/{seen.id}")
    assert (answer.status_code, answer.text) == (200, "Delete message sent")
    assert (await far.texts("bot"), await far.texts("ann")) == ([], ["hello"])


# --- files ---------------------------------------------------------------------------------------


async def test_a_file_goes_in_parts_and_its_users_are_texts(far: Far) -> None:
    answer = await far.file(
        "a b; c.pdf", b"\r\n--x\r\n\x00bytes\r\n", users=f'["{account("ann")}"]'
    )
    assert (answer.status_code, answer.text) == (200, "Sending message")
    (seen,) = await far.hand.arrived("ann")
    assert seen.file is not None
    assert (seen.file.name, await far.hand.download(seen.file.sha256)) == (
        "a b; c.pdf",
        b"\r\n--x\r\n\x00bytes\r\n",
    )


async def test_a_files_users_as_objects_reach_nobody(far: Far) -> None:
    answer = await far.file("a.pdf", b"x", users=f'[{{"name": "{account("ann")}"}}]')
    assert answer.status_code == 200
    assert await far.hand.arrived("ann") == ()
    assert (await far.file("a.pdf", b"x", users="ann")).text == "error processing users JSON data"


async def test_a_file_to_nobody_or_none_at_all_is_400(far: Far) -> None:
    room = await far.create("ann")
    assert (await far.file("a.pdf", b"x")).status_code == 400
    answer = await far.http.post("/WickrIO/V2/Apps/File", data={"vgroupid": room})
    assert answer.status_code == 400


async def test_an_upload_stays_in_the_folder_under_its_original_name(on_disk: Far) -> None:
    room = await on_disk.create("ann")
    await on_disk.file("../../Offer.pdf", b"x", vgroupid=room)
    path, names = await on_disk.hand.folder()
    assert names == ("Offer.pdf",)
    assert path.endswith("/attachments")


async def test_a_second_upload_of_a_name_replaces_the_first_while_that_is_being_sent(
    far: Far,
) -> None:

    room = await far.create("ann")
    await far.hand.slow_upload(400_000)
    first = asyncio.create_task(far.file("offer.pdf", b"first", vgroupid=room))
    await asyncio.sleep(0.15)
    await far.file("offer.pdf", b"second", vgroupid=room)
    assert (await first).status_code == 200
    files = [m.file for m in await far.hand.arrived("ann") if m.file is not None]
    assert [await far.hand.download(each.sha256) for each in files] == [b"second", b"second"]


async def test_a_file_of_the_host_lies_in_its_attachments_folder_and_nowhere_else(
    on_disk: Far,
) -> None:
    room = await on_disk.create("ann")
    path, _ = await on_disk.hand.folder()
    await on_disk.file("offer.pdf", b"x", vgroupid=room)
    for name in ("/etc/passwd", f"{path}/below/offer.pdf", "offer.pdf"):
        answer = await on_disk.post(
            "/Messages", {"vgroupid": room, "attachment": {"filename": name}}
        )
        assert (answer.status_code, answer.text) == (
            400,
            "Path of file must be within the attachments directory",
        )
    given = {"filename": f"{path}/offer.pdf", "displayname": "Another name.pdf"}
    answer = await on_disk.post("/Messages", {"vgroupid": room, "attachment": given})
    assert answer.text == "Sending message"
    names = [m.file.name for m in await on_disk.hand.arrived("ann") if m.file is not None]
    assert names == ["offer.pdf", "Another name.pdf"]


async def test_an_attachment_by_url_asks_for_a_displayname(far: Far) -> None:
    room = await far.create("ann")
    body = {"vgroupid": room, "attachment": {"url": "https://example.test/x"}}
    answer = await far.post("/Messages", body)
    assert (answer.status_code, answer.text) == (400, "Attachment displayname must be set")


async def test_a_person_writes_only_where_he_is(far: Far) -> None:
    room = await far.create("ann")
    with pytest.raises(NotDoneError):
        await far.hand.write("cyd", "hello", room=room)
