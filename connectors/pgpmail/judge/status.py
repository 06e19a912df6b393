"""What the engine says of a message, from its status lines alone (GnuPG doc/DETAILS).

Rules kept here: the lines come over a descriptor of their own and never mixed with messages, so
that no file name, user id or notation can write one (SigSpoof, CVE-2018-12020). A line that is not
one, a fact that comes twice, and a word of trouble beside a good one each refuse the message.
"""

from collections import Counter
from dataclasses import dataclass

from connectors.pgpmail.judge.words import Refused, Verdict

PREFIX = b"[GNUPG:] "
_SIGNED_WRONGLY = {
    "BADSIG": "bad_signature",
    "EXPSIG": "signature_expired",
    "EXPKEYSIG": "key_expired",
    "REVKEYSIG": "key_revoked",
}
_UNEXPECTED = frozenset({"ERROR", "UNEXPECTED", "NODATA"})
_DIGESTS = frozenset({"8", "9", "10"})
"""SHA-256, SHA-384, SHA-512 (RFC 9580 section 9.5)."""
_CIPHERS = frozenset({"7", "8", "9", "10", "11", "12", "13"})
"""AES, Twofish, Camellia: blocks of 128 bits (RFC 9580 section 9.3)."""
_CLASSES = frozenset({"00", "01"})
"""Signatures of a document, binary or text (RFC 9580 section 5.2.1)."""
_VALIDSIG_WORDS = 10
_SECOND = 1_000_000
_NO_PUBKEY, _BAD_DIGEST, _BAD_KEY = "9", "5", "6"
_CODE = 0xFFFF
"""The part of an error's number that is its code (gpg-error.h)."""
_LOCKED = frozenset({11, 31, 85, 99, 177})
"""Bad pass-phrase, pass-phrase unknown or not given, no one to ask for it."""

Line = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Signature:
    """One good signature.

    Attributes:
        signer: fingerprint of the primary key, upper case.
        made_at: microseconds UTC, as the signer's clock had it.
    """

    signer: str
    made_at: int


def lines(raw: bytes) -> list[Line]:
    """The status lines. Raises: Refused when anything else stands among them."""
    found: list[Line] = []
    for line in raw.split(b"\n"):
        if not line:
            continue
        words = line.removeprefix(PREFIX).decode("utf-8", "replace").split(" ")
        if not line.startswith(PREFIX) or not words[0].replace("_", "").isalnum():
            raise Refused(Verdict.TAMPERED, "unexpected_packets")
        found.append((words[0], tuple(words[1:])))
    return found


def refuse_unopened(said: list[Line]) -> None:
    """Nothing is looked at that was not opened whole, with its integrity proven.

    Raises:
        Refused: undecryptable, oracle or tampered.
    """
    count = Counter(word for word, _ in said)
    if not count["DECRYPTION_KEY"] and not count["DECRYPTION_INFO"]:
        raise _unopened(said, count)
    if not count["BEGIN_DECRYPTION"]:
        raise Refused(Verdict.TAMPERED, "integrity_failed")
    inside = said[[word for word, _ in said].index("BEGIN_DECRYPTION") + 1 :]
    if any(word in {"ENC_TO", "BEGIN_DECRYPTION"} for word, _ in inside):
        raise Refused(Verdict.ORACLE, "encryption_in_plaintext")
    info = next((args for word, args in said if word == "DECRYPTION_INFO"), ())
    if info[:1] == ("0",) and info[2:3] in {(), ("0",)}:  # neither MDC nor AEAD
        raise Refused(Verdict.TAMPERED, "no_integrity_protection")
    proven = count["DECRYPTION_OKAY"] == 1 and count["GOODMDC"] == 1
    if not proven or count["BADMDC"] or count["DECRYPTION_FAILED"]:
        raise Refused(Verdict.TAMPERED, _given_up(count))
    if any(word in _UNEXPECTED for word, _ in inside):
        raise Refused(Verdict.TAMPERED, "unexpected_packets")
    if info[1:2] not in {(cipher,) for cipher in _CIPHERS}:
        raise Refused(Verdict.TAMPERED, "weak_cipher")


def _given_up(count: Counter[str]) -> str:
    """The program ends at a signature that does not hold, before it looks at the integrity."""
    if not count["BADMDC"] and not count["DECRYPTION_FAILED"]:
        for word, reason in _SIGNED_WRONGLY.items():
            if count[word]:
                return reason
    return "integrity_failed"


def _unopened(said: list[Line], count: Counter[str]) -> Refused:
    """Why no session key was found."""
    codes = [int(args[1]) & _CODE for word, args in said if _is_failure(word, args)]
    if count["MISSING_PASSPHRASE"] or _LOCKED.intersection(codes):
        return Refused(Verdict.UNDECRYPTABLE, "key_locked")
    if codes:
        return Refused(Verdict.TAMPERED, "integrity_failed")
    if count["NO_SECKEY"] or count["ENC_TO"]:
        return Refused(Verdict.UNDECRYPTABLE, "no_key")
    return Refused(Verdict.TAMPERED, "integrity_failed")


def _is_failure(word: str, args: tuple[str, ...]) -> bool:
    return word == "ERROR" and args[:1] == ("pkdecrypt_failed",) and "".join(args[1:2]).isdecimal()


def signature(said: list[Line]) -> Signature:
    """The one good signature that covers everything.

    Raises:
        Refused: tampered, mismatch or known_unsigned.
    """
    count = Counter(word for word, _ in said)
    made = count["NEWSIG"]
    if not made:
        words = ("GOODSIG", "VALIDSIG", "ERRSIG", *_SIGNED_WRONGLY)
        if count["FAILURE"] or any(count[word] for word in words):
            raise Refused(Verdict.TAMPERED, "unexpected_packets")
        raise Refused(Verdict.KNOWN_UNSIGNED, "no_signature")
    _refuse_wrong(said, count)
    if count["FAILURE"] or count["PLAINTEXT"] != 1:
        raise Refused(Verdict.TAMPERED, "unexpected_packets")
    if made != 1:
        raise Refused(Verdict.MISMATCH, "several_signatures")
    if count["GOODSIG"] != 1 or count["VALIDSIG"] != 1:
        raise Refused(Verdict.TAMPERED, "signature_unchecked")
    return _valid(next(args for word, args in said if word == "VALIDSIG"))


def _refuse_wrong(said: list[Line], count: Counter[str]) -> None:
    for word, reason in _SIGNED_WRONGLY.items():
        if count[word]:
            raise Refused(Verdict.TAMPERED, reason)
    for word, args in said:
        if word != "ERRSIG":
            continue
        error = args[5] if len(args) > 5 else ""  # noqa: PLR2004 (ERRSIG's sixth word is its code)
        if error == _NO_PUBKEY:
            raise Refused(Verdict.MISMATCH, "signer_unknown")
        if error == _BAD_KEY:
            raise Refused(Verdict.TAMPERED, "key_not_usable")
        weak = error == _BAD_DIGEST or args[2] not in _DIGESTS
        raise Refused(Verdict.TAMPERED, "weak_digest" if weak else "signature_unchecked")


def _valid(args: tuple[str, ...]) -> Signature:
    if len(args) < _VALIDSIG_WORDS:
        raise Refused(Verdict.TAMPERED, "signature_unchecked")
    if args[7] not in _DIGESTS:
        raise Refused(Verdict.TAMPERED, "weak_digest")
    if args[8] not in _CLASSES:
        raise Refused(Verdict.TAMPERED, "wrong_signature_class")
    if not args[2].isdecimal():
        raise Refused(Verdict.TAMPERED, "signature_unchecked")
    return Signature(args[9].upper(), int(args[2]) * _SECOND)
