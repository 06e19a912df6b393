"""What a mail server says of a mail of ours that it could not deliver (RFC 3464).

Rules kept here: the returned body is neither decrypted nor looked at; of it only the Message-ID is
read. The token of our return path, which stood in no header, is believed before a Message-ID, which
many have seen. A report of a delay is no failure.
"""

import re
from dataclasses import dataclass

from connectors.pgpmail.judge.address import recipients
from connectors.pgpmail.judge.fields import Fields
from connectors.pgpmail.judge.parts import Part, read_mail
from connectors.pgpmail.judge.words import Limits, Malformed

_TO = ("x-original-to", "delivered-to", "to", "envelope-to")
_ACTION = re.compile(rb"^action[ \t]*:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:\s*(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/global"})
_HEADERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is about.

    Attributes:
        token: of the return path that it came to, if it is one of ours.
        message_id: of the mail that it returns.
    """

    token: str | None
    message_id: str | None


def read_report(raw: bytes, return_path: str, limits: Limits) -> Report | None:
    """The failed mail that a report tells of; None when it tells of no failure.

    Args:
        raw: the report.
        return_path: our form of a return path, ``{token}`` in the place of its token.
        limits: of the judge.
    """
    try:
        root = read_mail(raw, limits)
    except Malformed:
        return None
    if not _failed(root):
        return None
    return Report(_token(root.fields, return_path), _returned(root))


def _failed(root: Part) -> bool:
    """Whether any recipient's delivery failed; a report without that says nothing else."""
    states = [part.raw for part in root.walk() if part.kind.name == "message/delivery-status"]
    actions = {found.lower() for state in states for found in _ACTION.findall(state)}
    return b"failed" in actions if actions else root.kind.name == "multipart/report"


def _token(fields: Fields, return_path: str) -> str | None:
    before, _, behind = return_path.lower().partition("{token}")
    shape = re.compile(re.escape(before) + r"([0-9a-z]{8,64})" + re.escape(behind))
    for name in _TO:
        for value in fields.every(name):
            for one in recipients(value):
                found = shape.fullmatch(one)
                if found:
                    return found[1]
    return None


def _returned(root: Part) -> str | None:
    for part in root.walk():
        if part.kind.name in _RETURNED:
            found = _MESSAGE_ID.search(part.raw[:_HEADERS].split(b"\r\n\r\n", 1)[0])
            if found:
                return found[1].decode("ascii", "replace")
    return None
