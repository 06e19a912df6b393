"""What is marked of a message and of a delivery, so that no planted row is acted on.

Rules kept here:

1. Everything that says what a message is, whose it is and where it came from is under one mark,
   made when it is accepted; where it was placed is under another; where a delivery goes, and as
   what, under a third. States and times change and are under none: the guard decides anew anyway.
2. What has not its mark is not routed, not sent and not taken back on a network; nobody can
   release it.
"""

from hmac import compare_digest
from typing import NamedTuple

from orchestrator.store.pen import Pen

NOT_AS_STATED = "not_as_stated"
"""Why a delivery is dead that this home did not make, or not so."""
SEALS = "seals:"
"""Stands before the readers of a document that is sealed into files; in the statement below too."""
MESSAGE_COLUMNS = (
    "{0}.message_id, {0}.deal_id, {0}.connector, {0}.remote_id, {0}.room, {0}.sender, "
    "{0}.person_id, {0}.named, {0}.reply_to, {0}.edits, {0}.unreadable, "
    "(SELECT iif(f.seals, 'seals:' || f.readers, f.readers) FROM document f "
    "WHERE f.message_id = {0}.message_id)"
)
"""The columns of ``Origin``, in its order; ``{0}``: the table's name in the statement."""
DELIVERY_COLUMNS = (
    "{0}.delivery_id, {0}.kind, {0}.message_id, {0}.deal_id, {0}.conversation_id, {0}.connector, "
    "{0}.room, {0}.lane, {0}.wire_key, {0}.as_tier, {0}.target"
)
"""The columns of ``Target``, in its order."""


class Origin(NamedTuple):
    """What a message is and where it came from. ``readers``: of a document, JSON, and how."""

    message_id: str
    deal_id: str
    connector: str
    remote_id: str
    room: str | None
    sender: str
    person_id: str | None
    named: str | None
    reply_to: str | None
    edits: str | None
    unreadable: str | None
    readers: str | None


class Target(NamedTuple):
    """Where a delivery goes, and as what."""

    delivery_id: str
    kind: str
    message_id: str
    deal_id: str
    conversation_id: str | None
    connector: str
    room: str
    lane: str
    wire_key: str
    as_tier: str
    target: str | None


class Placing(NamedTuple):
    """Where a message was placed."""

    message_id: str
    conversation_id: str | None
    tier: str | None


Marked = Origin | Target | Placing
_NAMES: dict[type, str] = {Origin: "message", Target: "delivery", Placing: "placed"}


def mark(pen: Pen | None, marked: Marked) -> bytes | None:
    """Returns the mark of ``marked``; None in a store without a pen."""
    return None if pen is None else pen.mark_again(_NAMES[type(marked)], *marked)


def is_planted(pen: Pen | None, marked: Marked, found: bytes | None) -> bool:
    """Whether this home did not write it so; without a pen nothing can be told."""
    own = mark(pen, marked)
    return own is not None and (found is None or not compare_digest(found, own))
