"""A backup of the open home, sealed to public keys, while it goes on.

Rules kept here:

1. It is itself an entry, and the heads are signed with it: the backup's record ends with its own.
2. What leaves is sealed already; the snapshot lies in a private folder and goes with the request.
3. No key of the home is in it, and none that opens it is here.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from hashlib import sha256
from importlib import metadata

from orchestrator.audit.body import Json
from orchestrator.audit.chain import HOME, append
from orchestrator.audit.heads import sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.backup.envelope import recipients_of, sealed
from orchestrator.backup.manifest import Manifest
from orchestrator.backup.pack import made
from orchestrator.backup.settings import files_of
from orchestrator.backup.snapshot import taken
from orchestrator.command.runtime import Runtime
from orchestrator.store.unit import Tx


class Backups:
    """Implements ``orchestrator.api.port_backup.BackupAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def backup_create(
        self, recipients: Sequence[str], *, actor: str
    ) -> AsyncGenerator[bytes, None]:
        """The backup in pieces, sealed to ``recipients`` (``age1…``). Raises: Wrong, Failed."""
        keys = recipients_of(recipients)
        at, key = self._r.now(), self._r.head_key
        digests = sorted({sha256(str(k).encode()).hexdigest() for k in keys})

        def unit(tx: Tx) -> None:
            body: dict[str, Json] = {"what": "backup", "sealed_to": digests}
            append(tx, HOME, Kind.BACKUP_MADE, body, at=at, actor=actor)
            sign_heads(tx, key, at=at)

        await self._r.store.write(unit)
        settings = self._r.settings
        members, outside = await asyncio.to_thread(files_of, settings)
        with ExitStack() as stack:
            snapshot = await asyncio.to_thread(stack.enter_context, taken(settings.state, members))
            about = Manifest(
                *(key.home, at, metadata.version("wallcross"), snapshot.schema, {}, {}),
                outside=outside,
                public=key.public.hex(),
            )
            pieces = made(snapshot, lambda manifest: manifest.signed(key), about)
            async for piece in sealed(pieces, keys):
                yield piece
