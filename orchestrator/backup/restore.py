"""Makes a home of a backup: in a new folder, whole or not at all, and marked as restored.

Rules kept here:

1. Only into a folder that is empty or not there. Everything is checked first, in a private folder
   beside it, which is then given its name: a home is there with its mark, or not there.
2. The mark is a row of the store. Whoever opens the home next states it in every chain, and from
   then on nothing is sent until a named person says so (``orchestrator.command.restored``).
3. What an attempt left that was killed is removed by the next one, unless it still runs.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import pyrage

from orchestrator.backup.check import Verified, verify
from orchestrator.backup.layout import STORE
from orchestrator.backup.manifest import Manifest
from orchestrator.client.problems import Failed, Refused
from orchestrator.secrets.ownfile import sync_folder
from orchestrator.store.lock import home_lock

MARK: Final = "restored"
"""The key of the row in the table ``home``."""
_STILL: Final = "Nothing was restored"


def restore(
    file: BinaryIO, identities: Sequence[pyrage.x25519.Identity], to: Path, *, at: int
) -> Verified:
    """Restores a backup into ``to``.

    Args:
        file: the backup.
        identities: keys of which one opens it.
        to: the new home's folder.
        at: microseconds UTC.

    Returns:
        what was found; with problems, nothing was restored.

    Raises:
        Refused: something is in ``to``.
        Failed: as ``check.verify``, or the disk is full.
        HomeInUse: another restore into it runs.
    """
    refuse_full(to)
    with _beside(to) as part:
        found = verify(file, identities, part, whole=True)
        if found.problems:
            return found
        _mark(part / STORE, found.manifest, at)
        _synced(part)
        refuse_full(to)
        part.replace(to)
        sync_folder(to.parent)
    return found


def refuse_full(to: Path) -> None:
    """Raises: Refused where something is in a folder, or it is none."""
    if to.is_symlink() or (to.exists() and (not to.is_dir() or any(to.iterdir()))):
        raise Refused(f"{to} is not empty", still=_STILL, then="name a new folder")


@contextmanager
def _beside(to: Path) -> Iterator[Path]:
    """A private folder beside it, which is held and is gone afterwards, unless it got its name."""
    part = to.parent / f".{to.name}.restoring"
    try:
        part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.mkdir(mode=0o700, exist_ok=True)
        with home_lock(part):
            _emptied(part)
            try:
                yield part
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise Failed(f"The backup could not be restored: {told}", still=_STILL) from None


def _emptied(part: Path) -> None:
    for left in part.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        elif left.name != "lock":
            left.unlink()


def _mark(store: Path, manifest: Manifest, at: int) -> None:
    told = {"backup_at": manifest.at, "restored_at": at, "manifest": manifest.digest}
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "INSERT INTO home VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (MARK, json.dumps(told)),
        )


def _synced(part: Path) -> None:
    for folder, _, _ in os.walk(part):
        sync_folder(Path(folder))
