"""Rooms and group conversations, as the program passes them on (CONTRACTS 2.2, 2.5)."""

from typing import Any

import pytest

from .conftest import PEOPLE, Far, account, met, named

ALL = [account(each) for each in PEOPLE]


async def truth(far: Far, room: str) -> tuple[set[str], set[str]]:
    found = await far.hand.room(room)
    return set(found.members), set(found.masters)


async def test_a_room_is_made_and_listed_with_us_as_its_moderator(far: Far) -> None:
    room = await far.create(ttl=3600, bor=60)
    assert room.startswith("S")
    (entry,) = (await far.get("/Rooms")).json()["rooms"]
    assert entry == await far.entry(room)
    assert entry == {
        "title": "title",
        "description": "description",
        "members": named(far.user, *ALL),
        "masters": named(far.user),
        "ttl": "3600",
        "bor": "60",
        "vgroupid": room,
    }


async def test_a_listing_can_give_numbers_and_leave_moderators_out_of_members(far: Far) -> None:
    await far.hand.reset(numbers="number", masters_in_members=False)
    await met(far)
    entry = await far.entry(await far.create("ann", ttl=60))
    assert (entry["ttl"], entry["members"]) == (60, named(account("ann")))


@pytest.mark.parametrize("missing", ["title", "description", "members", "masters"])
async def test_the_first_four_are_required(far: Far, missing: str) -> None:
    room: dict[str, Any] = {"title": "t", "description": "d"}
    room |= {"members": named(account("ann")), "masters": named(far.user)}
    del room[missing]
    answer = await far.post("/Rooms", {"room": room})
    assert answer.status_code == 400
    assert answer.text.startswith("To Create a secure room you must")
    assert (await far.post("/Rooms", room)).text.startswith("Cannot process request")


async def test_a_room_without_a_ttl_has_the_networks(far: Far) -> None:
    for ttl in (0, None):
        assert (await far.entry(await far.create("ann", ttl=ttl)))["ttl"] == str(30 * 86_400)


async def test_somebody_unknown_is_400_without_a_reason_and_nothing_is_made(far: Far) -> None:
    room = {"title": "t", "description": "d", "members": named("who"), "masters": named(far.user)}
    answer = await far.post("/Rooms", {"room": room})
    assert (answer.status_code, answer.text) == (400, "Failed to create room")
    assert (await far.get("/Rooms")).json() == {"rooms": []}


@pytest.mark.parametrize("modify", ["replace", "add", "ignore"])
async def test_a_change_passes_both_lists_and_says_the_same_whatever_came_of_it(
    far: Far, modify: str
) -> None:
    await far.hand.reset(modify=modify)
    await met(far)
    room = await far.create("ann", "bob")
    body = {"members": named(account("ann"), account("cyd"), far.user), "masters": named(far.user)}
    answer = await far.post(f"/Rooms/{room}", body)
    assert (answer.status_code, answer.text) == (200, "Room modified successfully")
    assert answer.headers["content-type"].startswith("text/html")
    members, _ = await truth(far, room)
    assert (
        members
        == {
            "replace": {"bot", "ann", "cyd"},
            "add": {"bot", "ann", "bob", "cyd"},
            "ignore": {"bot", "ann", "bob"},
        }[modify]
    )


async def test_a_missing_list_is_an_empty_one_and_puts_everybody_out(far: Far) -> None:
    room = await far.create("ann", "bob")
    await far.post(f"/Rooms/{room}", {"title": "another", "masters": named(far.user)})
    assert await truth(far, room) == ({"bot"}, {"bot"})
    await far.post(f"/Rooms/{room}", {"title": "a third"})
    assert await truth(far, room) == (set(), set())
    assert (await far.get(f"/Rooms/{room}")).text == "Failed to retrieve room"


async def test_who_is_no_moderator_changes_nothing(far: Far) -> None:
    room = await far.hand.make_room("ann", ["bot"])
    answer = await far.post(f"/Rooms/{room}", {"title": "another"})
    assert (answer.status_code, answer.text) == (400, "Failed to modify room")


async def test_a_ttl_of_0_changes_nothing(far: Far) -> None:
    room = await far.create("ann", ttl=60)
    lists = {"members": named(account("ann"), far.user), "masters": named(far.user)}
    await far.post(f"/Rooms/{room}", lists | {"ttl": 0})
    assert (await far.entry(room))["ttl"] == "60"
    await far.post(f"/Rooms/{room}", lists | {"ttl": 120})
    assert (await far.entry(room))["ttl"] == "120"


async def test_a_room_is_deleted_or_left_in_html(far: Far) -> None:
    one, other = await far.create("ann"), await far.create("ann")
    deleted = await far.delete(f"/Rooms/{one}")
    left = await far.delete(f"/Rooms/{other}", reason="leave")
    assert (deleted.text, left.text) == (
        "Room deleted successfully",
        f"{far.user} left room successfully",
    )
    assert (await truth(far, one))[0] == set()
    assert (await truth(far, other))[0] == {"ann"}
    assert (await far.delete(f"/Rooms/{one}")).text == "Failed to delete room"


async def test_hidden_members_read_and_no_listing_shows_them(far: Far) -> None:
    room = await far.create("ann")
    await far.hand.add_member(room, "cyd", hidden=True)
    await far.say(room)
    assert account("cyd") not in str(await far.entry(room))
    assert (await far.texts("cyd"), await far.take()) == (["hello"], [])


async def test_a_room_vanishes_with_or_without_a_word(far: Far) -> None:
    rooms = [await far.create("ann") for _ in range(2)]
    await far.hand.vanish(rooms[0], tell=False)
    await far.hand.vanish(rooms[1])
    assert [each["msgtype"] for each in await far.take()] == [4005]
    for room in rooms:
        assert (await far.say(room)).text == "Failed to send message"


# --- group conversations -------------------------------------------------------------------------


async def test_a_group_has_no_title_and_its_own_wrapper(far: Far) -> None:
    answer = await far.post("/GroupConvo", {"groupconvo": {"members": named(*ALL), "ttl": 60}})
    group = answer.json()["vgroupid"]
    assert group.startswith("G")
    (entry,) = (await far.get(f"/GroupConvo/{group}")).json()["groupconvos"]
    assert (set(entry), entry["ttl"]) == ({"members", "ttl", "bor", "vgroupid"}, "60")
    assert (await far.get("/GroupConvo")).json()["groupconvos"] == [entry]
    assert (await far.get("/Rooms")).json() == {"rooms": []}


async def test_leaving_a_group_is_200_also_when_the_client_refuses(far: Far) -> None:
    group = await far.hand.make_room("ann", ["bob"], group=True)
    for name in (group, "G" + "0" * 63):
        answer = await far.delete(f"/GroupConvo/{name}")
        assert (answer.status_code, answer.text) == (200, f"{far.user} has left the GroupConvo.")
    assert (await truth(far, group))[0] == {"ann", "bob"}


# --- what there is besides -----------------------------------------------------------------------


async def test_statistics_count_and_can_be_cleared(far: Far) -> None:
    room = await far.create("ann")
    await far.say(room)
    await far.hand.write("ann", "x")
    told = (await far.get("/Statistics")).json()["statistics"]
    assert told == {
        "message_count": 1,
        "pending_messages": 0,
        "sent": 1,
        "received": 0,
        "sent_errors": 0,
        "recv_errors": 0,
    }
    assert (await far.delete("/Statistics")).status_code == 200
    assert (await far.get("/Statistics")).json()["statistics"]["sent"] == 0


async def test_the_directory_names_everybody_of_the_network(far: Far) -> None:
    await far.hand.person("outsider", guest=True)
    told = (await far.get("/Directory")).json()
    assert told == {"users": named(far.user, *ALL)}
