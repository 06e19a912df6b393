"""Names and numbers of Signal: group ids in their two forms, safety numbers, fingerprints.

Rule kept here: they have the form, the length and the alphabet of the real ones, because a
connector goes wrong exactly where they differ from what it expects.
"""

import base64
import hashlib
import secrets
import uuid
from functools import lru_cache

PREFIX = "group."
ROUNDS = 5200
"""Of the hash behind a safety number, as in Signal's numeric fingerprint, version 2."""


def new_uuid() -> str:
    """An account's ACI."""
    return str(uuid.uuid4())


def new_key() -> bytes:
    """A public identity key: a type byte and 32 bytes."""
    return b"\x05" + secrets.token_bytes(32)


def new_internal_id() -> str:
    """A group's id as received messages carry it; may hold ``/`` and ``+``."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def rest_id(internal: str) -> str:
    """The id that the REST calls take."""
    return PREFIX + base64.b64encode(internal.encode()).decode()


def internal_id(rest: str) -> str | None:
    """The other form; None when it is none."""
    if not rest.startswith(PREFIX):
        return None
    try:
        return base64.b64decode(rest.removeprefix(PREFIX), validate=True).decode()
    except ValueError:
        return None


def fingerprint(key: bytes) -> str:
    """A key as the identities call shows it."""
    return " ".join(f"{byte:02x}" for byte in key)


@lru_cache(maxsize=4096)
def _half(owner: str, key: bytes) -> str:
    digest = b"\x00\x00" + key + uuid.UUID(owner).bytes
    for _ in range(ROUNDS):
        digest = hashlib.sha512(digest + key).digest()
    pieces = (int.from_bytes(digest[at : at + 5], "big") % 100_000 for at in range(0, 30, 5))
    return "".join(f"{piece:05d}" for piece in pieces)


def safety_number(one: tuple[str, bytes], other: tuple[str, bytes]) -> str:
    """The sixty digits that both people see; each is an ACI and a key."""
    return "".join(sorted((_half(*one), _half(*other))))
