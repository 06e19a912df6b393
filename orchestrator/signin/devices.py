"""Signing in a program without a browser: it shows a code, and its owner confirms it at the desk.

Rules kept here (RFC 8628):

1. The device's own code is a secret of 256 bits; the code that is shown is short, is confirmed by
   somebody who is signed in, who sees what asks, and is never enough by itself.
2. A code is confirmed once, within ten minutes; its session begins when the device fetches it.
3. Who guesses codes runs out of guesses long before he meets one: so many wrong ones a session, so
   many waiting codes at once.
4. The session has the login of whoever confirmed, and none of the credentials that he proved. It
   begins only while the session in which he confirmed is not over.
"""

import secrets
from dataclasses import dataclass, field, replace

from orchestrator.clock import MINUTE, SECOND, Clock
from orchestrator.signin.attempts import Attempts
from orchestrator.signin.secret import digest, new_secret, same
from orchestrator.signin.sessions import Session, Who

LASTS = 10 * MINUTE
INTERVAL = 3 * SECOND
"""How often a device asks at most."""
MOST = 1_000
"""Codes that wait at once: beyond it no device begins."""
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Of a shown code (RFC 8628, section 6.1): no vowels, nothing that looks like something else."""
LENGTH = 8
GUESSES = 5
"""Wrong codes that one session may give, a minute."""


class Slower(Exception):
    """A device asks more often than it was told to."""


@dataclass(slots=True)
class Waiting:
    """A device that waits.

    Attributes:
        label: what asks, as it says itself.
        until: of the unsettable clock, microseconds.
        asked: when it asked last.
        who: who confirmed it; None: nobody yet.
        session: in which he did.
    """

    shown: str
    label: str
    until: int
    kept: bytes = field(repr=False)
    asked: int = 0
    who: Who | None = None
    session: str = ""


class Devices:
    """Devices that wait to be signed in."""

    def __init__(self, ticks: Clock) -> None:
        self._ticks = ticks
        self._waiting: dict[bytes, Waiting] = {}
        self._guesses: dict[str, Attempts] = {}

    def begin(self, label: str) -> tuple[str, str] | None:
        """Begins; returns the device's secret and the code that it shows; None: too many wait."""
        self._sweep()
        if len(self._waiting) >= MOST:
            return None
        secret, shown = new_secret(), "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        waiting = Waiting(shown, label, self._ticks() + LASTS, digest(secret))
        self._waiting[waiting.kept] = waiting
        return secret, shown

    def look(self, shown: str, session: Session) -> Waiting | None:
        """What asks under a code; None where nothing does, or he guessed too often."""
        self._sweep()
        plain = "".join(c for c in shown.upper() if c in LETTERS).encode()
        found = [w for w in self._waiting.values() if same(w.shown.encode(), plain)]
        if found and found[0].who is None:
            return found[0] if self._may_guess(session, cost=False) else None
        self._may_guess(session, cost=True)
        return None

    def _may_guess(self, session: Session, *, cost: bool) -> bool:
        left = self._guesses.setdefault(session.session_id, Attempts(GUESSES, self._ticks))
        return left.take() if cost else left.any()

    def confirm(self, shown: str, session: Session) -> Waiting | None:
        """Signs the device in as whoever confirms; None as for ``look``."""
        found = self.look(shown, session)
        if found is not None:
            who = session.who
            found.who = replace(who, way="device", proven=frozenset(), outside=None)
            found.session = session.session_id
        return found

    def take(self, secret: str) -> tuple[Who, str] | None:
        """Who confirmed a device, and in which session, once; None: nobody yet.

        Raises:
            LookupError: nothing waits under that secret, or no more.
            Slower: it asks too often.
        """
        self._sweep()
        kept = digest(secret)
        found = self._waiting.get(kept)
        if found is None or not same(found.kept, kept):
            raise LookupError("no such device")
        at, before = self._ticks(), found.asked
        found.asked = at
        if before and at - before < INTERVAL:
            raise Slower
        if found.who is None:
            return None
        del self._waiting[kept]
        return found.who, found.session

    def _sweep(self) -> None:
        at = self._ticks()
        self._waiting = {k: w for k, w in self._waiting.items() if at < w.until}
