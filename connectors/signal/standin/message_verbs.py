"""The hand's verbs about messages: what people write, and what their phones show.

Rule kept here: every verb is one step without awaiting; a person writes only where he may.
"""

import base64
from dataclasses import asdict, replace

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.model import File, Group, Mention, Person, Post, Quote, Shown
from connectors.signal.standin.network import Refused
from connectors.signal.standin.verbs import Json, Verb, by_of, group_of, who


def _write(far: Standin, call: Json) -> Json:
    by, group = by_of(far, call), _place(far, call)
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
        odd=call["odd"],
        instead=call["instead"],
    )
    if call["at"] is not None:
        post = replace(post, timestamp=call["at"])
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _place(far: Standin, call: Json) -> Group | None:
    return None if call["group"] is None else group_of(far, call["group"])


def _post(far: Standin, by: Person, group: Group | None, call: Json) -> Post:
    """Something that somebody sends, empty still."""
    stamp = far.clock.stamp(by.uuid)
    if group is None:
        other = who(far, call.get("to") or "bot")
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
    author = who(far, told["author"])
    found = (p.shows.get((author.uuid, told["timestamp"])) for p in far.network.people.values())
    text = next((shown.text for shown in found if shown is not None), None)
    return Quote(told["timestamp"], author.uuid, text or "")


def _mention(far: Standin, told: Json) -> Mention:
    return Mention(told["start"], told["length"], who(far, told["name"]).uuid)


def _delete(far: Standin, call: Json) -> Json:
    by = by_of(far, call)
    post = replace(_post(far, by, _place(far, call), call), deletes=call["timestamp"])
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _admin_delete(far: Standin, call: Json) -> Json:
    by, group, author = by_of(far, call), group_of(far, call["group"]), who(far, call["author"])
    if by.uuid not in group.admins:
        raise Refused("only an admin takes away what others wrote")
    target = (author.uuid, call["timestamp"])
    post = replace(_post(far, by, group, call), admin_deletes=target)
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _react(far: Standin, call: Json) -> Json:
    by, author = by_of(far, call), who(far, call["author"])
    reacts = (call["emoji"], author.uuid, call["timestamp"], bool(call["remove"]))
    post = replace(_post(far, by, _place(far, call), call), reacts=reacts)
    far.network.spread(post)
    return {"timestamp": post.timestamp}


def _receipt(far: Standin, call: Json) -> Json:
    far.network.acknowledge(by_of(far, call), call["kind"], tuple(call["timestamps"]))
    return {}


def _typing(far: Standin, call: Json) -> Json:
    group = _place(far, call)
    room = None if group is None else group.internal
    far.network.typing(by_of(far, call), room, began=call["began"])
    return {}


def _own(far: Standin, call: Json) -> Json:
    """Another device of our account sends: the server gets the copy."""
    bot, group = far.network.bot, _place(far, call)
    post = replace(_post(far, bot, group, call), text=call["text"], device=call["device"])
    far.network.spread(post)
    far.network.deliver(bot, post)
    return {"timestamp": post.timestamp}


def _arrived(far: Standin, call: Json) -> Json:
    person, group = who(far, call["name"]), _place(far, call)
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
    return {"noticed": who(far, call["name"]).noticed}


def _download(far: Standin, call: Json) -> Json:
    file = far.network.file(call["sha256"])
    if file is None:
        raise Refused("no phone has that file")
    return {"data": base64.b64encode(file.data).decode()}


MESSAGES: dict[str, Verb] = {
    "write": _write,
    "delete": _delete,
    "admin_delete": _admin_delete,
    "react": _react,
    "receipt": _receipt,
    "typing": _typing,
    "own": _own,
    "arrived": _arrived,
    "noticed": _noticed,
    "download": _download,
}
