"""Rooms and group conversations as the web interface lists them. Pure.

Rules kept here:

1. A listing that has not the right form tells nothing: there is no member whom we did not read.
2. Only what a listing shows is held. That a conversation is encrypted end to end is Wickr's own
   statement, so the network is its source and no cryptography that we saw.
3. In a secure room moderators alone add people. In a group conversation everybody does, and the
   client does not always know who is in it: its list is never whole.
4. ``ttl`` 0, absent or empty is no timer, never a short one.
"""

from dataclasses import dataclass
from typing import Any

from connectors.port import AccountId, Evidence, Guarantee, Holding, RoomId, Source
from connectors.port.capabilities import Posture, Undo
from connectors.port.errors import Unreadable
from connectors.wickr.answers import Raw, mapping, number, text
from connectors.wickr.ids import Kind
from connectors.wickr.translate import name_of

_SECOND = 1_000_000
_WRAPPERS = ("rooms", "groupconvos", "groupconvo")
CAN = frozenset(
    {
        Guarantee.ENCRYPTED_IN_TRANSIT,
        Guarantee.END_TO_END_ENCRYPTED,
        Guarantee.INVITE_ONLY,
        Guarantee.MEMBERS_READABLE,
        Guarantee.TIMER,
    }
)
"""At best. Public links, what newcomers can read and whose device is verified are not shown."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room or a group conversation as listed.

    Attributes:
        members: everybody in it, moderators and our own account included.
        masters: moderators; everybody in a group conversation.
        ttl: time to live in seconds, 0 for none.
        bor: seconds after reading for which a message stays, 0 for ever.
    """

    room: RoomId
    members: frozenset[AccountId]
    masters: frozenset[AccountId]
    ttl: int
    bor: int


def read_rooms(told: object) -> list[Room]:
    """All rooms of a listing.

    Raises:
        Unreadable: it makes no sense.
    """
    return [_room(mapping(each)) for each in _listed(told)]


def read_all(told: object, *, group: bool) -> list[Room]:
    """All rooms of a listing of all of a kind, which is a list also where it has one.

    Args:
        told: the answer.
        group: group conversations were asked for; else secure rooms.

    Raises:
        Unreadable: it makes no sense, or is another listing.
    """
    if not isinstance(mapping(told).get("groupconvos" if group else "rooms"), list):
        raise _nonsense()
    return read_rooms(told)


def read_room(told: object, room: RoomId) -> Room:
    """One room of the listing that was asked for it.

    Raises:
        Unreadable: it makes no sense, or tells of another room.
    """
    found = read_rooms(told)
    if len(found) != 1 or found[0].room != room:
        raise Unreadable("room_malformed", "the web interface told of another room")
    return found[0]


def _listed(told: object) -> list[Any]:
    raw = mapping(told)
    inner = next((raw[name] for name in _WRAPPERS if name in raw), None)
    if isinstance(inner, dict):
        return [inner]
    if not isinstance(inner, list):
        raise _nonsense()
    return inner


def _room(raw: Raw) -> Room:
    room = text(raw.get("vgroupid"))
    if not room:
        raise _nonsense()
    members = _accounts(raw, "members")
    masters = members if room[0] == Kind.GROUP.value else _accounts(raw, "masters")
    return Room(
        RoomId(room), members | masters, masters, _seconds(raw, "ttl"), _seconds(raw, "bor")
    )


def _accounts(raw: Raw, name: str) -> frozenset[AccountId]:
    listed = raw.get(name)
    found = [name_of(each) for each in listed] if isinstance(listed, list) else [None]
    known = [account for account in found if account is not None]
    if len(known) < len(found):
        raise _nonsense()
    return frozenset(known)


def _seconds(raw: Raw, name: str) -> int:
    """A number of seconds, also as text; absent and empty are 0 to Wickr."""
    told = raw.get(name)
    found = 0 if told in (None, "") else number(told)
    if found is None:
        raise _nonsense()
    return found


def _nonsense() -> Unreadable:
    return Unreadable("room_malformed", "the web interface's listing of the room makes no sense")


def timer_of(seconds: int, at: int) -> Holding | None:
    """A time to live that was read back; None for none."""
    if not seconds:
        return None
    value = seconds * _SECOND
    return Holding(Guarantee.TIMER, Evidence.VERIFIED, Source.SERVER, at, value)


def asked_of(seconds: int, at: int) -> Holding:
    """A time to live that was asked for on a private line, of which nothing is shown."""
    value = seconds * _SECOND
    return Holding(Guarantee.TIMER, Evidence.REQUESTED, Source.SERVER, at, value)


def posture(
    room: RoomId, kind: Kind, admins: frozenset[AccountId], timer: Holding | None, at: int
) -> Posture:
    """A room's posture.

    Args:
        room: the room.
        kind: what it is.
        admins: who can change it.
        timer: what is known of its time to live.
        at: when it was read, microseconds UTC.
    """
    promised = {
        Guarantee.ENCRYPTED_IN_TRANSIT: True,
        Guarantee.END_TO_END_ENCRYPTED: True,
        Guarantee.INVITE_ONLY: kind is not Kind.GROUP,
        Guarantee.MEMBERS_READABLE: kind is not Kind.GROUP,
    }
    held = [Holding(g, Evidence.VERIFIED, Source.SERVER, at) for g, yes in promised.items() if yes]
    return Posture(
        room=room,
        holdings=(*held, timer) if timer is not None else tuple(held),
        gate=False,
        read=True,
        undo=Undo.NONE,
        undo_for=None,
        admins=admins,
        read_at=at,
    )


def seconds(timer: int) -> int:
    """Microseconds as whole seconds, at least one: 0 would be dropped without a word."""
    return max(1, timer // _SECOND)
