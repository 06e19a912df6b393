"""States of a message and of a delivery, and the table of how a delivery's change.

Rule kept here: every update names the state it expects, so that what happened meanwhile is never
overwritten; and the only end states are ones that a person can read the truth from.
"""

from dataclasses import dataclass
from enum import Enum

from connectors.port.messages import Prints


class MessageState(Enum):
    """Where an accepted message is."""

    ACCEPTED = "accepted"
    """On disk; not routed yet."""
    DELIVERING = "delivering"
    HELD = "held"
    DELIVERED = "delivered"
    """Everybody who should have it has it, from us or from its author's own hand."""
    POSSIBLY = "possibly"
    """Some part of it may or may not have arrived, or may have arrived twice."""
    DEAD = "dead"
    """A part of it can never be delivered; the reason stands with the delivery."""
    DROPPED = "dropped"
    """A person dropped it."""


class DeliveryState(Enum):
    """Where one delivery, or one act of undoing, is."""

    QUEUED = "queued"
    STARTED = "started"
    DONE = "done"
    POSSIBLY = "possibly"
    DEAD = "dead"
    STOPPED = "stopped"
    """The guard stopped it; its message is held."""


DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.QUEUED: frozenset(
        {DeliveryState.STARTED, DeliveryState.STOPPED, DeliveryState.DEAD}
    ),
    DeliveryState.STARTED: frozenset(
        {
            DeliveryState.QUEUED,
            DeliveryState.DONE,
            DeliveryState.POSSIBLY,
            DeliveryState.DEAD,
            DeliveryState.STOPPED,
        }
    ),
    DeliveryState.POSSIBLY: frozenset({DeliveryState.QUEUED, DeliveryState.DONE}),
    DeliveryState.DEAD: frozenset({DeliveryState.QUEUED}),
    DeliveryState.STOPPED: frozenset({DeliveryState.QUEUED}),
    DeliveryState.DONE: frozenset(),
}

OPEN = (DeliveryState.QUEUED.value, DeliveryState.STARTED.value)


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the outbox.

    Attributes:
        kind: ``send`` or ``undo``.
        as_tier: the tier that the message is treated as.
        target: for ``undo``, the network's name of the message to take back.
        possibly: an earlier attempt may have arrived.
    """

    delivery_id: str
    kind: str
    message_id: str
    deal_id: str
    conversation_id: str | None
    connector: str
    room: str
    lane: str
    seq: int
    wire_key: str
    state: DeliveryState
    attempts: int
    not_before: int
    started_at: int | None
    possibly: bool
    as_tier: str
    target: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """An attempt that begins at ``at`` (microseconds UTC)."""

    item: Item
    at: int


@dataclass(frozen=True, slots=True)
class Done:
    """A delivery that the network took.

    Attributes:
        remote_id: the network's name of it.
        sealed_to: hash over the devices that it was sealed to.
        at: when, microseconds UTC.
        prints: what a document's copy can be known again by.
    """

    item: Item
    remote_id: str
    sealed_to: str | None
    at: int
    prints: Prints | None = None


def from_row(row: tuple[object, ...]) -> Item:
    """Builds an item from its columns, in the order of its fields."""
    values = list(row)
    values[10] = DeliveryState(values[10])
    values[14] = bool(values[14])
    return Item(*values)  # type: ignore[arg-type]  # the table is STRICT: its types are these
