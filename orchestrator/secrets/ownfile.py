"""Files that only their owner can read, written so that a crash leaves the old or the new.

Rules kept here:

1. A file is read only when it is a regular file of ours that nobody else can open.
2. A write is on disk when it returns (fsync of the file, rename, fsync of the folder).
3. What is destroyed is overwritten in place and flushed before its name goes. On disks that move
   blocks (SSD, copy-on-write) the overwrite is best effort; that is why a key lies here only
   wrapped by another one.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from orchestrator.secrets.secret import SecretError

MAX_BYTES = 1 << 20
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
PART = ".part"
"""Suffix of a file that is still being written; whatever bears it after a crash is rubbish."""


def make_folder(folder: Path) -> None:
    """Makes ``folder`` and its missing parents, each for the owner alone, and has them on disk.

    Raises:
        SecretError: it exists and others may enter it, or it is not a folder of ours.
    """
    if folder.is_dir():
        check_folder(folder)
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    check_folder(folder)
    sync_folder(folder.parent)


def check_folder(folder: Path) -> None:
    """Refuses a folder that others may enter or that is not ours.

    Raises:
        SecretError: with the command that repairs it.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SecretError(f"{folder} is not a folder; move it away")
    if found.st_uid != os.geteuid():
        raise SecretError(f"{folder} belongs to another user; run: chown {os.geteuid()} '{folder}'")
    if found.st_mode & 0o077:
        raise SecretError(f"others may enter {folder}; run: chmod 700 '{folder}'")


def read_own(path: Path, *, at_most: int = MAX_BYTES) -> bytes:
    """Returns the content of an owner-only file.

    Args:
        path: the file itself; a symbolic link is refused.
        at_most: bytes; a larger file is refused.

    Raises:
        FileNotFoundError: there is none.
        SecretError: it is not a regular file, not ours, open to others, or too large.
    """
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SecretError(
            f"{path} cannot be opened ({error.strerror}); name a plain file"
        ) from None
    try:
        _check_file(path, os.fstat(descriptor), at_most)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(at_most + 1)[:at_most]
    finally:
        os.close(descriptor)


def _check_file(path: Path, found: os.stat_result, at_most: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretError(f"{path} is not a regular file; put the secret into one")
    if found.st_uid != os.geteuid():
        raise SecretError(f"{path} belongs to another user; run: chown {os.geteuid()} '{path}'")
    if found.st_mode & 0o077:
        raise SecretError(f"others may read {path}; run: chmod 600 '{path}'")
    if found.st_size > at_most:
        raise SecretError(f"{path} has {found.st_size} bytes, more than the {at_most} allowed")


def write_own(path: Path, value: bytes) -> None:
    """Puts ``value`` at ``path``, for the owner alone; on disk when it returns."""
    part = path.with_name(path.name + PART)
    with suppress(FileNotFoundError):
        part.unlink()
    with os.fdopen(os.open(part, _MAKE, 0o600), "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)


def destroy_own(path: Path) -> bool:
    """Overwrites and unlinks ``path``; gone from disk when it returns. False: there was none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        os.write(descriptor, bytes(os.fstat(descriptor).st_size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink()
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Has the names in ``folder`` on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
