"""Messages and files: sending, taking, deleting; the callback; numbers and people.

Rules kept here:

1. ``Need …`` goes out with 200 (for a file with 400). No answer names the message that was sent.
2. Users are looked at first, so a vGroupID beside them is ignored; users that are no list are never
   answered; a user without a name is sent nothing, and the answer is the same.
3. ``GET Messages`` takes away what it hands out; one that cannot be parsed takes its batch along.
"""

import asyncio
import json
import posixpath
from collections.abc import Iterable
from typing import Any

from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.client import Item
from connectors.wickr.standin.faults import FaultKind
from connectors.wickr.standin.model import FILE, TEXT, File, Post, Room
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.options import Garbled
from connectors.wickr.standin.received import GARBLED
from connectors.wickr.standin.wire import (
    HTML,
    JSON,
    Answer,
    Call,
    Silent,
    Wrong,
    names,
    said,
    seconds,
    there,
    told,
)

NEED_USERS = "Need a list of users OR a vGroupID to send a message."
NEED_MESSAGE = "Need a message OR an attachment to send a message."
NOT_SENT, FILE_NOT_SENT = "Failed to send message", "Failed to send attachment"
SENT = "Sending message"
MOST_TAKEN = 1000


# sending


def send(far: Standin, call: Call) -> Answer:
    """``POST Messages``."""
    body = call.body
    users, room = body.get("users"), body.get("vgroupid")
    if not there(users) and not there(room):
        return said(NEED_USERS)
    attachment = body.get("attachment")
    if not there(body.get("message")) and not there(attachment):
        return said(NEED_MESSAGE)
    _check_path(far, attachment)
    places = _places(far, names(users) if there(users) else None, room)
    if there(attachment):
        return _attached(far, call, attachment, places)
    text = body["message"]
    if not isinstance(text, str):
        raise Wrong(said(NOT_SENT, 400))
    posts = [_post(far, TEXT, place, text=text, meta=body.get("messagemeta")) for place in places]
    return _spread(far, call, posts, body)


def _check_path(far: Standin, attachment: object) -> None:
    """A file of the bot's host lies in its attachments folder, and nowhere below it."""
    name = attachment.get("filename") if isinstance(attachment, dict) else None
    if there(name) and posixpath.dirname(str(name)) != far.options.attachments:
        raise Wrong(said("Path of file must be within the attachments directory", 400))


def _places(far: Standin, users: list[str | None] | None, room: object) -> list[Room | str]:
    """Where to: each person's private line, or one conversation. Raises: Refused."""
    if users is None:
        return [far.room(str(room))]
    return [far.network.known(each).account for each in users if each is not None]


def _post(far: Standin, kind: int, place: Room | str, **fields: Any) -> Post:
    network = far.network
    if isinstance(place, str):
        return network.post(network.bot, kind, to=place, **fields)
    return network.post(network.bot, kind, room=place, **fields)


def _attached(far: Standin, call: Call, attachment: object, places: list[Room | str]) -> Answer:
    """An attachment by URL or by a file on the bot's host."""
    given = attachment if isinstance(attachment, dict) else {}
    if there(given.get("url")):
        if not there(given.get("displayname")):
            raise Wrong(said("Attachment displayname must be set", 400))
        raise Wrong(said(FILE_NOT_SENT, 400))  # this bot's host reaches nothing
    name = posixpath.basename(str(given.get("filename") or ""))
    try:
        data = far.client.folder.read(name)
    except Refused:
        raise Wrong(said(FILE_NOT_SENT, 400)) from None
    file = File.of(str(given.get("displayname") or name), data)
    return _spread(far, call, [_post(far, FILE, place, file=file) for place in places], call.body)


def _spread(far: Standin, call: Call, posts: Iterable[Post], times: object) -> Answer:
    given = times if isinstance(times, dict) else {}
    ttl, bor = seconds(given.get("ttl")), seconds(given.get("bor"))
    if far.fault(FaultKind.LIE, call) is not None:
        return said(SENT)
    for post in posts:
        far.network.spread(far.network.lasting(post, ttl, bor))
        far.client.sent += 1
    return said(SENT)


async def send_file(far: Standin, call: Call) -> Answer:
    """``POST File``: kept under its original name, then read from there and sent."""
    users, room = call.form.get("users"), call.form.get("vgroupid")
    if not users and not room:
        return said(NEED_USERS, 400)
    if call.file is None:
        return said("No attachment included in request", 400)
    name = far.client.folder.upload(*call.file)
    slow = far.fault(FaultKind.SLOW_UPLOAD, call)
    if slow is not None:
        await asyncio.sleep(slow.amount / 1_000_000)
    places = _places(far, None if room else _listed(users), room)
    file = File.of(name, far.client.folder.read(name))
    return _spread(far, call, [_post(far, FILE, place, file=file) for place in places], call.form)


def _listed(users: str | None) -> list[str | None]:
    """The accounts of a form's field: an array of texts, where ``POST Messages`` has objects."""
    try:
        found = json.loads(users or "")
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Wrong(said("error processing users JSON data", 400))
    return [each if isinstance(each, str) else None for each in found]


# taking


def take(far: Standin, call: Call) -> Answer:
    """``GET Messages``: what it hands out is gone; ``start`` means nothing."""
    taken: list[Item] = []
    for _ in range(_count(call.query.get("count", ""))):
        item = far.client.next()
        if item is None:
            break
        taken += [item] * (2 if item.queued.twice else 1)
        if item.body == GARBLED:
            return _fallen_over(far, taken)
    body = f"[{','.join(item.body for item in taken)}]".encode()
    return Answer(200, body, JSON, tuple(dict.fromkeys(taken)))


def _count(asked: str) -> int:
    """How many; what begins like a number is one. Raises: Wrong."""
    if not asked:
        return 1
    digits = asked.strip().removeprefix("+")
    number = digits[: len(digits) - len(digits.lstrip("0123456789"))]
    if not number or int(number) < 1:
        raise Wrong(said("Invalid count parameter. Must be a number greater than 0.", 400))
    return min(int(number), MOST_TAKEN)


def _fallen_over(far: Standin, taken: list[Item]) -> Answer:
    """One of a batch was no JSON: all of the batch is gone."""
    far.client.lose(tuple(dict.fromkeys(taken)), "its batch could not be parsed")
    if far.options.garbled is Garbled.HANG:
        raise Silent
    return said("Failed to retrieve messages", 400)


def delete(far: Standin, call: Call) -> Answer:
    """``DELETE Messages/{vGroupID}/{messageID}``: from our own devices, or from everybody's."""
    room, message = call.params["vgroupid"], call.params["message"]
    if far.fault(FaultKind.LIE, call) is None:
        if call.query.get("dorecall") == "true":
            far.network.recall(far.network.bot, room, message)
        else:
            far.network.forget(far.network.bot, message)
    recall = call.query.get("dorecall") == "true"
    return said("Recall message sent" if recall else "Delete message sent", kind=HTML)


# the callback


def set_callback(far: Standin, call: Call) -> Answer:
    """``POST MsgRecvCallback?callbackurl=…``."""
    url = call.query.get("callbackurl", "")
    if not url.startswith(("http://", "https://")):
        raise Refused("no URL")
    if far.fault(FaultKind.LIE, call) is None:
        far.client.set_callback(url)
    return said("Successfully set callback URL")


def get_callback(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET MsgRecvCallback``: the URL, or nothing."""
    return said(far.client.callback)


def delete_callback(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - one shape
    """``DELETE MsgRecvCallback``."""
    far.client.set_callback("")
    return said("Successfully deleted callback URL")


# numbers and people


def statistics(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET Statistics``: where the client has none, nothing is answered, ever."""
    if not far.options.statistics:
        raise Silent
    client = far.client
    numbers = {
        "message_count": client.waiting()[1],
        "pending_messages": 0,
        "sent": client.sent,
        "received": client.received,
        "sent_errors": client.errors,
        "recv_errors": client.failed,
    }
    return told({"statistics": numbers})


def clear_statistics(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - one shape
    """``DELETE Statistics``."""
    far.client.clear()
    return said("statistics cleared successfully")


def directory(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET Directory``: everybody of the network."""
    people = far.network.people.values()
    return told({"users": [{"name": each.account} for each in people if not each.guest]})
