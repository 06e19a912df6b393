"""Legal holds, duties to preserve: views and calls.

Rules kept here: as for ``orchestrator.client.views``. A matter is a number or a code, never words.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from orchestrator.client.wire import Wire, deal_path, part


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLegalHold:
    """A legal hold that somebody places.

    Attributes:
        matter: number or code of the matter.
        by: who places it.
        conversations: names or ids; what was said in them is kept.
        persons: what they said, or could read, is kept. Neither: the whole deal.
    """

    matter: str
    by: str
    conversations: tuple[str, ...] = field(default=(), repr=False)
    persons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnkeptView:
    """A conversation under a legal hold of which nothing is kept here: counsel exempted it.

    Attributes:
        forgets_after: after which its people's copies vanish at the latest, as the policy demands
            of its rooms, microseconds; None: it demands no timer.
    """

    conversation_id: str
    label: str = field(repr=False)
    floor: str
    scope: str
    forgets_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldView:
    """A legal hold.

    Attributes:
        state: ``stands``, ``release asked`` (it stands until two agreed) or ``released``.
        conversations: their names; ``persons``: whose messages; neither: the whole deal.
        copies: sealed copies that it keeps now; ``overdue`` of them only because of it.
        request: that two people have to agree to before it ends.
        unkept: what it wants kept and nobody keeps here.
    """

    legal_hold: str
    matter: str
    by: str
    state: str
    conversations: tuple[str, ...] = field(repr=False)
    persons: tuple[str, ...]
    placed_at: int
    released_at: int | None
    copies: int
    overdue: int
    request: str | None
    unkept: tuple[UnkeptView, ...]


class LegalHoldsApi(Wire):
    """The operations."""

    async def legal_hold_list(self, deal: str, *, every: bool = False) -> Sequence[LegalHoldView]:
        """Legal holds that stand; with ``every`` those that were released too."""
        query = {"every": "true" if every else None}
        return await self._get(list[LegalHoldView], f"{deal_path(deal)}/legal-holds", query)

    async def legal_hold_new(self, deal: str, new: NewLegalHold) -> LegalHoldView:
        """Places a legal hold, at once."""
        return await self._post(LegalHoldView, f"{deal_path(deal)}/legal-holds", asdict(new))

    async def legal_hold_release(self, deal: str, legal_hold: str) -> LegalHoldView:
        """Ends a legal hold. Raises: Waits in a founded deal: two people agree to it."""
        path = f"{deal_path(deal)}/legal-holds/{part(legal_hold)}/release"
        return await self._post(LegalHoldView, path)
