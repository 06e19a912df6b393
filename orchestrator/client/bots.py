"""Views of bots' tokens, and the calls about them.

Rules kept here: as for ``orchestrator.client.views``. A token's secret is told once, by the call
that makes it, and is in no repr.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from orchestrator.client.wire import Wire, deal_path, part

Scope = Literal["send", "scim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWanted:
    """A token that is wanted.

    Attributes:
        label: what it is for: a lower-case word.
        highest: the highest tier that it sends.
        conversations: into which, by label or id.
        persons: for whom it may speak.
        days: for how many days.
        each_minute: messages a minute.
        scope: ``send``, or ``scim``: a directory says who works here, and nothing else; then no
            tier, conversation or person is named.
    """

    label: str
    highest: str
    conversations: tuple[str, ...]
    persons: tuple[str, ...]
    days: int = 90
    each_minute: int = 30
    scope: Scope = "send"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A bot's token. ``until``: microseconds UTC."""

    token_id: str
    label: str
    highest: str
    conversations: tuple[str, ...]
    persons: tuple[str, ...]
    until: int
    each_minute: int
    over: bool
    scope: str = "send"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token, told once.

    Attributes:
        secret: for ``Authorization: Bearer``.
        request: that two people have to agree to before it counts; None: it counts.
    """

    token_id: str
    secret: str = field(repr=False)
    until: int
    request: str | None


class BotsApi(Wire):
    """Calls about bots' tokens."""

    async def token_list(self, deal: str) -> Sequence[TokenView]:
        """A deal's tokens."""
        return await self._get(list[TokenView], f"{deal_path(deal)}/tokens")

    async def token_new(self, deal: str, wanted: TokenWanted) -> NewToken:
        """Makes a token; in a founded deal it counts once two people agreed."""
        body = TypeAdapter(TokenWanted).dump_python(wanted, mode="json")
        return await self._post(NewToken, f"{deal_path(deal)}/tokens", body)

    async def token_revoke(self, deal: str, token: str) -> TokenView:
        """Takes a token away, at once."""
        return await self._post(TokenView, f"{deal_path(deal)}/tokens/{part(token)}/revoke")
