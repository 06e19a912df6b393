"""ASCII armour (RFC 9580 section 6), taken off by us: one block, and nothing around it.

Rule kept here: what goes to the engine is the packets of the one block that was seen here, so that
no engine finds a second message, a text or a line of its own in what surrounds it.
"""

import base64
import binascii
import re

from connectors.pgpmail.judge.words import Malformed

BEGIN, END = b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"
_BLANKS = b" \t\r\n"
_HEADER = re.compile(rb"[A-Za-z]{1,20}:(?: [^\n]{0,200})?")
_CHECKSUM = re.compile(rb"\n=[A-Za-z0-9+/]{4}\Z")
_HEADERS = 10
_HEAD_BYTES = 4096


def without_armour(text: bytes) -> bytes:
    """The packets of the one armoured message that ``text`` is.

    Raises:
        Malformed: there is anything else in it.
    """
    block = text.strip(_BLANKS)
    if not block.startswith(BEGIN) or not block.endswith(END):
        raise Malformed("bad_armour")
    body = _behind_headers(block[len(BEGIN) : -len(END)].replace(b"\r\n", b"\n"))
    body = _CHECKSUM.sub(b"", body.rstrip(_BLANKS))
    try:
        packets = base64.b64decode(body.translate(None, _BLANKS), validate=True)
    except binascii.Error:
        raise Malformed("bad_armour") from None
    if not packets:
        raise Malformed("bad_armour")
    return packets


def _behind_headers(text: bytes) -> bytes:
    """What follows the blank line behind the block's headers. Raises: Malformed."""
    head = text[:_HEAD_BYTES]
    first, *lines = head.split(b"\n")
    if first.strip(_BLANKS):
        raise Malformed("bad_armour")
    at = len(first) + 1
    for line in lines[: _HEADERS + 1]:
        at += len(line) + 1
        if not line.strip(_BLANKS):
            return text[at:]
        if not _HEADER.fullmatch(line.rstrip(_BLANKS)):
            raise Malformed("bad_armour")
    raise Malformed("bad_armour")
