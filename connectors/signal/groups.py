"""Groups as the API server lists them, and what a room of ours is made with. Pure.

Rules kept here:

1. A listing that has not the right form tells nothing: there is no member whom we did not read.
2. Only what a listing shows is held. Over REST it shows no timer, and what it says of
   ``edit_group`` is another permission's value, so neither is taken from it.
3. Who is only asked in counts as a member.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.port import AccountId, Evidence, Guarantee, Holding, RoomId, Source
from connectors.port.capabilities import Posture, Undo
from connectors.port.errors import Unreadable
from connectors.port.messages import Presence, RoomSpec
from connectors.signal.answers import Raw, mapping, text
from connectors.signal.ids import Own
from connectors.signal.ledger import Seat, Timer

ADMINS, EVERYBODY, NO_LINK = "only-admins", "every-member", "disabled"
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
TRAFFIC_COUNTS_FOR = 24 * _HOUR
UNDO_FOR = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Group:
    """A group as listed.

    Attributes:
        room: its REST id.
        members: who is in.
        invited: who is asked in.
        admins: who can change it.
        ours: our account is in it.
        link: its invitation link; empty where there is none.
        adds: who may ask people in.
        posts: who may write.
        edits: who may change name, picture and timer; None where the listing does not tell.
        timer: seconds to live, 0 for ever; None where the listing does not tell.
        banned: who is kept out; empty where the listing does not tell.
        our_uuid: our own UUID, where the listing shows it beside our number.
    """

    room: RoomId
    members: frozenset[AccountId]
    invited: frozenset[AccountId]
    admins: frozenset[AccountId]
    ours: bool
    link: str
    adds: str
    posts: str
    edits: str | None = None
    timer: int | None = None
    banned: frozenset[AccountId] = frozenset()
    our_uuid: str | None = field(default=None, compare=False)

    def seats(self) -> dict[AccountId, Seat]:
        """Everybody who reads or will."""
        joined, invited = Presence.JOINED.value, Presence.INVITED.value
        found = {a: Seat(invited, a in self.admins) for a in self.invited - self.members}
        return found | {a: Seat(joined, a in self.admins) for a in self.members}


def read_group(told: object, own: Own) -> Group | None:
    """A group from its listing; None where the server knows none (it says so with ``null``).

    Raises:
        Unreadable: the listing makes no sense.
    """
    if told is None:
        return None
    raw = mapping(told)
    room, link, ours = raw.get("id"), raw.get("invite_link"), raw.get("member")
    if not isinstance(room, str) or not isinstance(link, str) or not isinstance(ours, bool):
        raise nonsense()
    allowed = mapping(raw.get("permissions"))
    return Group(
        room=RoomId(room),
        members=accounts(raw, "members", own),
        invited=accounts(raw, "pending_invites", own),
        admins=accounts(raw, "admins", own),
        ours=ours,
        link=link,
        adds=text(allowed.get("add_members")),
        posts=text(allowed.get("send_messages")),
        our_uuid=own_uuid([told], own.number),
    )


def read_groups(told: object, own: Own) -> list[Group]:
    """All groups of a listing.

    Raises:
        Unreadable: it makes no sense, as a list of which an entry is missing does not.
    """
    found = [read_group(each, own) for each in told] if isinstance(told, list) else [None]
    known = [group for group in found if group is not None]
    if len(known) < len(found):
        raise nonsense()
    return known


def nonsense() -> Unreadable:
    """A listing that tells nothing."""
    return Unreadable("group_malformed", "the API server's listing of the group makes no sense")


def accounts(raw: Raw, name: str, own: Own) -> frozenset[AccountId]:
    """A list of people, each a name or (with ``expand``) a number and a UUID.

    Raises:
        Unreadable: it is none.
    """
    listed = raw.get(name)
    if not isinstance(listed, list):
        raise nonsense()
    return frozenset(_account(each, own) for each in listed)


def _account(each: object, own: Own) -> AccountId:
    found = (
        own.name(each.get("uuid"), each.get("number"))
        if isinstance(each, Mapping)
        else own.name(each, each)
    )
    if found is None:
        raise nonsense()
    return found


def own_uuid(told: object, number: str) -> str | None:
    """Our own UUID, where an expanded listing or an identity shows it beside our number."""
    for each in told if isinstance(told, list) else ():
        raw = mapping(each)
        if raw.get("number") == number and isinstance(raw.get("uuid"), str) and raw["uuid"]:
            return str(raw["uuid"]).lower()
        found = own_uuid(raw.get("members"), number)
        if found is not None:
            return found
    return None


def holdings(group: Group | None, timer: Holding | None, at: int) -> tuple[Holding, ...]:
    """What a room holds.

    Args:
        group: as listed; None for a private line, which is what it is by its nature.
        timer: as ``timer_of`` has it.
        at: when it was read, microseconds UTC.
    """
    sealed = (
        Guarantee.ENCRYPTED_IN_TRANSIT,
        Guarantee.END_TO_END_ENCRYPTED,
        Guarantee.HISTORY_HIDDEN,
    )
    said = {
        Guarantee.INVITE_ONLY: group is None or (group.adds == ADMINS and not group.link),
        Guarantee.NO_PUBLIC_LINK: group is None or not group.link,
        Guarantee.MEMBERS_READABLE: group is None or group.ours,
    }
    found = [Holding(g, Evidence.VERIFIED, Source.CRYPTOGRAPHY, at) for g in sealed]
    found += [
        Holding(g, Evidence.VERIFIED, Source.SERVER, at) for g, holds in said.items() if holds
    ]
    return (*found, timer) if timer is not None else tuple(found)


def timer_of(asked: Timer | None, seen: Timer | None, now: int) -> Holding | None:
    """What is known of a room's time to live.

    Args:
        asked: what we asked for last.
        seen: what the room's traffic showed last.
        now: microseconds UTC.

    Returns:
        Verified for what traffic of the last 24 hours showed, if we asked for nothing since;
        requested for the rest; None where it is off or nothing is known.
    """
    if seen is not None and (asked is None or asked.at <= seen.at):
        fresh = 0 <= now - seen.at <= TRAFFIC_COUNTS_FOR
        found, evidence = seen, Evidence.VERIFIED if fresh else Evidence.REQUESTED
    elif asked is not None:
        found, evidence = asked, Evidence.REQUESTED
    else:
        return None
    if not found.seconds:
        return None
    value = found.seconds * _SECOND
    return Holding(Guarantee.TIMER, evidence, Source.SERVER, found.at, value)


def timer_read(seconds: int, at: int) -> Holding | None:
    """A time to live that was read back just now; None where it is off.

    Args:
        seconds: as listed.
        at: when, microseconds UTC.
    """
    if not seconds:
        return None
    return Holding(Guarantee.TIMER, Evidence.VERIFIED, Source.SERVER, at, seconds * _SECOND)


def posture(
    room: RoomId,
    group: Group | None,
    own: Own,
    standby: AccountId | None,
    timer: Holding | None,
    at: int,
) -> Posture:
    """A room's posture out of its listing.

    ``gate`` only where our account, and the one that stands by for it, are the only admins: every
    admin of a group may write.
    """
    admins = group.admins if group is not None else frozenset({own.account})
    ruled_by_us = own.account in admins and admins <= {own.account, standby}
    return Posture(
        room=room,
        holdings=holdings(group, timer, at),
        gate=group is not None and group.posts == ADMINS and ruled_by_us,
        read=group is None or group.ours,
        undo=Undo.OWN,
        undo_for=UNDO_FOR,
        admins=admins,
        read_at=at,
    )


def create_request(spec: RoomSpec, owners: Collection[AccountId]) -> dict[str, Any]:
    """What a group is made with."""
    return {"name": spec.name, "members": sorted(spec.members.union(owners)), **closed(spec)}


def closed(spec: RoomSpec) -> dict[str, Any]:
    """The settings of a group of ours: no link, and nobody but admins changes anything."""
    body: dict[str, Any] = {
        "group_link": NO_LINK,
        "permissions": {
            "add_members": ADMINS,
            "edit_group": ADMINS,
            "send_messages": ADMINS if spec.gate else EVERYBODY,
        },
    }
    if spec.timer is not None:
        body["expiration_time"] = seconds(spec.timer)
    return body


def seconds(timer: int) -> int:
    """Microseconds as whole seconds, at least one: 0 would be dropped, or mean for ever."""
    return max(1, timer // _SECOND)


def hardened(group: Group, spec: RoomSpec) -> bool:
    """Whether a listing shows what was asked for, as far as it can."""
    posts = ADMINS if spec.gate else EVERYBODY
    wanted = 0 if spec.timer is None else seconds(spec.timer)
    closed_to_members = group.adds == ADMINS and group.edits in {ADMINS, None}
    return (
        not group.link
        and closed_to_members
        and group.posts == posts
        and group.timer in {wanted, None}
    )
