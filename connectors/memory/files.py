"""Files of the memory network: taken in pieces, kept in memory, handed out in pieces.

Rule kept here: a file's name and type are its message's, never a path; its bytes touch no disk.
"""

import secrets
from collections.abc import AsyncIterator
from hashlib import sha256

from connectors.memory.model import FilePart, StoredFile
from connectors.memory.network import Network
from connectors.memory.wire import JsonObject, Refusal


async def upload(network: Network, body: AsyncIterator[bytes] | None) -> JsonObject:
    """Takes a file. Raises: Refusal when it is too large or none came."""
    if body is None:
        raise Refusal("rejected", "no_file")
    file, hashed = StoredFile(secrets.token_urlsafe(12), "", 0, []), sha256()
    async for chunk in body:
        file.size += len(chunk)
        if file.size > network.options.max_attachment_bytes:
            raise Refusal("rejected", "too_large", "a file is larger than the network takes")
        hashed.update(chunk)
        file.chunks.append(chunk)
    file.sha256 = hashed.hexdigest()
    network.files[file.id] = file
    return {"file": file.id, "sha256": file.sha256, "size": file.size}


def parts(network: Network, named: list[JsonObject]) -> tuple[FilePart, ...]:
    """Uploaded files as a message names them. Raises: Refusal."""
    return tuple(
        FilePart(
            stored(network, f["file"]),
            str(f["name"]),
            str(f["media_type"]),
            f.get("screenshot") is True,
        )
        for f in named
    )


def stored(network: Network, file_id: object) -> StoredFile:
    """An uploaded file. Raises: Refusal."""
    file = network.files.get(str(file_id))
    if file is None:
        raise Refusal("unreadable", "file_unknown", "the network no longer has the file")
    return file
