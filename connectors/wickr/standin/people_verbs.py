"""The hand's verbs about people and rooms: what is done behind our back.

Rule kept here: every verb is one step without awaiting. Nobody is asked for permission: what is
done here is what an app that may do it does.
"""

import secrets

from connectors.wickr.standin import ids, model
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.model import Person, Room
from connectors.wickr.standin.verbs import Json, Verb, by_of, called, room_of, who


def _person(far: Standin, call: Json) -> Json:
    person = far.network.bot if call["name"] == "bot" else far.network.person(call["name"])
    for name in ("guest", "active"):
        if call.get(name) is not None:
            setattr(person, name, call[name])
    return _told(far, person)


def _told(far: Standin, person: Person) -> Json:
    name = called(far, person.account)
    state = {"account": person.account, "guest": person.guest, "active": person.active}
    return {"name": name, "key": person.key} | state


def _people(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"people": [_told(far, person) for person in far.network.people.values()]}


def _reinstall(far: Standin, call: Json) -> Json:
    """Another key; ``tell``: our client is asked to verify it."""
    person, network = who(far, call["name"]), far.network
    person.key = secrets.token_hex(32)
    if call["tell"]:
        network.spread(network.post(person, model.VERIFICATION, to=network.bot.account))
    return _told(far, person)


# rooms


def _make_room(far: Standin, call: Json) -> Json:
    by, network = by_of(far, call), far.network
    kind = ids.GROUP if call["kind"] == "group" else ids.ROOM
    room = network.make_room(by, kind, call["title"], call["description"], call["ttl"])
    for name in (*call["members"], *call["masters"]):
        network.seat(room, who(far, name))
    room.masters += [who(far, each).account for each in call["masters"]]
    network.control(by, room, model.CREATE_ROOM, network.parameters(room))
    return {"room": room.id}


def _state(far: Standin, call: Json) -> Json:
    room = room_of(far, call["room"])
    return {
        "id": room.id,
        "title": room.title,
        "description": room.description,
        "members": sorted(called(far, each) for each in room.members),
        "masters": sorted(called(far, each) for each in room.masters),
        "hidden": sorted(called(far, each) for each in room.hidden),
        "ttl": room.ttl,
        "bor": room.bor,
    }


def _rooms(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"rooms": list(far.network.rooms)}


def _actor(far: Standin, call: Json) -> Person:
    """Who does it: somebody named, else the room's first moderator who is not our account."""
    room, bot = room_of(far, call["room"]), far.network.bot
    if call.get("by") is not None:
        return by_of(far, call)
    others = [a for a in (*room.masters, *room.members) if a != bot.account]
    return far.network.people[(others or [bot.account])[0]]


def _add_member(far: Standin, call: Json) -> Json:
    room, by, person = room_of(far, call["room"]), _actor(far, call), who(far, call["name"])
    before = set(room.members)
    far.network.seat(room, person)
    if call["hidden"]:
        room.hidden.add(person.account)
        return {}
    far.network.members_changed(room, by, before)
    return {}


def _put_out(far: Standin, call: Json) -> Json:
    room, by = room_of(far, call["room"]), _actor(far, call)
    before = set(room.members)
    far.network.unseat(room, who(far, call["name"]))
    far.network.members_changed(room, by, before)
    return {}


def _role(far: Standin, call: Json) -> Json:
    room, by, account = (
        room_of(far, call["room"]),
        _actor(far, call),
        who(far, call["name"]).account,
    )
    room.masters = [each for each in room.masters if each != account]
    room.masters += [account] if call["master"] else []
    _told_parameters(far, room, by)
    return {}


def _told_parameters(far: Standin, room: Room, by: Person) -> None:
    far.network.control(by, room, model.PARAMETERS, far.network.parameters(room))


def _change(far: Standin, call: Json) -> Json:
    """Settings by name: title, description, ttl, bor; also to what no app would set."""
    room, by = room_of(far, call["room"]), _actor(far, call)
    for name in ("title", "description", "ttl", "bor"):
        if name in call["settings"]:
            setattr(room, name, call["settings"][name])
    _told_parameters(far, room, by)
    return {}


def _leave(far: Standin, call: Json) -> Json:
    room, person = room_of(far, call["room"]), who(far, call["name"])
    far.network.unseat(room, person)
    far.network.control(person, room, model.LEAVE)
    return {}


def _vanish(far: Standin, call: Json) -> Json:
    """A room is gone; ``tell``: with the message that says so."""
    room, by = room_of(far, call["room"]), _actor(far, call)
    if call["tell"]:
        far.network.control(by, room, model.DELETE_ROOM)
    room.former |= set(room.members)
    room.members, room.masters = [], []
    return {}


PEOPLE: dict[str, Verb] = {
    "person": _person,
    "people": _people,
    "reinstall": _reinstall,
    "make_room": _make_room,
    "room": _state,
    "rooms": _rooms,
    "add_member": _add_member,
    "put_out": _put_out,
    "role": _role,
    "change": _change,
    "leave": _leave,
    "vanish": _vanish,
}
