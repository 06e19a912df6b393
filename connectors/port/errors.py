"""What a failed act on a network means for whoever asked: outcome first, cause second.

Rule kept here: the default is the cautious one. An error that does not say otherwise leaves the
outcome unknown, and an unknown outcome is never repeated by itself where the network cannot
recognise a repetition. No error carries text of a message: ``code`` is for machines, ``hint``
tells a person what to do next.
"""

from enum import Enum
from typing import ClassVar, Final

ROOM_UNKNOWN: Final = "room_unknown"
"""Code: the network knows no such room."""
NOT_A_MEMBER: Final = "not_a_member"
"""Code: the network has a room in which our account is not; asked in is not in."""


class Outcome(Enum):
    """What we know of the act that failed."""

    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


class ConnectorError(Exception):
    """Base of every error that may cross the port.

    Args:
        code: short, stable, for machines: ``lower_snake_case``.
        hint: what a person can do about it; never quotes a message.
        retry_after: microseconds to wait before another try, when the network said so.
    """

    outcome: ClassVar[Outcome] = Outcome.UNKNOWN
    retry: ClassVar[bool] = False

    def __init__(self, code: str, hint: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(code, hint)
        self.code = code
        self.hint = hint
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.hint}" if self.hint else self.code


class Rejected(ConnectorError):
    """Refused: nothing left this machine or the network did nothing. Repeating will not help."""

    outcome = Outcome.NOT_SENT


class IdentityChanged(Rejected):
    """A recipient's key or device is not the one we were told. A ceremony is due, not a retry."""


class ReadersChanged(Rejected):
    """The network would let somebody read who is not among the delivery's readers."""


class Unavailable(ConnectorError):
    """Nothing left this machine, or the network certainly refused for now: try again later."""

    outcome = Outcome.NOT_SENT
    retry = True


class Uncertain(ConnectorError):
    """May have happened. Every foreign exception becomes this."""


class Unreadable(ConnectorError):
    """The network did not tell a posture or a list of members: it counts as not held.

    Nothing else follows from it. An answer that made no sense is no sign that a room is gone.
    """

    outcome = Outcome.NOT_SENT


class NoRoom(Unreadable):
    """The network certainly says that there is no such room, or that our account is not in it.

    People's rooms are made anew on this word alone, so a reading raises it only where the network
    says so in a form that no failure has: where one answer may come of a failure, a second one
    that is made apart has to agree. In doubt it is ``Unreadable``.

    Args:
        code: ``ROOM_UNKNOWN`` or ``NOT_A_MEMBER``, and no other.
    """
