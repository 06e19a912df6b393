"""Secure rooms and group conversations.

Rules kept here:

1. A room's change passes both lists on, a missing one as an empty one; what the client makes of
   them is an option (``Modify``), and the answer is the same whatever it did.
2. A ttl or bor of 0 is none given. More than the security group allows is lowered without a word.
3. Whoever leaves a group is told that he has, whether he has or not: nobody waits for the client.
"""

from contextlib import suppress
from typing import Any

from connectors.wickr.standin import ids, model
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.faults import FaultKind
from connectors.wickr.standin.model import Room
from connectors.wickr.standin.network import Refused
from connectors.wickr.standin.wire import HTML, Answer, Call, names_in, said, seconds, there, told

NO_ROOM = "Cannot process request without a room object"
TOO_LITTLE = (
    "To Create a secure room you must at least send the following Arguments: "
    "Title, description, members and masters."
)


# reading


def listing(far: Standin, call: Call) -> Answer:
    """``GET Rooms``: those that our account is in."""
    return _told(far, call, "rooms", ids.ROOM)


def groups(far: Standin, call: Call) -> Answer:
    """``GET GroupConvo``."""
    return _told(far, call, "groupconvos", ids.GROUP)


def _told(far: Standin, call: Call, wrapper: str, kind: str) -> Answer:
    ours = far.network.bot.account
    rooms = [r for r in far.network.rooms.values() if ours in r.members and r.id.startswith(kind)]
    return told({wrapper: _entries(far, call, rooms)})


def one(far: Standin, call: Call) -> Answer:
    """``GET Rooms/{vGroupID}``: in the same wrapper."""
    return told({"rooms": _entries(far, call, [far.room(call.params["vgroupid"], ids.ROOM)])})


def one_group(far: Standin, call: Call) -> Answer:
    """``GET GroupConvo/{vGroupID}``."""
    group = far.room(call.params["vgroupid"], ids.GROUP)
    return told({"groupconvos": _entries(far, call, [group])})


def _entries(far: Standin, call: Call, rooms: list[Room]) -> list[dict[str, Any]]:
    partial = far.fault(FaultKind.PARTIAL_MEMBERS, call) is not None
    garbage = far.fault(FaultKind.GARBAGE_MEMBERS, call) is not None
    return [_entry(far, room, partial=partial, garbage=garbage) for room in rooms]


def _entry(far: Standin, room: Room, *, partial: bool, garbage: bool) -> dict[str, Any]:
    masters = [a for a in room.masters if a not in room.hidden]
    members = [a for a in room.members if a not in room.hidden]
    if not far.options.masters_in_members:
        members = [a for a in members if a not in masters]
    if partial:
        members, masters = members[:-1], masters[:-1]
    entry: dict[str, Any] = {
        "masters": None if garbage else [{"name": each} for each in masters],
        "members": "many" if garbage else [{"name": each} for each in members],
        "ttl": _number(far, room.ttl),
        "bor": _number(far, room.bor),
        "vgroupid": room.id,
    }
    if room.id.startswith(ids.GROUP):
        del entry["masters"]
        return entry
    return entry | {"title": room.title, "description": room.description}


def _number(far: Standin, number: int) -> str | int:
    return str(number) if far.options.numbers == "text" else number


# changing


def create(far: Standin, call: Call) -> Answer:
    """``POST Rooms``."""
    given = call.body.get("room")
    if not there(given):
        return said(NO_ROOM, 400)
    asked = given if isinstance(given, dict) else {}
    if not all(there(asked.get(n)) for n in ("title", "description", "members", "masters")):
        return said(TOO_LITTLE, 400)
    title, description = str(asked["title"]), str(asked["description"])
    room = _made(far, call, ids.ROOM, asked, title, description)
    return told({"vgroupid": room.id})


def create_group(far: Standin, call: Call) -> Answer:
    """``POST GroupConvo``: everybody moderates it."""
    given = call.body.get("groupconvo")
    asked = given if isinstance(given, dict) else {}
    if not there(asked.get("members")):
        return said("An array of GroupConvo members is required", kind=HTML)
    room = _made(far, call, ids.GROUP, asked | {"masters": asked["members"]}, "", "")
    return told({"vgroupid": room.id})


def _made(
    far: Standin, call: Call, kind: str, asked: dict[str, Any], title: str, description: str
) -> Room:
    network = far.network
    members, masters = _known(far, asked["members"]), _known(far, asked["masters"])
    ttl, bor = seconds(asked.get("ttl")), seconds(asked.get("bor"))
    if far.fault(FaultKind.IGNORE_TIMER, call) is not None:
        ttl = 0
    room = network.make_room(network.bot, kind, title, description, ttl)
    room.bor = min(bor, far.options.max_bor)
    for account in dict.fromkeys((*members, *masters)):
        network.seat(room, network.people[account])
    room.masters += [account for account in masters if account not in room.masters]
    return room


def _known(far: Standin, listed: object) -> list[str]:
    """The accounts of a list; all of them exist. Raises: Refused."""
    return [far.network.known(each).account for each in names_in(listed)]


def modify(far: Standin, call: Call) -> Answer:
    """``POST Rooms/{vGroupID}``: any of its fields, without a wrapper."""
    room, asked, done = far.ruled(call.params["vgroupid"]), call.body, "Room modified successfully"
    lists = [names_in(asked.get(n)) if there(asked.get(n)) else [] for n in ("members", "masters")]
    members, masters = ([each for each in listed if each is not None] for listed in lists)
    ttl, bor = seconds(asked.get("ttl")), seconds(asked.get("bor"))
    if far.fault(FaultKind.LIE, call) is not None:
        return said(done, kind=HTML)
    far.network.relist(room, members, masters)
    for name in ("title", "description"):
        if there(asked.get(name)):
            setattr(room, name, str(asked[name]))
    if ttl and far.fault(FaultKind.IGNORE_TIMER, call) is None:
        room.ttl = min(ttl, far.options.max_ttl)
    room.bor = min(bor, far.options.max_bor) if bor else room.bor
    return said(done, kind=HTML)


# ending


def delete(far: Standin, call: Call) -> Answer:
    """``DELETE Rooms/{vGroupID}[?reason=leave]``."""
    leaves = call.query.get("reason") == "leave"
    find = far.room if leaves else far.ruled
    room = find(call.params["vgroupid"])
    if far.fault(FaultKind.LIE, call) is None:
        _end(far, room, leaves=leaves)
    left = f"{far.options.user} left room successfully"
    return said(left if leaves else "Room deleted successfully", kind=HTML)


def _end(far: Standin, room: Room, *, leaves: bool) -> None:
    network = far.network
    if leaves:
        network.unseat(room, network.bot)
        network.control(network.bot, room, model.LEAVE)
        return
    network.control(network.bot, room, model.DELETE_ROOM)
    room.former |= set(room.members)
    room.members, room.masters = [], []


def leave_group(far: Standin, call: Call) -> Answer:
    """``DELETE GroupConvo/{vGroupID}``: 200, also when the client refuses."""
    if far.fault(FaultKind.LIE, call) is None:
        with suppress(Refused):
            _end(far, far.room(call.params["vgroupid"], ids.GROUP), leaves=True)
    return said(f"{far.options.user} has left the GroupConvo.")
