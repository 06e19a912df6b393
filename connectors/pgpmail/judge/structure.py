"""Where a mail is encrypted, and whether anywhere else (RFC 3156 section 4).

Rule kept here: only a root of exactly two parts is ever opened, or the one mixed-up form that
Exchange makes of it. Whatever else looks encrypted makes the mail an oracle: opened somewhere
inside a mail of an attacker's, it would tell him what it says.
"""

import re
from collections.abc import Iterator

from connectors.pgpmail.judge.armour import without_armour
from connectors.pgpmail.judge.packets import looks_sealed
from connectors.pgpmail.judge.parts import Part
from connectors.pgpmail.judge.words import Malformed, Refused, Verdict

_VERSION = re.compile(rb"\s*Version: 1\s*(?:\n[A-Za-z-]+:[^\n]*)*\s*")
_ARMOURED = re.compile(rb"-----\s*BEGIN\s+PGP\s+MESSAGE", re.IGNORECASE)
_TYPES = frozenset({"multipart/encrypted", "application/pgp-encrypted"})
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_EXCHANGE_PARTS = 3
_CONTROL_BYTES = 500


def sealed_part(root: Part) -> tuple[Part, bool] | None:
    """The part that is to be opened, and whether it had to be found by the repair.

    Returns:
        None when the mail's root is not encrypted.

    Raises:
        Malformed: it says that it is, and is not built so.
    """
    if root.kind.name == "multipart/encrypted":
        protocol = root.kind.param("protocol")
        if protocol != "application/pgp-encrypted" or len(root.parts) != 2:  # noqa: PLR2004 (RFC 3156)
            raise Malformed("encrypted_structure")
        if not _control(root.parts[0]) or not _holder(root.parts[1]):
            raise Malformed("encrypted_structure")
        return root.parts[1], False
    if _mixed_up(root):
        return root.parts[2], True
    return None


def _mixed_up(root: Part) -> bool:
    """Exchange's form: mixed, an empty text, then the two parts as they were."""
    if root.kind.name != "multipart/mixed" or len(root.parts) != _EXCHANGE_PARTS:
        return False
    first, control, holder = root.parts
    empty = first.kind.name == "text/plain" and not first.raw.strip()
    return empty and _control(control) and _holder(holder)


def _control(part: Part) -> bool:
    small = part.end - part.body <= _CONTROL_BYTES
    named = small and part.kind.name == "application/pgp-encrypted"
    return named and _VERSION.fullmatch(part.decoded()) is not None


def _holder(part: Part) -> bool:
    return part.kind.name == "application/octet-stream" and not part.parts


def packets_of(part: Part) -> bytes:
    """The packets that a sealed part holds. Raises: Malformed."""
    return without_armour(part.decoded())


def refuse_nested(root: Part, reason: str) -> None:
    """Refuses a mail with anything encrypted in it, but for its root.

    Args:
        root: read whole.
        reason: of the refusal.

    Raises:
        Refused: oracle.
        Malformed: a part cannot be decoded.
    """
    if any(_encrypted(part) for part in root.walk()):
        raise Refused(Verdict.ORACLE, reason)


def refuse_around(root: Part) -> None:
    """Refuses an encrypted mail that hides another message around its parts. Raises: Refused."""
    if _ARMOURED.search(root.around):
        raise Refused(Verdict.ORACLE, "nested_encryption")


def _encrypted(part: Part) -> bool:
    if part.kind.name in _TYPES or _ARMOURED.search(part.around) or smime(part):
        return True
    if part.parts:
        return False
    return any(_ARMOURED.search(text) or looks_sealed(text) for text in _texts(part))


def _texts(part: Part) -> Iterator[bytes]:
    yield part.decoded()
    if part.encoding:
        yield part.raw


def smime(part: Part) -> bool:
    """Whether a part is encrypted by S/MIME."""
    return part.kind.name in _SMIME and part.kind.param("smime-type") != "signed-data"


def partly_signed(root: Part) -> bool:
    """Whether a part of an unsigned mail is signed: a signature that covers the rest of nothing."""
    return any(
        part.kind.name in {"multipart/signed", "application/pgp-signature"}
        or (not part.parts and b"-----BEGIN PGP SIGN" in part.raw)
        for part in root.walk()
    )
