"""An anchor that is a folder outside the home: a share, a write-once volume, a synced drive.

What it proves: whoever holds the folder can show any later export to be rewritten or cut short.
A plain copy proves no time, and nothing at all once the host can change the folder. With a
witness (``orchestrator.audit.anchors.witness``), who has a key of his own and a machine of
his own, the copy is counter-signed with his time; only that counts without the folder itself.

Rule kept here: a file is made once and never changed. A file that differs from what we would
write shows that this home was set back to an older copy, and is reported, not replaced.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from orchestrator.audit.anchors.port import AnchorFailed, checked_name, kept
from orchestrator.audit.body import canonical_of
from orchestrator.audit.heads import SignedHead
from orchestrator.audit.offline.receipts import judge
from orchestrator.audit.offline.report import Trust
from orchestrator.audit.offline.values import Unreadable, json_object
from orchestrator.clock import MINUTE

WITNESSED = ".witness.json"


class FolderAnchor:
    """Keeps each head as a file. Implements ``Anchor`` and ``CollectsReceipts``.

    Args:
        name: the anchor's name.
        folder: where the files go; must exist.
        home: the home; the folder must not lie in it.
        witness: the witness's public key (32 bytes), None when there is no witness.
        every: microseconds between two heads, at least.

    Raises:
        ValueError: the folder lies in the home.
    """

    kind = "folder"

    def __init__(
        self,
        name: str,
        folder: Path,
        home: Path,
        *,
        witness: bytes | None = None,
        every: int = MINUTE,
    ) -> None:
        if folder.resolve().is_relative_to(home.resolve()):
            raise ValueError(f"anchor {name}: {folder} lies in the home; it must lie outside")
        self.name = checked_name(name)
        self.every = every
        self._folder = folder
        self._witness = witness

    async def anchor(self, head: SignedHead) -> bytes:
        """See the port."""
        file = self._folder / file_name(head)
        try:
            await asyncio.to_thread(_write_once, file, kept(head) + b"\n")
        except OSError as error:
            raise AnchorFailed("folder.unwritable") from error
        return self._receipt(head, None)

    async def collect(self, taken: Sequence[tuple[SignedHead, bytes]]) -> list[tuple[int, bytes]]:
        """See the port."""
        if self._witness is None:
            return []
        return await asyncio.to_thread(self._collect, taken)

    def _collect(self, taken: Sequence[tuple[SignedHead, bytes]]) -> list[tuple[int, bytes]]:
        better = []
        for head, receipt in taken:
            file = self._folder / (file_name(head) + WITNESSED)
            if json_object(receipt)["witness"] is None and file.exists():
                found = self._receipt(head, json_object(file.read_bytes()))
                self._check(head, found)
                better.append((head.n, found))
        return better

    def _check(self, head: SignedHead, receipt: bytes) -> None:
        trust = Trust(witness_keys={self._witness or b""})
        try:
            state, _ = judge(self.kind, receipt, head.digest, trust)
        except (Unreadable, KeyError, TypeError, ValueError) as error:
            raise AnchorFailed("folder.witness_unreadable") from error
        if state != "verified":
            raise AnchorFailed("folder.witness_not_valid")

    def _receipt(self, head: SignedHead, witness: dict[str, object] | None) -> bytes:
        return canonical_of(
            {"file": file_name(head), "sha256": head.digest.hex(), "witness": witness}
        )


def file_name(head: SignedHead) -> str:
    """Returns the name of a head's file: its number and the start of its hash."""
    return f"head-{head.n:012d}-{head.digest.hex()[:16]}.json"


def _write_once(file: Path, content: bytes) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o644)
    try:
        found = os.pread(descriptor, len(content) + 1, 0)
        if not content.startswith(found):  # a shorter beginning is ours, cut off by a crash
            raise AnchorFailed("folder.contradicted")
        os.write(descriptor, content[len(found) :])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    others = [one for one in file.parent.glob(file.name[:17] + "-*.json") if one.name != file.name]
    if any(not one.name.endswith(WITNESSED) for one in others):
        raise AnchorFailed("folder.contradicted")
