"""What the memory network tells, as the port's events. Pure: no input, no output.

Rule kept here: what cannot be read is still an event, with a code that says why, so that it is
counted; a delivery key is believed only on a message of our own account.
"""

from collections.abc import Callable

from connectors.memory.translate import BadAnswerError, maybe, need, one_of
from connectors.memory.wire import JsonObject
from connectors.port import AccountId, DeliveryKey, DeviceId, RemoteId, RoomId
from connectors.port.events import (
    Batch,
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChange,
    MembershipChanged,
    Receipt,
    ReceiptKind,
    Redacted,
    SettingsChanged,
)
from connectors.port.messages import Attachment, Content, Device

Attach = Callable[[JsonObject], Attachment]
"""Makes an attachment of a file as a message names it."""


def batch(answer: JsonObject, us: AccountId, attach: Attach) -> Batch:
    """Events and where to go on. Raises: BadAnswerError."""
    events = tuple(event(each, us, attach) for each in need(answer, "events", list))
    return Batch(events, str(need(answer, "position", int)))


def event(answer: JsonObject, us: AccountId, attach: Attach) -> Event:
    """One event. Raises: BadAnswerError."""
    kind = need(answer, "kind", str)
    if kind == "message":
        return _message(answer, us, attach)
    reader = READERS.get(kind)
    if reader is None:
        raise BadAnswerError("kind")
    return reader(answer)


def _message(answer: JsonObject, us: AccountId, attach: Attach) -> InboundMessage:
    unreadable = maybe(answer, "unreadable", str)
    if unreadable is None and need(answer, "gone", bool):
        unreadable = "gone"
    device = maybe(answer, "device", list)
    sender = AccountId(need(answer, "sender", str))
    return InboundMessage(
        room=_room(answer),
        remote_id=RemoteId(need(answer, "id", str)),
        sender=sender,
        content=_content(answer, attach),
        sent_at=need(answer, "at", int),
        sender_device=None if device is None else _device(device),
        reply_to=_remote(answer, "reply_to"),
        quoted=maybe(answer, "quoted", str),
        edits=_remote(answer, "edits"),
        unreadable=unreadable,
        direct=need(answer, "direct", bool),
        delivery_key=_delivery_key(answer) if sender == us else None,
        screenshot=any(need(file, "screenshot", bool) for file in need(answer, "files", list)),
    )


def _content(answer: JsonObject, attach: Attach) -> Content:
    files = tuple(attach(file) for file in need(answer, "files", list))
    return Content(need(answer, "text", str), maybe(answer, "subject", str), files)


def _room(answer: JsonObject) -> RoomId:
    return RoomId(need(answer, "room", str))


def _remote(answer: JsonObject, name: str) -> RemoteId | None:
    value = maybe(answer, name, str)
    return None if value is None else RemoteId(value)


def _delivery_key(answer: JsonObject) -> DeliveryKey | None:
    value = maybe(answer, "key", str)
    return None if value is None else DeliveryKey(value)


def _by(answer: JsonObject) -> AccountId | None:
    value = maybe(answer, "by", str)
    return None if value is None else AccountId(value)


def _device(pair: list[object]) -> Device:
    if len(pair) != 2:  # noqa: PLR2004 (a name and a key)
        raise BadAnswerError("device")
    return Device(DeviceId(str(pair[0])), str(pair[1]))


def _id(answer: JsonObject) -> RemoteId:
    return RemoteId(need(answer, "id", str))


def _account(answer: JsonObject) -> AccountId:
    return AccountId(need(answer, "account", str))


def _membership(answer: JsonObject) -> MembershipChanged:
    change = one_of(MembershipChange, answer, "change")
    return MembershipChanged(_room(answer), _account(answer), change, _by(answer), _id(answer))


def _settings(answer: JsonObject) -> SettingsChanged:
    return SettingsChanged(_room(answer), need(answer, "setting", str), _by(answer), _id(answer))


def _key(answer: JsonObject) -> KeyChanged:
    return KeyChanged(_account(answer), _device(need(answer, "device", list)))


def _redacted(answer: JsonObject) -> Redacted:
    target = RemoteId(need(answer, "target", str))
    return Redacted(_room(answer), target, _by(answer), _id(answer))


def _receipt(answer: JsonObject) -> Receipt:
    return Receipt(
        _room(answer),
        RemoteId(need(answer, "message", str)),
        _account(answer),
        one_of(ReceiptKind, answer, "receipt"),
        need(answer, "at", int),
    )


READERS: dict[str, Callable[[JsonObject], Event]] = {
    "membership": _membership,
    "settings": _settings,
    "key": _key,
    "redacted": _redacted,
    "receipt": _receipt,
}
