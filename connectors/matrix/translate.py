"""From Matrix events to the port's values. Pure.

Rules kept here:

1. Whatever a member gets to see becomes a message: text, captions, the formatted body where it
   says more, poll questions, reactions that are words. What is of a kind that we do not know is a
   message that cannot be read, with a code; it is counted, never skipped.
2. Fields from outside are taken only when they have the right type; nothing here raises.
3. The delivery key counts only on what this very device of ours has sealed.

Source: matrix-spec, data/event-schemas; MSC3381 (polls), MSC2530 (captions).
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from connectors.matrix.formatted import with_shown
from connectors.matrix.layout import DELIVERY
from connectors.matrix.plain import Opened
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.events import (
    Event,
    InboundMessage,
    MembershipChange,
    MembershipChanged,
    Receipt,
    ReceiptKind,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content

Raw = Mapping[str, Any]
FindFile = Callable[[Raw], Callable[[], AsyncIterator[bytes]] | None]

_MS = 1000
_TEXTS = {"m.text", "m.notice", "m.emote", "m.location"}
_FILES = {"m.file", "m.image", "m.audio", "m.video"}
_POLLS = {"m.poll.start", "org.matrix.msc3381.poll.start"}
_SILENT = ("m.key.verification.", "m.poll.response", "org.matrix.msc3381.poll.response")
MESSAGES = {"m.room.message", "m.room.encrypted", "m.sticker", "m.reaction", *_POLLS}
_SETTINGS = {
    "m.room.encryption",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.retention",
    "m.room.server_acl",
    "m.room.tombstone",
    "m.room.canonical_alias",
    "m.room.name",
    "m.room.topic",
    "m.room.avatar",
    "m.room.power_levels",
    "m.room.pinned_events",
}


def text_of(value: object) -> str:
    """A string, or nothing where it is none."""
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Raw:
    """A mapping, or an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def sent_at(event: Raw) -> int:
    """When the homeserver says that it was sent, microseconds UTC."""
    at = event.get("origin_server_ts")
    return at * _MS if isinstance(at, int) and not isinstance(at, bool) and at > 0 else 0


def is_message(event: Raw) -> bool:
    """Whether an event of a timeline is something that somebody said."""
    return text_of(event.get("type")) in MESSAGES and "state_key" not in event


def unreadable(room: RoomId, event: Raw, code: str, *, direct: bool) -> InboundMessage:
    """A message of which only the envelope is known.

    Args:
        room: where.
        event: as the homeserver gave it.
        code: why.
        direct: the room is a private line.
    """
    return InboundMessage(
        room=room,
        remote_id=RemoteId(text_of(event.get("event_id"))),
        sender=AccountId(text_of(event.get("sender"))),
        content=Content(""),
        sent_at=sent_at(event),
        unreadable=code,
        direct=direct,
    )


def message(
    room: RoomId, event: Raw, opened: Opened, find_file: FindFile, *, direct: bool
) -> InboundMessage | None:
    """What somebody said.

    Args:
        room: where.
        event: as the homeserver gave it.
        opened: its decrypted side, or its own when it was sent in the clear.
        find_file: finds how a message's file is read.
        direct: the room is a private line.

    Returns:
        None for what says nothing to a reader (an emoji reaction, a step of a verification).
    """
    if opened.kind.startswith(_SILENT):
        return None
    relation = mapping_of(opened.content.get("m.relates_to"))
    relation = relation or mapping_of(mapping_of(event.get("content")).get("m.relates_to"))
    edits = _edited(relation)
    inner = mapping_of(opened.content.get("m.new_content")) if edits else opened.content
    if opened.kind == "m.reaction":
        return _reaction(room, event, relation, direct=direct)
    reply = text_of(mapping_of(relation.get("m.in_reply_to")).get("event_id"))
    found = _content(opened.kind, inner, find_file)
    if isinstance(found, str):
        return unreadable(room, event, found, direct=direct)
    quote, content = _split_quote(found) if reply and not edits else (None, found)
    key = text_of(opened.content.get(DELIVERY)) if opened.ours else ""
    return InboundMessage(
        room=room,
        remote_id=RemoteId(text_of(event.get("event_id"))),
        sender=AccountId(text_of(event.get("sender"))),
        content=content,
        sent_at=sent_at(event),
        sender_device=opened.device,
        reply_to=RemoteId(reply) if reply else None,
        quoted=quote,
        edits=RemoteId(edits) if edits else None,
        direct=direct,
        delivery_key=DeliveryKey(key) if key else None,
    )


def _edited(relation: Raw) -> str:
    return text_of(relation.get("event_id")) if relation.get("rel_type") == "m.replace" else ""


def _content(kind: str, inner: Raw, find_file: FindFile) -> Content | str:
    """What a reader sees, or a code why that cannot be told."""
    if kind in _POLLS:
        return _poll(inner)
    if kind == "m.sticker":
        return _file(inner, find_file, with_caption=False)
    shape = text_of(inner.get("msgtype")) if kind == "m.room.message" else ""
    if shape in _FILES:
        return _file(inner, find_file, with_caption=True)
    if shape in _TEXTS:
        return Content("\n".join(filter(None, (_shown(inner), text_of(inner.get("geo_uri"))))))
    return "unknown_type"


def _shown(inner: Raw) -> str:
    formatted = text_of(inner.get("formatted_body"))
    reply = bool(mapping_of(inner.get("m.relates_to")).get("m.in_reply_to"))
    return with_shown(text_of(inner.get("body")), formatted, reply=reply)


def _file(inner: Raw, find_file: FindFile, *, with_caption: bool) -> Content | str:
    """A file, with its caption where the body is not just its name (MSC2530)."""
    start = find_file(inner)
    if start is None:
        return "file_malformed"
    body = text_of(inner.get("body"))
    name = text_of(inner.get("filename")) or body
    info = mapping_of(inner.get("info"))
    size = info.get("size")
    file = Attachment(
        name=name,
        media_type=text_of(info.get("mimetype")) or "application/octet-stream",
        size=size if isinstance(size, int) and size > 0 else 0,
        open=start,
    )
    caption = _shown(inner) if with_caption and body != name else ""
    text = caption if with_caption else body
    return Content(text, attachments=(file,))


def _poll(inner: Raw) -> Content:
    """A poll's question and answers, in the stable or the older form."""
    poll = mapping_of(inner.get("m.poll") or inner.get("org.matrix.msc3381.poll.start"))
    answers = poll.get("answers")
    options = [mapping_of(a) for a in answers] if isinstance(answers, list) else []
    lines = [_words(poll.get("question")), *(f"- {_words(o)}" for o in options)]
    return Content("\n".join((*lines, text_of(inner.get("body")))).strip())


def _words(value: object) -> str:
    """The text of extensible content, in the stable or the older form."""
    block = mapping_of(value)
    stable = block.get("m.text")
    parts = [mapping_of(p).get("body") for p in stable] if isinstance(stable, list) else [stable]
    found = [p for p in (*parts, block.get("org.matrix.msc1767.text")) if isinstance(p, str)]
    return found[0] if found else text_of(block.get("body"))


def _reaction(room: RoomId, event: Raw, relation: Raw, *, direct: bool) -> InboundMessage | None:
    """A reaction that is words: it is text in the clear, whatever clients show of it."""
    key, target = text_of(relation.get("key")), text_of(relation.get("event_id"))
    if not any(c.isalnum() for c in key):
        return None
    return InboundMessage(
        room=room,
        remote_id=RemoteId(text_of(event.get("event_id"))),
        sender=AccountId(text_of(event.get("sender"))),
        content=Content(key),
        sent_at=sent_at(event),
        reply_to=RemoteId(target) if target else None,
        direct=direct,
    )


def _split_quote(content: Content) -> tuple[str | None, Content]:
    """Takes the quoted message off the start of an old-style reply (``> `` lines, then a gap)."""
    lines = content.text.split("\n")
    count = 0
    while count < len(lines) and lines[count].startswith("> "):
        count += 1
    if not count or count == len(lines) or lines[count] != "":
        return None, content
    quote = "\n".join(line.removeprefix("> ") for line in lines[:count])
    rest = "\n".join(lines[count + 1 :])
    return quote, Content(rest, content.subject, content.attachments)


def other(room: RoomId, event: Raw) -> Iterator[Event]:
    """Events for what changed a room or took a message back."""
    kind = text_of(event.get("type"))
    if kind == "m.room.redaction":
        yield from _redaction(room, event)
    elif kind == "m.room.member" and "state_key" in event:
        yield from _membership(room, event)
    elif kind in _SETTINGS and "state_key" in event:
        by = AccountId(text_of(event.get("sender")))
        name = RemoteId(text_of(event.get("event_id")))
        yield SettingsChanged(room, kind, by, name)
        if kind == "m.room.power_levels":
            yield from _roles(room, event, by)


def _redaction(room: RoomId, event: Raw) -> Iterator[Redacted]:
    """Room versions from 11 on name the target inside the content."""
    target = text_of(mapping_of(event.get("content")).get("redacts") or event.get("redacts"))
    if target:
        name = RemoteId(text_of(event.get("event_id")))
        yield Redacted(room, RemoteId(target), AccountId(text_of(event.get("sender"))), name)


def _membership(room: RoomId, event: Raw) -> Iterator[MembershipChanged]:
    account = AccountId(text_of(event.get("state_key")))
    by = AccountId(text_of(event.get("sender")))
    before = mapping_of(mapping_of(event.get("unsigned")).get("prev_content"))
    change = _change(
        text_of(before.get("membership")),
        text_of(mapping_of(event.get("content")).get("membership")),
        itself=by == account,
    )
    if change is not None:
        name = RemoteId(text_of(event.get("event_id")))
        yield MembershipChanged(room, account, change, by, name)


def _change(before: str, after: str, *, itself: bool) -> MembershipChange | None:
    """What a member event means; a new name or picture of a member is nothing."""
    if before == after:
        return None
    if after == "leave":
        return MembershipChange.LEFT if itself else MembershipChange.REMOVED
    return {
        "invite": MembershipChange.INVITED,
        "join": MembershipChange.JOINED,
        "ban": MembershipChange.REMOVED,
    }.get(after)


def _roles(room: RoomId, event: Raw, by: AccountId) -> Iterator[MembershipChanged]:
    """One event for each account whose own level is another than before."""
    after = mapping_of(mapping_of(event.get("content")).get("users"))
    unsigned = mapping_of(event.get("unsigned"))
    before = mapping_of(mapping_of(unsigned.get("prev_content")).get("users"))
    for account in sorted({*after, *before}):
        if after.get(account) != before.get(account):
            name = RemoteId(f"{text_of(event.get('event_id'))}/{account}")
            role = MembershipChange.ROLE
            yield MembershipChanged(room, AccountId(account), role, by, name)


def invitation(room: RoomId, own: AccountId, state: object, since: str) -> MembershipChanged:
    """We were asked into a room.

    Args:
        room: which.
        own: our account.
        state: the stripped state that came with it; it has no event ids.
        since: the sync token before; with the room it names this invitation.
    """
    by = text_of(own_invitation(state, own).get("sender"))
    name = RemoteId(f"invite/{room}/{since}")
    return MembershipChanged(
        room, own, MembershipChange.INVITED, AccountId(by) if by else None, name
    )


def own_invitation(state: object, own: AccountId) -> Raw:
    """Our own member event in an invitation's stripped state; empty when it is not there."""
    events = [mapping_of(e) for e in state] if isinstance(state, list) else []
    ours = [e for e in events if e.get("type") == "m.room.member" and e.get("state_key") == own]
    return ours[0] if ours else {}


def receipts(room: RoomId, event: Raw, ours: Callable[[str], bool]) -> Iterator[Receipt]:
    """Read receipts for messages of ours.

    Args:
        room: where.
        event: an ``m.receipt``.
        ours: whether a message is one of ours.
    """
    if event.get("type") != "m.receipt":
        return
    for target, kinds in mapping_of(event.get("content")).items():
        readers = mapping_of(mapping_of(kinds).get("m.read"))
        for account, told in readers.items() if ours(target) else ():
            at = mapping_of(told).get("ts")
            when = at * _MS if isinstance(at, int) else 0
            yield Receipt(room, RemoteId(target), AccountId(account), ReceiptKind.READ, when)
