"""What a backup says of itself, signed by the home's audit key.

Rules kept here:

1. It names every member with its size and hash, and the end of each deal's chain at that instant;
   nothing more and nothing less may be in the file.
2. It is signed over a text that nothing else of ours signs (domain separation).
3. It names no deal by its code, and no person.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from orchestrator.audit.heads import HeadKey, key_id
from orchestrator.backup.layout import FORMAT, is_name

DOMAIN: Final = b"wallcross backup manifest v1\n"
MOST_BYTES: Final = 64 << 20
"""A longer one is refused: some 400,000 files."""


_FIELDS: Final = 10


class NotAManifest(Exception):
    """What stands at its place is none, or is not signed by the key that it names."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup.

    Attributes:
        home: the home's id.
        at: the instant of the snapshot, microseconds UTC.
        program: the version that made it.
        schema: the newest migration of its store.
        members: by name, size in bytes and SHA-256 in hexadecimal.
        heads: by chain, number and hash of its last entry.
        absent: files that the store names and that were destroyed while the backup was made.
        outside: members that did not lie in the home, by where they lay.
        public: the key that signed, in hexadecimal.
    """

    home: str
    at: int
    program: str
    schema: int
    members: Mapping[str, tuple[int, str]]
    heads: Mapping[str, tuple[int, str]]
    absent: tuple[str, ...] = ()
    outside: Mapping[str, str] = field(default_factory=dict)
    public: str = ""

    @property
    def key_id(self) -> str:
        """The short name of the key that signed."""
        return key_id(bytes.fromhex(self.public))

    @property
    def digest(self) -> str:
        """The SHA-256 of what was signed: the name of this backup."""
        return sha256(self._text()).hexdigest()

    def _text(self) -> bytes:
        named = {"format": FORMAT, **asdict(self)}
        return json.dumps(named, sort_keys=True, separators=(",", ":")).encode()

    def signed(self, key: HeadKey) -> bytes:
        """The member that holds it: one line, and one with the signature of ``key``.

        ``public`` must be that of ``key``.
        """
        text = self._text()
        return text + b"\n" + key.sign(DOMAIN + text).hex().encode() + b"\n"


def read(data: bytes) -> Manifest:
    """Reads the member; its signature is of the key that it names.

    Raises:
        NotAManifest: it is not in that form, or the signature does not fit.
    """
    try:
        text, signature = data.removesuffix(b"\n").split(b"\n")
        found = _made(json.loads(text))
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.public))
        public.verify(bytes.fromhex(signature.decode()), DOMAIN + text)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature):
        raise NotAManifest from None
    if found._text() != text:  # noqa: SLF001 - its own class's
        raise NotAManifest
    return found


def _made(said: dict[str, Any]) -> Manifest:
    if said["format"] != FORMAT or len(said) != _FIELDS:
        raise NotAManifest
    found = Manifest(
        home=str(said["home"]),
        at=int(said["at"]),
        program=str(said["program"]),
        schema=int(said["schema"]),
        members=_pairs(said["members"]),
        heads=_pairs(said["heads"]),
        absent=tuple(map(str, said["absent"])),
        outside={str(name): str(path) for name, path in said["outside"].items()},
        public=str(said["public"]),
    )
    if not all(map(is_name, [*found.members, *found.absent])):
        raise NotAManifest
    return found


def _pairs(said: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    return {str(name): (int(number), str(digest)) for name, (number, digest) in said.items()}
