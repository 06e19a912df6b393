"""A passkey in software, with its browser: what both would hand over, byte for byte.

CBOR is written here (RFC 8949, canonical), so that what reads it is not what wrote it.
"""

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def cbor(value: Any) -> bytes:
    """A value as CBOR, map keys in the canonical order of CTAP2."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted((cbor(k), cbor(v)) for k, v in value.items())
    pairs.sort(key=lambda pair: (len(pair[0]), pair[0]))
    return _head(5, len(pairs)) + b"".join(k + v for k, v in pairs)


def _head(kind: int, size: int) -> bytes:
    for most, code, width in ((24, 0, 0), (2**8, 24, 1), (2**16, 25, 2), (2**32, 26, 4)):
        if size < most:
            first = bytes([kind << 5 | (size if width == 0 else code)])
            return first + (size.to_bytes(width, "big") if width else b"")
    raise ValueError("too large for a test")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def private(kind: str = "es256") -> Private:
    if kind == "eddsa":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authenticator:
    """One passkey, and the page that asks it."""

    rp_id: str = "kestrel.example"
    origin: str = "https://wallcross.kestrel.example"
    key: Private = field(default_factory=private)
    handle: bytes = b"handle-of-a-passkey"
    count: int = 0
    flags: int = PRESENT | VERIFIED
    cross: bool = False

    def cose(self) -> dict[int, Any]:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return {1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()}
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}

    def made(self, challenge: bytes = b"whatever") -> str:
        """What ``navigator.credentials.create()`` answers, as JSON."""
        named = len(self.handle).to_bytes(2, "big") + self.handle
        held = bytes(16) + named + cbor(self.cose())
        data = self._data(self.flags | ATTESTED) + held
        attestation = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", challenge)
        return self._answer(attestationObject=attestation, clientDataJSON=client)

    def signed(self, challenge: bytes, kind: str = "webauthn.get") -> str:
        """What ``navigator.credentials.get()`` answers, as JSON."""
        self.count += 1 if self.count else 0
        data, client = self._data(self.flags), self._client(kind, challenge)
        over = data + sha256(client).digest()
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            signature = self.key.sign(over)
        else:
            signature = self.key.sign(over, ec.ECDSA(SHA256()))
        return self._answer(authenticatorData=data, clientDataJSON=client, signature=signature)

    def _data(self, flags: int) -> bytes:
        rp = sha256(self.rp_id.encode()).digest()
        return rp + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: bytes) -> bytes:
        said = {"type": kind, "challenge": b64(challenge), "origin": self.origin}
        return json.dumps({**said, "crossOrigin": self.cross}).encode()

    def _answer(self, **parts: bytes) -> str:
        response = {name: b64(part) for name, part in parts.items()}
        return json.dumps({"id": b64(self.handle), "type": "public-key", "response": response})
