"""Between the port's values and the memory network's words. Pure: no input, no output.

Rule kept here: an answer is read field by field, and one that lacks a field or has another kind in
its place is ``BadAnswerError``: never a guess, never half a value.
"""

from collections.abc import Mapping
from typing import TypeVar

from connectors.memory.wire import JsonObject
from connectors.port import (
    AccountId,
    DeviceId,
    Evidence,
    Guarantee,
    Holding,
    RemoteId,
    RoomId,
    Source,
)
from connectors.port.capabilities import Posture, Undo
from connectors.port.messages import (
    Accepted,
    Delivery,
    Device,
    Member,
    MemberSnapshot,
    Presence,
    Reader,
    RoomSpec,
)

T = TypeVar("T")

SETTINGS = frozenset(Guarantee) - {Guarantee.TIMER, Guarantee.DEVICES_VERIFIED}
"""Guarantees that are settings of a room, under the same name."""


class BadAnswerError(Exception):
    """The network's answer is not what its protocol says."""


def need(answer: Mapping[str, object], name: str, kind: type[T]) -> T:
    """A field of one kind. Raises: BadAnswerError."""
    value = answer.get(name)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadAnswerError(name)
    return value


def maybe(answer: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    """A field of one kind, or None. Raises: BadAnswerError."""
    return None if answer.get(name) is None else need(answer, name, kind)


def devices(answer: object) -> frozenset[Device]:
    """Device -> key as the port's values. Raises: BadAnswerError."""
    if not isinstance(answer, dict):
        raise BadAnswerError("devices")
    return frozenset(Device(DeviceId(name), str(key)) for name, key in answer.items())


# outward


def send_fields(
    delivery: Delivery,
    files: list[JsonObject],
    never: dict[str, dict[str, str]],
    *,
    marked: bool,
) -> JsonObject:
    """A delivery as the network is told it."""
    content = delivery.content
    return {
        "room": delivery.room,
        "key": delivery.key,
        "text": content.text,
        "subject": content.subject,
        "author_line": delivery.author_line,
        "files": files,
        "readers": {r.account: _named(r) for r in delivery.readers},
        "never": never,
        "reply_to": delivery.reply_to,
        "attempt": delivery.attempt,
        "marked": marked,
    }


def _named(reader: Reader) -> dict[str, str] | None:
    if reader.devices is None:
        return None
    return {d.device: d.key for d in reader.devices}


def create_fields(spec: RoomSpec, can: frozenset[Guarantee]) -> JsonObject:
    """A room to be made as the network is told it."""
    return {
        "name": spec.name,
        "members": sorted(spec.members | spec.owners),
        "owners": sorted(spec.owners),
        "timer": spec.timer if Guarantee.TIMER in can else None,
        "gate": spec.gate,
        "direct": spec.direct,
        "flags": {g.value: g in can for g in SETTINGS},
    }


# back


def accepted(answer: JsonObject, readers: frozenset[Reader] | None) -> Accepted:
    """The network's word on a delivery; ``readers`` as it was told them. Raises: BadAnswerError."""
    sealed = answer.get("sealed")
    if sealed == "as_asked" and readers is not None:
        to: frozenset[Reader] | None = readers
    else:
        to = None if sealed is None else _sealed(sealed)
    return Accepted(RemoteId(need(answer, "id", str)), need(answer, "at", int), to)


def _sealed(answer: object) -> frozenset[Reader]:
    if not isinstance(answer, dict):
        raise BadAnswerError("sealed")
    return frozenset(Reader(AccountId(name), devices(held)) for name, held in answer.items())


def snapshot(room: RoomId, answer: JsonObject, read_at: int) -> MemberSnapshot:
    """A room's members. Raises: BadAnswerError."""
    members = tuple(_member(each) for each in need(answer, "members", list))
    return MemberSnapshot(room, members, need(answer, "complete", bool), read_at)


def _member(answer: JsonObject) -> Member:
    return Member(
        AccountId(need(answer, "account", str)),
        one_of(Presence, answer, "presence"),
        need(answer, "admin", bool),
        devices(answer.get("devices")),
    )


def one_of(kind: type[T], answer: JsonObject, name: str) -> T:
    """A value of an enumeration. Raises: BadAnswerError."""
    value = need(answer, name, str)
    try:
        return kind(value)  # type: ignore[call-arg]  # an Enum looks its members up by value
    except ValueError:
        raise BadAnswerError(name) from None


def posture(
    room: RoomId, account: AccountId, told: frozenset[Guarantee], at: int, answer: JsonObject
) -> Posture:
    """A room as read; ``told`` are the guarantees that count. Raises: BadAnswerError."""
    posters = maybe(answer, "posters", list)
    return Posture(
        room=room,
        holdings=_holdings(answer, told, at),
        gate=posters is not None and set(posters) == {account},
        read=need(answer, "reads", bool),
        undo=one_of(Undo, answer, "undo"),
        undo_for=maybe(answer, "undo_for", int),
        admins=frozenset(AccountId(str(name)) for name in need(answer, "admins", list)),
        read_at=at,
    )


def _holdings(answer: JsonObject, told: frozenset[Guarantee], at: int) -> tuple[Holding, ...]:
    flags = need(answer, "flags", dict)
    held = [
        Holding(g, Evidence.VERIFIED, _source(g), at)
        for g in sorted(SETTINGS & told, key=lambda each: each.value)
        if need(flags, g.value, bool)
    ]
    timer = maybe(answer, "timer", int)
    if timer is not None and Guarantee.TIMER in told:
        held.append(Holding(Guarantee.TIMER, Evidence.VERIFIED, Source.SERVER, at, timer))
    return tuple(held)


def _source(guarantee: Guarantee) -> Source:
    shown = guarantee is Guarantee.END_TO_END_ENCRYPTED
    return Source.CRYPTOGRAPHY if shown else Source.SERVER
