"""What a company's directory (SCIM) needs of a running home."""

from collections.abc import Sequence
from typing import Protocol

from orchestrator.client.directory import Identity, IdentityKind, KnownView

Where = tuple[str, str] | None
Actor = str


class DirectoryAccess(Protocol):
    """What a directory said; it takes out, and lets nobody in."""

    async def directory_list(self) -> Sequence[KnownView]:
        """Everybody whom a directory named, with who he is on our lists."""
        ...

    async def directory_find(
        self, kind: IdentityKind, where: Where, first: int, most: int
    ) -> tuple[int, Sequence[Identity]]:
        """How many fit, and ``most`` of them from the ``first`` on, counted from 0."""
        ...

    async def directory_show(self, kind: IdentityKind, identity: str) -> Identity:
        """One. Raises: Missing."""
        ...

    async def directory_new(self, new: Identity, *, actor: Actor) -> Identity:
        """Notes somebody new. Raises: Problem (409 where his name is taken), Wrong, Refused."""
        ...

    async def directory_change(
        self, before: Identity, after: Identity, *, version: int | None, actor: Actor
    ) -> Identity:
        """Notes what is said of somebody now. Raises: Missing, Problem (409, 412), TooOften."""
        ...

    async def directory_drop(
        self, kind: IdentityKind, identity: str, *, version: int | None, actor: Actor
    ) -> None:
        """Forgets somebody, who is then gone. Raises: Missing, Problem (412), TooOften."""
        ...
