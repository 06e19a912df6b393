"""What the far side's own hand can do: people who write, read, come, go, and change things.

Rule kept here: a person's verb does what that person's own client could do, under the network's
rules; a verb that no client has (hidden members, changed keys, vanished rooms, faults) is named
apart in ``HANDS``, so that a test says which it uses.
"""

import secrets
from collections.abc import AsyncIterator, Callable

from connectors.memory import files, posting
from connectors.memory.faults import DEFAULT_VERB, Fault, FaultKind
from connectors.memory.model import FLAGS, Message, Room
from connectors.memory.network import HARDENED, Network, Options
from connectors.memory.record import arrival
from connectors.memory.wire import JsonObject, Refusal
from connectors.port.errors import ROOM_UNKNOWN


async def answer(
    network: Network, call: JsonObject, body: AsyncIterator[bytes] | None
) -> JsonObject:
    """Does one call of the far side. Raises: Refusal."""
    verb = str(call.get("verb"))
    if verb == "upload":
        return await files.upload(network, body)
    done = (PEOPLE | HANDS).get(verb)
    if done is None:
        raise Refusal("rejected", "verb_unknown")
    return done(network, call)


# what people do


def _write(network: Network, call: JsonObject) -> JsonObject:
    name, room = call["account"], call.get("room")
    if room is None:
        room = _direct_room(network, name, call["to"]).id
    draft = posting.Draft(
        text=call["text"],
        subject=call.get("subject"),
        files=files.parts(network, call["files"]),
        device=call.get("device"),
        reply_to=call.get("reply_to"),
        quoted=_quoted(network, name, room, call),
        edits=call.get("edits"),
        broken=call.get("broken"),
    )
    message, _ = posting.post(network, name, room, draft)
    return {"room": room, "id": message.id}


def _quoted(network: Network, name: str, room: object, call: JsonObject) -> str | None:
    if not call.get("quote") or call.get("reply_to") is None:
        return None
    return posting.message_of(network, name, room, call["reply_to"]).text


def _direct_room(network: Network, name: str, to: str) -> Room:
    for room in network.rooms.values():
        if room.direct and set(room.seats) == {name, to}:
            return room
    room = network.make_room(name, secrets.token_hex(8), HARDENED, None)
    room.direct = True
    network.seat(room, to, name)
    return room


def _redact(network: Network, call: JsonObject) -> JsonObject:
    message = posting.message_of(network, call["account"], call["room"], call["message"])
    posting.redact(network, call["account"], message)
    return {}


def _inbox(network: Network, call: JsonObject) -> JsonObject:
    name, only = str(call["account"]), call["room"]
    rooms = [r for r in network.rooms.values() if name in r.seats and only in (None, r.id)]
    views = [posting.seen_by(network, name, m) for r in rooms for m in _visible(r, name)]
    start = int(call["after"])
    shown = sorted((v for v in views if v["arrival"] > start), key=lambda v: v["arrival"])
    return {"messages": shown[: int(call["most"])]}


def _visible(room: Room, name: str) -> list[Message]:
    since = room.seats[name].since if room.flags["history_hidden"] else 0
    return [m for m in room.messages.values() if m.arrival > since]


def _opened(network: Network, call: JsonObject) -> JsonObject:
    """What an account could open of one sender's, in the room or out of it, had it the bytes."""
    name, room = str(call["account"]), _room(network, call)
    by = [m for m in room.messages.values() if m.sender == call["by"]]
    return {"texts": [m.text for m in by if _opens(network, room, name, m)]}


def _opens(network: Network, room: Room, name: str, message: Message) -> bool:
    if message.sealed_to is None:
        return name in room.seats and message in _visible(room, name)
    return name in message.sealed_to and posting.unreadable_for(network, name, message) is None


def _join(network: Network, call: JsonObject) -> JsonObject:
    room = network.room_of(call["account"], call["room"])
    room.seats[call["account"]].presence = "joined"
    network.membership(room, call["account"], "joined", call["account"])
    return {}


def _leave(network: Network, call: JsonObject) -> JsonObject:
    room = network.room_of(call["account"], call["room"])
    network.unseat(room, call["account"], call["account"])
    return {}


def _room_make(network: Network, call: JsonObject) -> JsonObject:
    flags = HARDENED | {k: bool(v) for k, v in call["flags"].items() if k in FLAGS}
    room = network.make_room(call["account"], call["name"], flags, call["timer"])
    for name in call["members"]:
        if name != call["account"]:
            network.seat(room, name, call["account"], admin=name in call["admins"])
    return {"room": room.id}


def _add_member(network: Network, call: JsonObject) -> JsonObject:
    room, by = _room(network, call), call["by"]
    if by is not None and not network.room_of(by, room.id).seats[by].admin:
        raise Refusal("rejected", "not_an_admin")
    network.seat(room, call["account"], by, admin=call["admin"])
    return {}


def _remove_member(network: Network, call: JsonObject) -> JsonObject:
    network.unseat(_room(network, call), call["account"], call["by"])
    return {}


def _role(network: Network, call: JsonObject) -> JsonObject:
    room = network.room_of(call["account"], call["room"])
    room.seats[call["account"]].admin = bool(call["admin"])
    if room.posters is not None and not call["admin"]:
        room.posters -= {call["account"]}
    network.membership(room, call["account"], "role", call["by"])
    return {}


def _change(network: Network, call: JsonObject) -> JsonObject:
    """Settings by name; ``timer`` in microseconds or None, ``gate`` as a list or None."""
    room = _room(network, call)
    for setting, value in call["settings"].items():
        if setting == "timer":
            room.timer = network.shortened(value)
        elif setting == "gate":
            room.posters = None if value is None else frozenset(value)
        elif setting in FLAGS:
            room.flags[setting] = bool(value)
        else:
            raise Refusal("rejected", "setting_unknown")
        network.settings_changed(room, setting, call["by"])
    return {}


def _device(network: Network, call: JsonObject) -> JsonObject:
    """Adds a device, or gives a known one another key."""
    account = network.account(call["account"])
    account.devices[call["device"]] = call["key"]
    data = {"account": account.id, "device": [call["device"], call["key"]]}
    network.tell(network.shares_room_with(account.id), "key", data)
    return {}


def _drop_device(network: Network, call: JsonObject) -> JsonObject:
    network.account(call["account"]).devices.pop(call["device"], None)
    return {}


def _receipt(network: Network, call: JsonObject) -> JsonObject:
    message = posting.message_of(network, call["account"], call["room"], call["message"])
    data = {"room": message.room, "message": message.id, "account": call["account"]}
    data |= {"receipt": call["kind"], "at": network.now()}
    network.tell([message.sender], "receipt", data)
    return {}


def _register(network: Network, call: JsonObject) -> JsonObject:
    account = network.account(call["account"])
    if call["devices"] is not None:
        account.devices = dict(call["devices"])
    return {"devices": dict(account.devices)}


# what only the network itself can do, or know


def _room(network: Network, call: JsonObject) -> Room:
    room = network.rooms.get(call["room"])
    if room is None:
        raise Refusal("rejected", ROOM_UNKNOWN)
    return room


def _hide(network: Network, call: JsonObject) -> JsonObject:
    network.seat(_room(network, call), call["account"], None, hidden=True)
    return {}


def _vanish(network: Network, call: JsonObject) -> JsonObject:
    del network.rooms[_room(network, call).id]
    return {}


def _keys(network: Network, call: JsonObject) -> JsonObject:
    network.account(call["account"]).holds_keys = bool(call["held"])
    return {}


def _sign(network: Network, call: JsonObject) -> JsonObject:
    network.account(call["account"]).signed_in = bool(call["signed_in"])
    return {}


def _skew(network: Network, call: JsonObject) -> JsonObject:
    network.skew = int(call["by"])
    return {}


def _arrived(network: Network, call: JsonObject) -> JsonObject:
    """Facts of every message, in order of arrival: hashes, never text."""
    rooms = [r for r in network.rooms.values() if call["room"] in (None, r.id)]
    lines = [arrival(message) for room in rooms for message in room.messages.values()]
    return {"arrived": sorted(lines, key=lambda line: int(line["n"]))}


def _state(network: Network, call: JsonObject) -> JsonObject:
    room = _room(network, call)
    seats = {
        name: {"presence": s.presence, "admin": s.admin, "hidden": s.hidden}
        for name, s in room.seats.items()
    }
    return {
        "name": room.name,
        "flags": dict(room.flags),
        "timer": room.timer,
        "posters": None if room.posters is None else sorted(room.posters),
        "direct": room.direct,
        "seats": seats,
    }


def _directory(network: Network, call: JsonObject) -> JsonObject:  # noqa: ARG001 (one shape)
    rooms = {room.id: room.name for room in network.rooms.values()}
    devices = {name: dict(a.devices) for name, a in network.accounts.items()}
    return {"accounts": devices, "rooms": rooms}


def _inject(network: Network, call: JsonObject) -> JsonObject:
    kind = FaultKind(call["kind"])
    verb = call["fault_verb"] or DEFAULT_VERB.get(kind, "send")
    network.faults.arm(Fault(kind, verb, call["times"], call["room"], int(call["amount"])))
    return {}


def _clear(network: Network, call: JsonObject) -> JsonObject:  # noqa: ARG001 (one shape)
    network.faults.clear()
    return {}


def _reset(network: Network, call: JsonObject) -> JsonObject:
    network.reset(Options(**call["options"]) if call["options"] else None)
    return {}


PEOPLE: dict[str, Callable[[Network, JsonObject], JsonObject]] = {
    "register": _register,
    "write": _write,
    "make_room": _room_make,
    "redact": _redact,
    "inbox": _inbox,
    "opened": _opened,
    "join": _join,
    "leave": _leave,
    "add_member": _add_member,
    "remove_member": _remove_member,
    "role": _role,
    "change": _change,
    "device": _device,
    "drop_device": _drop_device,
    "receipt": _receipt,
}
HANDS: dict[str, Callable[[Network, JsonObject], JsonObject]] = {
    "hide": _hide,
    "vanish": _vanish,
    "keys": _keys,
    "sign": _sign,
    "skew": _skew,
    "arrived": _arrived,
    "state": _state,
    "directory": _directory,
    "inject": _inject,
    "clear": _clear,
    "reset": _reset,
}
