"""Links that give a file once: for minutes, to whoever asked for it, in the session that asked.

Rule kept here: of a link's secret only the hash is kept, in this process alone; a newer link to the
same thing voids the older.
"""

from dataclasses import dataclass, field

from orchestrator.clock import MINUTE
from orchestrator.signin.secret import digest, new_secret
from tiers.rights import Viewer

LASTS = 5 * MINUTE
MOST = 1_000


@dataclass(frozen=True, slots=True)
class _Link:
    about: str
    actor: str
    session: str | None
    until: int


@dataclass(slots=True)
class Once:
    """The links of a home."""

    _links: dict[bytes, _Link] = field(default_factory=dict, repr=False)

    def make(self, about: str, viewer: Viewer, at: int) -> tuple[str, int]:
        """A link's secret, and until when it is good.

        Args:
            about: what it gives, with its deal.
            viewer: to whom, and in which session.
            at: now, microseconds UTC.
        """
        mine = (about, viewer.actor)
        kept = {
            h: link
            for h, link in self._links.items()
            if at < link.until and (link.about, link.actor) != mine
        }
        while len(kept) >= MOST:
            kept.pop(next(iter(kept)))
        secret, until = new_secret(), at + LASTS
        self._links = {**kept, digest(secret): _Link(about, viewer.actor, viewer.session, until)}
        return secret, until

    def take(self, secret: str, about: str, viewer: Viewer, at: int) -> bool:
        """Uses a link up; whether it was good, for that and for him."""
        link = self._links.get(digest(secret))
        good = link is not None and at < link.until and link.about == about
        if link is None or not good or (link.actor, link.session) != (viewer.actor, viewer.session):
            return False
        del self._links[digest(secret)]
        return True
