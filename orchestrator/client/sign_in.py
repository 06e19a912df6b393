"""Sign-in as its views and calls: who somebody is, and in which deals.

Rule kept here: an instant is microseconds UTC; a secret is in no view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.client.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class MyDeal:
    """A deal as somebody is part of it.

    Attributes:
        person: who of its roster he is; None for whoever runs the home.
        name: his name there.
        rights: by row of the table of rights: how much he sees, and what he may do.
        needs: by page: how many things need him.
        stands_in: he stands in for roles that nobody has yet.
    """

    deal_id: str
    code: str
    made_up: bool
    phase: str
    person: str | None
    name: str
    roles: tuple[str, ...]
    rights: Mapping[str, tuple[str, str]]
    needs: Mapping[str, int] = field(default_factory=dict)
    stands_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """Whoever asks.

    Attributes:
        way: how he signed in.
        until: when his session ends at the latest.
        idle_until: when it ends if he does nothing.
        stepped_up_until: until when he counts as having proved himself again; None: he does not.
    """

    actor: str
    name: str
    way: str
    until: int | None
    idle_until: int | None
    stepped_up_until: int | None
    deals: Sequence[MyDeal]


class SignInApi(Wire):
    """Who somebody is."""

    async def me(self) -> MeView:
        """Whoever asks, and his deals."""
        return await self._get(MeView, "/me")
