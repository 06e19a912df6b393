"""Views of what is kept and nobody believes: never its text.

Rules kept here: as for ``orchestrator.client.views``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptView:
    """A mail or message in quarantine.

    Attributes:
        verdict: ``stranger``, or what a mail was found to be.
        reasons: codes of what is odd.
        account: who sent it, or whom a mail claims to be from; as its network names him.
        name: how he shows himself, cut to what may be printed; believed by nobody.
        kept: its sealed bytes are still here.
    """

    kept_id: str
    channel: str
    verdict: str
    reasons: tuple[str, ...]
    account: str | None
    name: str
    received_at: int
    size: int
    kept: bool
