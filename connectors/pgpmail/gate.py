"""Whether a certificate may be sealed to, now. Pure, and in front of gpg.

Rules kept here:

1. What is not known to be good is refused: an unknown algorithm, curve or hash is a weak one.
2. The rules are ours; gpg is asked besides and may only refuse more.
3. The subkey that is used is named here, so that gpg chooses none by itself.
4. The same words come out for the same fault, so that a person and a program can act on them.
"""

from dataclasses import dataclass

from connectors.pgpmail.listing import Binding, Certificate, Part, newest

RSA, ECDH, ECDSA, EDDSA = 1, 18, 19, 22
LEAST_RSA_BITS = 3072
SIGNING_CURVES = frozenset(
    {"ed25519", "ed448", "nistp256", "nistp384", "nistp521"}
    | {"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"}
)
SEALING_CURVES = (SIGNING_CURVES - {"ed25519", "ed448"}) | {"cv25519", "cv448"}
GOOD_DIGESTS = frozenset({8, 9, 10, 11, 12, 14})
"""SHA-2 and SHA-3 (RFC 4880, 9.4; RFC 9580, 9.5). Not among them: MD5, SHA-1, RIPEMD-160."""
_LETTERS = {"e": "expired", "r": "revoked", "d": "disabled", "i": "invalid_key", "n": "invalid_key"}

HINTS = {
    "no_key": "import the adviser's certificate",
    "several_keys": "more than one certificate came for one fingerprint",
    "unpinned_key": "compare the fingerprint with the adviser and have two people verify it",
    "second_key": "another certificate has the same address: withdraw one of them",
    "address_differs": "no living name on the certificate has this address",
    "expired": "ask the adviser for his prolonged certificate and import it",
    "revoked": "ask the adviser for his new certificate",
    "disabled": "the certificate was disabled here",
    "invalid_key": "the certificate cannot be checked: ask the adviser for it again",
    "from_the_future": "the certificate is dated later than now: look at this machine's clock",
    "weak_algorithm": "RSA below 3072 bits, DSA, ElGamal and unknown algorithms are not used",
    "weak_digest": "it hangs together by SHA-1 or an unknown hash: ask for one made anew",
    "no_encryption_subkey": "the certificate has no living key to encrypt to",
}
"""What a person can do, by code."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What may be sealed to.

    Attributes:
        fingerprint: of the certificate.
        subkey: fingerprint of the very key that is used.
    """

    fingerprint: str
    subkey: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a certificate may not be sealed to.

    Attributes:
        code: short and stable, one of ``HINTS``.
    """

    code: str

    @property
    def hint(self) -> str:
        """What a person can do."""
        return HINTS[self.code]


def judge(certificate: Certificate, address: str, now: int) -> Usable | Refused:
    """Whether a certificate may be sealed to for an address.

    Args:
        certificate: as listed just now, signatures checked.
        address: of the recipient.
        now: microseconds UTC.
    """
    fault = _fault_of_part(certificate.primary, now, SIGNING_CURVES) or _fault_of_name(
        certificate, address.lower()
    )
    if fault is None and "D" in certificate.primary.can:
        fault = "disabled"
    if fault is not None:
        return Refused(fault)
    sealing = [each for each in certificate.subkeys if "e" in each.can]
    faults = [_fault_of_subkey(each, now) for each in sealing]
    good = [each for each, wrong in zip(sealing, faults, strict=True) if wrong is None]
    if good:
        return Usable(certificate.fingerprint, max(good, key=lambda s: s.made_at).fingerprint)
    return Refused(faults[0] if len(faults) == 1 and faults[0] else "no_encryption_subkey")


def ends(certificate: Certificate, now: int) -> int | None:
    """When a certificate that is usable now ends: with its primary key, or its last sealing one.

    What is revoked, weak or over already seals nothing, however long it is said to last.

    Args:
        certificate: as listed just now.
        now: microseconds UTC.

    Returns:
        Microseconds UTC; 0: nothing can be sealed to it now, None: never.
    """
    sealing = [
        each.expires_at
        for each in certificate.subkeys
        if "e" in each.can and _fault_of_subkey(each, now) is None
    ]
    if not sealing:
        return 0
    lasting = [at for at in sealing if at is not None]
    longest = max(lasting) if len(lasting) == len(sealing) else None
    return min(
        (at for at in (certificate.primary.expires_at, longest) if at is not None), default=None
    )


def _fault_of_part(part: Part, now: int, curves: frozenset[str]) -> str | None:
    """What is wrong with one key as such."""
    if part.made_at > now:
        return "from_the_future"
    if part.validity in _LETTERS:
        return _LETTERS[part.validity]
    if part.expires_at is not None and part.expires_at <= now:
        return "expired"
    if part.algorithm == RSA:
        return None if part.bits >= LEAST_RSA_BITS else "weak_algorithm"
    known = part.algorithm in ({ECDH} if curves is SEALING_CURVES else {ECDSA, EDDSA})
    return None if known and part.curve in curves else "weak_algorithm"


def _fault_of_subkey(part: Part, now: int) -> str | None:
    return _fault_of_part(part, now, SEALING_CURVES) or _fault_of_binding(part.bindings)


def _fault_of_name(certificate: Certificate, address: str) -> str | None:
    """What is wrong with the name that the address stands in."""
    if address not in certificate.addresses():
        return "address_differs"
    named = [uid for uid in certificate.user_ids if uid.address == address]
    faults = [_fault_of_binding(uid.bindings) for uid in named if uid.validity not in "rei"]
    return None if None in faults else faults[0]


def _fault_of_binding(bindings: list[Binding]) -> str | None:
    """What is wrong with the self-signature that counts."""
    latest = newest(bindings)
    if latest is None:
        return "invalid_key"
    return None if latest.digest in GOOD_DIGESTS else "weak_digest"
