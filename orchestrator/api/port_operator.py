"""What the operator's port needs of a running home."""

from typing import Protocol

from orchestrator.query.operating import Operating


class OperatorAccess(Protocol):
    """How a home works, for whoever watches the machine."""

    async def operating(self) -> Operating:
        """How it works now; never fails, and says of what does not answer that it is unknown."""
        ...
