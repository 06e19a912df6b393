"""Sending: messages, edits, deletes, reactions, receipts, typing.

Rules kept here:

1. Recipients are of one kind per call: numbers and ACIs, usernames, or one group.
2. Who cannot be reached is named after release 0.100, and not before it; the answer is 201.
3. When nobody is reached it is an error, in json-rpc mode another than in normal mode.
"""

import base64
import json
import re
import secrets
import uuid
from collections.abc import Sized
from dataclasses import replace

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.clock import MS
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.model import File, Group, Mention, Person, Post, Quote
from connectors.signal.standin.styled import interpreted
from connectors.signal.standin.wire import DONE, Answer, Body, Call, Wrong, error, told

MIXED = (
    "Signal Messenger {} and {} cannot be specified together in one request! "
    "Please split them up into multiple REST API calls."
)
TWO_GROUPS = (
    "A signal message cannot be sent to more than one group at once! "
    "Please use multiple REST API calls for that."
)
LIFT = (
    "Use the attached challenge tokens to lift the rate limit restrictions via the "
    "'/v1/accounts/{number}/rate-limit-challenge' endpoint."
)
FIELDS: dict[str, type] = {
    **dict.fromkeys(("number", "message", "text_mode", "quote_author", "quote_message"), str),
    **dict.fromkeys(("recipients", "base64_attachments", "mentions", "quote_mentions"), list),
    "link_preview": dict,
    **dict.fromkeys(("quote_timestamp", "edit_timestamp"), int),
    **dict.fromkeys(("view_once", "notify_self"), bool),
}
IDENTITY, UNREGISTERED = "IDENTITY_FAILURE", "UNREGISTERED_FAILURE"
RATE_LIMIT = "RATE_LIMIT_FAILURE"
DATA = re.compile(
    r"data:(?P<type>[^;,]*)(?:;filename=(?P<name>[^;,]*))?;base64,(?P<data>.*)", re.DOTALL
)


def send(far: Standin, call: Call) -> Answer:
    """``POST /v2/send``."""
    body = call.body(**FIELDS)
    recipients = body.texts("recipients")
    if not recipients:
        text = "Couldn't process request - please provide at least one recipient"
        raise Wrong(error(400, text))
    if not body.text("number"):
        raise Wrong(error(400, "Couldn't process request - please provide a valid number"))
    if body.flag("view_once") and not body.texts("base64_attachments"):
        raise Wrong(error(400, "'view_once' can only be set for image attachments!"))
    _check_preview(body)
    kind = _kind_of(recipients)
    files = tuple(file_of(each) for each in body.texts("base64_attachments"))
    bot = far.known(body.text("number"))
    post = _post(far, body, bot, files)
    if kind == "group":
        return _to_group(far, call, post, recipients[0])
    return _to_people(far, call, post, recipients, usernames=kind == "username")


def _check_preview(body: Body) -> None:
    url = body.object("link_preview").text("url")
    if body.has("link_preview") and not url.startswith("https://"):
        raise Wrong(error(400, "Link preview url must start with https://"))
    if url not in body.text("message"):
        raise Wrong(error(400, "Link preview url must be part of the message"))


def _kind_of(recipients: list[str]) -> str:
    """What all of them are; an internal group id is taken for a username, without a word."""
    kinds = [_kind(each) for each in recipients]
    for one, other in (("number", "group"), ("username", "group"), ("number", "username")):
        if {one, other} <= set(kinds):
            names = {"number": "phone numbers", "username": "usernames", "group": "Groups"}
            pair = sorted((names[one], names[other]), key=lambda name: name != "Groups")
            raise Wrong(error(400, MIXED.format(*pair)))
    if kinds.count("group") > 1:
        raise Wrong(error(400, TWO_GROUPS))
    return kinds[0]


def _kind(recipient: str) -> str:
    if recipient.startswith(ids.PREFIX):
        return "group"
    try:
        uuid.UUID(recipient)
    except ValueError:
        return "number" if recipient.startswith("+") else "username"
    return "number"


def file_of(encoded: str) -> File:
    """A file out of base64, bare or in a data URI. Raises: Wrong."""
    found = DATA.fullmatch(encoded)
    data = encoded if found is None else found["data"]
    kind = "application/octet-stream" if found is None else found["type"]
    name = None if found is None else found["name"]
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError:
        raise Wrong(error(400, f"illegal base64 data at input byte {_bad_byte(data)}")) from None
    return File.of(name, kind, raw)


def _bad_byte(data: str) -> int:
    bad = re.search(r"[^A-Za-z0-9+/]", data.rstrip("="))
    return bad.start() if bad else len(data)


def _post(far: Standin, body: Body, bot: Person, files: tuple[File, ...]) -> Post:
    plain = body.text("message")
    mode = body.text("text_mode") or far.options.text_mode
    text, styles = interpreted(plain) if mode == "styled" else (plain, ())
    return Post(
        bot.uuid,
        far.clock.stamp(bot.uuid),
        text=text,
        styles=styles,
        files=files,
        mentions=tuple(_mention(far, each) for each in body.objects("mentions")),
        quote=_quote(far, body),
        edits=body.number("edit_timestamp") or None,
        view_once=body.flag("view_once"),
        key=bot.key,
    )


def _mention(far: Standin, body: Body) -> Mention:
    person = far.network.found(body.text("author"))
    if person is None:
        raise Wrong(error(400, f'Invalid mention author: "{body.text("author")}"'))
    return Mention(body.number("start"), body.number("length"), person.uuid)


def _quote(far: Standin, body: Body) -> Quote | None:
    if not body.has("quote_timestamp"):
        return None
    author = far.network.found(body.text("quote_author"))
    if author is None:
        raise Wrong(error(400, "Please provide a valid quote author"))
    return Quote(body.number("quote_timestamp"), author.uuid, body.text("quote_message"))


def _to_group(far: Standin, call: Call, post: Post, recipient: str) -> Answer:
    group = _open_group(far, recipient)
    post = at(far, post, group, None)
    readers = list(far.network.readers(post))
    failed = failures(far, call, readers)
    _check(far, call, readers, failed)
    if far.fault(FaultKind.LIE, call) is None:
        far.network.spread(post, frozenset(failed))
    return _sent(far, post.timestamp, failed)


def _to_people(
    far: Standin, call: Call, post: Post, recipients: list[str], *, usernames: bool
) -> Answer:
    found = {each: far.network.found(each) for each in recipients}
    people = [person for person in found.values() if person is not None]
    failed = failures(far, call, people)
    if not usernames:  # an unknown username fails somewhere behind the server, without a word
        failed |= {each: UNREGISTERED for each, person in found.items() if person is None}
    _check(far, call, recipients, failed)
    lie = far.fault(FaultKind.LIE, call) is not None
    for person in people:
        if person.uuid not in failed and not lie:
            far.network.spread(at(far, post, None, person))
    return _sent(far, post.timestamp, failed)


def _open_group(far: Standin, recipient: str) -> Group:
    """A group that our account may write to.

    Raises:
        Wrong: it is unknown, we are not in it, or only its admins write.
    """
    internal = ids.internal_id(recipient)
    group = far.network.groups.get(internal or "")
    if group is None:
        raise Wrong(error(400, "Invalid group id"))
    if far.network.bot.uuid not in group.members:
        raise Wrong(error(400, "User is not a group member"))
    if not group.may(far.network.bot.uuid, group.send_messages):
        raise Wrong(error(400, "User is not permitted to send to this group: only admins are"))
    return group


def at(far: Standin, post: Post, group: Group | None, person: Person | None) -> Post:
    """The post in its conversation, with the time to live that the account knows of."""
    if group is not None:
        return replace(post, room=group.internal, expires=group.timer)
    to = "" if person is None else person.uuid
    return replace(post, to=to, expires=far.network.bot.timers.get(to, 0))


def failures(far: Standin, call: Call, people: list[Person]) -> dict[str, str]:
    """Who is not reached, and why."""
    failed = {}
    for person in people:
        if not person.registered:
            failed[person.uuid] = UNREGISTERED
        elif person is not far.network.bot and not far.account.reaches(person):
            failed[person.uuid] = IDENTITY
    fault = far.fault(FaultKind.FAIL_RECIPIENTS, call)
    if fault is not None:
        named = [p for p in people if p.name in fault.who] if fault.who else people[1:]
        failed |= {person.uuid: fault.text or "NETWORK_FAILURE" for person in named}
    return failed


def _check(far: Standin, call: Call, readers: Sized, failed: dict[str, str]) -> None:
    """Raises what the program answers when nobody is reached, or when it is refused whole."""
    limit = far.fault(FaultKind.RATE_LIMIT, call)
    if limit is not None:
        raise Wrong(_too_many(far, limit.text or secrets.token_urlsafe(12), failed))
    if len(readers) == 0 or len(failed) < len(readers):
        return
    if set(failed.values()) == {IDENTITY}:
        raise Wrong(_untrusted(far))
    raise Wrong(error(400, "Failed to send message"))


def _untrusted(far: Standin) -> Answer:
    if far.options.json_rpc and far.options.answers_array:
        return error(400, "Unable to complete request due to untrusted recipient keys")
    return error(400, "Failed to send message due to untrusted identities")


def _too_many(far: Standin, token: str, failed: dict[str, str]) -> Answer:
    """In normal mode the token is inside signal-cli's raw output, inside a string."""
    far.account.tokens[token] = False
    if far.options.json_rpc:
        body = {"error": f"Failed to send message due to rate limiting. {LIFT}"}
        return told(429, body | {"challenge_tokens": [token], "account": far.options.number})
    result = {"type": RATE_LIMIT, "token": token, "retryAfterSeconds": 86_400}
    results = [result | {"recipientAddress": {"uuid": each}} for each in failed or [""]]
    raw = {"account": far.options.number, "results": results}
    return error(400, f"{json.dumps(raw)}\nFailed to send message due to rate limiting\n")


def _sent(far: Standin, stamp: int, failed: dict[str, str]) -> Answer:
    """Both shapes; before the array nobody is told who was not reached."""
    sent: dict[str, object] = {"timestamp": str(stamp)}
    if not far.options.answers_array:
        return told(201, sent)
    if failed:
        sent["errors"] = {"recipients": [_named(far, *each) for each in failed.items()]}
    return told(201, [sent])


def _named(far: Standin, address: str, reason: str) -> dict[str, str]:
    person = far.network.people.get(address)
    number = address if person is None else person.shown_number or ""
    name = "" if person is None else person.username or ""
    told_uuid = "" if person is None else person.uuid
    return {"number": number, "uuid": told_uuid, "username": name, "reason": reason}


# what is done to messages


def remote_delete(far: Standin, call: Call) -> Answer:
    """``DELETE /v1/remote-delete/{number}``: asks the other clients, and proves nothing."""
    bot, body = far.known(call.params["number"]), call.body()
    post = Post(bot.uuid, far.clock.stamp(bot.uuid), deletes=body.number("timestamp"), key=bot.key)
    _spread_to(far, body.text("recipient"), post)
    return told(201, {"timestamp": str(post.timestamp)})


def react(far: Standin, call: Call) -> Answer:
    """``POST`` and ``DELETE /v1/reactions/{number}``."""
    bot, body = far.known(call.params["number"]), call.body()
    author = far.network.found(body.text("target_author"))
    if author is None:
        raise Wrong(error(400, "Couldn't process request - invalid target author"))
    removed = call.verb == "reaction_remove"
    reacts = (body.text("reaction"), author.uuid, body.number("timestamp"), removed)
    post = Post(bot.uuid, far.clock.stamp(bot.uuid), reacts=reacts, key=bot.key)
    _spread_to(far, body.text("recipient"), post)
    return DONE


def _spread_to(far: Standin, recipient: str, post: Post) -> None:
    if recipient.startswith(ids.PREFIX):
        far.network.spread(at(far, post, _open_group(far, recipient), None))
        return
    far.network.spread(at(far, post, None, _person(far, recipient)))


def _person(far: Standin, recipient: str) -> Person:
    person = far.network.found(recipient)
    if person is None:
        raise Wrong(error(400, f"Failed to send message: {UNREGISTERED}"))
    return person


def receipt(far: Standin, call: Call) -> Answer:
    """``POST /v1/receipts/{number}``."""
    far.known(call.params["number"])
    body = call.body()
    if body.text("receipt_type") not in {"read", "viewed"}:
        raise Wrong(error(400, "Couldn't process request - please provide a valid receipt type"))
    person = _person(far, body.text("recipient"))
    person.noticed.append((body.text("receipt_type"), "", body.number("timestamp")))
    return DONE


def typing(far: Standin, call: Call) -> Answer:
    """``PUT`` and ``DELETE /v1/typing-indicator/{number}``."""
    bot, recipient = far.known(call.params["number"]), call.body().text("recipient")
    if recipient.startswith(ids.PREFIX):
        group = _open_group(far, recipient)
        people = [far.network.people[each] for each in group.members if each != bot.uuid]
    else:
        people = [_person(far, recipient)]
    for person in people:
        person.noticed.append((call.verb, "", far.clock.now() // MS))
    return DONE


def challenge(far: Standin, call: Call) -> Answer:
    """``POST /v1/accounts/{number}/rate-limit-challenge``: lifts the limit of that token."""
    far.known(call.params["number"])
    body = call.body()
    token = body.text("challenge_token")
    if token not in far.account.tokens or not body.text("captcha").startswith("signalcaptcha://"):
        raise Wrong(error(400, "Captcha invalid"))
    far.account.tokens[token] = True
    far.faults.lift(token)
    return DONE
