"""From what Wickr hands out to the port's values. Pure.

Rules kept here:

1. Whatever a member gets to see becomes a message: text, files, places. What is of a kind that we
   do not know, or cannot open, is a message that cannot be read, with a code; it is counted, never
   skipped.
2. Fields from outside are taken only when they have the right type; nothing here raises.
3. What changed in a room is told as a hint, to be read back.

Source: AWS documentation of Wickr IO, message formats and control messages.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from connectors.port import AccountId, DeviceId, RemoteId, RoomId
from connectors.port.events import (
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChange,
    MembershipChanged,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content, Device
from connectors.wickr.answers import Raw, mapping, number, sequence, text
from connectors.wickr.ids import Kind, is_id, is_name, line_with

FindFile = Callable[[str], Attachment | None]
"""Base name of a file in the folder of received ones -> the file; None where it is not there."""

TEXT, VERIFICATION, FILE, PLACE, EDIT, REACTION = 1000, 3000, 6000, 8000, 9000, 9100
CREATED, MEMBERS, LEFT, SETTINGS, DELETED, REMOVED = 4001, 4002, 4003, 4004, 4005, 4011
_SILENT = frozenset({7000, 4012, 4013, 4014})
"""Calls, marks of one's own and their sync: nothing of them can be read."""
_MICRO, _DIGITS = 1_000_000, 6
_WHOLE = 11


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing out of the client's queue that is of the right form.

    Attributes:
        name: its ``message_id``.
        sender: who it comes from.
        room: where; the private line with its sender where the id is of that kind.
        direct: it is a private line.
        kind: its ``msgtype``.
        at: when it was sent, microseconds UTC; 0 where it does not say.
        raw: all of it.
    """

    name: RemoteId
    sender: AccountId
    room: RoomId
    direct: bool
    kind: int
    at: int
    raw: Raw = field(repr=False)


def heard(told: object) -> Heard | None:
    """Reads what was posted or polled; None where it is none that the client would make."""
    raw = mapping(told)
    sender, group, kind = raw.get("sender"), raw.get("vgroupid"), number(raw.get("msgtype"))
    if kind is None or not is_name(sender) or not is_id(group):
        return None
    group = str(group)
    account = AccountId(str(sender))
    direct = group[0] not in {Kind.SECURE_ROOM.value, Kind.GROUP.value}
    room = line_with(account) if direct else RoomId(group)
    return Heard(_name(raw), account, room, direct, kind, instant(raw), raw)


def _name(raw: Raw) -> RemoteId:
    """Its ``message_id``; where it has none, a name that is the same when it comes again."""
    name = raw.get("message_id")
    if is_id(name):
        return RemoteId(str(name))
    plain = json.dumps(raw, sort_keys=True, default=str).encode()
    return RemoteId(f"unnamed-{sha256(plain).hexdigest()[:32]}")


def instant(raw: Raw) -> int:
    """When it was sent, microseconds UTC, from ``msg_ts``: seconds and their fraction as text."""
    whole, _, fraction = text(raw.get("msg_ts")).partition(".")
    plain = whole.isascii() and whole.isdecimal() and len(whole) <= _WHOLE
    if not plain or not (fraction.isascii() and (fraction.isdecimal() or not fraction)):
        return 0
    return int(whole) * _MICRO + int(fraction[:_DIGITS].ljust(_DIGITS, "0"))


def file_of(raw: Raw) -> str:
    """Base name of the file on the bot's host that came with a message; empty without one.

    What separates in a path of either kind is cut off, so that it names nothing elsewhere.
    """
    path = text(mapping(raw.get("file")).get("localfilename"))
    name = path.replace("\\", "/").rpartition("/")[2]
    return "" if name in {"", ".", ".."} or "\x00" in name else name


def is_screenshot(raw: Raw) -> bool:
    """Whether a message says that somebody took a picture of his screen."""
    return mapping(raw.get("file")).get("isscreenshot") is True


def events(found: Heard, find: FindFile) -> Iterator[Event]:
    """What a message says.

    Args:
        found: the message.
        find: finds received files.
    """
    control = mapping(found.raw.get("control"))
    if found.kind == TEXT:
        yield _text(found)
    elif found.kind == FILE:
        yield _file(found, find)
    elif found.kind == PLACE:
        yield _place(found)
    elif found.kind == VERIFICATION:
        yield from _verification(found)
    elif found.kind == MEMBERS:
        yield from _moved(found, control)
    elif found.kind == LEFT:
        yield _member(found, found.sender, MembershipChange.LEFT)
    elif found.kind in {CREATED, SETTINGS, DELETED}:
        yield from _settings(found, control)
    elif found.kind == REMOVED:
        yield _removed(found, control)
    elif found.kind not in _SILENT:
        known = {EDIT: "edit", REACTION: "reaction"}
        yield unreadable(found, known.get(found.kind, "unknown_kind"))


def _text(found: Heard) -> InboundMessage:
    """A text with the places that its links lead to, where it does not say them itself."""
    said = text(found.raw.get("message"))
    links = [text(mapping(each).get("url")) for each in sequence(found.raw.get("links"))]
    more = [link for link in links if link and link not in said]
    whole = "\n".join([said, *more]) if more else said
    return _message(found, Content(whole)) if whole else unreadable(found, "nothing_readable")


def _file(found: Heard, find: FindFile) -> InboundMessage:
    """A file; one that is not in a folder of ours cannot be read."""
    file = mapping(found.raw.get("file"))
    there = find(file_of(found.raw))
    if there is None:
        return unreadable(found, "file_out_of_reach")
    name = text(file.get("filename")) or there.name
    shown = Attachment(name, there.media_type, there.size, there.open)
    return _message(found, Content(text(found.raw.get("message")), None, (shown,)))


def _place(found: Heard) -> InboundMessage:
    """Where somebody is: whoever reads it sees the figures."""
    place = mapping(found.raw.get("location"))
    figures = [place.get("latitude"), place.get("longitude")]
    if not all(isinstance(f, int | float | str) and not isinstance(f, bool) for f in figures):
        return unreadable(found, "place")
    return _message(found, Content(text(", ".join(map(str, figures)))))


def _message(found: Heard, content: Content) -> InboundMessage:
    return InboundMessage(
        room=found.room,
        remote_id=found.name,
        sender=found.sender,
        content=content,
        sent_at=found.at,
        direct=found.direct,
        screenshot=is_screenshot(found.raw),
    )


def unreadable(found: Heard, code: str) -> InboundMessage:
    """A message that cannot be read, and why."""
    return InboundMessage(
        room=found.room,
        remote_id=found.name,
        sender=found.sender,
        content=Content(""),
        sent_at=found.at,
        unreadable=code,
        direct=found.direct,
        screenshot=is_screenshot(found.raw),
    )


def _verification(found: Heard) -> Iterator[KeyChanged]:
    """Somebody's key is to be verified anew: a hint alone, as the interface lists no keys."""
    asked = mapping(found.raw.get("keyverify"))
    if asked:
        key = text(asked.get("verifiedkey")) or found.name
        yield KeyChanged(found.sender, Device(DeviceId("account"), key))


def _moved(found: Heard, control: Raw) -> Iterator[MembershipChanged]:
    joined, gone = MembershipChange.JOINED, MembershipChange.REMOVED
    for names, change in (("addedusers", joined), ("deletedusers", gone)):
        for each in sequence(control.get(names)):
            account = name_of(each)
            if account is not None:
                yield _member(found, account, change)


def _member(found: Heard, account: AccountId, change: MembershipChange) -> MembershipChanged:
    name = RemoteId(f"{found.name}/{account}")
    return MembershipChanged(found.room, account, change, found.sender, name)


def _settings(found: Heard, control: Raw) -> Iterator[Event]:
    """A room was made, changed or deleted; one that was made has members who came in with it."""
    if found.kind == CREATED:
        listed = [name_of(each) for each in sequence(control.get("members"))]
        for account in listed:
            if account is not None:
                yield _member(found, account, MembershipChange.JOINED)
    setting = {CREATED: "created", SETTINGS: "settings", DELETED: "deleted"}[found.kind]
    yield SettingsChanged(found.room, setting, found.sender, found.name)


def _removed(found: Heard, control: Raw) -> Event:
    target = control.get("message_id") or control.get("msgid")
    if not is_id(target):
        return unreadable(found, "removal_of_nothing")
    return Redacted(found.room, RemoteId(str(target)), found.sender, found.name)


def name_of(each: object) -> AccountId | None:
    """Somebody's name as lists have it: alone, or in an object; None where it is none."""
    name = mapping(each).get("name") if not isinstance(each, str) else each
    return AccountId(str(name)) if is_name(name) else None
