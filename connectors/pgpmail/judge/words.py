"""The words of the judge: verdicts, classes, reasons, and what may be released.

Rule kept here: ``released`` follows from class and verdict and cannot be set. A judgement holds
codes and fingerprints only; what a mail says is in ``content``, and in no repr.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from connectors.port.messages import Content


class Verdict(StrEnum):
    """What a mail is found to be, strictest first: the first that applies is the verdict."""

    MALFORMED = "malformed"
    ORACLE = "oracle"
    DOWNGRADE = "downgrade"
    UNSIGNED = "unsigned"
    UNDECRYPTABLE = "undecryptable"
    TAMPERED = "tampered"
    MISMATCH = "mismatch"
    KNOWN_UNSIGNED = "known_unsigned"
    VERIFIED = "verified"


class MailClass(StrEnum):
    """What kind of mail it is, whatever the verdict."""

    MESSAGE = "message"
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    KEY_ONLY = "key_only"


class Refused(Exception):
    """A check said no.

    Args:
        verdict: what the mail therefore is.
        reason: code; ``REASONS`` has its words.
        signer: fingerprint of whoever made a valid signature, where there is one.
    """

    def __init__(self, verdict: Verdict, reason: str, signer: str | None = None) -> None:
        super().__init__(verdict.value, reason)
        self.verdict = verdict
        self.reason = reason
        self.signer = signer


class Malformed(Refused):
    """Limits or structure."""

    def __init__(self, reason: str) -> None:
        super().__init__(Verdict.MALFORMED, reason)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a verified mail says.

    Attributes:
        sender: the pinned contact's address.
        content: text and files.
        sent_at: when it was signed, microseconds UTC.
        answers: Message-ID of the mail that it answers.
        message_id: its own Message-ID, where that was signed.
    """

    sender: str
    content: Content
    sent_at: int
    answers: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge found.

    Attributes:
        verdict: the first that applies.
        mail_class: beside it.
        reasons: codes; on a verified mail they are remarks.
        signer: primary fingerprint of the key that made a valid signature, else None.
        claimed: address that the mail claims to come from; None where it names no single one.
        digest: of signer, instant and signed bytes, for the recognition of repetitions.
        letter: what it says; only there when it is released.
    """

    verdict: Verdict
    mail_class: MailClass
    reasons: tuple[str, ...] = ()
    signer: str | None = None
    claimed: str | None = None
    digest: str | None = None
    letter: Letter | None = field(default=None, repr=False)

    @property
    def released(self) -> bool:
        """Whether it may enter a room."""
        return self.verdict is Verdict.VERIFIED and self.mail_class is MailClass.MESSAGE

    def as_json(self) -> dict[str, object]:
        """The published form: words and fingerprints, nothing of the mail."""
        return {
            "verdict": self.verdict.value,
            "class": self.mail_class.value,
            "reasons": list(self.reasons),
            "signer": self.signer,
            "released": self.released,
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """How large and how old a mail may be.

    Attributes:
        mail_bytes: of the mail as it came.
        plain_bytes: of what it decrypts to.
        ratio: how many times larger than its sealed form the plaintext may be.
        header_bytes: of the headers of one part.
        field_bytes: of one header field.
        fields: header fields of one part.
        depth: parts within parts.
        parts: in all.
        age: oldest signature, microseconds.
        ahead: how far a signer's clock may be ahead of ours, microseconds.
        seconds: that decryption may take.
    """

    mail_bytes: int = 64 * 1024 * 1024
    plain_bytes: int = 64 * 1024 * 1024
    ratio: int = 100
    header_bytes: int = 128 * 1024
    field_bytes: int = 32 * 1024
    fields: int = 300
    depth: int = 8
    parts: int = 100
    age: int = 14 * 86_400 * 1_000_000
    ahead: int = 5 * 60 * 1_000_000
    seconds: float = 60.0


REASONS = {
    "unreadable": "it cannot be read",
    "mail_too_large": "the mail is larger than the limit",
    "plaintext_too_large": "it decrypts to more than the limit",
    "compression_bomb": "it decrypts to far more than was sent",
    "too_slow": "its decryption took longer than the limit",
    "headers_too_large": "a part has more headers than the limit",
    "too_many_parts": "it has more parts than the limit",
    "too_deep": "its parts lie deeper within each other than the limit",
    "bad_header": "a header is not one",
    "duplicate_header": "a header that may stand once stands twice",
    "bad_content_type": "the type of a part cannot be read",
    "bad_boundary": "the parts of the mail are not delimited as they must be",
    "bad_encoding": "a part's transfer encoding is not allowed there or broken",
    "partial_message": "it is a piece of a mail",
    "from_missing": "it names no sender",
    "encrypted_structure": "it is not the two parts of an encrypted mail",
    "bad_armour": "the sealed part is not one armoured OpenPGP message and nothing else",
    "bad_packets": "the sealed part is not one OpenPGP message and nothing else",
    "payload_not_mime": "what was sealed is not a mail",
    "nested_encryption": "an encrypted part lies elsewhere than at the root",
    "encryption_in_plaintext": "a further encrypted part lies inside what was sealed",
    "not_encrypted": "it is not encrypted",
    "sender_has_key": "its sender has a pinned key and can encrypt",
    "sender_has_no_key": "its sender has no pinned key",
    "no_key": "it is sealed to a key that is not ours",
    "key_locked": "our key needs a pass-phrase that was not given",
    "password_encrypted": "it is sealed by a password, alone or beside keys",
    "unsupported_encryption": "it is sealed in a form that this version does not read",
    "smime_encrypted": "it is sealed by S/MIME, which is not read here",
    "no_integrity_protection": "it is sealed without protection against alteration",
    "integrity_failed": "it was altered or damaged on its way",
    "weak_cipher": "it is sealed by an outdated cipher",
    "unexpected_packets": "what was sealed is not one signed OpenPGP message",
    "bad_signature": "its signature does not fit what it signs",
    "weak_digest": "its signature uses an outdated digest",
    "wrong_signature_class": "its signature is not one of a document",
    "signature_expired": "its signature has expired",
    "key_expired": "the signer's key has expired",
    "key_revoked": "the signer's key was revoked",
    "key_not_usable": "the signer's key cannot be used now: of a time to come, or broken",
    "signature_unchecked": "its signature could not be checked",
    "several_signatures": "it has more than one signature",
    "signer_unknown": "its signer's key is not among ours",
    "signer_not_pinned": "its signer's key is not the one pinned for the sender",
    "sender_not_pinned": "nothing is pinned for the address that it claims to come from",
    "from_ambiguous": "the sender's address is not one plain address",
    "from_misleading": "the sender's displayed name shows another address",
    "sender_differs": "it names another as having handed it in",
    "resent": "it was sent on by somebody",
    "inner_from_differs": "the sealed sender is another than the outer one",
    "phony_headers": "protected headers stand where they protect nothing",
    "hp_not_encrypted": "it was signed to be sent in the clear and sealed by somebody afterwards",
    "not_to_us": "it was signed for somebody else",
    "signature_old": "its signature is older than fourteen days",
    "signature_future": "its signature is of a time to come",
    "repetition": "its signature was seen before",
    "no_signature": "it carries no signature",
    "partial_signature": "a signature covers a part of it only",
    "exchange_repaired": "a mail server had mixed up its parts; they were put right",
    "unprotected_headers": "its headers are not signed",
    "automatic": "no person wrote it",
    "report": "it reports on a mail of ours",
    "only_a_key": "it carries nothing but a key",
}
"""Every reason with its words for people."""
