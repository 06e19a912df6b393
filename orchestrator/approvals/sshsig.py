"""Signatures that `ssh-keygen -Y sign` makes, checked here without running any program.

Rules kept here (PROTOCOL.sshsig of OpenSSH; RFC 4251, RFC 8332, RFC 8709; PROTOCOL.u2f):

1. The namespace is ours, and the key in the signature is the enrolled one, byte for byte.
2. Ed25519, ECDSA over the three NIST curves, RSA of 3,072 bits and more with SHA-2, and the first
   two in hardware. Nothing else: no DSA, no SHA-1, no short RSA.
3. A hardware key must have been touched. What it counts is handed back, to be compared.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import new as new_hash
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from orchestrator.approvals.errors import BadSignature, NoKey
from orchestrator.approvals.plan import NAMESPACE

MAGIC = b"SSHSIG"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
LEAST_RSA_BITS = 3072
TOUCHED = 0x01
LONGEST = 16_384
"""Bytes of a key or signature that are read at all."""

_ED, _RSA = "ssh-ed25519", "ssh-rsa"
_SK_ED, _SK_EC = "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"
_CURVES: dict[str, tuple[EllipticCurve, hashes.HashAlgorithm]] = {
    "nistp256": (SECP256R1(), hashes.SHA256()),
    "nistp384": (SECP384R1(), hashes.SHA384()),
    "nistp521": (SECP521R1(), hashes.SHA512()),
}
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}


_CODES = {
    _ED: "ed",
    _RSA: "rsa",
    _SK_ED: "sk-ed",
    _SK_EC: "sk-ecdsa",
    **{f"ecdsa-sha2-{curve}": "ecdsa" for curve in _CURVES},
}


class _Reader:
    """Reads what SSH packs (RFC 4251 section 5).

    Raises:
        ValueError: it ends too early.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise ValueError("it ends too early")
        self._at += size
        return piece

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4), "big")

    def text(self) -> bytes:
        """A string."""
        return self.take(self.number())

    def mpint(self) -> int:
        """A number of any size, never negative here."""
        raw = self.text()
        if raw and raw[0] & 0x80:
            raise ValueError("it holds a negative number")
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise ValueError("something follows its end")


def _packed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@dataclass(frozen=True, slots=True)
class SshKey:
    """A public key that may sign.

    Attributes:
        kind: our code for its algorithm.
        blob: the key as SSH packs it; what is enrolled.
    """

    kind: str
    blob: bytes


def read_public(text: str) -> SshKey:
    """Reads the one line of a `.pub` file; its comment is left out.

    Raises:
        NoKey: it is none, or of a kind or size that does not count.
    """
    kind, _, rest = text.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split(" ", 1)[0], validate=True)
    except (binascii.Error, ValueError):
        raise NoKey("this is no public key of OpenSSH") from None
    return check_public(kind, blob)


def check_public(kind: str, blob: bytes) -> SshKey:
    """A public key of that kind, once it is known to be one that counts.

    Raises:
        NoKey: it is not.
    """
    try:
        _check_kind(kind, blob)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoKey(f"this public key does not count: {error}") from None
    return SshKey(_CODES[kind], blob)


def _check_kind(kind: str, blob: bytes) -> None:
    if len(blob) > LONGEST or _Reader(blob).text().decode() != kind:
        raise ValueError("its kind is not the one it names")
    _verifier(blob)


def unarmoured(text: str) -> bytes:
    """The signature in an armoured file.

    Raises:
        BadSignature: there is none.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < len((BEGIN, END)) or lines[0] != BEGIN or lines[-1] != END:
        raise BadSignature("this is no signature of ssh-keygen -Y sign")
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("this is no signature of ssh-keygen -Y sign") from None


def verify(blob: bytes, message: bytes, signature: bytes) -> int:
    """Checks a signature of ``message``; returns what the hardware counted (0: it counts nothing).

    Args:
        blob: the enrolled public key, as SSH packs it.
        message: what must have been signed.
        signature: unarmoured.

    Raises:
        BadSignature: it is not by that key, not in our namespace, or not over that message.
    """
    try:
        return _verify(blob, message, signature)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise BadSignature("this signature is not by that key over that plan") from None


def _verify(blob: bytes, message: bytes, signature: bytes) -> int:
    if len(signature) > LONGEST:
        raise ValueError("it is too long")
    read = _Reader(signature)
    if read.take(len(MAGIC)) != MAGIC or read.number() != 1 or read.text() != blob:
        raise ValueError("it is of another key or version")
    namespace, reserved, algorithm = read.text(), read.text(), read.text()
    signed = read.text()
    read.end()
    if namespace != NAMESPACE.encode() or algorithm not in {b"sha256", b"sha512"}:
        raise ValueError("it was made for something else")
    digest = new_hash(algorithm.decode(), message).digest()
    over = MAGIC + b"".join(map(_packed, (namespace, reserved, algorithm, digest)))
    return _verifier(blob).check(over, signed)


class _Ed25519:
    """RFC 8709."""

    def __init__(self, read: _Reader) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(read.text())

    def check(self, over: bytes, signed: bytes) -> int:
        read = _named(signed, _ED)
        self.raw(over, read.text())
        read.end()
        return 0

    def raw(self, over: bytes, signature: bytes) -> None:
        self._key.verify(signature, over)


class _Ecdsa:
    """RFC 5656."""

    def __init__(self, read: _Reader) -> None:
        self.curve = read.text().decode()
        if self.curve not in _CURVES:
            raise ValueError("its curve is not one of the three of NIST")
        curve, self._hash = _CURVES[self.curve]
        self._key = EllipticCurvePublicKey.from_encoded_point(curve, read.text())

    def check(self, over: bytes, signed: bytes) -> int:
        read = _named(signed, f"ecdsa-sha2-{self.curve}")
        self.raw(over, read.text())
        read.end()
        return 0

    def raw(self, over: bytes, signature: bytes) -> None:
        inner = _Reader(signature)
        r, s = inner.mpint(), inner.mpint()
        inner.end()
        self._key.verify(encode_dss_signature(r, s), over, ECDSA(self._hash))


class _Rsa:
    """RFC 8332: SHA-2 only."""

    def __init__(self, read: _Reader) -> None:
        exponent, modulus = read.mpint(), read.mpint()
        if modulus.bit_length() < LEAST_RSA_BITS:
            raise ValueError(f"an RSA key has {LEAST_RSA_BITS} bits at least")
        self._key = RSAPublicNumbers(exponent, modulus).public_key()

    def check(self, over: bytes, signed: bytes) -> int:
        read = _Reader(signed)
        algorithm = _RSA_HASHES.get(read.text().decode())
        if algorithm is None:
            raise ValueError("RSA signs with SHA-2")
        self._key.verify(read.text(), over, PKCS1v15(), algorithm)
        read.end()
        return 0


class _Hardware:
    """A key in hardware (PROTOCOL.u2f): it signs with what it was made for, and a count."""

    def __init__(self, kind: str, inner: _Ed25519 | _Ecdsa, read: _Reader) -> None:
        self._kind, self._inner = kind, inner
        self._application = sha256(read.text()).digest()

    def check(self, over: bytes, signed: bytes) -> int:
        read = _named(signed, self._kind)
        signature, flags, count = read.text(), read.take(1), read.take(4)
        read.end()
        if not flags[0] & TOUCHED:
            raise ValueError("nobody touched the key")
        self._inner.raw(self._application + flags + count + sha256(over).digest(), signature)
        return int.from_bytes(count, "big")


_Verifier = _Ed25519 | _Ecdsa | _Rsa | _Hardware


def _verifier(blob: bytes) -> _Verifier:
    read = _Reader(blob)
    kind = read.text().decode()
    found = _of_kind(kind, read)
    read.end()
    return found


def _of_kind(kind: str, read: _Reader) -> _Verifier:
    if kind == _ED:
        return _Ed25519(read)
    if kind == _RSA:
        return _Rsa(read)
    if kind == _SK_ED:
        return _Hardware(kind, _Ed25519(read), read)
    ecdsa = _Ecdsa(read) if kind == _SK_EC or kind.startswith("ecdsa-sha2-") else None
    if ecdsa is not None and kind == _SK_EC and ecdsa.curve == "nistp256":
        return _Hardware(kind, ecdsa, read)
    if ecdsa is not None and kind == f"ecdsa-sha2-{ecdsa.curve}":
        return ecdsa
    raise ValueError("only Ed25519, ECDSA, RSA, and the first two in hardware")


def _named(signed: bytes, kind: str) -> _Reader:
    read = _Reader(signed)
    if read.text().decode() != kind:
        raise ValueError("it was signed in another way")
    return read
