"""Groups over signal-cli's own daemon.

Rules kept here:

1. A group is named by its internal id, and an unknown one is an error where it is changed and an
   empty list where it is read.
2. A listing shows the timer, all three permissions and who is banned.
3. ``updateGroup`` of a group that the account is asked into accepts the invitation.
"""

from typing import Any

from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.grouping import (
    LAST_ADMIN,
    NO_PROFILE,
    knows,
    link_of,
    meet,
    permit,
    person_of,
)
from connectors.signal.standin.model import ADMINS, EVERY, Group, Person
from connectors.signal.standin.rpc_wire import RATE, USER, Failure
from connectors.signal.standin.wire import Body, Call

Json = dict[str, Any]
SHOWN = {EVERY: "EVERY_MEMBER", ADMINS: "ONLY_ADMINS"}
PERMISSIONS = {
    "setPermissionAddMember": "add_members",
    "setPermissionEditDetails": "edit_group",
    "setPermissionSendMessages": "send_messages",
}
LINKS = ("enabled", "enabled-with-approval", "disabled")


def named_group(far: Standin, internal: str) -> Group:
    """A group that our account has or had to do with. Raises: Failure."""
    group = far.network.groups.get(internal)
    if group is None or not knows(group, far.network.bot):
        raise Failure(USER, f"Group not found: {internal}")
    return group


# reading


def list_groups(far: Standin, call: Call, body: Body) -> object:
    """``listGroups``: all, or those named."""
    bot = far.network.bot
    theirs = [group for group in far.network.groups.values() if knows(group, bot)]
    if body.has("groupId"):
        theirs = [group for group in theirs if group.internal in body.texts("groupId")]
    if far.fault(FaultKind.GARBAGE_MEMBERS, call) is not None:
        return [_entry(far, group) | {"members": "unreadable"} for group in theirs]
    if far.fault(FaultKind.PARTIAL_MEMBERS, call) is not None:
        return [_partial(_entry(far, group)) for group in theirs]
    return [_entry(far, group) for group in theirs]


def _partial(entry: Json) -> Json:
    return entry | {name: entry[name][:-1] for name in ("members", "admins")}


def _entry(far: Standin, group: Group) -> Json:
    admins = [member for member in group.members if member in group.admins]
    return {
        "id": group.internal,
        "name": group.name,
        "description": group.description,
        "isMember": far.network.bot.uuid in group.members,
        "isBlocked": group.blocked,
        "messageExpirationTime": group.timer,
        "members": _names(far, group.members),
        "pendingMembers": _names(far, group.pending),
        "requestingMembers": _names(far, group.asking),
        "admins": _names(far, admins),
        "banned": _names(far, sorted(group.banned)),
        "permissionAddMember": SHOWN[group.add_members],
        "permissionEditDetails": SHOWN[group.edit_group],
        "permissionSendMessage": SHOWN[group.send_messages],
        "groupInviteLink": link_of(group) or None,
    }


def _names(far: Standin, uuids: list[str]) -> list[Json]:
    people = [far.network.people[each] for each in uuids]
    return [{"number": person.shown_number, "uuid": person.uuid} for person in people]


# changing


def update_group(far: Standin, call: Call, body: Body) -> object:
    """``updateGroup``: makes one where none is named."""
    limit = far.fault(FaultKind.RATE_LIMIT, call)
    if limit is not None:
        raise Failure(RATE, "Failed to update the group due to rate limiting")
    bot = far.network.bot
    if not body.has("groupId"):
        return _create(far, call, body, bot)
    group = named_group(far, body.text("groupId"))
    if bot.uuid in group.pending:
        group.pending.remove(bot.uuid)
        group.members.append(bot.uuid)
    elif bot.uuid not in group.members:
        raise Failure(USER, f"User is not a group member: {group.internal}")
    if far.fault(FaultKind.LIE, call) is None:
        _change(far, call, body, group)
    return {"timestamp": far.network.changed(group, bot), "results": []}


def _create(far: Standin, call: Call, body: Body, bot: Person) -> object:
    asked = [person_of(far, each) for each in body.texts("member")]
    if not far.account.profile:
        raise Failure(USER, NO_PROFILE)
    meet(far, asked)
    group = far.network.make_group(bot, body.text("name"), [p for p in asked if p is not bot])
    _settings(far, call, body, group)
    stamp = far.network.changed(group, bot)
    return {"groupId": group.internal, "timestamp": stamp, "results": []}


def _change(far: Standin, call: Call, body: Body, group: Group) -> None:
    bot = far.network.bot
    _people(far, body, group, bot)
    if any(map(body.has, (*PERMISSIONS, "link", "resetLink"))):
        permit(group, bot, ADMINS)
    if any(map(body.has, ("name", "description", "expiration"))):
        permit(group, bot, group.edit_group)
    group.name = body.text("name") or group.name
    _settings(far, call, body, group)


def _people(far: Standin, body: Body, group: Group, bot: Person) -> None:
    """Who comes, goes, is made an admin, or kept out."""
    named = {
        name: [person_of(far, each) for each in body.texts(name)]
        for name in ("member", "removeMember", "admin", "removeAdmin", "ban", "unban")
    }
    if named["member"]:
        permit(group, bot, group.add_members)
    if any(people for name, people in named.items() if name != "member"):
        permit(group, bot, ADMINS)
    group.banned -= {person.uuid for person in (*named["unban"], *named["member"])}
    meet(far, named["member"])
    for person in named["member"]:
        far.network.seat(group, person)
    for person in named["removeMember"]:
        far.network.unseat(group, person)
    group.banned |= {person.uuid for person in named["ban"]}
    # who is no member is left out without a word
    group.admins |= {person.uuid for person in named["admin"]} & set(group.members)
    group.admins -= {person.uuid for person in named["removeAdmin"]}


def _settings(far: Standin, call: Call, body: Body, group: Group) -> None:
    for name, field in PERMISSIONS.items():
        asked = body.text(name)
        if asked not in {"", EVERY, ADMINS}:
            raise Failure(USER, f"Invalid group permission: {asked}")
        setattr(group, field, asked or getattr(group, field))
    if body.text("link") not in {"", *LINKS}:
        raise Failure(USER, f"Invalid group link state: {body.text('link')}")
    group.link = body.text("link") or group.link
    if body.flag("resetLink"):
        far.network.reset_link(group)
    if body.has("expiration") and far.fault(FaultKind.IGNORE_TIMER, call) is None:
        group.timer = body.number("expiration")


def quit_group(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    """``quitGroup``: out of it, or an invitation declined."""
    bot, group = far.network.bot, named_group(far, body.text("groupId"))
    if bot.uuid not in {*group.members, *group.pending}:
        raise Failure(USER, "User is not a group member")
    if group.admins == {bot.uuid} and len(group.members) > 1:
        raise Failure(USER, LAST_ADMIN)
    far.network.unseat(group, bot)
    return {"timestamp": far.network.changed(group, bot), "results": []}
