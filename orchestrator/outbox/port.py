"""What the outbox is handed from above: the guard, and the policy's word on repeating.

Rule kept here: the outbox knows no policy. It sends what the guard cleared at that instant and
nothing else; the guard is given to it, so that no import leads upwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connectors.port.messages import Delivery
from orchestrator.outbox.item import Item
from orchestrator.seal.body import Unlocked
from orchestrator.store.unit import Tx
from tiers.decision import Reason
from tiers.ids import RemoteId

OURS = "wallcross"
"""The door of our own notices."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What stands in a message's row, for the guard."""

    message_id: str
    connector: str
    remote_id: str
    room: str | None
    sender: str
    person_id: str | None
    reply_to: str | None
    edits: str | None
    accepted_at: int
    size: int
    document: bool
    """A formal document: each delivery is one reader's copy."""
    seals: bool = False
    """Its copies are sealed into files for its sender, and nothing is sent."""
    taken_back: bool = False
    """Its author deleted it on his network."""

    @property
    def alone(self) -> bool:
        """A copy of a document or a notice of ours: stopped, it ends by itself and holds nothing.

        Nobody could release it, and it stands for nothing that goes to others.
        """
        return bool(self.document) or self.connector == OURS


@dataclass(frozen=True, slots=True)
class Due:
    """A row of the outbox that is to be done, with its message."""

    item: Item
    message: MessageFacts
    body: Unlocked | None
    """What it says, sealed; None when it was destroyed."""
    planted: bool = False
    """This home did not write it so (``orchestrator.outbox.marks``): nothing is done for it."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """The guard allows exactly this, now."""

    delivery: Delivery
    repeat_unknown: bool
    edits: RemoteId | None = None
    """Our message that this one replaces, where its network changes what was sent."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The guard does not allow it: the message is held, for these reasons."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """It can never be sent any more."""

    code: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nobody could read it now: it waits, and is not held. ``until``: microseconds UTC."""

    until: int


Verdict = Cleared | Stopped | Over | NotYet


@dataclass(frozen=True, slots=True)
class HeldAs:
    """How a stopped message is held."""

    owner: str | None
    next_person: str | None
    deadline: int
    tell: Callable[[Tx], None] | None = field(default=None, compare=False)
    """Writes down what its author is told, in the unit that holds it."""


class Guard(Protocol):
    """Decides again, just before the wire, on facts read now."""

    async def clear(self, due: Due, began: int) -> Verdict:
        """Whether and how this may be sent, by facts of the drain that ``began`` then."""
        ...

    def repeats_unknown(self, item: Item) -> bool:
        """Whether a delivery of unknown outcome may be sent again, marked."""
        ...

    async def stopped(self, due: Due, reasons: tuple[Reason, ...]) -> HeldAs:
        """Who owns a message that the guard or the network stopped, and until when."""
        ...
