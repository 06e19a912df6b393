"""A consistent copy of the store, made while it is being written, and what it names.

Rules kept here:

1. The copy is made by SQLite itself (``VACUUM INTO``), at one instant and from one transaction. It
   holds living rows alone: what was deleted and not yet overwritten is not in it.
2. It lies in the home's own ``tmp``, for the owner alone, and is gone with the block. After a
   kill -9 whoever opens the home next empties that folder first (``hygiene.private_tmp``).
3. What is taken is what this copy names, and the files of channels and settings; links are not
   followed, and nobody else's file is read.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from orchestrator.audit.chain import heads
from orchestrator.backup.layout import BLOBS, CHANNELS, HOME_ID, JOURNAL, STORE, is_left, is_name
from orchestrator.client.problems import Failed
from orchestrator.store.unit import Tx, connect

STILL: Final = "Nothing was written; the home is as it was"
_SQLITE = b"SQLite format 3\0"
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
NAMED: Final = {
    BLOBS: "SELECT owner FROM sealed WHERE envelope IS NULL",
    JOURNAL: "SELECT message_id FROM journal WHERE envelope IS NULL AND key_id IS NOT NULL",
}
"""By folder, the files that a store names."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file that is taken.

    Attributes:
        name: in the backup.
        path: where it lies.
        may_go: it is destroyed when its message has arrived, also while a backup is made.
        may_be_roots: the settings may be of root's, whom whoever reads them trusts, too.
    """

    name: str
    path: Path
    may_go: bool = False
    may_be_roots: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The home at one instant.

    Attributes:
        scratch: a private folder that is gone afterwards.
        heads: by chain, number and hash of its last entry.
        members: in the order of their names.
    """

    scratch: Path
    schema: int
    heads: dict[str, tuple[int, str]]
    members: tuple[Member, ...]


@contextmanager
def taken(home: Path, settings: tuple[Member, ...]) -> Iterator[Snapshot]:
    """Takes a snapshot of a home, for the length of the block.

    Args:
        home: its folder.
        settings: the members that its settings name.

    Raises:
        Failed: there is no room for it, or something in the home cannot be taken.
    """
    base = home / "tmp"
    base.mkdir(mode=0o700, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="backup-", dir=base))
    try:
        yield _taken(home, scratch, settings)
    except (sqlite3.Error, OSError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise Failed(f"The backup could not be made: {told}", still=STILL) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _taken(home: Path, scratch: Path, settings: tuple[Member, ...]) -> Snapshot:
    store = scratch / STORE
    with closing(connect(home / STORE)) as connection:
        connection.execute("VACUUM INTO ?", (str(store),))
    with closing(connect(store, readonly=True)) as connection:
        tx = Tx(connection)
        found = {deal: (head.n, head.hash.hex()) for deal, head in heads(tx)}
        row = tx.one("SELECT max(n) FROM migration")
        named = [
            Member(f"{folder}/{name}", home / folder / name, may_go=True)
            for folder, sql in NAMED.items()
            for (name,) in tx.all(sql)
        ]
    members = [
        Member(STORE, store),
        Member(HOME_ID, home / HOME_ID),
        *named,
        *_channels(home),
        *settings,
    ]
    for member in members:
        if not is_name(member.name):
            raise Failed(f"{member.path} has a name that no backup can hold", still=STILL)
    ordered = tuple(sorted(members, key=lambda m: m.name))
    return Snapshot(scratch, row[0] if row else 0, found, ordered)


def _channels(home: Path) -> Iterator[Member]:
    top = home / CHANNELS
    if top.is_dir() and not top.is_symlink():
        yield from _below(top, CHANNELS)


def _below(folder: Path, name: str) -> Iterator[Member]:
    """The regular files of ours in a folder, and in those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_left(entry.name, folder=is_folder):
                continue
            inner = f"{name}/{entry.name}"
            if is_folder:
                yield from _below(Path(entry.path), inner)
            elif is_own_file(entry.stat(follow_symlinks=False)):
                yield Member(inner, Path(entry.path))


def is_own_file(found: os.stat_result) -> bool:
    """Whether it is a regular file of ours, of one name."""
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1


def opened(snapshot: Snapshot, member: Member) -> BinaryIO:
    """Opens a member to be read; a database of a channel is copied by SQLite first.

    Raises:
        FileNotFoundError: it has gone since.
        Failed: it is no regular file of ours any more.
    """
    file = os.fdopen(os.open(member.path, _OPEN), "rb")
    try:
        _refuse_foreign(member, os.fstat(file.fileno()))
        begins = file.read(len(_SQLITE))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    if begins != _SQLITE or member.name == STORE:
        return file
    file.close()
    return _copied(snapshot.scratch / "channel.db", member.path)


def _refuse_foreign(member: Member, found: os.stat_result) -> None:
    roots = member.may_be_roots and found.st_uid == 0 and stat.S_ISREG(found.st_mode)
    if not (roots or is_own_file(found)):
        raise Failed(f"{member.path} is no plain file of this home", still=STILL)


def _copied(to: Path, path: Path) -> BinaryIO:
    """A database as it is at one instant, page for page."""
    to.unlink(missing_ok=True)
    with closing(connect(path, readonly=True)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
    return to.open("rb")
