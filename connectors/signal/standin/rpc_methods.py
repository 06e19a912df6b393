"""The methods of signal-cli's own daemon that are served.

Rules kept here:

1. What signal-cli refuses is an error, -1 with its words; nothing is refused behind a success.
2. A send that reached nobody is -4 where all keys are untrusted, -5 where all met a rate limit and
   -1 otherwise, each with the results in ``data.response``.
3. Listings show what signal-cli shows: timers, all three permissions, who is banned.
"""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.signal.standin import ids, sending
from connectors.signal.standin.account import Known
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.model import Group, Person, Post, Quote
from connectors.signal.standin.rpc_groups import (
    list_groups,
    named_group,
    quit_group,
    update_group,
)
from connectors.signal.standin.rpc_wire import CAPTCHA, RATE, UNTRUSTED, USER, Failure
from connectors.signal.standin.seen import MOST_BODY
from connectors.signal.standin.sending import IDENTITY, RATE_LIMIT
from connectors.signal.standin.wire import Body, Call

Json = dict[str, Any]
Run = Callable[[Standin, Call, Body], object]
A_DAY = 86_400
NO_TRUST = (
    "Failed to set the trust for this number, make sure the number and the fingerprint/safety "
    "number are correct."
)


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        verb: its name for faults, as in ``rest.ROUTES``.
        run: what it does.
        account: it is about one account.
    """

    verb: str
    run: Run
    account: bool = True


def verb_of(method: str, params: Mapping[str, Any]) -> str:
    """The name under which a call's faults are armed."""
    if method == "listGroups":
        return "group" if params.get("groupId") else "groups"
    if method != "updateGroup":
        found = METHODS.get(method)
        return found.verb if found is not None else "unknown"
    if not params.get("groupId"):
        return "group_create"
    parts = {
        "member": "members_add",
        "removeMember": "members_remove",
        "admin": "admins_add",
        "removeAdmin": "admins_remove",
    }
    first = next((verb for name, verb in parts.items() if params.get(name)), None)
    return first or ("group_update" if set(params) - {"groupId", "account"} else "group_join")


def shortened(parsed: object) -> object:
    """A request as it is kept for tests."""
    if isinstance(parsed, dict) and isinstance(parsed.get("params"), dict):
        files = parsed["params"].get("attachment")
        if files and sum(map(len, files)) > MOST_BODY:
            return parsed | {"params": parsed["params"] | {"attachment": [len(f) for f in files]}}
    return parsed


# ourselves


def _version(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    return {"version": far.options.release}


def _accounts(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    bot = far.network.bot
    return [{"number": bot.number}] if bot.registered else []


def _status(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    return [_registered(far, each) for each in body.texts("recipient")]


def _registered(far: Standin, address: str) -> Json:
    person = far.network.found(address)
    uuid = None if person is None else person.uuid
    return {
        "recipient": address,
        "number": address,
        "uuid": uuid,
        "isRegistered": person is not None,
    }


def _devices(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    return [
        {
            "id": each.id,
            "name": each.name,
            "createdTimestamp": each.created // 1000,
            "lastSeenTimestamp": each.last_seen // 1000,
        }
        for each in far.network.bot.devices
    ]


def _end_device(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    """``removeDevice``; the primary one stays."""
    bot, which = far.network.bot, body.number("deviceId")
    if which == 1 or not any(each.id == which for each in bot.devices):
        raise Failure(USER, "Failed to remove device")
    bot.devices = [each for each in bot.devices if each.id != which]
    return {}


def _profile(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    far.account.profile = body.text("givenName") or far.account.profile
    return {}


# people


def _identities(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    people = far.network.people
    known = far.account.identities.items()
    return [_identity(far, people[one], key) for one, keys in known for key in keys]


def _identity(far: Standin, person: Person, known: Known) -> Json:
    number = far.account.number_of(person, known)
    return {
        "number": person.shown_number,
        "uuid": person.uuid,
        "fingerprint": ids.fingerprint(known.key),
        "safetyNumber": " ".join(number[at : at + 5] for at in range(0, 60, 5)),
        "scannableSafetyNumber": None,
        "trustLevel": known.status,
        "addedTimestamp": known.added,
    }


def _trust(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    person = far.network.found(body.text("recipient"))
    if person is None:
        raise Failure(USER, f"The user {body.text('recipient')} is not registered.")
    number = body.text("verifiedSafetyNumber")
    done = (
        far.account.verify(person, number)
        if number
        else body.flag("trustAllKnownKeys") and far.account.trust_all(person)
    )
    if not done:
        raise Failure(USER, NO_TRUST)
    return {}


def _contacts(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    everybody = body.flag("allRecipients")
    known = set(far.account.contacts) | (set(far.account.identities) if everybody else set())
    known |= set(far.network.bot.timers)
    wanted = {p.uuid for a in body.texts("recipient") if (p := far.network.found(a)) is not None}
    return [
        _contact(far, far.network.people[each])
        for each in sorted(known & wanted if body.has("recipient") else known)
    ]


def _contact(far: Standin, person: Person) -> Json:
    profile = {"givenName": person.name, "familyName": None, "about": None}
    return {
        "number": person.shown_number,
        "uuid": person.uuid,
        "username": person.username,
        "name": far.account.contacts.get(person.uuid, ""),
        "isBlocked": False,
        "isHidden": False,
        "messageExpirationTime": far.network.bot.timers.get(person.uuid, 0),
        "profileSharing": True,
        "unregistered": not person.registered,
        "profile": profile | {"lastUpdateTimestamp": 0, "hasAvatar": False},
    }


def _update_contact(far: Standin, call: Call, body: Body) -> object:
    person = far.network.found(body.text("recipient"))
    if person is None:
        raise Failure(USER, f"The user {body.text('recipient')} is not registered.")
    if body.has("name"):
        far.account.contacts[person.uuid] = body.text("name")
    if body.has("expiration") and far.fault(FaultKind.IGNORE_TIMER, call) is None:
        far.network.set_direct_timer(far.network.bot, person, body.number("expiration"))
    return {}


# messages


def _send(far: Standin, call: Call, body: Body) -> object:
    bot = far.network.bot
    post = Post(
        bot.uuid,
        far.clock.stamp(bot.uuid),
        text=body.text("message"),
        files=tuple(sending.file_of(each) for each in body.texts("attachment")),
        quote=_quote(far, body),
        edits=body.number("editTimestamp") or None,
        view_once=body.flag("viewOnce"),
        key=bot.key,
    )
    return _spread(far, call, body, post)


def _quote(far: Standin, body: Body) -> Quote | None:
    if not body.has("quoteTimestamp"):
        return None
    author = far.network.found(body.text("quoteAuthor"))
    if author is None:
        raise Failure(USER, "The user is not registered.")
    return Quote(body.number("quoteTimestamp"), author.uuid, body.text("quoteMessage"))


def _remote_delete(far: Standin, call: Call, body: Body) -> object:
    bot = far.network.bot
    stamp = far.clock.stamp(bot.uuid)
    post = Post(bot.uuid, stamp, deletes=body.number("targetTimestamp"), key=bot.key)
    return _spread(far, call, body, post)


def _spread(far: Standin, call: Call, body: Body, post: Post) -> Json:
    """To a group or to people; the results for each of them."""
    groups, people = body.texts("groupId"), body.texts("recipient")
    if not groups and not people:
        raise Failure(USER, "No recipients given")
    if groups:
        group = _open(far, groups[0])
        post = sending.at(far, post, group, None)
        readers = list(far.network.readers(post))
        return _delivered(far, call, post, readers, group)
    found = far.network.found(people[0])
    if found is None:
        failed = {"uuid": people[0], "number": None, "username": None}
        lost = {"recipientAddress": failed, "type": sending.UNREGISTERED}
        response = {"timestamp": post.timestamp, "results": [lost]}
        raise Failure(USER, "Failed to send message", response)
    return _delivered(far, call, sending.at(far, post, None, found), [found], None)


def _open(far: Standin, internal: str) -> Group:
    """A group that our account may write to. Raises: Failure."""
    group, bot = named_group(far, internal), far.network.bot
    if bot.uuid not in group.members:
        raise Failure(USER, f"User is not a group member: {internal}")
    if not group.may(bot.uuid, group.send_messages):
        raise Failure(USER, f"User is not allowed to send to this group: {internal}")
    return group


def _delivered(
    far: Standin, call: Call, post: Post, readers: list[Person], group: Group | None
) -> Json:
    failed = sending.failures(far, call, readers)
    limit = far.fault(FaultKind.RATE_LIMIT, call)
    more: Json = {}
    if limit is not None:
        failed = {person.uuid: RATE_LIMIT for person in readers}
        token = limit.text or secrets.token_urlsafe(12)
        far.account.tokens[token] = False
        more = {"token": token, "retryAfterSeconds": limit.amount or A_DAY}
    results = [_result(person, failed, group, more) for person in readers]
    response = {"timestamp": post.timestamp, "results": results}
    if readers and len(failed) == len(readers):
        raise _nobody(set(failed.values()), response)
    if far.fault(FaultKind.LIE, call) is None:
        far.network.spread(post, frozenset(failed))
    if far.fault(FaultKind.NO_RESULTS, call):
        return {"timestamp": post.timestamp}
    return response


def _nobody(kinds: set[str], response: Json) -> Failure:
    """What signal-cli says when nobody was reached."""
    if kinds == {IDENTITY}:
        return Failure(UNTRUSTED, "Failed to send message due to untrusted identities", response)
    if kinds == {RATE_LIMIT}:
        return Failure(RATE, "Failed to send message due to rate limiting", response)
    return Failure(USER, "Failed to send message", response)


def _result(person: Person, failed: dict[str, str], group: Group | None, more: Json) -> Json:
    address = {"uuid": person.uuid, "number": person.shown_number, "username": person.username}
    kind = failed.get(person.uuid, "SUCCESS")
    named: Json = {"recipientAddress": address, "type": kind}
    if group is not None:
        named["groupId"] = group.internal
    return named | (more if kind == RATE_LIMIT else {})


def _challenge(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    token = body.text("challenge")
    if token not in far.account.tokens or not body.text("captcha").startswith("signalcaptcha://"):
        raise Failure(CAPTCHA, "Captcha rejected")
    far.account.tokens[token] = True
    far.faults.lift(token)
    return {}


def _attachment(far: Standin, call: Call, body: Body) -> object:  # noqa: ARG001 - one shape
    file = far.account.files.get(body.text("id"))
    if file is None:
        raise Failure(USER, f"Could not find attachment with ID: {body.text('id')}")
    return {"data": base64.b64encode(file.data).decode()}


METHODS: dict[str, Method] = {
    "version": Method("about", _version, account=False),
    "listAccounts": Method("accounts", _accounts, account=False),
    "getUserStatus": Method("search", _status),
    "listDevices": Method("devices", _devices),
    "removeDevice": Method("device_unlink", _end_device),
    "updateProfile": Method("profile", _profile),
    "listIdentities": Method("identities", _identities),
    "trust": Method("trust", _trust),
    "listContacts": Method("contacts", _contacts),
    "updateContact": Method("contact_update", _update_contact),
    "listGroups": Method("groups", list_groups),
    "updateGroup": Method("group_update", update_group),
    "quitGroup": Method("group_quit", quit_group),
    "send": Method("send", _send),
    "remoteDelete": Method("remote_delete", _remote_delete),
    "submitRateLimitChallenge": Method("challenge", _challenge),
    "getAttachment": Method("attachment", _attachment),
}
