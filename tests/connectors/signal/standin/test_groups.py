"""Groups, as signal-cli-rest-api was seen to answer: what is true, what is not, what is missing."""

import base64
import re

import pytest

from connectors.signal.standin import ids
from connectors.signal.standin.control import NotDoneError

from .conftest import US, Far

EXAMPLE = (
    "yMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5uc=",
    "group.eU1uS3k4ek56cy9RMGRMVDFOWFcxOWpaMnR2YzNkN2Y0T0hpNCtUbDV1Yz0=",
)


def test_group_ids_have_two_forms() -> None:
    internal, rest = EXAMPLE
    assert (ids.rest_id(internal), ids.internal_id(rest)) == (rest, internal)
    for _ in range(50):
        made = ids.new_internal_id()
        assert (len(made), len(base64.b64decode(made))) == (44, 32)
        assert re.fullmatch(r"group\.[A-Za-z0-9]{59}=", ids.rest_id(made))
    assert ids.internal_id(internal) is None


async def test_a_group_is_made_with_what_was_asked(far: Far) -> None:
    permissions = dict.fromkeys(("add_members", "edit_group", "send_messages"), "only-admins")
    group = await far.group(
        description="d", permissions=permissions, group_link="disabled", expiration_time=86_400
    )
    true = await far.hand.group(group)
    assert (true.members, true.admins) == (("ann", "bob", "bot", "cyd"), ("bot",))
    assert (true.timer, true.link, true.edit_group) == (86_400, "disabled", "only-admins")
    assert (true.name, true.description) == ("Room", "d")


async def test_a_profile_name_must_be_there_before_the_first_group(far: Far) -> None:
    await far.hand.profile("")
    answer = await far.post(f"/v1/groups/{US}", name="x", members=[])
    assert answer.status_code == 400
    assert "please first update your profile" in answer.json()["error"]


async def test_a_listing_has_what_the_description_says(far: Far) -> None:
    group = await far.group()
    (entry,) = (await far.get(f"/v1/groups/{US}")).json()
    assert entry == await far.entry(group)
    assert entry["internal_id"] == ids.internal_id(group)
    assert (entry["member"], entry["blocked"], entry["invite_link"]) == (True, False, "")


async def test_members_are_numbers_or_uuids_and_expand_gives_both(far: Far) -> None:
    group = await far.group("ann", "bob")
    ann, bob = await far.hand.person("ann"), await far.hand.person("bob")
    assert (await far.entry(group))["members"] == [US, ann.number, bob.uuid]
    expanded = (await far.entry(group, expand=True))["members"]
    assert expanded[1:] == [
        {"number": ann.number, "uuid": ann.uuid},
        {"number": "", "uuid": bob.uuid},
    ]


async def test_an_unknown_group_is_200_and_null(far: Far) -> None:
    answer = await far.get(f"/v1/groups/{US}/{EXAMPLE[1]}")
    assert (answer.status_code, answer.json()) == (200, None)


async def test_an_update_is_204_though_it_was_refused_in_json_rpc(far: Far) -> None:
    group = await far.group()
    await far.hand.refuse("group_update")
    answer = await far.put(f"/v1/groups/{US}/{group}", expiration_time=60)
    assert (answer.status_code, (await far.hand.group(group)).timer) == (204, 0)
    await far.hand.grant_admin(group, "ann")
    await far.hand.revoke_admin(group, "bot", by="ann")
    answer = await far.put(f"/v1/groups/{US}/{group}", group_link="enabled")
    assert (answer.status_code, (await far.hand.group(group)).link) == (204, "disabled")


async def test_an_update_of_an_unknown_group_or_account_is_204_too_in_json_rpc(far: Far) -> None:
    paths = [f"/v1/groups/{US}/{EXAMPLE[1]}", f"/v1/groups/+15550999/{EXAMPLE[1]}"]
    assert [(await far.put(path, name="x")).status_code for path in paths] == [204, 204]


async def test_a_refused_update_is_400_in_normal_mode(normal: Far) -> None:
    group = await normal.group()
    await normal.hand.refuse("group_update", text="no")
    answer = await normal.put(f"/v1/groups/{US}/{group}", expiration_time=60)
    assert (answer.status_code, answer.json()) == (400, {"error": "no"})


async def test_a_timer_cannot_be_switched_off_in_json_rpc(far: Far) -> None:
    group = await far.group(expiration_time=60)
    answer = await far.put(f"/v1/groups/{US}/{group}", expiration_time=0)
    assert (answer.status_code, (await far.hand.group(group)).timer) == (204, 60)


async def test_a_timer_can_be_switched_off_in_normal_mode(normal: Far) -> None:
    group = await normal.group(expiration_time=60)
    await normal.put(f"/v1/groups/{US}/{group}", name="other")
    assert (await normal.hand.group(group)).timer == 60
    await normal.put(f"/v1/groups/{US}/{group}", expiration_time=0)
    assert (await normal.hand.group(group)).timer == 0


@pytest.mark.parametrize("expand", [True, False])
async def test_no_listing_shows_the_timer(far: Far, expand: bool) -> None:
    before = await far.entry(group := await far.group(), expand=expand)
    await far.hand.set_timer("ann", 60, group=group)
    assert await far.entry(group, expand=expand) == before


async def test_edit_group_is_read_from_send_messages(far: Far) -> None:
    permissions = {"edit_group": "only-admins", "send_messages": "every-member"}
    group = await far.group(permissions=permissions)
    assert (await far.hand.group(group)).edit_group == "only-admins"
    assert (await far.entry(group))["permissions"]["edit_group"] == "every-member"
    await far.hand.change(group, edit_group="every-member", send_messages="only-admins")
    assert (await far.entry(group))["permissions"]["edit_group"] == "only-admins"


@pytest.mark.parametrize(
    "body", [{"permissions": {"edit_group": "anybody"}}, {"group_link": "open"}]
)
async def test_words_that_are_none_are_refused(far: Far, body: dict[str, object]) -> None:
    answer = await far.post(f"/v1/groups/{US}", name="x", members=[], **body)
    assert answer.status_code == 400


async def test_members_come_and_go(far: Far) -> None:
    group = await far.group("ann")
    bob = await far.uuid("bob")
    path = f"/v1/groups/{US}/{group}/members"
    assert (await far.post(path, members=[bob])).status_code == 204
    assert "bob" in (await far.hand.group(group)).members
    await far.send(group, text="kept")
    assert (await far.delete(path, members=[bob])).status_code == 204
    await far.send(group, text="not for Bob")
    assert await far.texts("bob", group) == ["kept"]


async def test_no_members_at_all_is_204_and_nothing(far: Far) -> None:
    group = await far.group()
    before = await far.hand.group(group)
    path = f"/v1/groups/{US}/{group}"
    assert (await far.delete(f"{path}/members", members=[])).status_code == 204
    assert (await far.delete(f"{path}/admins", admins=[])).status_code == 204
    assert await far.hand.group(group) == before


@pytest.mark.parametrize("what", ["members", "admins"])
async def test_changing_an_unknown_group_is_404(far: Far, what: str) -> None:
    path, body = f"/v1/groups/{US}/{EXAMPLE[1]}/{what}", {what: [await far.uuid("ann")]}
    answers = [await far.post(path, **body), await far.delete(path, **body)]
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_admins_are_made_and_unmade(far: Far) -> None:
    group, ann = await far.group(), await far.uuid("ann")
    path = f"/v1/groups/{US}/{group}/admins"
    assert (await far.post(path, admins=[ann])).status_code == 204
    assert (await far.hand.group(group)).admins == ("ann", "bot")
    assert (await far.delete(path, admins=[ann])).status_code == 204
    assert (await far.hand.group(group)).admins == ("bot",)


async def test_a_member_by_username_is_known_in_json_rpc_only(far: Far) -> None:
    await far.hand.person("ann", username="ann.01")
    assert (await far.post(f"/v1/groups/{US}", members=["ann.01"])).status_code == 201
    await far.hand.reset(mode="normal")
    await far.hand.person("ann", username="ann.01")
    assert (await far.post(f"/v1/groups/{US}", members=["ann.01"])).status_code == 400


async def test_who_decides_for_himself_is_pending_until_he_accepts(far: Far) -> None:
    await far.hand.person("cyd", auto_join=False)
    group, cyd = await far.group(), await far.hand.person("cyd")
    entry = await far.entry(group)
    assert (entry["pending_invites"], cyd.number in entry["members"]) == ([cyd.number], False)
    await far.send(group, text="too early")
    await far.hand.accept(group, "cyd")
    assert (await far.entry(group))["pending_invites"] == []
    await far.send(group, text="in")
    assert await far.texts("cyd", group) == ["in"]


async def test_the_link_shows_only_while_it_is_on(far: Far) -> None:
    group = await far.group()
    await far.hand.enable_link(group)
    assert (await far.entry(group))["invite_link"].startswith("https://signal.group/#")
    await far.hand.person("mallory")
    await far.hand.follow_link(group, "mallory")
    assert "mallory" in (await far.hand.group(group)).members
    await far.put(f"/v1/groups/{US}/{group}", group_link="disabled")
    assert (await far.entry(group))["invite_link"] == ""
    await far.hand.person("eve")
    with pytest.raises(NotDoneError):
        await far.hand.follow_link(group, "eve")


async def test_a_link_with_approval_makes_a_pending_request(far: Far) -> None:
    group = await far.group("ann")
    await far.hand.enable_link(group, approval=True)
    await far.hand.follow_link(group, "cyd")
    entry = await far.entry(group)
    assert entry["pending_requests"] == [(await far.hand.person("cyd")).number]


async def test_delete_only_quits_and_is_200(far: Far) -> None:
    group = await far.group()
    await far.hand.grant_admin(group, "ann")
    answer = await far.delete(f"/v1/groups/{US}/{group}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "bot" not in (await far.hand.group(group)).members
    assert not (await far.entry(group))["member"]


async def test_the_last_admin_does_not_get_out(far: Far) -> None:
    group = await far.group()
    assert (await far.post(f"/v1/groups/{US}/{group}/quit")).status_code == 400
    await far.hand.grant_admin(group, "ann")
    assert (await far.post(f"/v1/groups/{US}/{group}/quit")).status_code == 204


async def test_join_accepts_a_pending_invitation(far: Far) -> None:
    await far.hand.person("bot", auto_join=False)
    group = await far.hand.make_group("ann", ["bot", "cyd"], timer=60)
    assert not (await far.entry(group))["member"]
    assert (await far.post(f"/v1/groups/{US}/{group}/join")).status_code == 204
    assert (await far.entry(group))["member"]
    assert (await far.post(f"/v1/groups/{US}/{group}/join")).status_code == 400


async def test_a_group_made_by_others_is_not_ours_to_change(far: Far) -> None:
    group = await far.hand.make_group("ann", ["bot", "cyd"])
    answer = await far.post(f"/v1/groups/{US}/{group}/members", members=[await far.uuid("bob")])
    assert answer.status_code == 204  # every member adds, by default
    path = f"/v1/groups/{US}/{group}/members"
    assert (await far.delete(path, members=[await far.uuid("bob")])).status_code == 400


async def test_a_group_has_a_limit(far: Far) -> None:
    await far.hand.reset(group_limit=2)
    for name in ("ann", "bob"):
        await far.hand.person(name)
    members = [await far.uuid("ann"), await far.uuid("bob")]
    assert (await far.post(f"/v1/groups/{US}", members=members)).status_code == 400


async def test_a_pinned_message_is_201(far: Far) -> None:
    group = await far.group()
    stamp = int((await far.send(group)).json()[0]["timestamp"])
    body = {"target_author": US, "timestamp": stamp}
    path = f"/v1/groups/{US}/{group}/pin-message"
    answers = [await far.post(path, **body), await far.delete(path, **body)]
    assert [answer.status_code for answer in answers] == [201, 201]


async def test_a_spoilt_listing_lacks_people_or_makes_no_sense(far: Far) -> None:
    group = await far.group()
    await far.hand.partial_members()
    partial = await far.entry(group)
    assert (len(partial["members"]), partial["admins"]) == (3, [])
    await far.hand.garbage_members("groups")
    (entry,) = (await far.get(f"/v1/groups/{US}")).json()
    assert entry["members"] == "unreadable"
    assert len((await far.entry(group))["members"]) == 4


async def test_a_timer_can_be_ignored_silently(far: Far) -> None:
    await far.hand.ignore_timer()
    group = await far.group(expiration_time=60)
    await far.send(group)
    assert [message.timer for message in await far.hand.arrived("ann", group)] == [0]
