"""Files, encrypted for the homeserver and streamed: no file is ever whole in memory.

Rules kept here:

1. The homeserver holds ciphertext under a random name; name, type, key and hash go inside the
   encrypted message.
2. A fetched file is handed out in pieces while it is hashed; when the hash is not the one of the
   message, reading ends with an error. Whoever keeps pieces commits them at the end, not before.
3. A file that is longer or shorter than it was said to be is refused.

Source: matrix-spec, "Sending encrypted attachments" (``EncryptedFile`` v2: AES-256-CTR, SHA-256).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from nio.crypto.async_attachments import async_encrypt_attachment

from connectors.matrix.client import Client
from connectors.port.errors import Rejected, Unavailable
from connectors.port.messages import Attachment

_ADDRESS = re.compile(r"mxc://[^/\s]+/[^/\s]+")
_KEY_BYTES, _IV_BYTES, _HASH_BYTES = 32, 16, 32


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """Where an encrypted file lies and what opens it.

    Attributes:
        url: ``mxc://`` address of the ciphertext.
        key: AES-256 key.
        iv: first counter block.
        digest: SHA-256 of the ciphertext.
    """

    url: str
    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def read(cls, told: Any) -> "EncryptedFile | None":
        """From a message's ``file``; None when it is malformed or of another version."""
        if not isinstance(told, Mapping) or told.get("v") != "v2":
            return None
        key, hashes = told.get("key"), told.get("hashes")
        if not isinstance(key, Mapping) or not isinstance(hashes, Mapping):
            return None
        url = _address(told.get("url"))
        parts = _decoded(key.get("k")), _decoded(told.get("iv")), _decoded(hashes.get("sha256"))
        whole = tuple(map(len, parts)) == (_KEY_BYTES, _IV_BYTES, _HASH_BYTES)
        return cls(url, *parts) if whole and url else None


def _address(url: object) -> str:
    """A media address, or nothing where it is none."""
    return url if isinstance(url, str) and _ADDRESS.fullmatch(url) else ""


def _decoded(text: object) -> bytes:
    """Bytes of base64 in either alphabet, padded or not; empty when it is none."""
    if not isinstance(text, str):
        return b""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


async def store(client: Client, file: Attachment, limit: int) -> dict[str, Any]:
    """Encrypts a file on its way to the homeserver.

    Args:
        client: signed in.
        file: what to store.
        limit: largest size in bytes.

    Returns:
        Address and keys, as a message's ``file``.

    Raises:
        Rejected: too large, or not as long as it says. Unavailable: not stored.
    """
    if file.size > limit:
        raise Rejected("file_too_large", f"a file of {file.size} bytes; the most is {limit}")
    keys: dict[str, Any] = {}
    address = await client.upload(_sealed(file, keys), file.size)
    return {**keys, "url": address}


async def _sealed(file: Attachment, keys: dict[str, Any]) -> AsyncIterator[bytes]:
    """Ciphertext in pieces; fills ``keys`` at its end."""
    count = 0
    async for piece in async_encrypt_attachment(_plain(file)):
        if isinstance(piece, dict):
            keys.update(piece)
            continue
        count += len(piece)
        if count > file.size:
            break
        yield piece
    if count != file.size:
        raise Rejected("file_length_differs", "a file is not as long as it says")


async def _plain(file: Attachment) -> AsyncIterator[bytes]:
    """The file's bytes; where they come from is not ours, so any error of it becomes one of ours.

    Raises:
        Unavailable: the file could not be read.
    """
    try:
        async for piece in file.open():
            yield piece
    except Exception as error:  # noqa: BLE001 (a source of bytes may raise whatever it likes)
        failed = type(error).__name__
    else:
        return
    raise Unavailable("file_unread", f"a file could not be read ({failed})")


def reader(client: Client, file: EncryptedFile, limit: int) -> Callable[[], AsyncIterator[bytes]]:
    """What starts a new read of a received file.

    Args:
        client: signed in.
        file: address and keys.
        limit: bytes after which reading fails.

    The iterator raises Rejected when the bytes are not the ones that were sent.
    """

    async def pieces() -> AsyncIterator[bytes]:
        opener = Cipher(AES256(file.key), CTR(file.iv)).decryptor()
        seen = hashlib.sha256()
        async with client.download(file.url, limit) as stream:
            async for piece in stream:
                seen.update(piece)
                yield opener.update(piece)
        if not hmac.compare_digest(seen.digest(), file.digest):
            raise Rejected("file_altered", "the stored file is not the one that was sent")

    return pieces


def plain_reader(client: Client, url: str, limit: int) -> Callable[[], AsyncIterator[bytes]]:
    """What starts a read of a file that was sent in the clear."""

    async def pieces() -> AsyncIterator[bytes]:
        async with client.download(url, limit) as stream:
            async for piece in stream:
                yield piece

    return pieces


def opener(
    client: Client, limit: int
) -> Callable[[Mapping[str, Any]], Callable[[], AsyncIterator[bytes]] | None]:
    """What finds, for a message's content, how its file is read; None when it cannot be."""

    def find(content: Mapping[str, Any]) -> Callable[[], AsyncIterator[bytes]] | None:
        file = EncryptedFile.read(content.get("file"))
        if file is not None:
            return reader(client, file, limit)
        url = _address(content.get("url"))
        return plain_reader(client, url, limit) if url else None

    return find
