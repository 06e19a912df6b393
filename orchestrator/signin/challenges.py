"""Challenges that a passkey signs to sign somebody in: made here, for one purpose, once, soon.

Rule kept here: a challenge begins with words that no statement of an approval begins with, so that
nobody is made to agree to something while he signs in.
"""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.clock import MINUTE, Clock
from orchestrator.ids import new_id

LASTS = 2 * MINUTE
MOST = 10_000
"""Challenges that wait at once: beyond it the oldest is void."""
WORDS = b"wallcross sign-in v1\n"
Purpose = Literal["get", "create"]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that waits.

    Attributes:
        purpose: to sign with a passkey, or to make one.
        session: in which it was asked for; None: in none.
        until: of the unsettable clock, microseconds.
    """

    challenge_id: str
    purpose: Purpose
    session: str | None
    until: int
    message: bytes = field(repr=False)


class Challenges:
    """Challenges that wait."""

    def __init__(self, ticks: Clock) -> None:
        self._ticks = ticks
        self._waiting: dict[str, Challenge] = {}

    def make(self, purpose: Purpose, session: str | None) -> Challenge:
        """Makes one."""
        at = self._ticks()
        self._waiting = {k: c for k, c in self._waiting.items() if at < c.until}
        if len(self._waiting) >= MOST:
            self._waiting.pop(next(iter(self._waiting)))
        message = WORDS + secrets.token_bytes(32)
        made = Challenge(new_id("chl"), purpose, session, at + LASTS, message)
        self._waiting[made.challenge_id] = made
        return made

    def take(self, challenge_id: str, purpose: Purpose, session: str | None) -> Challenge | None:
        """Takes one, which is void from then on, whatever comes of it; None where it is already."""
        found = self._waiting.pop(challenge_id, None)
        if found is None or self._ticks() >= found.until:
            return None
        return found if (found.purpose, found.session) == (purpose, session) else None
