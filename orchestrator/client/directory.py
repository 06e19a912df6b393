"""What a company's directory said of its people and groups, and the call that lists it.

Rules kept here: as for ``orchestrator.client.views``. Of a person it holds what he is told apart by
and whether he still works there; no address, number, title or photograph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.client.wire import Wire

IdentityKind = Literal["user", "group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, or a group, whom a directory named.

    Attributes:
        name: a user's ``userName``, or a group's ``displayName``.
        external: the directory's own id; for a user the provider's subject (``sub``).
        shown: a user's ``displayName``.
        active: he works there; a group always.
        members: of a group, ids of identities.
        version: counts changes, from 1.
        made_at, changed_at: microseconds UTC.
    """

    identity_id: str = ""
    kind: IdentityKind
    name: str
    external: str | None = None
    shown: str | None = None
    active: bool = True
    members: tuple[str, ...] = ()
    version: int = 0
    made_at: int = 0
    changed_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownView:
    """An identity as whoever runs the home is shown it.

    Attributes:
        persons: who he is on the lists of this home, as ``CODE person``; nobody: he has no seat,
            and gets one by two people who agree to a roster alone.
    """

    identity_id: str
    kind: str
    name: str
    active: bool
    changed_at: int
    persons: tuple[str, ...]


class DirectoryApi(Wire):
    """Calls about a directory's identities."""

    async def directory_list(self) -> Sequence[KnownView]:
        """Everybody whom a directory named."""
        return await self._get(list[KnownView], "/directory")
