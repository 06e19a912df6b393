"""Groups over REST.

Rules kept here:

1. What signal-cli refuses is answered 400, but for the update in json-rpc mode: 204, always.
2. ``expiration_time: 0`` does not get through in json-rpc mode, and no listing shows the timer.
3. ``permissions.edit_group`` in a listing is in truth *send_messages*.
4. An unknown group is 200 with ``null`` when read, 404 when its members change.
"""

from collections.abc import Callable
from typing import Any

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.model import ADMINS, EVERY, Group, Person
from connectors.signal.standin.network import Refused
from connectors.signal.standin.wire import DONE, Answer, Body, Call, Wrong, error, told

PERMISSIONS = ("add_members", "edit_group", "send_messages")
LINKS = ("disabled", "enabled", "enabled-with-approval")
NOT_ADMIN = "User is not allowed to do this in the group: only admins are"
NO_PROFILE = "Profile key credential missing - please first update your profile"
LAST_ADMIN = "User is the last admin in this group - please specify another admin first"


def create(far: Standin, call: Call) -> Answer:
    """``POST /v1/groups/{number}``."""
    body = call.body()
    _allowed_words(body)
    bot = far.known(call.params["number"])
    asked = [person_of(far, each) for each in body.texts("members")]
    if not far.account.profile:
        raise Wrong(error(400, NO_PROFILE))
    meet(far, asked)
    group = far.network.make_group(bot, body.text("name"), [p for p in asked if p is not bot])
    _apply(far, call, group, body)
    far.network.changed(group, bot)
    return told(201, {"id": ids.rest_id(group.internal)})


def update(far: Standin, call: Call) -> Answer:
    """``PUT /v1/groups/{number}/{groupid}``."""
    body = call.body()
    _allowed_words(body)
    try:
        _update(far, call, body)
    except (Wrong, Refused) as refused:
        if far.options.json_rpc:
            return DONE
        answer = refused.answer if isinstance(refused, Wrong) else error(400, str(refused))
        raise Wrong(answer) from None
    return DONE


def _update(far: Standin, call: Call, body: Body) -> None:
    bot, group = far.known(call.params["number"]), far.group_or_404(call)
    details = any(map(body.has, ("name", "description", "base64_avatar", "expiration_time")))
    if body.has("permissions") or body.text("group_link"):
        permit(group, bot, ADMINS)
    if details:
        permit(group, bot, group.edit_group)
    refusal = far.fault(FaultKind.REFUSE, call)
    if refusal is not None:
        raise Refused(refusal.text or "Failed to update the group")
    if far.fault(FaultKind.LIE, call) is None:
        _apply(far, call, group, body)
        far.network.changed(group, bot)


def _apply(far: Standin, call: Call, group: Group, body: Body) -> None:
    group.name = body.text("name") or group.name
    if body.has("description"):
        group.description = body.text("description")
    permissions = body.object("permissions")
    for name in PERMISSIONS:
        setattr(group, name, permissions.text(name) or getattr(group, name))
    group.link = body.text("group_link") or group.link
    seconds = body.number("expiration_time")
    dropped = seconds == 0 and (far.options.json_rpc or not body.has("expiration_time"))
    if not dropped and far.fault(FaultKind.IGNORE_TIMER, call) is None:
        group.timer = seconds


def _allowed_words(body: Body) -> None:
    permissions = body.object("permissions")
    for name in PERMISSIONS:
        if permissions.text(name) not in {"", EVERY, ADMINS}:
            words = name.replace("_", " ")
            text = f"Invalid {words} permission provided - only '{EVERY}' and '{ADMINS}' allowed!"
            raise Wrong(error(400, text))
    if body.text("group_link") not in {"", *LINKS}:
        text = "Invalid group link provided - only 'enabled', 'enabled-with-approval' and "
        raise Wrong(error(400, text + "'disabled' allowed!"))


def person_of(far: Standin, address: str) -> Person:
    """Somebody by number, ACI or (json-rpc mode only: normal mode forgets a prefix) username."""
    person = far.network.found(address)
    by_username = person is not None and address == person.username
    if person is None or (by_username and not far.options.json_rpc):
        raise Wrong(error(400, f"The user {address} is not registered."))
    return person


def meet(far: Standin, people: list[Person]) -> None:
    """Whoever is asked in: his profile is fetched, and with it his key."""
    for person in people:
        if person is not far.network.bot:
            far.account.meet(person, person.key)


def permit(group: Group, bot: Person, permission: str) -> None:
    """Raises: Wrong: our account may not."""
    if not group.may(bot.uuid, permission):
        raise Wrong(error(400, NOT_ADMIN))


# reading


def listing(far: Standin, call: Call) -> Answer:
    """``GET /v1/groups/{number}``."""
    bot = far.known(call.params["number"])
    theirs = [group for group in far.network.groups.values() if knows(group, bot)]
    spoilt = _spoilt(far, call)
    return told(200, [_entry(far, call, group) | spoilt(group) for group in theirs])


def one(far: Standin, call: Call) -> Answer:
    """``GET /v1/groups/{number}/{groupid}``; 200 and null when there is none."""
    bot, group = far.known(call.params["number"]), far.group(call)
    if group is None or not knows(group, bot):
        return told(200, None)
    return told(200, _entry(far, call, group) | _spoilt(far, call)(group))


def knows(group: Group, bot: Person) -> bool:
    """The account made the group, was asked into it, or was in it."""
    return bot.uuid in {*group.members, *group.pending, *group.former}


def _entry(far: Standin, call: Call, group: Group) -> dict[str, Any]:
    admins = [m for m in group.members if m in group.admins]
    expand = call.query.get("expand") == "true"
    return {
        "name": group.name,
        "description": group.description,
        "id": ids.rest_id(group.internal),
        "internal_id": group.internal,
        "members": _names(far, group.members, expand=expand),
        "blocked": group.blocked,
        "member": far.network.bot.uuid in group.members,
        "pending_invites": _names(far, group.pending, expand=expand),
        "pending_requests": _names(far, group.asking, expand=expand),
        "invite_link": link_of(group),
        "admins": _names(far, admins, expand=expand),
        "permissions": {
            "add_members": group.add_members,
            "edit_group": group.send_messages,  # so the real one does: not readable over REST
            "send_messages": group.send_messages,
        },
    }


def _spoilt(far: Standin, call: Call) -> Callable[[Group], dict[str, Any]]:
    """What an armed fault puts in the place of a listing's members."""
    if far.fault(FaultKind.GARBAGE_MEMBERS, call) is not None:
        return lambda _group: {"members": "unreadable"}
    if far.fault(FaultKind.PARTIAL_MEMBERS, call) is None:
        return lambda _group: {}
    expand = call.query.get("expand") == "true"

    def partial(group: Group) -> dict[str, Any]:
        admins = [m for m in group.members if m in group.admins]
        names = {"members": group.members[:-1], "admins": admins[:-1]}
        return {name: _names(far, uuids, expand=expand) for name, uuids in names.items()}

    return partial


def _names(far: Standin, uuids: list[str], *, expand: bool) -> list[Any]:
    people = [far.network.people[each] for each in uuids]
    if expand:
        return [{"number": p.shown_number or "", "uuid": p.uuid} for p in people]
    return [person.address for person in people]


def link_of(group: Group) -> str:
    """The link that leads into a group; empty where there is none."""
    return "" if group.link == "disabled" else f"https://signal.group/#{group.link_password}"


# members


def members(far: Standin, call: Call) -> Answer:
    """``POST`` and ``DELETE …/{groupid}/members``."""
    named, bot = call.body().texts("members"), far.known(call.params["number"])
    group = far.group_or_404(call)
    adding = call.verb == "members_add"
    if not named:
        return DONE
    permit(group, bot, group.add_members if adding else ADMINS)
    people = [person_of(far, each) for each in named]
    if adding:
        meet(far, people)
    for person in people:
        change = far.network.seat if adding else far.network.unseat
        change(group, person)
    far.network.changed(group, bot)
    return DONE


def admins(far: Standin, call: Call) -> Answer:
    """``POST`` and ``DELETE …/{groupid}/admins``."""
    named, bot = call.body().texts("admins"), far.known(call.params["number"])
    group = far.group_or_404(call)
    if not named:
        return DONE
    permit(group, bot, ADMINS)
    people = {person_of(far, each).uuid for each in named}
    if not people <= set(group.members):
        raise Wrong(error(400, "User is not a group member"))
    group.admins = group.admins | people if call.verb == "admins_add" else group.admins - people
    far.network.changed(group, bot)
    return DONE


def leave(far: Standin, call: Call) -> Answer:
    """``DELETE …/{groupid}`` (200) and ``POST …/quit`` (204): both only go out of the group."""
    bot, group = far.known(call.params["number"]), far.group_or_404(call)
    if bot.uuid not in {*group.members, *group.pending}:
        raise Wrong(error(400, "User is not a group member"))
    if group.admins == {bot.uuid} and len(group.members) > 1:
        raise Wrong(error(400, LAST_ADMIN))
    far.network.unseat(group, bot)
    far.network.changed(group, bot)
    return Answer(200) if call.verb == "group_delete" else DONE


def block(far: Standin, call: Call) -> Answer:
    """``POST …/{groupid}/block``."""
    far.known(call.params["number"])
    far.group_or_404(call).blocked = True
    return DONE


def join(far: Standin, call: Call) -> Answer:
    """``POST …/{groupid}/join``: accepts an invitation that is pending."""
    bot, group = far.known(call.params["number"]), far.group_or_404(call)
    if bot.uuid not in group.pending:
        raise Wrong(error(400, "No pending invitation"))
    group.pending.remove(bot.uuid)
    group.members.append(bot.uuid)
    far.network.changed(group, bot)
    return DONE


def avatar(far: Standin, call: Call) -> Answer:
    """``GET …/{groupid}/avatar``: nobody here sets one."""
    far.known(call.params["number"])
    far.group_or_404(call)
    raise Wrong(error(404, "Group doesn't have an avatar"))


def pin(far: Standin, call: Call) -> Answer:
    """``POST`` and ``DELETE …/{groupid}/pin-message``: 201, whatever the description says."""
    bot, group, body = far.known(call.params["number"]), far.group_or_404(call), call.body()
    permit(group, bot, group.edit_group)
    stamp = body.number("timestamp")
    if call.verb == "pin":
        group.pinned.append(stamp)
    elif stamp in group.pinned:
        group.pinned.remove(stamp)
    return told(201, {"timestamp": str(far.clock.stamp(bot.uuid))})
