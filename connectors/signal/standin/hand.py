"""The far side's hand: what people do on their phones, what these show, and what goes wrong.

Rule kept here: every verb is one step without awaiting, but for those that wait until everything
received is posted; nothing here goes through the REST server.
"""

import base64
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from connectors.signal.standin import ids
from connectors.signal.standin.account import UNTRUSTED
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import DEFAULT_VERB, Fault, FaultKind
from connectors.signal.standin.model import (
    File,
    Group,
    Mention,
    Person,
    Post,
    Quote,
    Shown,
)
from connectors.signal.standin.network import Refused

Json = dict[str, Any]
Verb = Callable[[Standin, Json], Json]


def _who(far: Standin, name: str) -> Person:
    person = far.network.named(name)
    if person is None:
        raise Refused(f"nobody is called {name}")
    return person


def _group(far: Standin, name: str) -> Group:
    group = far.network.groups.get(ids.internal_id(name) or name)
    if group is None:
        raise Refused("no such group")
    return group


def _by(far: Standin, call: Json) -> Person:
    return _who(far, call["by"])


# who there is


def _person(far: Standin, call: Json) -> Json:
    person = far.network.person(call["name"], number=call["number"])
    for name in ("username", "hides_number", "auto_join", "receipts", "registered"):
        if call.get(name) is not None:
            setattr(person, name, call[name])
    return _told(far, person)


def _told(far: Standin, person: Person) -> Json:
    bot = far.network.bot
    return {
        "name": person.name,
        "uuid": person.uuid,
        "number": person.number,
        "hides_number": person.hides_number,
        "username": person.username,
        "registered": person.registered,
        "safety_number": ids.safety_number((bot.uuid, bot.key), (person.uuid, person.key)),
        "devices": [device.id for device in person.devices],
    }


def _people(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"people": [_told(far, person) for person in far.network.people.values()]}


# groups


def _make_group(far: Standin, call: Json) -> Json:
    by = _by(far, call)
    members = [_who(far, each) for each in call["members"] if each != by.name]
    group = far.network.make_group(by, call["name"], members)
    group.admins |= {_who(far, each).uuid for each in call["admins"]}
    group.timer = call["timer"]
    far.network.changed(group, by)
    return {"group": ids.rest_id(group.internal)}


def _state(far: Standin, call: Json) -> Json:
    group = _group(far, call["group"])
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
    group, by = _group(far, call["group"]), _actor(far, call)
    far.network.seat(group, _who(far, call["name"]))
    far.network.changed(group, by)
    return {}


def _actor(far: Standin, call: Json) -> Person:
    """Who does it: somebody named, else the group's first admin who is not our account."""
    group, bot = _group(far, call["group"]), far.network.bot
    if call.get("by") is not None:
        return _by(far, call)
    others = [each for each in group.members if each != bot.uuid]
    first = [each for each in others if each in group.admins] or others or [bot.uuid]
    return far.network.people[first[0]]


def _put_out(far: Standin, call: Json) -> Json:
    group, by = _group(far, call["group"]), _actor(far, call)
    person = _who(far, call["name"])
    far.network.unseat(group, person)
    far.network.changed(group, by)
    if person is far.network.bot:  # it is told, too, and then nothing more
        post = Post(by.uuid, far.clock.stamp(by.uuid), group.internal, group_update=True)
        far.network.deliver(person, replace(post, key=by.key))
    return {}


def _role(far: Standin, call: Json) -> Json:
    group, by, person = _group(far, call["group"]), _actor(far, call), _who(far, call["name"])
    if call["admin"]:
        group.admins.add(person.uuid)
    else:
        group.admins.discard(person.uuid)
    far.network.changed(group, by)
    return {}


def _change(far: Standin, call: Json) -> Json:
    """Settings by name: name, description, link, add_members, edit_group, send_messages."""
    group, by = _group(far, call["group"]), _actor(far, call)
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
        stamp = far.network.set_direct_timer(_by(far, call), far.network.bot, call["seconds"])
        return {"timestamp": stamp}
    group, by = _group(far, call["group"]), _actor(far, call)
    group.timer = call["seconds"]
    return {"timestamp": far.network.changed(group, by)}


def _accept(far: Standin, call: Json) -> Json:
    """Follows an invitation, or an admin lets in who asked by the link."""
    group, person = _group(far, call["group"]), _who(far, call["name"])
    for seats in (group.pending, group.asking):
        if person.uuid in seats:
            seats.remove(person.uuid)
            group.members.append(person.uuid)
            far.network.changed(group, person)
            return {}
    raise Refused("not invited")


def _follow_link(far: Standin, call: Json) -> Json:
    """Comes by the group's link: in at once, or asking."""
    group, person = _group(far, call["group"]), _who(far, call["name"])
    if group.link == "disabled":
        raise Refused("the link is off")
    if group.link == "enabled":
        group.members.append(person.uuid)
    else:
        group.asking.append(person.uuid)
    far.network.changed(group, person)
    return {}


def _leave(far: Standin, call: Json) -> Json:
    group, person = _group(far, call["group"]), _who(far, call["name"])
    far.network.unseat(group, person)
    far.network.changed(group, person)
    return {}


# messages


def _write(far: Standin, call: Json) -> Json:
    by, group = _by(far, call), _place(far, call)
    post = replace(
        _post(far, by, group, call),
        text=call["text"],
        files=tuple(_file(each) for each in call["files"]),
        quote=_quote(far, call["quote"]),
        mentions=tuple(_mention(far, each) for each in call["mentions"]),
        edits=call["edits"],
        view_once=call["view_once"],
        device=call["device"],
        broken=call["broken"],
    )
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _place(far: Standin, call: Json) -> Group | None:
    return None if call["group"] is None else _group(far, call["group"])


def _post(far: Standin, by: Person, group: Group | None, call: Json) -> Post:
    """Something that somebody sends, empty still."""
    stamp = far.clock.stamp(by.uuid)
    if group is None:
        other = _who(far, call.get("to") or "bot")
        timer = by.timers.get(other.uuid, 0)
        return Post(by.uuid, stamp, to=other.uuid, expires=timer, key=by.key)
    if not group.may(by.uuid, group.send_messages):
        raise Refused("this person may not write there")
    return Post(by.uuid, stamp, group.internal, expires=group.timer, key=by.key)


def _file(told: Json) -> File:
    return File.of(told["name"], told["content_type"], base64.b64decode(told["data"]))


def _quote(far: Standin, told: Json | None) -> Quote | None:
    if told is None:
        return None
    author = _who(far, told["author"])
    found = (p.shows.get((author.uuid, told["timestamp"])) for p in far.network.people.values())
    text = next((shown.text for shown in found if shown is not None), None)
    return Quote(told["timestamp"], author.uuid, text or "")


def _mention(far: Standin, told: Json) -> Mention:
    return Mention(told["start"], told["length"], _who(far, told["name"]).uuid)


def _delete(far: Standin, call: Json) -> Json:
    by = _by(far, call)
    post = replace(_post(far, by, _place(far, call), call), deletes=call["timestamp"])
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _react(far: Standin, call: Json) -> Json:
    by, author = _by(far, call), _who(far, call["author"])
    reacts = (call["emoji"], author.uuid, call["timestamp"], bool(call["remove"]))
    post = replace(_post(far, by, _place(far, call), call), reacts=reacts)
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _receipt(far: Standin, call: Json) -> Json:
    far.network.acknowledge(_by(far, call), call["kind"], tuple(call["timestamps"]))
    return {}


def _typing(far: Standin, call: Json) -> Json:
    group = _place(far, call)
    room = None if group is None else group.internal
    far.network.typing(_by(far, call), room, began=call["began"])
    return {}


def _own(far: Standin, call: Json) -> Json:
    """Another device of our account sends: the server gets the copy."""
    bot, group = far.network.bot, _place(far, call)
    post = replace(_post(far, bot, group, call), text=call["text"], device=call["device"])
    far.network.spread(post)
    far.network.deliver(bot, post)
    return {"timestamp": post.timestamp}


def _arrived(far: Standin, call: Json) -> Json:
    person, group = _who(far, call["name"]), _place(far, call)
    shown = far.network.shown(person)
    if group is not None:
        shown = [each for each in shown if each.post.room == group.internal]
    return {"messages": [_message(far, each) for each in shown]}


def _message(far: Standin, shown: Shown) -> Json:
    post, people = shown.post, far.network.people
    room = None if post.room is None else ids.rest_id(post.room)
    quote = post.quote
    return {
        "author": people[post.author].name,
        "timestamp": post.timestamp,
        "group": room,
        "text": shown.text,
        "files": [
            {
                "name": f.name,
                "content_type": f.content_type,
                "size": len(f.data),
                "sha256": f.sha256,
            }
            for f in post.files
        ],
        "quote": None
        if quote is None
        else {
            "author": people[quote.author].name,
            "timestamp": quote.timestamp,
            "text": quote.text,
        },
        "styles": [asdict(style) for style in post.styles],
        "mentions": [asdict(each) | {"author": people[each.author].name} for each in post.mentions],
        "edits": list(shown.edits),
        "deleted": shown.deleted,
        "reactions": {people[who].name: emoji for who, emoji in shown.reactions.items()},
        "timer": post.expires,
        "at": shown.at,
        "expires_at": shown.expires_at,
    }


def _noticed(far: Standin, call: Json) -> Json:
    return {"noticed": _who(far, call["name"]).noticed}


def _download(far: Standin, call: Json) -> Json:
    file = far.network.file(call["sha256"])
    if file is None:
        raise Refused("no phone has that file")
    return {"data": base64.b64encode(file.data).decode()}


# keys, devices, registration


def _reinstall(far: Standin, call: Json) -> Json:
    """A new identity key; ``tell``: the phone then writes something, and our server sees it."""
    person, network = _who(far, call["name"]), far.network
    person.key = ids.new_key()
    if call["tell"]:
        post = Post(person.uuid, far.clock.stamp(person.uuid), to=network.bot.uuid)
        timer = person.timers.get(network.bot.uuid, 0)
        network.spread(replace(post, text="", expires=timer, key=person.key))
    return _told(far, person)


def _add_device(far: Standin, call: Json) -> Json:
    person = _who(far, call["name"])
    return {"device": far.network.link_device(person, call["device_name"])}


def _registration(far: Standin, call: Json) -> Json:
    _who(far, call["name"]).registered = call["registered"]
    return {}


def _identity(far: Standin, call: Json) -> Json:
    """What the server thinks of somebody's key of now."""
    person = _who(far, call["name"])
    known = far.account.identities.get(person.uuid, [])
    status = next((each.status for each in known if each.key == person.key), None)
    return {"status": status, "trusted": status not in {None, UNTRUSTED}}


# what goes wrong, and the clock


def _fault(far: Standin, call: Json) -> Json:
    kind = FaultKind(call["kind"])
    verb = call["verb"] or DEFAULT_VERB.get(kind, "send")
    who = tuple(call["who"])
    far.faults.arm(Fault(kind, verb, call["times"], int(call["amount"]), call["text"], who))
    return {}


def _clear(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    far.faults.clear()
    return {}


def _losses(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    people = far.network.people
    named = [asdict(each) | {"author": people[each.author].name} for each in far.daemon.losses]
    for each in named:
        each["room"] = None if each["room"] is None else ids.rest_id(each["room"])
    return {"losses": named, "posted": far.daemon.posted, "waiting": far.daemon.waiting()}


def _daemon(far: Standin, call: Json) -> Json:
    """signal-cli goes away behind the server, or is there again."""
    if call["there"]:
        far.daemon.attach()
    else:
        far.daemon.detach()
    return {}


def _webhook(far: Standin, call: Json) -> Json:
    far.daemon.webhook = call["url"]
    return {}


def _clock(far: Standin, call: Json) -> Json:
    far.clock.advance(int(call["by"]))
    return {"now": far.clock.now()}


def _account(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    kept = far.account
    state = {"profile": kept.profile, "has_avatar": kept.has_avatar, "pin": kept.pin is not None}
    return state | {"files": sorted(kept.files), "trust_mode": kept.trust_mode}


def _profile(far: Standin, call: Json) -> Json:
    far.account.profile = call["name"]
    return {}


VERBS: dict[str, Verb] = {
    "person": _person,
    "people": _people,
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
    "write": _write,
    "delete": _delete,
    "react": _react,
    "receipt": _receipt,
    "typing": _typing,
    "own": _own,
    "arrived": _arrived,
    "noticed": _noticed,
    "download": _download,
    "reinstall": _reinstall,
    "add_device": _add_device,
    "registration": _registration,
    "identity": _identity,
    "fault": _fault,
    "clear_faults": _clear,
    "losses": _losses,
    "daemon": _daemon,
    "webhook": _webhook,
    "clock": _clock,
    "account": _account,
    "profile": _profile,
}
