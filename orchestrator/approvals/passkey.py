"""Passkeys: what a browser hands over when one is made, and when one signs.

Rules kept here (W3C Web Authentication Level 3, sections 7.1 and 7.2; the parts are read and the
signature is checked by Yubico's library):

1. The challenge is the statement itself, so that a passkey signs what its owner was shown and
   nothing besides.
2. Relying party and origin are those that the credential was enrolled with; a page framed in
   another page signs nothing.
3. Its owner was present and was verified by it: a stolen key alone is not enough.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import ES256, ES384, ES512, CoseKey, EdDSA
from fido2.utils import websafe_decode
from fido2.webauthn import AttestationObject, AuthenticatorData, CollectedClientData

from orchestrator.approvals.errors import BadSignature, NoKey

ALGORITHMS: Mapping[int, str] = {
    ES256.ALGORITHM: "es256",
    EdDSA.ALGORITHM: "eddsa",
    ES384.ALGORITHM: "es384",
    ES512.ALGORITHM: "es512",
}
"""COSE algorithms that count (RFC 9053): no RSA, whose keys here are short, no SHA-1."""
LONGEST = 4096
"""Bytes of any part that are read at all."""
_UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey as it was made.

    Attributes:
        kind: its algorithm.
        public: its COSE key (RFC 9052), CBOR.
        handle: its credential id, by which a browser finds it again.
    """

    kind: str
    public: bytes
    handle: bytes


def read_made(text: str) -> Made:
    """Reads what ``navigator.credentials.create()`` answered, as JSON (``toJSON()``).

    That its owner holds it is proven by what it signs; see ``verify``.

    Raises:
        NoKey: it is no such answer, or of an algorithm that does not count.
    """
    try:
        response = json.loads(text)["response"]
        data = AttestationObject(_part(response, "attestationObject")).auth_data
        found = data.credential_data
        if found is None:
            raise NoKey("this answer of a browser holds no passkey")
        public = cbor.encode(dict(found.public_key))
        return Made(_kind(found.public_key), public, bytes(found.credential_id))
    except _UNREADABLE:
        raise NoKey("this is no passkey as a browser hands it over") from None


def read_signed(text: str) -> tuple[bytes, bytes, bytes]:
    """Reads what ``navigator.credentials.get()`` answered, as JSON.

    Returns:
        the signature, what the browser was asked for, and what the passkey says of itself.

    Raises:
        BadSignature: it is no such answer.
    """
    try:
        response = json.loads(text)["response"]
        parts = (_part(response, n) for n in ("signature", "clientDataJSON", "authenticatorData"))
        signature, client, authenticator = parts
    except _UNREADABLE:
        raise BadSignature("this is no answer of a passkey as a browser hands it over") from None
    return signature, client, authenticator


def verify(
    public: bytes,
    rp: str | None,
    origin: str | None,
    message: bytes,
    *,
    signature: bytes,
    client: bytes,
    authenticator: bytes,
) -> int:
    """Checks what a passkey signed; returns its count (0: it counts nothing).

    Args:
        public: its COSE key, CBOR, as enrolled.
        rp: the sha256 of the relying party's id, as enrolled.
        origin: the sha256 of the origin, as enrolled.
        message: the challenge: what must have been signed.
        signature: the bare signature.
        client: the client data (JSON).
        authenticator: the authenticator's data.

    Raises:
        BadSignature: not by that passkey, not for that challenge, or its owner was not verified.
    """
    try:
        said, data = CollectedClientData(client), AuthenticatorData(authenticator)
        _check_client(said, origin, message)
        _check_data(data, rp)
        key = _key(public)
        _kind(key)
        key.verify(authenticator + sha256(client).digest(), signature)
    except (*_UNREADABLE, InvalidSignature, NotImplementedError):
        raise BadSignature("this signature is not by that passkey over that plan") from None
    return int(data.counter)


def _check_client(said: CollectedClientData, origin: str | None, message: bytes) -> None:
    if said.type != CollectedClientData.TYPE.GET or said.challenge != message:
        raise BadSignature("the passkey was asked for something else")
    if said.cross_origin or sha256(said.origin.encode()).hexdigest() != origin:
        raise BadSignature("the passkey was asked from another page")


def _check_data(data: AuthenticatorData, rp: str | None) -> None:
    if data.rp_id_hash.hex() != rp:
        raise BadSignature("the passkey was asked for another site")
    if not (data.is_user_present() and data.is_user_verified()):
        raise BadSignature("the passkey did not verify its owner: use its PIN or his finger")


def _key(public: bytes) -> CoseKey:
    found = cbor.decode(public)
    if not isinstance(found, dict):
        raise TypeError("a COSE key is a map")
    return CoseKey.parse(found)


def _kind(key: Mapping[int, Any]) -> str:
    found = ALGORITHMS.get(key[3])
    if found is None:
        raise NoKey("a passkey signs with ES256, ES384, ES512 or Ed25519")
    return found


def _part(response: Mapping[str, Any], name: str) -> bytes:
    found = websafe_decode(response[name])
    if not 0 < len(found) <= LONGEST:
        raise ValueError("a part is empty or too long")
    return found
