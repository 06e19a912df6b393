"""From what the API server posts to the port's values. Pure.

Rules kept here:

1. Whatever a member gets to see becomes a message: text, captions, poll questions, cards, previews,
   reactions that are words. What is of a kind that we do not know is a message that cannot be read,
   with a code; it is counted, never skipped.
2. Fields from outside are taken only when they have the right type; nothing here raises.
3. What is asked of us here (what a group became) is told as a hint, to be read back.

Source: signal-cli JsonMessageEnvelope and what it holds.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from connectors.port import AccountId, RemoteId, RoomId
from connectors.port.events import (
    Event,
    InboundMessage,
    Receipt,
    ReceiptKind,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content
from connectors.signal.answers import Raw, mapping, number, sequence, text
from connectors.signal.ids import Own, is_uuid, remote_id, rest_id

FindFile = Callable[[str, int | None], Callable[[], AsyncIterator[bytes]]]
"""Name on the server, and size where it was said -> a reader of its bytes."""
RoomOf = Callable[[int], RoomId | None]
"""Timestamp of a message of ours -> its room."""

_MS = 1000
_PLACE = "\ufffc".encode("utf-16-le")
"""What a name stands for in a text."""
_SILENT = ("typingMessage", "callMessage", "storyMessage")
_ALWAYS = {
    "source",
    "sourceNumber",
    "sourceUuid",
    "sourceName",
    "sourceDevice",
    "timestamp",
    "serverReceivedTimestamp",
    "serverDeliveredTimestamp",
    "relay",
}
_UNSHOWN = {"sticker": "sticker", "payment": "payment", "viewOnce": "view_once"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A post that is of the right form.

    Attributes:
        sender: who it comes from; our own account for a copy of what we wrote elsewhere.
        stamp: its timestamp, milliseconds.
        envelope: all of it.
        failed: name of the exception with which signal-cli could not open it; empty if it could.
    """

    sender: AccountId
    stamp: int
    envelope: Raw = field(repr=False)
    failed: str


def heard(told: object, own: Own) -> Heard | str:
    """Reads a post; a code where it is none that the server would make for our account."""
    raw = mapping(told)
    params = mapping(raw.get("params"))
    envelope = mapping(params.get("envelope"))
    if raw.get("method") != "receive" or not envelope:
        return "malformed"
    if params.get("account") != own.number:
        return "other_account"
    sender = own.name(envelope.get("sourceUuid"), envelope.get("sourceNumber"))
    stamp = number(envelope.get("timestamp"))
    if sender is None or stamp is None:
        return "malformed"
    failed = mapping(params.get("exception"))
    name = text(failed.get("type")) or ("unknown" if params.get("exception") else "")
    return Heard(sender, stamp, envelope, name)


def parts(envelope: Raw) -> Iterator[Raw]:
    """Every ``dataMessage`` in an envelope, wherever it stands."""
    sent = mapping(mapping(envelope.get("syncMessage")).get("sentMessage"))
    for holder in (
        envelope,
        mapping(envelope.get("editMessage")),
        mapping(sent.get("editMessage")),
    ):
        data = mapping(holder.get("dataMessage"))
        if data:
            yield data
    if sent and not sent.get("editMessage"):
        yield sent


def files(envelope: Raw) -> list[str]:
    """Names of all files on the server that came with an envelope."""
    listed = (each for data in parts(envelope) for each in sequence(data.get("attachments")))
    return [name for each in listed if (name := text(mapping(each).get("id")))]


def room_of(data: Raw, found: Heard, own: Own) -> tuple[RoomId | None, bool]:
    """Where a message was written, and whether that is a private line."""
    group = mapping(data.get("groupInfo")).get("groupId")
    if group is not None:
        return rest_id(text(group)), False
    if found.sender != own.account:
        return (RoomId(found.sender), True) if is_uuid(found.sender) else (None, True)
    other = own.name(data.get("destinationUuid"), data.get("destinationNumber"))
    return (RoomId(other), True) if other is not None and is_uuid(other) else (None, True)


def timer_seen(found: Heard, own: Own) -> tuple[RoomId, int] | None:
    """The room and the time to live in seconds that a post shows; None where it shows none."""
    for data in parts(found.envelope):
        room, _ = room_of(data, found, own)
        seconds = number(data.get("expiresInSeconds"))
        if room is not None and seconds is not None and not data.get("remoteDelete"):
            return room, seconds
    return None


def changed_group(envelope: Raw) -> RoomId | None:
    """The group that a post says has changed."""
    for data in parts(envelope):
        info = mapping(data.get("groupInfo"))
        if info.get("type") == "UPDATE":
            return rest_id(text(info.get("groupId")))
    return None


def events(found: Heard, own: Own, find: FindFile, room_of_ours: RoomOf) -> Iterator[Event]:
    """What a post says.

    Args:
        found: the post.
        own: our account.
        find: makes readers of files.
        room_of_ours: where a message of ours stands.
    """
    envelope = found.envelope
    if found.failed:
        yield unreadable(found, None, stable(found.failed), direct=False)
    elif "receiptMessage" in envelope:
        raw = mapping(envelope.get("receiptMessage"))
        yield from _receipts(found, raw, own, room_of_ours)
    elif "editMessage" in envelope:
        yield from _edit(found, mapping(envelope.get("editMessage")), own, find)
    elif "dataMessage" in envelope:
        yield from _data(found, mapping(envelope.get("dataMessage")), own, find)
    elif "syncMessage" in envelope:
        yield from _sync(found, mapping(envelope.get("syncMessage")), own, find)
    elif not any(kind in envelope for kind in _SILENT) and set(envelope) - _ALWAYS:
        yield unreadable(found, None, "unknown_kind", direct=False)


def _sync(found: Heard, sync: Raw, own: Own, find: FindFile) -> Iterator[Event]:
    """What our own account wrote on another device of ours."""
    sent = mapping(sync.get("sentMessage"))
    if not sent:
        return
    edit = mapping(sent.get("editMessage"))
    if edit:
        yield from _edit(found, {**edit, "dataMessage": {**sent, **_inner(edit)}}, own, find)
    else:
        yield from _data(found, sent, own, find)


def _inner(edit: Raw) -> Raw:
    return mapping(edit.get("dataMessage"))


def _edit(found: Heard, edit: Raw, own: Own, find: FindFile) -> Iterator[Event]:
    target = number(edit.get("targetSentTimestamp"))
    edits = remote_id(found.sender, target) if target is not None else None
    yield from _data(found, _inner(edit), own, find, edits)


def _data(
    found: Heard, data: Raw, own: Own, find: FindFile, edits: RemoteId | None = None
) -> Iterator[Event]:
    room, direct = room_of(data, found, own)
    name = remote_id(found.sender, number(data.get("timestamp")) or found.stamp)
    if room is None:
        yield unreadable(found, None, "no_room", direct=direct)
        return
    changed = mapping(data.get("groupInfo")).get("type") == "UPDATE"
    if changed or data.get("isExpirationUpdate") is True:
        yield SettingsChanged(room, "group" if changed else "timer", found.sender, name)
    taken_back = _taken_back(data, found, own)
    if taken_back is not None:
        yield Redacted(room, taken_back, found.sender, name)
        return
    content = content_of(data, find)
    code = _unread(data, content)
    if code is not None:
        yield unreadable(found, room, code, direct=direct)
    elif content.text or content.attachments:
        yield _message(found, data, own, room, content, name, edits, direct=direct)


def _message(
    found: Heard,
    data: Raw,
    own: Own,
    room: RoomId,
    content: Content,
    name: RemoteId,
    edits: RemoteId | None,
    *,
    direct: bool,
) -> InboundMessage:
    reply_to, quoted = _answered(data, own)
    return InboundMessage(
        room=room,
        remote_id=name,
        sender=found.sender,
        content=content,
        sent_at=found.stamp * _MS,
        reply_to=reply_to,
        quoted=quoted,
        edits=edits,
        direct=direct,
        claimed_name=text(found.envelope.get("sourceName")),
        written_on=_device(found),
    )


def _answered(data: Raw, own: Own) -> tuple[RemoteId | None, str | None]:
    """The message that is answered or reacted to, and its text as quoted."""
    quote, reaction = mapping(data.get("quote")), mapping(data.get("reaction"))
    author = own.name(quote.get("authorUuid"), quote.get("authorNumber") or quote.get("author"))
    stamp = number(quote.get("id"))
    if reaction:
        author = own.name(reaction.get("targetAuthorUuid"), reaction.get("targetAuthorNumber"))
        stamp = number(reaction.get("targetSentTimestamp"))
    if author is None or stamp is None:
        return None, text(quote.get("text")) or None
    return remote_id(author, stamp), text(quote.get("text")) or None


def _taken_back(data: Raw, found: Heard, own: Own) -> RemoteId | None:
    """The message that was taken back, by its author or by an admin."""
    stamp = number(mapping(data.get("remoteDelete")).get("timestamp"))
    if stamp is not None:
        return remote_id(found.sender, stamp)
    admin = mapping(data.get("adminDelete"))
    stamp = number(admin.get("targetSentTimestamp"))
    author = own.name(admin.get("targetAuthorUuid"), admin.get("targetAuthorNumber"))
    return remote_id(author, stamp) if stamp is not None and author is not None else None


def _unread(data: Raw, content: Content) -> str | None:
    """Why a message cannot be read whole; None where it can, or where there is nothing to read."""
    for name, code in _UNSHOWN.items():
        if data.get(name) and not content.attachments and not content.text:
            return code
    told = mapping(data.get("groupInfo")).get("type") == "UPDATE" or data.get("isExpirationUpdate")
    empty = not content.text and not content.attachments
    known = told or any(data.get(k) for k in ("reaction", "pollVote", "pollTerminate"))
    pinned = any(data.get(k) for k in ("pinMessage", "unpinMessage"))
    return "nothing_readable" if empty and not known and not pinned else None


def content_of(data: Raw, find: FindFile) -> Content:
    """What readers get to see of a message."""
    pieces = [
        _with_mentions(data),
        _reaction(mapping(data.get("reaction"))),
        *_poll(mapping(data.get("pollCreate"))),
        *(line for each in sequence(data.get("contacts")) for line in _card(mapping(each))),
        *(line for each in sequence(data.get("previews")) for line in _preview(mapping(each))),
    ]
    listed = [mapping(each) for each in sequence(data.get("attachments"))]
    pieces += [text(each.get("caption")) for each in listed]
    attached = tuple(_file(each, find) for each in listed if text(each.get("id")))
    return Content("\n\n".join(piece for piece in pieces if piece), None, attached)


def _file(raw: Raw, find: FindFile) -> Attachment:
    name, size = text(raw.get("id")), number(raw.get("size"))
    kind = text(raw.get("contentType")) or "application/octet-stream"
    return Attachment(text(raw.get("filename")) or name, kind, size or 0, find(name, size))


def _with_mentions(data: Raw) -> str:
    """The text with the people who are named in it; places are counted in UTF-16 code units.

    A name stands for one placeholder. What else a mention claims to cover stays: members' own
    clients may show it, and what they see is to be read here.
    """
    plain, marks = text(data.get("message")), sequence(data.get("mentions"))
    if not marks:
        return plain
    units = plain.encode("utf-16-le", "surrogatepass")
    found = [
        (start, length, mapping(m))
        for m in marks
        if (start := number(mapping(m).get("start"))) is not None
        and (length := number(mapping(m).get("length"))) is not None
    ]
    for start, length, mark in sorted(found, key=lambda each: -each[0]):
        named = text(mark.get("name")) or text(mark.get("number")) or text(mark.get("uuid"))
        middle = f"@{named}".encode("utf-16-le", "surrogatepass")
        covered = units[2 * start : 2 * (start + length)]
        rest = units[2 * (start + length) :]
        units = units[: 2 * start] + middle + (covered if covered != _PLACE else b"") + rest
    return units.decode("utf-16-le", "replace")


def _reaction(raw: Raw) -> str:
    """A reaction that is words: it is text in the clear, whatever clients show of it."""
    emoji = text(raw.get("emoji"))
    return emoji if any(c.isalnum() for c in emoji) and not raw.get("isRemove") else ""


def _poll(raw: Raw) -> list[str]:
    options = [text(each) for each in sequence(raw.get("options"))]
    return [text(raw.get("question")), "\n".join(options)] if raw else []


def _card(raw: Raw) -> list[str]:
    """The words of a contact card: all of them, for its reader sees street and label too."""
    name = [text(each) for each in mapping(raw.get("name")).values()]
    listed = (sequence(raw.get(part)) for part in ("phone", "email", "address"))
    values = (text(v) for each in listed for one in each for v in mapping(one).values())
    return [" ".join(filter(None, name)), text(raw.get("organization")), *values]


def _preview(raw: Raw) -> list[str]:
    return [text(raw.get(name)) for name in ("title", "description")]


def _receipts(found: Heard, raw: Raw, own: Own, room_of_ours: RoomOf) -> Iterator[Receipt]:
    """What somebody's client acknowledges of messages of ours."""
    kind = receipt_kind(raw)
    at = (number(raw.get("when")) or found.stamp) * _MS
    for stamp in acknowledged(raw):
        room = room_of_ours(stamp)
        if room is not None:
            yield Receipt(room, remote_id(own.account, stamp), found.sender, kind, at)


def receipt_kind(raw: Raw) -> ReceiptKind:
    """Whether a receipt is for what was delivered, or for what was read."""
    read = raw.get("isRead") is True or raw.get("isViewed") is True
    return ReceiptKind.READ if read else ReceiptKind.DELIVERED


def acknowledged(raw: Raw) -> list[int]:
    """Timestamps of the messages that a receipt is about."""
    found = (number(each) for each in sequence(raw.get("timestamps")))
    return [stamp for stamp in found if stamp is not None]


def unreadable(found: Heard, room: RoomId | None, code: str, *, direct: bool) -> InboundMessage:
    """A message that cannot be read, and why."""
    return InboundMessage(
        room=room,
        remote_id=remote_id(found.sender, found.stamp),
        sender=found.sender,
        content=Content(""),
        sent_at=found.stamp * _MS,
        unreadable=code,
        direct=direct,
        written_on=_device(found),
    )


def _device(found: Heard) -> str:
    """The number of the sender's device; its network tells no key of each."""
    which = number(found.envelope.get("sourceDevice"))
    return "" if which is None else str(which)


def stable(name: str) -> str:
    """An exception's name as a code: ``UntrustedIdentityException`` is ``untrusted_identity``."""
    plain = name.rpartition(".")[2].removesuffix("Exception")
    code = "".join(f"_{c.lower()}" if c.isupper() else c for c in plain).lstrip("_")
    safe = code.replace("_", "").isalnum() and code.isascii() and len(code) <= 40  # noqa: PLR2004 (longer is no name)
    return code if safe else "undecryptable"
