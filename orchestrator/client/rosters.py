"""Views of a roster's history, and of who might see what at an instant.

Rules kept here: as for ``orchestrator.client.views``. What the list allowed and who was read back
in a room are two answers side by side.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One step of a roster's history.

    Attributes:
        what: ``adopted``, ``phase`` or ``reviewed``.
        hash: of the roster: adopted then, or looked through.
        phase: in which the deal is from then on; None where it is not about that.
        by: who looked through it.
        gained: how many things somebody may read since, and did not before; ``lost``: likewise.
    """

    at: int
    what: str
    actor: str
    hash: str | None
    phase: str | None
    by: str | None
    gained: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A roster that somebody looked through. ``next_by``: when it is due again."""

    by: str
    at: int
    hash: str
    next_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Somebody's account in a room, as readings showed it.

    Attributes:
        obtained_at: when it was first read back there.
        ceased_at: when a whole reading was first without it; None: none was.
    """

    channel: str
    room: str
    account: str
    obtained_at: int
    ceased_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the list named for a person at an instant.

    Attributes:
        barred: why it did not count: ``phase``, ``standing`` (of him or of whom he reads for) or
            ``wall``; None: it did.
    """

    compartment: str
    highest: str
    because: str
    barred: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversed:
    """A conversation, and whether a person might read it at an instant.

    Attributes:
        might: the list allowed it.
        because: by what, or what stood against it.
        was_in: where he was at that instant, as read back.
    """

    conversation_id: str
    label: str
    floor: str
    compartment: str
    side: str | None
    might: bool
    because: tuple[str, ...]
    was_in: tuple[Stay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldSee:
    """What a person might see at an instant, as it was known.

    Attributes:
        roster_hash: of the list that was in force; None: none was.
        whole: the record is; else what was altered in it states nothing here.
        listed: he was on it.
        barred: what kept everything from him.
    """

    person: str
    name: str | None
    at: int
    known_at: int
    roster_hash: str | None
    adopted_at: int | None
    phase: str | None
    whole: bool
    listed: bool
    barred: tuple[str, ...]
    held: tuple[Held, ...]
    conversations: tuple[Conversed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who might read a conversation, or was in it; ``person`` None: nobody's account."""

    person: str | None
    name: str | None
    side: str | None
    might: bool
    because: tuple[str, ...]
    was_in: tuple[Stay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoCouldSee:
    """Who might read a conversation at an instant, and who was in it; nobody else is named.

    Attributes:
        whole: the record is; else what was altered in it states nothing here.
    """

    conversation_id: str
    label: str
    floor: str
    compartment: str
    side: str | None
    at: int
    known_at: int
    roster_hash: str | None
    adopted_at: int | None
    phase: str | None
    whole: bool
    readers: tuple[Reader, ...]
