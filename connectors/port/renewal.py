"""What a connector does about its own secrets beside signing in with them: two abilities.

Rules kept here:

1. A connector that keeps a session shows nothing of its secrets by opening: it proves them.
2. Whoever has a network take another password has written it down before.
3. A model ``Secrets`` says which of its values are not changed by putting another in their place,
   in a class variable ``fixed``: what they seal would be lost. By name, with what to do instead.
"""

from typing import Protocol, runtime_checkable

PASSWORD = "password"  # noqa: S105 - the name of a secret
"""Under this name a connector that sets its password takes it."""


@runtime_checkable
class ProvesSecrets(Protocol):
    """Keeps a session, so that it opens whatever its secrets are."""

    async def prove_secrets(self) -> None:
        """Signs in by the secrets that it was opened with, as the device that it is.

        Raises: ConnectorError where its network does not take them; what was in force stays so.
        """
        ...


@runtime_checkable
class SetsPassword(Protocol):
    """Can have its network take another password for our account; its devices stay signed in."""

    async def set_password(self, value: str) -> None:
        """Asks for it. Raises: Rejected where it was certainly not taken; ConnectorError."""
        ...
