"""Copies of documents: called back, taken away sealed, and known again.

Rules kept here: as for ``orchestrator.client.views``. A file that is asked about is read where it
lies; its hashes go to the home, in a body and in no address, and nothing else of it.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.client.views import DocumentView
from orchestrator.client.wire import Wire, deal_path, part

_BEGIN, _END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"
_PIECE = 1024 * 1024
_LONGEST = 1000
"""Bytes of a line that are looked at: a line of armour has fewer (RFC 4880, 6.3)."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """What a file is asked about by.

    Attributes:
        whole: SHA-256 of all of its bytes.
        sealed: of the armour that it holds, each line ended by one LF; None: it holds none.
    """

    whole: str = field(repr=False)
    sealed: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCopy:
    """A copy that a file is, or may be one of. ``name``: its reader's, to whom it may be told."""

    number: int
    reader: str
    name: str
    state: str
    settled_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDocument:
    """A document of ours that a file was known again as.

    Attributes:
        form: ``sealed`` or ``opened``: byte for byte the one copy of ``copies``; ``document``: the
            document itself, which is the same for all of ``copies``, and shows whose it is of none.
        conversation: as it is called to whoever asks.
        sent_at: when it was handed in, microseconds UTC.
    """

    message_id: str
    form: str
    conversation: str
    sender: str | None
    sent_at: int
    copies: tuple[KnownCopy, ...]


def hashes_of(path: Path) -> Hashes:
    """Reads a file in pieces, and keeps nothing of it."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole.update(piece)
    return Hashes(whole.hexdigest(), _armour_of(path))


def _armour_of(path: Path) -> str | None:
    """Of the first armoured message in a file, however its lines end."""
    sealed = None
    with path.open("rb") as file:
        while line := file.readline(_LONGEST):
            plain = line.rstrip(b"\r\n")
            if plain == _BEGIN:
                sealed = hashlib.sha256()
            if sealed is not None:
                sealed.update(plain + b"\n")
                if plain == _END:
                    return sealed.hexdigest()
    return None


class CopiesApi(Wire):
    """Calls of ``orchestrator.api.copies``."""

    async def document_recall(
        self, message: str, readers: Sequence[str], reason: str
    ) -> DocumentView:
        """Calls copies back; without readers, all of them."""
        body = {"readers": list(readers), "reason": reason}
        return await self._post(DocumentView, f"/documents/{part(message)}/recall", body)

    def copy_take(self, message: str, number: int) -> AsyncIterator[bytes]:
        """A sealed copy, in pieces."""
        return self._pieces(f"/documents/{part(message)}/copies/{number}")

    async def document_known(self, deal: str, hashes: Hashes) -> Sequence[KnownDocument]:
        """Which of a deal's documents, or whose copy of it, a file is."""
        body = {"whole": hashes.whole, "sealed": hashes.sealed}
        return await self._post(list[KnownDocument], f"{deal_path(deal)}/documents/known", body)
