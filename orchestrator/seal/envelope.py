"""The sealed form of a body: libsodium's secretstream in chunks of 64 KiB.

Layout of an envelope (integers are single bytes):

    "WX" | version 1 | algorithm 1 | key id, 16 bytes | stream header, 24 bytes | chunks

Each chunk is up to 64 KiB of text and 17 bytes of tag; all but the last are full, and the last
bears the stream's FINAL tag. Every chunk is bound to the first 20 bytes, the owner and the deal.

Rules kept here: cut short, reordered, prolonged, altered or moved to another owner or deal, an
envelope is refused; and nothing of a chunk is handed out before its tag was checked.
"""

from nacl.bindings.crypto_secretstream import (
    crypto_secretstream_xchacha20poly1305_ABYTES as TAG_BYTES,
)
from nacl.bindings.crypto_secretstream import (
    crypto_secretstream_xchacha20poly1305_HEADERBYTES as STREAM_HEADER_BYTES,
)
from nacl.bindings.crypto_secretstream import (
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_init_push,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
)
from nacl.bindings.crypto_secretstream import (
    crypto_secretstream_xchacha20poly1305_TAG_FINAL as FINAL,
)
from nacl.bindings.crypto_secretstream import (
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE as MORE,
)
from nacl.exceptions import CryptoError

from orchestrator.seal.errors import Tampered

CHUNK = 64 * 1024
SEALED_CHUNK = CHUNK + TAG_BYTES
KEY_ID_BYTES = 16
PREFIX = b"WX\x01\x01"
HEAD_BYTES = len(PREFIX) + KEY_ID_BYTES + STREAM_HEADER_BYTES
_PREAMBLE_BYTES = len(PREFIX) + KEY_ID_BYTES


def bound(purpose: bytes, *fields: str) -> bytes:
    """Returns associated data in which no two lists of fields look the same."""
    encoded = [field.encode() for field in fields]
    return purpose + b"".join(len(field).to_bytes(4, "big") + field for field in encoded)


class Sealing:
    """Turns text into an envelope, piece by piece.

    Args:
        key: 32 random bytes used for this envelope alone.
        key_id: 16 bytes that name ``key``.
        owner: id of what is sealed.
        deal_id: its deal.
    """

    __slots__ = ("_aad", "_held", "_state", "head")

    def __init__(self, key: bytes, key_id: bytes, owner: str, deal_id: str) -> None:
        self._aad = PREFIX + key_id + bound(b"body", owner, deal_id)
        self._state = crypto_secretstream_xchacha20poly1305_state()
        stream_header = crypto_secretstream_xchacha20poly1305_init_push(self._state, key)
        self.head = PREFIX + key_id + stream_header
        self._held = b""

    def add(self, text: bytes) -> bytes:
        """Takes more text; returns the chunks that are full and surely not the last."""
        held = self._held + text if self._held else text
        full = max(0, (len(held) - 1) // CHUNK)
        out = [self._push(held[n * CHUNK : (n + 1) * CHUNK], MORE) for n in range(full)]
        self._held = held[full * CHUNK :]
        return b"".join(out)

    def finish(self) -> bytes:
        """Returns the last chunk."""
        held, self._held = self._held, b""
        return self._push(held, FINAL)

    def _push(self, chunk: bytes, tag: int) -> bytes:
        return crypto_secretstream_xchacha20poly1305_push(self._state, chunk, self._aad, tag)


class Opening:
    """Turns an envelope back into text, piece by piece.

    Args:
        head: the envelope's first ``HEAD_BYTES`` bytes.
        key: the key it was sealed with.
        key_id: the id that the key's wrap names.
        owner: id of what is expected.
        deal_id: its deal.

    Raises:
        Tampered: the head is not ours or names another key.
    """

    __slots__ = ("_aad", "_held", "_state", "done")

    def __init__(self, head: bytes, key: bytes, key_id: bytes, owner: str, deal_id: str) -> None:
        if len(head) != HEAD_BYTES or head[:_PREAMBLE_BYTES] != PREFIX + key_id:
            raise Tampered("an envelope's head is not the one that its key was wrapped for")
        self._aad = head[:_PREAMBLE_BYTES] + bound(b"body", owner, deal_id)
        self._state = crypto_secretstream_xchacha20poly1305_state()
        crypto_secretstream_xchacha20poly1305_init_pull(self._state, head[_PREAMBLE_BYTES:], key)
        self._held = b""
        self.done = False

    def add(self, sealed: bytes) -> bytes:
        """Takes more of the envelope; returns the text of the chunks that are whole.

        Raises:
            Tampered: a chunk is not what was sealed.
        """
        held = self._held + sealed if self._held else sealed
        full = len(held) // SEALED_CHUNK
        out = [self._pull(held[n * SEALED_CHUNK : (n + 1) * SEALED_CHUNK]) for n in range(full)]
        self._held = held[full * SEALED_CHUNK :]
        return b"".join(out)

    def finish(self) -> bytes:
        """Returns the rest of the text.

        Raises:
            Tampered: the envelope ends before its last chunk.
        """
        out = self._pull(self._held) if self._held else b""
        self._held = b""
        if not self.done:
            raise Tampered("an envelope was cut short")
        return out

    def _pull(self, chunk: bytes) -> bytes:
        if self.done:
            raise Tampered("an envelope goes on after its last chunk")
        try:
            text, tag = crypto_secretstream_xchacha20poly1305_pull(self._state, chunk, self._aad)
        except (CryptoError, ValueError, RuntimeError):
            raise Tampered("an envelope is not what was sealed for this owner and deal") from None
        self.done = tag == FINAL
        return text


def seal_bytes(key: bytes, key_id: bytes, owner: str, deal_id: str, text: bytes) -> bytes:
    """Returns the whole envelope of ``text``."""
    sealing = Sealing(key, key_id, owner, deal_id)
    return sealing.head + sealing.add(text) + sealing.finish()


def open_bytes(key: bytes, key_id: bytes, owner: str, deal_id: str, envelope: bytes) -> bytes:
    """Returns the text of a whole envelope.

    Raises:
        Tampered: it is not what was sealed for this owner and deal.
    """
    opening = Opening(envelope[:HEAD_BYTES], key, key_id, owner, deal_id)
    return opening.add(envelope[HEAD_BYTES:]) + opening.finish()
