"""Whether a good signature is that of whom the mail is from, and meant for us.

Rules kept here: the signer is the contact pinned for the one address in From, inside and out. What
only seems to be a sender (a displayed name, Sender, Reply-To, Resent, a header of an inner part)
gives nobody a voice, and makes the mail suspect where it disagrees. A signature that names other
readers was made for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.pgpmail.judge.address import Mailbox, mailbox, recipients
from connectors.pgpmail.judge.fields import Fields
from connectors.pgpmail.judge.parts import Part
from connectors.pgpmail.judge.status import Signature
from connectors.pgpmail.judge.words import Refused, Verdict

HP_OUTER = "hp-outer"


@dataclass(frozen=True, slots=True)
class Known:
    """Whom we know, and who we are.

    Attributes:
        contacts: pinned primary fingerprints, upper case, by address in lower case.
        ours: our own addresses, lower case.
    """

    contacts: Mapping[str, frozenset[str]]
    ours: frozenset[str]


def _mismatch(reason: str, signature: Signature) -> Refused:
    return Refused(Verdict.MISMATCH, reason, signature.signer)


def check_sender(outer: Part, payload: Part, signature: Signature, known: Known) -> Mailbox:
    """The sender, proven.

    Args:
        outer: the mail as it came.
        payload: what was signed.
        signature: the one good signature over all of it.
        known: whom we know.

    Raises:
        Refused: mismatch, with the first reason that was found.
    """
    sender = mailbox(outer.fields.get("from") or "")
    if sender is None:
        raise _mismatch("from_ambiguous", signature)
    if sender.address not in known.contacts:
        raise _mismatch("sender_not_pinned", signature)
    if signature.signer not in known.contacts[sender.address]:
        raise _mismatch("signer_not_pinned", signature)
    for reason in (
        _pretends(outer.fields, sender),
        _phony(outer),
        _inside(outer.fields, payload, sender),
        _addressed(payload, known.ours),
    ):
        if reason is not None:
            raise _mismatch(reason, signature)
    return sender


def _pretends(fields: Fields, sender: Mailbox) -> str | None:
    if sender.misleading:
        return "from_misleading"
    handed_in = fields.get("sender")
    if handed_in is not None:
        by = mailbox(handed_in)
        if by is None or by.address != sender.address:
            return "sender_differs"
    return "resent" if fields.has_prefix("resent-") else None


def _phony(outer: Part) -> str | None:
    """Marks of protected headers where nothing protects them."""
    return "phony_headers" if claims_protection(outer) else None


def claims_protection(part: Part) -> bool:
    """Whether a part says of itself that its headers are protected."""
    params = part.kind.params
    return "hp" in params or "protected-headers" in params or part.fields.get(HP_OUTER) is not None


def protects(payload: Part) -> bool:
    """Whether the signed part's own headers are the mail's (RFC 9788, and the older form)."""
    hp, older = payload.kind.param("hp"), payload.kind.param("protected-headers")
    return hp == "cipher" or older == "v1" or payload.fields.get("from") is not None


def _inside(outer: Fields, payload: Part, sender: Mailbox) -> str | None:
    """The headers that were signed, held against those that came."""
    hp = payload.kind.params.get("hp")
    if hp is not None and hp.lower() != "cipher":
        return "hp_not_encrypted" if hp.lower() == "clear" else "phony_headers"
    value = payload.fields.get("from")
    inner = None if value is None else mailbox(value)
    if value is None and hp is not None:
        return "inner_from_differs"
    if value is not None and (inner is None or inner.address != sender.address):
        return "inner_from_differs"
    return _pretends(payload.fields, inner or sender) or _recorded(outer, payload.fields)


def _recorded(outer: Fields, inner: Fields) -> str | None:
    """What the signer recorded of the outer From (RFC 9788 section 2.2)."""
    for line in inner.every(HP_OUTER):
        name, _, value = line.partition(":")
        if name.strip().lower() != "from":
            continue
        noted, came = mailbox(value.strip()), mailbox(outer.get("from") or "")
        if noted is None or came is None or noted.address != came.address:
            return "inner_from_differs"
    return None


def _addressed(payload: Part, ours: frozenset[str]) -> str | None:
    fields = payload.fields
    values = [value for name in ("to", "cc") if (value := fields.get(name)) is not None]
    if not values and "hp" not in payload.kind.params:
        return None
    named: set[str] = set()
    for value in values:
        named |= recipients(value)
    return None if named & ours else "not_to_us"
