"""The judge: one order of checks for every mail.

Rules kept here:

1. Refusal is the start. Each check may refuse; what none refused is verified.
2. Nothing is decrypted but a root that is an encrypted mail and nothing else, and no report.
3. What was decrypted is looked at only once its integrity is proven, and read to nobody before
   signature, signer and sender are.
4. No mail makes the judge fail: what it cannot read is malformed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from connectors.pgpmail.judge import status
from connectors.pgpmail.judge.address import address, mailbox, mentioned
from connectors.pgpmail.judge.classes import automatic, mail_class, only_keys
from connectors.pgpmail.judge.content import content_of
from connectors.pgpmail.judge.engine import Cap, TooMuch
from connectors.pgpmail.judge.keyring import Keyring, NoEngine
from connectors.pgpmail.judge.packets import SEALED_BARE, Sealed, sealed
from connectors.pgpmail.judge.parts import Part, read_mail, shapeless
from connectors.pgpmail.judge.sender import Known, check_sender, claims_protection, protects
from connectors.pgpmail.judge.structure import (
    packets_of,
    partly_signed,
    refuse_around,
    refuse_nested,
    sealed_part,
    smime,
)
from connectors.pgpmail.judge.words import (
    Judgement,
    Letter,
    Limits,
    MailClass,
    Malformed,
    Refused,
    Verdict,
)

HIDDEN = "0" * 16
"""Key id of a hidden recipient (RFC 9580 section 5.1)."""
LIMITS = Limits()
_SMALL = 1024 * 1024
"""Plaintext of up to this many bytes is no bomb, however well it was compressed."""
_REMARK = {
    MailClass.AUTO_REPLY: "automatic",
    MailClass.BOUNCE: "report",
    MailClass.KEY_ONLY: "only_a_key",
}


def digest_of(signer: str, payload: bytes, made_at: int | None) -> str:
    """What a signed mail is called by us: the same however it is sealed or sent again.

    Args:
        signer: primary fingerprint.
        payload: what was signed, whole.
        made_at: when, microseconds UTC, where nothing signed names the mail (its Message-ID does);
            else two mails of the same words would count as one.
    """
    said = f"{signer}:{'' if made_at is None else made_at}:".encode()
    return sha256(said + sha256(payload).digest()).hexdigest()


def never(_digest: str) -> bool:
    """Nothing was seen before."""
    return False


@dataclass(frozen=True, slots=True)
class Court:
    """What the judge goes by.

    Attributes:
        keyring: open copy of the keys.
        known: pinned contacts, and our addresses.
        now: microseconds UTC.
        limits: sizes and ages.
        seen: whether the digest of a signed content came in another mail before.
    """

    keyring: Keyring
    known: Known
    now: int
    limits: Limits = LIMITS
    seen: Callable[[str], bool] = never

    def judge(self, raw: bytes) -> Judgement:
        """Judges one mail.

        Args:
            raw: as it came, whole.

        Raises:
            NoEngine: gpg cannot be run here.
        """
        return _Case(self, raw).judged()


class _Case:
    """One mail before the judge; what is found on the way is kept for the judgement."""

    def __init__(self, court: Court, raw: bytes) -> None:
        self._court = court
        self._raw = raw
        self._class = MailClass.MESSAGE
        self._claimed: str | None = None
        self._remarks: list[str] = []
        self._digest: str | None = None
        self._signer: str | None = None
        self._shapeless = False

    def judged(self) -> Judgement:
        letter = None
        try:
            letter = self._heard()
            verdict, reasons = Verdict.VERIFIED, list[str]()
        except Refused as refused:
            verdict, reasons = refused.verdict, [refused.reason]
            self._signer = refused.signer or self._signer
        except TooMuch as passed:
            verdict, reasons = Verdict.MALFORMED, [str(passed)]
        except NoEngine:
            raise
        except Exception:  # noqa: BLE001 (no mail may stop those behind it; the error quotes it, so it is let go)
            verdict, reasons = Verdict.MALFORMED, ["unreadable"]
        remark = [_REMARK[self._class]] if self._class in _REMARK else []
        return Judgement(
            *(verdict, self._class, tuple(dict.fromkeys([*reasons, *self._remarks, *remark]))),
            signer=self._signer,
            claimed=self._claimed,
            digest=self._digest,
            letter=letter if self._class is MailClass.MESSAGE else None,
        )

    def _heard(self) -> Letter:
        """What the mail says. Raises: Refused, TooMuch."""
        limits = self._court.limits
        if len(self._raw) > limits.mail_bytes:
            raise Malformed("mail_too_large")
        root = read_mail(self._raw, limits)
        holder = self._received(root)
        if holder is None:
            raise self._open_mail(root)
        payload, made = self._opened(root, holder)
        return self._accepted(root, payload, made)

    def _received(self, root: Part) -> Part | None:
        """The part to be opened, if there is one. Raises: Refused."""
        sender = root.fields.get("from")
        found = mailbox(sender or "")
        self._claimed = None if found is None else found.address
        self._class = mail_class(root, sealed=root.kind.name == "multipart/encrypted")
        if sender is None:
            raise Malformed("from_missing")
        part = sealed_part(root)
        if part is None:
            return None
        if part[1]:
            self._remarks.append("exchange_repaired")
        return part[0]

    def _open_mail(self, root: Part) -> Refused:
        """Why a mail whose root is not encrypted does not come in."""
        if smime(root):
            return Refused(Verdict.UNDECRYPTABLE, "smime_encrypted")
        refuse_nested(root, "nested_encryption")
        if any(claims_protection(part) for part in root.walk()):
            self._remarks.append("phony_headers")
        return self._plain(root)

    def _plain(self, root: Part) -> Refused:
        self._remarks.append("not_encrypted")
        named = mentioned(root.fields.get("from") or "")
        if named & self._court.known.contacts.keys():
            return Refused(Verdict.DOWNGRADE, "sender_has_key")
        return Refused(Verdict.UNSIGNED, "sender_has_no_key")

    def _opened(self, root: Part, holder: Part) -> tuple[Part, status.Signature]:
        """The signed part and its signature. Raises: Refused, TooMuch."""
        refuse_around(root)
        packets = packets_of(holder)
        outside = sealed(packets)
        if not outside.tag:
            raise self._plain(root)
        self._refuse_unreadable(outside)
        limits = self._court.limits
        most = min(limits.plain_bytes, max(_SMALL, len(packets) * limits.ratio))
        bomb = "plaintext_too_large" if most == limits.plain_bytes else "compression_bomb"
        ran = self._court.keyring.decrypt(packets, Cap(most, bomb, limits.seconds))
        said = status.lines(ran.status)
        status.refuse_unopened(said)
        payload = self._read(ran.plain)
        try:
            made = status.signature(said)
        except Refused as refused:
            if refused.verdict is Verdict.KNOWN_UNSIGNED and partly_signed(payload):
                self._remarks.append("partial_signature")
            raise
        self._signer = made.signer
        named = payload.fields.get("message-id") is not None
        self._digest = digest_of(made.signer, ran.plain, None if named else made.made_at)
        return payload, made

    def _refuse_unreadable(self, outside: Sealed) -> None:
        if outside.password:
            raise Refused(Verdict.UNDECRYPTABLE, "password_encrypted")
        if not outside.supported:
            raise Refused(Verdict.UNDECRYPTABLE, "unsupported_encryption")
        if not outside.recipients & {HIDDEN, *self._court.keyring.ours.key_ids}:
            raise Refused(Verdict.UNDECRYPTABLE, "no_key")
        if outside.cut:
            raise Refused(Verdict.TAMPERED, "integrity_failed")
        if outside.tag == SEALED_BARE:
            raise Refused(Verdict.TAMPERED, "no_integrity_protection")

    def _read(self, plain: bytes) -> Part:
        """What was sealed, as a mail; what is none is known for that later. Raises: Refused."""
        payload = None
        try:
            payload = read_mail(plain, self._court.limits)
        except Malformed as malformed:
            self._remarks.append(malformed.reason)
            if malformed.reason != "bad_header":
                raise Malformed("payload_not_mime") from None
        if payload is None or payload.start or payload.fields.get("content-type") is None:
            self._shapeless = True
            payload = shapeless(plain)
        refuse_nested(payload, "encryption_in_plaintext")
        if automatic(payload.fields):
            self._class = MailClass.AUTO_REPLY
        elif self._class is MailClass.MESSAGE and only_keys(payload):
            self._class = MailClass.KEY_ONLY
        return payload

    def _accepted(self, root: Part, payload: Part, made: status.Signature) -> Letter:
        """The letter, once its sender is proven. Raises: Refused."""
        court = self._court
        sender = check_sender(root, payload, made, court.known)
        if self._shapeless:  # signed, but as a mail? Perhaps it is a document, or another's text
            raise Malformed("payload_not_mime")
        reason = None
        if made.made_at < court.now - court.limits.age:
            reason = "signature_old"
        elif made.made_at > court.now + court.limits.ahead:
            reason = "signature_future"
        elif self._digest is not None and court.seen(self._digest):
            reason = "repetition"
        if reason is not None:
            raise Refused(Verdict.MISMATCH, reason, made.signer)
        protected = protects(payload)
        if not protected:
            self._remarks.append("unprotected_headers")
        content = content_of(payload, subject=protected)
        own = payload.fields.get("message-id") if protected else None
        return Letter(sender.address, content, made.made_at, _answers(root, payload), own)


def _answers(root: Part, payload: Part) -> str | None:
    """Message-ID that the mail answers; from outside only where inside says nothing of headers."""
    inside = payload.fields.get("in-reply-to")
    trusted = inside if inside or "hp" in payload.kind.params else root.fields.get("in-reply-to")
    words = (trusted or "").split()
    return words[0] if len(words) == 1 else None


def contacts_of(pairs: list[str]) -> dict[str, frozenset[str]]:
    """Pinned contacts from ``ADDRESS=FINGERPRINT`` each.

    Raises:
        ValueError: one is not that; its message names its place, not its value.
    """
    found: dict[str, frozenset[str]] = {}
    for n, pair in enumerate(pairs, 1):
        name, _, digits = pair.rpartition("=")
        one = address(name)
        fingerprint = "".join(digits.split()).upper().removeprefix("0X")
        if (
            one is None
            or len(fingerprint) not in {40, 64}
            or set(fingerprint) - set("0123456789ABCDEF")
        ):
            raise ValueError(f"contact {n} is not ADDRESS=FINGERPRINT")
        found[one] = found.get(one, frozenset()) | {fingerprint}
    return found
