"""One-time links: who opens one is who it was made for, once, and soon.

Rules kept here:

1. The secret stands in the link's fragment, which a browser sends to nobody: no server, proxy or
   log sees it before its owner's page hands it in.
2. A link is for one person of one deal, or for the home's own user; it opens once, within ten
   minutes; a newer one for the same person ends the older.
3. To look at what a link is for does not use it up, and tells only who holds it.
"""

from dataclasses import dataclass, field

from orchestrator.clock import MINUTE, Clock
from orchestrator.signin.secret import digest, new_secret, same
from tiers.ids import DealId, PersonId

LASTS = 10 * MINUTE
MOST = 10_000
"""Links that wait at once: beyond it the oldest is void."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that waits to be opened.

    Attributes:
        deal: None for the home's own user.
        person: None for the home's own user.
        actor: the home's own user, or who made the link, as the audit names him.
        until: of the unsettable clock, microseconds; at and after it the link is void.
    """

    deal: DealId | None
    person: PersonId | None
    actor: str
    until: int
    kept: bytes = field(repr=False)


class Links:
    """Links that wait."""

    def __init__(self, ticks: Clock) -> None:
        self._ticks = ticks
        self._waiting: dict[bytes, Link] = {}

    def make(self, deal: DealId | None, person: PersonId | None, actor: str) -> str:
        """Makes a link; returns its secret. An older one for the same person is void."""
        self.void(deal, person)
        if len(self._waiting) >= MOST:
            self._waiting.pop(next(iter(self._waiting)))
        secret = new_secret()
        link = Link(deal, person, actor, self._ticks() + LASTS, digest(secret))
        self._waiting[link.kept] = link
        return secret

    def look(self, secret: str) -> Link | None:
        """What a link is for; None where it is void."""
        self._sweep()
        kept = digest(secret)
        link = self._waiting.get(kept)
        return link if link is not None and same(kept, link.kept) else None

    def take(self, secret: str) -> Link | None:
        """Opens a link, which is void from then on; None where it is already."""
        link = self.look(secret)
        return None if link is None else self._waiting.pop(link.kept)

    def void(self, deal: DealId | None, person: PersonId | None) -> int:
        """Makes the links of somebody void; returns how many."""
        found = [k for k, v in self._waiting.items() if (v.deal, v.person) == (deal, person)]
        for kept in found:
            del self._waiting[kept]
        return len(found)

    def void_all(self) -> None:
        """Makes every link void."""
        self._waiting.clear()

    def _sweep(self) -> None:
        at = self._ticks()
        for kept in [k for k, v in self._waiting.items() if at >= v.until]:
            del self._waiting[kept]
