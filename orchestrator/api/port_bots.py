"""What the API needs of a running home about bots."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.bots import NewToken, TokenView, TokenWanted
from tiers.ids import DealId
from tiers.rights import Viewer

Actor = str


class BotAccess(Protocol):
    """Tokens of bots."""

    async def bot_of(self, secret: str) -> Viewer | None:
        """Whose token that is now; None: nobody's. Raises: TooOften."""
        ...

    async def token_list(self, deal: DealId) -> Sequence[TokenView]:
        """A deal's tokens."""
        ...

    async def token_new(self, deal: DealId, wanted: TokenWanted, *, actor: Actor) -> NewToken:
        """Makes a token; in a founded deal two people agree first. Raises: Wrong, Missing."""
        ...

    async def token_revoke(self, deal: DealId, token: str, *, actor: Actor) -> TokenView:
        """Takes a token away, at once. Raises: Missing."""
        ...
