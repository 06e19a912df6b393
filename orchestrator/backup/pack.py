"""Writes a snapshot as one stream: a plain tar archive (POSIX.1-1988 ustar), its manifest last.

Rules kept here:

1. Members stand in the order of their names, each once, with nothing of whoever owned them.
2. What is hashed is what is written: each byte is read once.
3. A file that its message's arrival destroyed meanwhile is named as absent. Any other that is gone
   or shorter than it was ends the backup: half a backup is none.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO, Final

from orchestrator.backup.layout import MANIFEST
from orchestrator.backup.manifest import Manifest
from orchestrator.backup.snapshot import Member, Snapshot, opened
from orchestrator.backup.tar import BLOCK, NoHead, head
from orchestrator.client.problems import Failed

PIECE: Final = 64 * 1024
Listed = dict[str, tuple[int, str]]


def packed(
    snapshot: Snapshot, signed: Callable[[Listed, tuple[str, ...]], bytes]
) -> Iterator[bytes]:
    """Yields the archive.

    Args:
        snapshot: what is taken.
        signed: makes the manifest's member of the members with their sizes and hashes, and of
            what is absent.

    Raises:
        Failed: a file changed while it was read.
    """
    listed: Listed = {}
    absent: list[str] = []
    for member in snapshot.members:
        try:
            file = opened(snapshot, member)
        except FileNotFoundError:
            if not member.may_go:
                raise
            absent.append(member.name)
            continue
        with file:
            yield from _one(member, file, listed)
    manifest = signed(listed, tuple(absent))
    yield from _one(Member(MANIFEST, snapshot.scratch), BytesIO(manifest), {})
    yield bytes(2 * BLOCK)


def _one(member: Member, file: BinaryIO, listed: Listed) -> Iterator[bytes]:
    size = file.seek(0, 2)
    file.seek(0)
    yield _header(member.name, size)
    left, digest = size, sha256()
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            wrong = f"{member.name} changed while it was copied"
            raise Failed(wrong, still="What was written is no backup", then="try again")
        left -= len(piece)
        digest.update(piece)
        yield piece
    yield bytes(-size % BLOCK)
    listed[member.name] = (size, digest.hexdigest())


def _header(name: str, size: int) -> bytes:
    try:
        return head(name, size)
    except NoHead:
        wrong = f"{name} is too long a name for a backup"
        raise Failed(wrong, still="What was written is no backup") from None


def made(snapshot: Snapshot, sign: Callable[[Manifest], bytes], about: Manifest) -> Iterator[bytes]:
    """The archive of a snapshot, whose manifest begins as ``about``."""

    def signed(listed: Listed, absent: tuple[str, ...]) -> bytes:
        return sign(
            Manifest(
                about.home, about.at, about.program, snapshot.schema,
                listed, snapshot.heads, absent, about.outside, about.public,
            )
        )  # fmt: skip

    return packed(snapshot, signed)
