"""What an admin may do to a room of the memory network: its members, its settings, its keys.

Rule kept here: only an admin may, and nobody who is asked for what is so already is told so. The
key that a sender seals with goes to everybody who sits there; it is thrown away when somebody
goes, unless his going was not noticed, and whenever that is asked for.
"""

from connectors.memory.faults import FaultKind
from connectors.memory.model import FLAGS, Room
from connectors.memory.network import Network
from connectors.memory.wire import JsonObject, Refusal
from connectors.port.errors import NOT_A_MEMBER


def _ruled(network: Network, name: str, call: JsonObject) -> Room:
    """A room in which this account may change things. Raises: Refusal."""
    room = network.room_of(name, call["room"])
    if not room.seats[name].admin:
        raise Refusal("rejected", "not_an_admin", "have an admin of the room make us one again")
    return room


def invite(network: Network, name: str, call: JsonObject) -> JsonObject:
    """Lets an account in."""
    room, other = _ruled(network, name, call), str(call["account"])
    if other not in room.seats:
        network.seat(room, other, name)
    return {"asked": "invite"}


def remove(network: Network, name: str, call: JsonObject) -> JsonObject:
    """Puts an account out; the key stays with it where its going is not noticed."""
    room, other = _ruled(network, name, call), str(call["account"])
    if other in room.seats:
        unnoticed = network.faults.take(FaultKind.UNNOTICED, "remove", room.id)
        network.unseat(room, other, name, noticed=unnoticed is None)
    return {"asked": "remove"}


def role(network: Network, name: str, call: JsonObject) -> JsonObject:
    """Makes a member an admin, or one no more."""
    room, admin = _ruled(network, name, call), bool(call["admin"])
    seat = room.seats.get(str(call["account"]))
    if seat is None:
        raise Refusal("rejected", NOT_A_MEMBER, "only a member can be an admin: ask him in first")
    if seat.admin != admin:
        seat.admin = admin
        network.membership(room, str(call["account"]), "role", name)
    return {"asked": "role"}


def harden(network: Network, name: str, call: JsonObject) -> JsonObject:
    """Puts settings to what they are asked to be, and tells of each that was another."""
    room = _ruled(network, name, call)
    posters = frozenset({name}) if call["gate"] else None
    flags = {k: bool(v) for k, v in call["flags"].items() if k in FLAGS}
    before: JsonObject = {"timer": room.timer, "gate": room.posters} | room.flags
    room.timer, room.posters = network.shortened(call["timer"]), posters
    room.flags |= flags
    after: JsonObject = {"timer": room.timer, "gate": room.posters} | room.flags
    for setting in (each for each in after if after[each] != before[each]):
        network.settings_changed(room, setting, name)
    return {"asked": "harden"}


def rotate(network: Network, name: str, call: JsonObject) -> JsonObject:
    """The account's next message is sealed for who sits there then, and for nobody else."""
    room = network.room_of(name, call["room"])
    room.holders.pop(name, None)
    return {"asked": "rotate"}
