"""From the messages of rooms and people to the port's values. Pure.

Rules kept here:

1. Whatever some member's client shows becomes text: every body in every language, a subject,
   mark-up that says more than the body, an address beside it. What is of a kind that we do not
   know is a message that cannot be read, with a code; it is counted, never skipped.
2. Who wrote is what the room's presences say, or in an archive the last mark, which the server puts
   behind whatever its author put there himself. Marks that an author can write are not believed.
3. What an author takes back or replaces must be his own.
4. Fields from outside are taken only when they have the right form; nothing here raises.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from xml.etree.ElementTree import Element, tostring

from connectors.port import AccountId, DeliveryKey, DeviceId, RemoteId, RoomId
from connectors.port.events import (
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChange,
    MembershipChanged,
    Missed,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content, Device
from connectors.xmpp import wire
from connectors.xmpp.addresses import bare
from connectors.xmpp.sealing import Opened

Told = dict[str, Any]
"""An event as it waits on disk."""
NameOf = Callable[[str], str | None]
"""What the author calls a message of his -> its name."""
FindFile = Callable[[str, int], Callable[[], AsyncIterator[bytes]]]
"""Link and size -> a reader of the bytes."""

_XHTML = "http://jabber.org/protocol/xhtml-im"
_OOB = "jabber:x:oob"
_REACTIONS = "urn:xmpp:reactions:0"
_SEALED = {"eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2", "urn:xmpp:omemo:1"}
_SEALED |= {"jabber:x:encrypted", "urn:xmpp:openpgp:0"}
_SILENT = {
    "http://jabber.org/protocol/chatstates",
    "http://jabber.org/protocol/nick",
    "http://jabber.org/protocol/pubsub#event",
    "urn:xmpp:chat-markers:0",
    "urn:xmpp:eme:0",
    "urn:xmpp:jingle-message:0",
    "urn:xmpp:mds:displayed:0",
    "urn:xmpp:occupant-id:0",
    "urn:xmpp:receipts",
    "urn:xmpp:styling:0",
    "vcard-temp:x:update",
    "jabber:x:delay",
    wire.DELAY,
    wire.FALLBACK,
    wire.HINTS,
    wire.MUC_USER,
    wire.SID,
}
"""What shows no text to anybody."""
_TAKEN_BACK = frozenset(
    {
        "This person attempted to retract a previous message, but it's unsupported by your client.",
        "This person attempted to retract a previous message, but your client does not support it.",
    }
)
_MOST_TEXT = 256 * 1024
"""Characters; more than any server's stanza holds."""


@dataclass(frozen=True, slots=True)
class Came:
    """A message and all that we know of how it came.

    Attributes:
        room: where; the other's address for a private line.
        mark: what tells it from every other: its archive's id, or all that it holds.
        name: what everybody calls it.
        sender: whose it is, as the server says.
        at: when, microseconds UTC.
        direct: on a private line.
        message: the stanza.
    """

    room: RoomId
    mark: str
    name: str
    sender: AccountId
    at: int
    direct: bool
    message: Element = field(repr=False)


def in_room(room: RoomId, mark: str, sender: AccountId, at: int, message: Element) -> Came:
    """A message of a room: its mark is its name."""
    return Came(room, mark, mark, sender, at, direct=False, message=message)


def in_line(mark: str, sender: AccountId, at: int, message: Element) -> Came:
    """A message on a private line: both ends know it by what its author called it."""
    own = message.get("id")
    name = f"{sender}/{own}" if own else mark
    return Came(RoomId(sender), mark, name, sender, at, direct=True, message=message)


def mark_of(message: Element, room: str, sender: str, *, believed: bool) -> str:
    """What tells a message from every other.

    Args:
        message: as it came.
        room: whose mark names it.
        sender: whose it is.
        believed: the room takes marks that somebody else forged out. Else the name is made from
            all that the message holds, so that nobody can hide a second one behind its id.
    """
    told = wire.name_by(message, room) if believed else None
    if told is not None:
        return told
    hashed = sha256(f"{sender}\n{message.get('id', '')}\n".encode())
    for _, _, child in wire.children(message):
        if not child.tag.startswith(
            (f"{{{wire.SID}}}", f"{{{wire.DELAY}}}", f"{{{wire.MUC_USER}}}")
        ):
            hashed.update(tostring(child))
    return f"~{hashed.hexdigest()[:40]}"


def archived_sender(message: Element, room: str) -> AccountId:
    """Whose an archived message of a room is: the last mark, which is the server's own.

    Where there is none it is the occupant himself, whom nobody knows.
    """
    marks = message.findall(f"{{{wire.MUC_USER}}}x")
    item = marks[-1].find(f"{{{wire.MUC_USER}}}item") if marks else None
    account = None if item is None else bare(item.get("jid"))
    return account or AccountId(message.get("from") or room)


def is_sealed(message: Element) -> bool:
    """Whether somebody sealed it, in whichever way."""
    return any(space in _SEALED for space, _, _ in wire.children(message))


def is_told(message: Element) -> bool:
    """Whether it shows anybody anything, or may."""
    parts = [(space, name) for space, name, _ in wire.children(message) if space not in _SILENT]
    if all(part in {(wire.CLIENT, "thread"), (wire.CLIENT, "subject")} for part in parts):
        return bool(shown(message))
    return True


def shown(message: Element) -> str:
    """All the text that a message shows to one client or another."""
    said = (c for name in ("subject", "body") for c in message.findall(f"{{{wire.CLIENT}}}{name}"))
    texts = [_text(child) for child in said]
    marked = message.iter(f"{{{_XHTML}}}html")
    texts.extend(" ".join("".join(markup.itertext()).split()) for markup in marked)
    for beside in message.findall(f"{{{_OOB}}}x"):
        texts.extend(" ".join((part.text or "").split()) for part in beside)
    texts.extend(_text(reaction) for reaction in message.iter(f"{{{_REACTIONS}}}reaction"))
    told: list[str] = []
    for text in texts:
        if text and not any(" ".join(text.split()) in " ".join(t.split()) for t in told):
            told.append(text)
    return "\n\n".join(told)[:_MOST_TEXT]


def _text(element: Element) -> str:
    return "".join(element.itertext())


def heard(
    came: Came, own: AccountId, opened: Opened | None, called: NameOf, takes_back: str | None
) -> Iterator[Told]:
    """What a message says, as it waits on disk.

    Args:
        came: the message.
        own: our account.
        opened: what was sealed in it; None where nothing was, or we seal nothing.
        called: what its author calls other messages of his.
        takes_back: name of the message that it takes back, where that is its author's own.
    """
    message = came.message
    retract = message.find(f"{{{wire.RETRACT}}}retract")
    gone = message.find(f"{{{wire.RETRACT}}}retracted")
    if gone is not None and not shown(message) and not is_sealed(message):
        yield _redacted(came, came.name)
        return
    if takes_back is not None:
        yield _redacted(came, takes_back)
        if shown(message) in _TAKEN_BACK or not shown(message):
            return
    told = _said(came, own, called)
    foreign = retract is not None and takes_back is None
    if opened is not None:
        if opened.text is None and opened.unreadable is None:
            return  # keys were exchanged, and nothing was said
        told["text"], told["unreadable"] = opened.text or "", opened.unreadable
        told["device"] = opened.device and [opened.device.device, opened.device.key]
    elif is_sealed(message):
        told["unreadable"] = "sealed"
    elif foreign:
        told["unreadable"] = "foreign_retraction"
    else:
        told["text"] = shown(message)
        told["unreadable"] = None if told["text"] else "unsupported"
    if told["unreadable"]:
        told["text"] = ""
    yield told


def _said(came: Came, own: AccountId, called: NameOf) -> Told:
    message = came.message
    reply, replaced = (
        message.find(f"{{{wire.REPLY}}}reply"),
        message.find(f"{{{wire.CORRECT}}}replace"),
    )
    reactions = message.find(f"{{{_REACTIONS}}}reactions")
    answered = reply if reply is not None else reactions
    ours = came.sender == own and not came.direct
    return {
        "kind": "message",
        "room": came.room,
        "name": came.name,
        "sender": came.sender,
        "at": came.at,
        "direct": came.direct,
        "reply": None if answered is None else answered.get("id"),
        "edits": None if replaced is None else called(replaced.get("id", "")),
        "key": message.get("id") if ours else None,
        "device": None,
    }


def _redacted(came: Came, target: str) -> Told:
    by = came.sender if came.direct or str(came.sender) != came.room else None
    return {"kind": "redacted", "room": came.room, "name": came.name, "target": target, "by": by}


# --- from disk to the port --------------------------------------------------------------------


def event(told: Mapping[str, Any], find_file: FindFile) -> Event:
    """An event as it waited on disk.

    Args:
        told: as it waited.
        find_file: makes readers of files.
    """
    return _MAKERS[told["kind"]](told, find_file)


def _message(told: Mapping[str, Any], find_file: FindFile) -> Event:
    device, file = told["device"], told.get("file")
    attachments: tuple[Attachment, ...] = ()
    if file is not None:
        reader = find_file(file["link"], file["size"])
        attachments = (Attachment(file["name"], "application/octet-stream", file["size"], reader),)
    return InboundMessage(
        room=RoomId(told["room"]),
        remote_id=RemoteId(told["name"]),
        sender=AccountId(told["sender"]),
        content=Content(told["text"], None, attachments),
        sent_at=told["at"],
        sender_device=None if device is None else Device(DeviceId(device[0]), device[1]),
        reply_to=None if told["reply"] is None else RemoteId(told["reply"]),
        edits=None if told["edits"] is None else RemoteId(told["edits"]),
        unreadable=told["unreadable"],
        direct=told["direct"],
        delivery_key=None if told["key"] is None else DeliveryKey(told["key"]),
    )


def _taken_back(told: Mapping[str, Any], _: FindFile) -> Event:
    by = None if told["by"] is None else AccountId(told["by"])
    return Redacted(RoomId(told["room"]), RemoteId(told["target"]), by, RemoteId(told["name"]))


def _member(told: Mapping[str, Any], _: FindFile) -> Event:
    by = None if told["by"] is None else AccountId(told["by"])
    change, account = MembershipChange(told["change"]), AccountId(told["account"])
    return MembershipChanged(RoomId(told["room"]), account, change, by, RemoteId(told["name"]))


def _setting(told: Mapping[str, Any], _: FindFile) -> Event:
    return SettingsChanged(RoomId(told["room"]), told["setting"], None, RemoteId(told["name"]))


def _key(told: Mapping[str, Any], _: FindFile) -> Event:
    return KeyChanged(AccountId(told["account"]), Device(DeviceId(told["device"]), told["key"]))


def _missed(told: Mapping[str, Any], _: FindFile) -> Event:
    return Missed(told["since"], told["until"], told["code"])


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], FindFile], Event]] = {
    "message": _message,
    "redacted": _taken_back,
    "member": _member,
    "setting": _setting,
    "key": _key,
    "missed": _missed,
}
