"""What kind of mail it is, from its headers and types alone.

Rule kept here: whatever a machine wrote is no message of a person, even where it is signed.
"""

from connectors.pgpmail.judge.address import mailbox
from connectors.pgpmail.judge.fields import Fields
from connectors.pgpmail.judge.parts import Part
from connectors.pgpmail.judge.words import MailClass

_MACHINES = frozenset({"mailer-daemon", "postmaster"})
_REPLIES = ("x-autoreply", "x-autorespond", "x-auto-reply", "auto-reply")
_KEYS = "application/pgp-keys"


def mail_class(root: Part, *, sealed: bool) -> MailClass:
    """The class of a mail.

    Args:
        root: its root part.
        sealed: the root is encrypted, so that a person may be behind it.
    """
    if root.kind.name == "multipart/report":
        report = root.kind.param("report-type")
        return MailClass.BOUNCE if report == "delivery-status" else MailClass.AUTO_REPLY
    if not sealed and (_from_machine(root.fields) or _nobody(root.fields)):
        return MailClass.BOUNCE
    if automatic(root.fields) or (sealed and _nobody(root.fields)):
        return MailClass.AUTO_REPLY
    return MailClass.KEY_ONLY if not sealed and only_keys(root) else MailClass.MESSAGE


def automatic(fields: Fields) -> bool:
    """Whether a machine answered (RFC 3834 section 5, and older signs)."""
    submitted = (fields.get("auto-submitted") or "no").split(";")[0].strip().lower()
    precedence = (fields.get("precedence") or "").strip().lower()
    return (
        submitted != "no"
        or precedence in {"auto_reply", "auto-reply"}
        or any(fields.get(name) is not None for name in _REPLIES)
    )


def _nobody(fields: Fields) -> bool:
    """A null return path: nobody wants an answer (RFC 5321 section 4.5.5)."""
    return any(value.replace(" ", "") == "<>" for value in fields.every("return-path"))


def _from_machine(fields: Fields) -> bool:
    sender = mailbox(fields.get("from") or "")
    return sender is not None and sender.address.partition("@")[0] in _MACHINES


def only_keys(root: Part) -> bool:
    """Whether a mail carries keys and nothing to read."""
    leaves = [part for part in root.walk() if not part.parts]
    keys = [part for part in leaves if _is_key(part)]
    return bool(keys) and all(_is_key(part) or not part.raw.strip() for part in leaves)


def _is_key(part: Part) -> bool:
    text = part.raw.strip()
    return part.kind.name == _KEYS or (
        text.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
        and text.endswith(b"-----END PGP PUBLIC KEY BLOCK-----")
    )
