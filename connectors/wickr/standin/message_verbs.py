"""The hand's verbs about messages: what people write, and what their apps show.

Rule kept here: every verb is one step without awaiting; a person writes only where he is.
"""

import base64

from connectors.wickr.standin import model
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.model import File, Room, Shown
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.verbs import Json, Verb, by_of, called, room_of, who


def _write(far: Standin, call: Json) -> Json:
    by, room, network = by_of(far, call), _place(far, call), far.network
    place: Json = {"to": who(far, call["to"]).account} if room is None else {"room": room}
    file = _file(call["file"])
    kind = call["msgtype"] or (model.TEXT if file is None else model.FILE)
    said: Json = {"text": call["text"] if file is None else None, "file": file}
    more = {"odd": call["odd"], "without": tuple(call["without"]), "garbled": call["garbled"]}
    post = network.post(by, kind, **place, **said, **more)
    network.spread(network.lasting(post, call["ttl"], call["bor"]))
    return {"message": post.id, "at": post.at}


def _place(far: Standin, call: Json) -> Room | None:
    """Where: a room that the person is in, or None for a private line."""
    if call["room"] is None:
        return None
    room = room_of(far, call["room"])
    if by_of(far, call).account not in room.members:
        raise Refused("this person is not in that room")
    return room


def _file(told: Json | None) -> File | None:
    if told is None:
        return None
    data = base64.b64decode(told["data"])
    return File.of(told["name"], data, screenshot=told["screenshot"])


def _recall(far: Standin, call: Json) -> Json:
    """A person takes a message of his back, from everybody or from his own devices."""
    by, room, network = by_of(far, call), _place(far, call), far.network
    if call["everywhere"]:
        target = network.recall(by, _conversation(far, call), call["message"])
    else:
        target = by.shows[call["message"]].post
        network.forget(by, call["message"])
    control = {"message_id": target.id, "isrecall": call["everywhere"], "msgtype": model.DELETE}
    place: Json = {"to": target.to} if room is None else {"room": room}
    post = network.post(by, model.DELETE, control=control, **place)
    network.tell_us(post, [reader.account for reader in network.readers(post)])
    return {"message": post.id}


def _conversation(far: Standin, call: Json) -> str:
    found = by_of(far, call).shows.get(call["message"])
    if found is None:
        raise Refused("this app shows no such message")
    return far.network.place(found.post)


def _read(far: Standin, call: Json) -> Json:
    far.network.read(who(far, call["name"]), call["message"])
    return {}


def _arrived(far: Standin, call: Json) -> Json:
    shown = far.network.shown(who(far, call["name"]))
    if call["room"] is not None:
        shown = [each for each in shown if each.post.room == call["room"]]
    return {"messages": [_message(far, each) for each in shown]}


def _message(far: Standin, shown: Shown) -> Json:
    post, file = shown.post, shown.post.file
    named = None if file is None else {"name": file.name, "size": len(file.data)}
    return {
        "id": post.id,
        "author": called(far, post.author),
        "kind": post.kind,
        "room": post.room,
        "text": post.text,
        "file": named if named is None or file is None else named | {"sha256": file.sha256},
        "meta": post.meta,
        "recalled": shown.recalled,
        "ttl": post.ttl,
        "bor": post.bor,
        "at": shown.at,
        "expires_at": shown.expires_at,
        "burns_at": shown.burns_at,
    }


def _download(far: Standin, call: Json) -> Json:
    file = far.network.file(call["sha256"])
    if file is None:
        raise Refused("no app has that file")
    return {"data": base64.b64encode(file.data).decode()}


MESSAGES: dict[str, Verb] = {
    "write": _write,
    "recall": _recall,
    "read": _read,
    "arrived": _arrived,
    "download": _download,
}
