"""What keys at the desk need of a running home."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.keys_desk import KeyCard, Lapse
from orchestrator.client.views import KeyView
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer


class KeyDeskAccess(Protocol):
    """One key in full, what lapses, and a certificate in the place of another."""

    async def key_show(self, deal: DealId, key: str, viewer: Viewer) -> Sequence[KeyCard]:
        """Every key of a person, or one, as far as the viewer may see it. Raises: Missing."""
        ...

    async def key_lapsing(self, deal: DealId, days: int, viewer: Viewer) -> Sequence[Lapse]:
        """What lapses within so many days, as far as the viewer may see it."""
        ...

    async def key_replace(
        self,
        deal: DealId,
        person: PersonId,
        old: str,
        channel: str | None,
        certificate: bytes,
        *,
        actor: str,
    ) -> KeyView:
        """Takes in what is to stand in the place of ``old``. *live*. Raises: Missing, Refused."""
        ...
