"""The call for a backup: sealed by the home, in pieces."""

from collections.abc import AsyncGenerator, Sequence

import httpx

from orchestrator.client.problems import Failed
from orchestrator.client.wire import Wire


class BackupApi(Wire):
    """Backups of the whole home."""

    async def backup_create(self, recipients: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """The backup in pieces, an age file for public keys.

        Raises:
            Failed: the home broke off; what came is no backup.
        """
        try:
            async for piece in self._pieces("/backup", body={"recipients": list(recipients)}):
                yield piece
        except httpx.TransportError:
            raise Failed(
                "The home broke off while it made the backup",
                still="What came of it is no backup and was thrown away",
                then="wallcross doctor, and the log of serve",
            ) from None
