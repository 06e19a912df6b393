"""Groups, keys and people as signal-cli lists them over JSON-RPC. Pure.

Rules kept here:

1. A listing that has not the right form tells nothing: there is no member whom we did not read.
2. A permission, a timer or a link that a group's listing lacks makes it unreadable: here they are
   always told, so their absence is a fault and no default.

Source: signal-cli 0.13.19: the records of ListGroupsCommand, ListIdentitiesCommand,
ListDevicesCommand, ListContactsCommand.
"""

from typing import Any

from connectors.port import AccountId
from connectors.port.errors import Unreadable
from connectors.port.messages import RoomSpec
from connectors.signal.answers import Raw, mapping, number, text
from connectors.signal.groups import (
    ADMINS,
    EVERYBODY,
    NO_LINK,
    Group,
    accounts,
    nonsense,
    own_uuid,
    seconds,
)
from connectors.signal.ids import Own, is_uuid, rest_id
from connectors.signal.peers import Peer, read_devices, read_peers

_FIRST_KIND = 24
"""Characters of the base64 of 16 bytes: the id of a group of the first kind."""
_PERMISSIONS = {"EVERY_MEMBER": EVERYBODY, "ONLY_ADMINS": ADMINS}


def read_groups(told: object, own: Own) -> list[Group]:
    """All groups of a listing; those of Signal's first kind, which ended, are left out.

    Raises:
        Unreadable: it makes no sense.
    """
    if not isinstance(told, list):
        raise nonsense()
    listed = [mapping(each) for each in told]
    return [_group(each, own) for each in listed if len(text(each.get("id"))) != _FIRST_KIND]


def _group(raw: Raw, own: Own) -> Group:
    room, timer = rest_id(text(raw.get("id"))), number(raw.get("messageExpirationTime"))
    link = raw.get("groupInviteLink")
    if room is None or timer is None or "groupInviteLink" not in raw:
        raise nonsense()
    if not isinstance(link, str | None) or not isinstance(raw.get("isMember"), bool):
        raise nonsense()
    return Group(
        room=room,
        members=accounts(raw, "members", own),
        invited=accounts(raw, "pendingMembers", own),
        admins=accounts(raw, "admins", own),
        ours=raw["isMember"] is True,
        link=link or "",
        adds=_permission(raw, "permissionAddMember"),
        posts=_permission(raw, "permissionSendMessage"),
        edits=_permission(raw, "permissionEditDetails"),
        timer=timer,
        banned=accounts(raw, "banned", own),
        our_uuid=own_uuid([raw], own.number),
    )


def _permission(raw: Raw, name: str) -> str:
    found = _PERMISSIONS.get(text(raw.get(name)))
    if found is None:
        raise nonsense()
    return found


def settings(spec: RoomSpec) -> dict[str, Any]:
    """The settings of a group of ours, as ``updateGroup`` takes them; a timer of 0 is off."""
    return {
        "link": NO_LINK,
        "setPermissionAddMember": ADMINS,
        "setPermissionEditDetails": ADMINS,
        "setPermissionSendMessages": ADMINS if spec.gate else EVERYBODY,
        "expiration": 0 if spec.timer is None else seconds(spec.timer),
    }


def peers(told: object, own: Own) -> dict[AccountId, Peer]:
    """Everybody's identity but our own. Raises: Unreadable."""
    renamed = [_identity(mapping(each)) for each in told] if isinstance(told, list) else told
    return read_peers(renamed, own)


def _identity(raw: Raw) -> dict[str, Any]:
    names = {"safety_number": "safetyNumber", "status": "trustLevel", "added": "addedTimestamp"}
    same = {name: raw.get(name) for name in ("number", "uuid", "fingerprint")}
    return same | {ours: raw.get(theirs) for ours, theirs in names.items()}


def devices(told: object) -> frozenset[tuple[int, int]]:
    """Our own devices. Raises: Unreadable."""
    if not isinstance(told, list):
        return read_devices(told)
    listed = [mapping(each) for each in told]
    return read_devices(
        [{"id": d.get("id"), "creation_timestamp": d.get("createdTimestamp")} for d in listed]
    )


def line_timer(told: object, account: AccountId, own: Own) -> int:
    """Seconds to live on the private line with somebody; 0 where he is no contact yet.

    Raises:
        Unreadable: the listing makes no sense.
    """
    if not isinstance(told, list):
        raise _no_contacts()
    for each in told:
        raw = mapping(each)
        if own.name(raw.get("uuid"), raw.get("number")) == account:
            found = number(raw.get("messageExpirationTime"))
            if found is None:
                raise _no_contacts()
            return found
    return 0


def _no_contacts() -> Unreadable:
    return Unreadable("contacts_malformed", "signal-cli's contacts make no sense")


def uuid_of(told: object, our_number: str) -> str | None:
    """Our UUID out of a list of identities, or of answers about who is registered."""
    found = own_uuid(told, our_number)
    return found if is_uuid(found) else None
