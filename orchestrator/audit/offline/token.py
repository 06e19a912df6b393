"""Timestamp tokens (RFC 3161), checked with nothing but hashes and X.509.

Rule kept here: what this module does not know how to check is said to be not supported, and
never counts as checked.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256, sha384, sha512
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID


class BadToken(Exception):
    """The token is not one, or not for this statement, or not properly signed."""


class NotSupported(Exception):
    """The token uses what this program cannot check; it says so and does not count it."""


SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
SIGNING_CERTIFICATE = {
    "1.2.840.113549.1.9.16.2.12": "sha1",  # RFC 2634
    "1.2.840.113549.1.9.16.2.47": "sha256",  # RFC 5035, its default
}
RSA_PSS = "1.2.840.113549.1.1.10"
HASHES: dict[str, tuple[Callable[..., Any], hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": (sha256, hashes.SHA256()),
    "2.16.840.1.101.3.4.2.2": (sha384, hashes.SHA384()),
    "2.16.840.1.101.3.4.2.3": (sha512, hashes.SHA512()),
}
LONGEST_PATH = 8
_INDEFINITE, _TAGGED_0, _SEQUENCE = 0x80, 0xA0, 0x30


@dataclass(frozen=True)
class Der:
    """One element of DER: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes

    @property
    def parts(self) -> list["Der"]:
        """The elements inside."""
        return list(der(self.content))

    @property
    def number(self) -> int:
        """The integer that it holds."""
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def oid(self) -> str:
        """The object identifier that it holds, dotted."""
        values, value = [], 0
        for octet in self.content:
            value = value << 7 | octet & 0x7F
            if not octet & 0x80:
                values.append(value)
                value = 0
        first = min(values[0] // 40, 2)
        return ".".join(map(str, [first, values[0] - 40 * first, *values[1:]]))


def der(data: bytes) -> Iterator[Der]:
    """Yields the elements of ``data`` one after the other (X.690, definite lengths only)."""
    start = 0
    while start < len(data):
        at, size = start + 2, data[start + 1]
        if size & 0x80:
            wide = size & 0x7F
            size, at = int.from_bytes(data[at : at + wide], "big"), at + wide
        if at + size > len(data) or (at == start + 2 and data[start + 1] == _INDEFINITE):
            raise BadToken
        yield Der(data[start], data[at : at + size], data[start : at + size])
        start = at + size


def first_of(data: bytes) -> Der:
    """Returns the first element of ``data``."""
    for element in der(data):
        return element
    raise BadToken


class Token:
    """A timestamp token (RFC 3161 section 2.4.2, RFC 5652 section 5)."""

    def __init__(self, response: bytes) -> None:
        status, content = first_of(response).parts[:2]
        if status.parts[0].number not in (0, 1):
            raise BadToken
        kind, wrapped = content.parts
        if kind.oid != SIGNED_DATA:
            raise BadToken
        parts = wrapped.parts[0].parts
        inner = parts[2].parts
        if inner[0].oid != TST_INFO:
            raise BadToken
        self.info = inner[1].parts[0].content
        self.certificates = [
            x509.load_der_x509_certificate(item.raw)
            for part in parts[3:] if part.tag == _TAGGED_0 for item in part.parts
        ]  # fmt: skip
        signers = parts[-1].parts
        if len(signers) != 1:
            raise BadToken
        self.signer = signers[0].parts
        info = first_of(self.info).parts
        self.imprint = info[2].parts
        self.at = _general_time(info[4].content)

    def check(self, digest: bytes) -> None:
        """Checks that the token is for the statement of this hash, and signed by its signer.

        Raises:
            BadToken: it is not.
            NotSupported: it uses an algorithm that is not checked here.
        """
        if self.imprint[0].parts[0].oid != "2.16.840.1.101.3.4.2.1":
            raise NotSupported  # we ask for SHA-256 and can check nothing else
        attributes = {part.parts[0].oid: part.parts[1].parts[0] for part in self._attributes.parts}
        make, algorithm = self._hash
        if (
            self.imprint[1].content != digest
            or attributes[CONTENT_TYPE].oid != TST_INFO
            or attributes[MESSAGE_DIGEST].content != make(self.info).digest()
        ):
            raise BadToken
        self._check_leaf(attributes)
        self._check_signature(algorithm)

    def vouched(self, authorities: list[x509.Certificate]) -> bool:
        """Whether the signer's certificate leads to an authority that the reader trusts."""
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.at)
        return _leads_to(self.leaf, authorities, self.certificates, when, LONGEST_PATH)

    @property
    def leaf(self) -> x509.Certificate:
        """The signer's certificate."""
        issuer, serial = self.signer[1].parts
        for one in self.certificates:
            if one.serial_number == serial.number and one.issuer.public_bytes() == issuer.raw:
                return one
        raise NotSupported  # the authority left its certificate out

    @property
    def _attributes(self) -> Der:
        if self.signer[3].tag != _TAGGED_0:
            raise BadToken
        return self.signer[3]

    @property
    def _hash(self) -> tuple[Callable[..., Any], hashes.HashAlgorithm]:
        name = self.signer[2].parts[0].oid
        if name not in HASHES:
            raise NotSupported
        return HASHES[name]

    def _check_leaf(self, attributes: Mapping[str, Der]) -> None:
        """The signed attributes name the certificate, and it is for timestamps only."""
        use = self.leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        if not use.critical or list(use.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            raise BadToken
        raw = self.leaf.public_bytes(Encoding.DER)
        for name, default in SIGNING_CERTIFICATE.items():
            if name in attributes:
                first = attributes[name].parts[0].parts[0].parts
                if _named_hash(first, default, raw):
                    return
        raise BadToken

    def _check_signature(self, algorithm: hashes.HashAlgorithm) -> None:
        data = b"\x31" + self._attributes.raw[1:]  # RFC 5652 section 5.4: signed as a SET OF
        signature, key = self.signer[5].content, self.leaf.public_key()
        if isinstance(key, rsa.RSAPublicKey) and self.signer[4].parts[0].oid != RSA_PSS:
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            raise NotSupported


def _named_hash(parts: list[Der], default: str, certificate: bytes) -> bool:
    """Whether an ESSCertID (RFC 2634) or ESSCertIDv2 (RFC 5035) names this certificate."""
    if parts[0].tag == _SEQUENCE:  # an algorithm is named
        found = HASHES.get(parts[0].parts[0].oid)
        return found is not None and parts[1].content == found[0](certificate).digest()
    make = sha1 if default == "sha1" else sha256  # the older attribute knows SHA-1 only
    return parts[0].content == make(certificate).digest()


def _general_time(text: bytes) -> int:
    found = re.fullmatch(rb"(\d{14})(?:\.(\d{1,6})\d*)?Z", text)
    if not found:
        raise BadToken
    moment = datetime.strptime(found[1].decode() + "+0000", "%Y%m%d%H%M%S%z")
    return int(moment.timestamp()) * 10**6 + int((found[2] or b"0").ljust(6, b"0"))


def _leads_to(
    certificate: x509.Certificate,
    authorities: list[x509.Certificate],
    others: list[x509.Certificate],
    when: datetime,
    longest: int,
) -> bool:
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        return False
    if certificate in authorities:
        return True
    return longest > 0 and any(
        _leads_to(issuer, authorities, others, when, longest - 1)
        for issuer in [*authorities, *others]
        if issuer != certificate and _issued(certificate, issuer)
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return limits.value.ca
