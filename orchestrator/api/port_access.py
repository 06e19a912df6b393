"""What deciding who may see what needs of a home."""

from typing import Protocol

from tiers.ids import DealId, PersonId


class WhereAccess(Protocol):
    """What belongs to which deal."""

    async def where(self, kind: str, name: str) -> tuple[DealId, PersonId | None] | None:
        """The deal of a message, delivery, finding or request, and whose it is; None: of none."""
        ...
