"""From which page passkeys are asked: to sign in, and to agree.

Rule kept here: one page for both, the desk's own, unless the settings name another for approvals.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from orchestrator.config.model import Config


@dataclass(frozen=True, slots=True)
class Site:
    """A page, and the relying party (W3C Web Authentication) whose passkeys it asks for."""

    origin: str
    rp_id: str


def desk_site(config: Config) -> Site:
    """The desk's own."""
    return Site(config.web.origin, urlsplit(config.web.origin).hostname or "localhost")


def approvals_site(config: Config) -> Site:
    """Where approvers' passkeys are asked."""
    named, own = config.approvals, desk_site(config)
    if named.origin is None:
        return own if named.rp_id is None else Site(own.origin, named.rp_id)
    return Site(named.origin, named.rp_id or urlsplit(named.origin).hostname or own.rp_id)
