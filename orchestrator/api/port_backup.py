"""What the API asks of a home for a backup of it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol


class BackupAccess(Protocol):
    """Backups of the whole home."""

    def backup_create(
        self, recipients: Sequence[str], *, actor: str
    ) -> AsyncGenerator[bytes, None]:
        """The backup in pieces, an age file for public keys; itself an entry.

        Raises:
            Wrong: one of ``recipients`` is no public age key; nothing was made.
            Failed: there is no room for the snapshot, or a file changed while it was read.
        """
        ...
