"""Messages of the memory network: posting, recognising a repetition, reading, taking back.

Rule kept here: who may read is checked in the same step that stores the message, so that nobody
can come in between. A repetition under a known key changes nothing and answers as the first did.
"""

from dataclasses import dataclass, field

from connectors.memory.model import FilePart, Message, Room
from connectors.memory.network import Network
from connectors.memory.wire import JsonObject, Refusal

Devices = dict[str, dict[str, str]]
"""Account -> device -> key."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before the network has taken it.

    Attributes:
        readers: who alone may read: account -> devices (None: any); None for no demand.
        never: devices that must not be sealed to.
    """

    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    author_line: str | None = field(default=None, repr=False)
    files: tuple[FilePart, ...] = ()
    key: str | None = None
    attempt: int = 1
    marked: bool = False
    device: str | None = None
    reply_to: str | None = None
    quoted: str | None = field(default=None, repr=False)
    edits: str | None = None
    broken: str | None = None
    readers: dict[str, dict[str, str] | None] | None = None
    never: Devices = field(default_factory=dict)


def post(network: Network, sender: str, room_id: object, draft: Draft) -> tuple[Message, bool]:
    """Stores a message and tells its readers.

    Returns:
        The message, and whether it was there already.

    Raises:
        Refusal: nothing was stored.
    """
    room = network.room_of(sender, room_id)
    known = _recognised(network, sender, room, draft)
    if known is not None:
        network.record.recognised(known, draft.attempt)
        return known, True
    if room.posters is not None and sender not in room.posters:
        raise Refusal("rejected", "may_not_post", "our account may not post in this room")
    _fits(network, draft)
    if draft.readers is not None:
        _only_readers(network, room, sender, draft.readers, draft.never)
    return _store(network, sender, room, draft), False


def _recognised(network: Network, sender: str, room: Room, draft: Draft) -> Message | None:
    if draft.key is None:
        return None
    known = network.recognised.get((sender, room.id, draft.key))
    if known is None or network.now() - known.at >= network.options.idempotent_for:
        return None
    return known


def _fits(network: Network, draft: Draft) -> None:
    if len(draft.text.encode()) > network.options.max_body_bytes:
        raise Refusal("rejected", "too_large", "the text is longer than the network takes")
    if any(p.file.size > network.options.max_attachment_bytes for p in draft.files):
        raise Refusal("rejected", "too_large", "a file is larger than the network takes")


def _only_readers(
    network: Network,
    room: Room,
    sender: str,
    readers: dict[str, dict[str, str] | None],
    never: Devices,
) -> None:
    """Hidden members count: the network knows them even where it shows them to nobody."""
    for name in room.seats:
        if name not in readers:
            if name == sender:
                continue
            raise Refusal("readers", "reader_unknown", "read the members back and decide again")
        named = readers[name]
        if named is not None and not _devices_of(network, room, name, never).items() <= (
            named.items()
        ):
            raise Refusal("identity", "device_unknown", "a device or key is new: verify it")


def _devices_of(network: Network, room: Room, name: str, never: Devices) -> dict[str, str]:
    """Devices that could read: only encryption can leave one out."""
    devices = network.accounts[name].devices
    shut = never.get(name) if room.flags["end_to_end_encrypted"] else None
    if not shut:
        return devices
    return {device: key for device, key in devices.items() if shut.get(device) != key}


def _store(network: Network, sender: str, room: Room, draft: Draft) -> Message:
    network.arrivals += 1
    message = Message(
        id=network.new_id(),
        arrival=network.arrivals,
        room=room.id,
        sender=sender,
        device=draft.device or next(iter(network.account(sender).devices), None),
        at=network.now(),
        text=draft.text,
        subject=draft.subject,
        author_line=draft.author_line,
        files=draft.files,
        key=draft.key,
        attempt=draft.attempt,
        marked=draft.marked,
        reply_to=draft.reply_to,
        quoted=draft.quoted,
        edits=draft.edits,
        broken=draft.broken,
    )
    if room.flags["end_to_end_encrypted"]:
        held = room.holders.setdefault(sender, set())
        held |= set(room.seats)
        message.sealed_to = {
            name: dict(_devices_of(network, room, name, draft.never)) for name in sorted(held)
        }
    room.messages[message.id] = message
    if draft.key is not None:
        network.recognised.setdefault((sender, room.id, draft.key), message)
    network.record.arrived(message)
    network.tell_message(room, message)
    return message


def find(network: Network, name: str, room_id: object, key: object) -> Message | None:
    """The first message of this account under a key. Raises: Refusal."""
    room = network.room_of(name, room_id)
    return network.recognised.get((name, room.id, str(key)))


def expire(network: Network, message: Message) -> None:
    """Destroys what the room's timer has run out on."""
    room = network.rooms.get(message.room)
    timer = room.timer if room is not None else None
    if timer is not None and not message.gone and network.now() >= message.at + timer:
        message.wipe()


def message_of(network: Network, name: str, room_id: object, message_id: object) -> Message:
    """A message in a room of this account. Raises: Refusal."""
    message = network.room_of(name, room_id).messages.get(str(message_id))
    if message is None:
        raise Refusal("rejected", "message_unknown", "the room has no such message")
    expire(network, message)
    return message


def redact(network: Network, by: str, message: Message) -> None:
    """Takes a message back, its author's right or an admin's. Raises: Refusal."""
    room = network.room_of(by, message.room)
    rights, limit = network.options.undo, network.options.undo_for
    own = message.sender == by
    if rights == "none" or (not own and (rights == "own" or not room.seats[by].admin)):
        raise Refusal("rejected", "may_not_undo", "our account may not take this message back")
    if limit is not None and network.now() - message.at > limit:
        raise Refusal("rejected", "too_late", "the network no longer takes this message back")
    message.wipe()
    network.record.gone(message, by, network.now())
    data = {"room": room.id, "target": message.id, "by": by, "id": network.new_id()}
    network.tell(room.seats, "redacted", data)


def seen_by(network: Network, name: str, message: Message) -> JsonObject:
    """A message as this account's own client shows it."""
    expire(network, message)
    room = network.rooms.get(message.room)
    code = None if message.gone else unreadable_for(network, name, message)
    view: JsonObject = {
        "id": message.id,
        "room": message.room,
        "sender": message.sender,
        "device": _device(network, message),
        "at": message.at,
        "arrival": message.arrival,
        "key": message.key,
        "attempt": message.attempt,
        "marked": message.marked,
        "reply_to": message.reply_to,
        "edits": message.edits,
        "direct": room is not None and room.direct,
        "gone": message.gone,
        "unreadable": code,
    }
    return view | (_content(message) if code is None else _content(None))


def _device(network: Network, message: Message) -> list[str] | None:
    if message.device is None:
        return None
    key = network.accounts[message.sender].devices.get(message.device)
    return None if key is None else [message.device, key]


def _content(message: Message | None) -> JsonObject:
    if message is None:
        return {"text": "", "subject": None, "author_line": None, "quoted": None, "files": []}
    files = [
        {"name": p.name, "media_type": p.media_type, "size": p.file.size, "file": p.file.id}
        | {"sha256": p.file.sha256, "screenshot": p.screenshot}
        for p in message.files
    ]
    return {
        "text": message.text,
        "subject": message.subject,
        "author_line": message.author_line,
        "quoted": message.quoted,
        "files": files,
    }


def unreadable_for(network: Network, name: str, message: Message) -> str | None:
    """Why this account's devices cannot open a message; None when one of them can."""
    if message.broken is not None:
        return message.broken
    if message.sealed_to is None:
        return None
    account = network.accounts[name]
    if not account.holds_keys:
        return "keys_lost"
    sealed = message.sealed_to.get(name, {}).items()
    return None if sealed & account.devices.items() else "not_sealed_to_us"
