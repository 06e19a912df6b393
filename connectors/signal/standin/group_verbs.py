"""The hand's verbs about groups: what is done in them behind our back.

Rule kept here: every verb is one step without awaiting. Nobody is asked for permission: what is
done here is what a phone that may do it does.
"""

from dataclasses import replace

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.model import Person, Post
from connectors.signal.standin.network import Refused
from connectors.signal.standin.verbs import Json, Verb, by_of, group_of, who


def _make_group(far: Standin, call: Json) -> Json:
    by = by_of(far, call)
    members = [who(far, each) for each in call["members"] if each != by.name]
    group = far.network.make_group(by, call["name"], members)
    group.admins |= {who(far, each).uuid for each in call["admins"]}
    group.timer = call["timer"]
    far.network.changed(group, by)
    return {"group": ids.rest_id(group.internal)}


def _state(far: Standin, call: Json) -> Json:
    group = group_of(far, call["group"])
    names = {person.uuid: person.name for person in far.network.people.values()}
    return {
        "id": ids.rest_id(group.internal),
        "internal_id": group.internal,
        "name": group.name,
        "description": group.description,
        "members": sorted(names[each] for each in group.members),
        "admins": sorted(names[each] for each in group.admins),
        "pending": sorted(names[each] for each in group.pending),
        "asking": sorted(names[each] for each in group.asking),
        "banned": sorted(names[each] for each in group.banned),
        "add_members": group.add_members,
        "edit_group": group.edit_group,
        "send_messages": group.send_messages,
        "link": group.link,
        "timer": group.timer,
        "revision": group.revision,
    }


def _groups(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"groups": [ids.rest_id(each) for each in far.network.groups]}


def _add_member(far: Standin, call: Json) -> Json:
    group, by = group_of(far, call["group"]), _actor(far, call)
    far.network.seat(group, who(far, call["name"]))
    far.network.changed(group, by)
    return {}


def _actor(far: Standin, call: Json) -> Person:
    """Who does it: somebody named, else the group's first admin who is not our account."""
    group, bot = group_of(far, call["group"]), far.network.bot
    if call.get("by") is not None:
        return by_of(far, call)
    others = [each for each in group.members if each != bot.uuid]
    first = [each for each in others if each in group.admins] or others or [bot.uuid]
    return far.network.people[first[0]]


def _put_out(far: Standin, call: Json) -> Json:
    group, by = group_of(far, call["group"]), _actor(far, call)
    person = who(far, call["name"])
    far.network.unseat(group, person)
    far.network.changed(group, by)
    if person is far.network.bot:  # it is told, too, and then nothing more
        post = Post(by.uuid, far.clock.stamp(by.uuid), group.internal, group_update=True)
        far.network.deliver(person, replace(post, key=by.key))
    return {}


def _role(far: Standin, call: Json) -> Json:
    group, by, person = group_of(far, call["group"]), _actor(far, call), who(far, call["name"])
    if call["admin"]:
        group.admins.add(person.uuid)
    else:
        group.admins.discard(person.uuid)
    far.network.changed(group, by)
    return {}


def _change(far: Standin, call: Json) -> Json:
    """Settings by name: name, description, link, add_members, edit_group, send_messages."""
    group, by = group_of(far, call["group"]), _actor(far, call)
    for name, value in call["settings"].items():
        if name not in {"name", "description", "link", *_PERMISSIONS}:
            raise Refused(f"a group has no setting {name}")
        setattr(group, name, value)
    far.network.changed(group, by)
    return {}


_PERMISSIONS = ("add_members", "edit_group", "send_messages")


def _set_timer(far: Standin, call: Json) -> Json:
    """A group's, or of the private line with our account."""
    if call["group"] is None:
        stamp = far.network.set_direct_timer(by_of(far, call), far.network.bot, call["seconds"])
        return {"timestamp": stamp}
    group, by = group_of(far, call["group"]), _actor(far, call)
    group.timer = call["seconds"]
    return {"timestamp": far.network.changed(group, by)}


def _accept(far: Standin, call: Json) -> Json:
    """Follows an invitation, or an admin lets in who asked by the link."""
    group, person = group_of(far, call["group"]), who(far, call["name"])
    for seats in (group.pending, group.asking):
        if person.uuid in seats:
            seats.remove(person.uuid)
            group.members.append(person.uuid)
            far.network.changed(group, person)
            return {}
    raise Refused("not invited")


def _follow_link(far: Standin, call: Json) -> Json:
    """Comes by the group's link: in at once, or asking."""
    group, person = group_of(far, call["group"]), who(far, call["name"])
    if group.link == "disabled":
        raise Refused("the link is off")
    if person.uuid in group.banned:
        raise Refused("this person is banned")
    if group.link == "enabled":
        group.members.append(person.uuid)
    else:
        group.asking.append(person.uuid)
    far.network.changed(group, person)
    return {}


def _vanish(far: Standin, call: Json) -> Json:
    del far.network.groups[group_of(far, call["group"]).internal]
    return {}


def _leave(far: Standin, call: Json) -> Json:
    group, person = group_of(far, call["group"]), who(far, call["name"])
    far.network.unseat(group, person)
    far.network.changed(group, person)
    return {}


GROUPS: dict[str, Verb] = {
    "make_group": _make_group,
    "group": _state,
    "groups": _groups,
    "add_member": _add_member,
    "put_out": _put_out,
    "role": _role,
    "change": _change,
    "set_timer": _set_timer,
    "accept": _accept,
    "follow_link": _follow_link,
    "leave": _leave,
    "vanish": _vanish,
}
