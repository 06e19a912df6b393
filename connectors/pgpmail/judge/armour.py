"""ASCII armour (RFC 9580 section 6), taken off by us: one block, and nothing around it.

Rule kept here: what goes to the engine is the packets of the one block that was seen here, so that
no engine finds a second message, a text or a line of its own in what surrounds it.
"""

import base64
import binascii
import re

from connectors.pgpmail.judge.words import Malformed

BEGIN = b"-----BEGIN PGP MESSAGE-----"
_BLOCK = re.compile(
    rb"\s*-----BEGIN PGP MESSAGE-----[ \t]*\n"
    rb"(?:[A-Za-z]{1,20}: [^\n]{0,200}\n|[A-Za-z]{1,20}:[ \t]*\n)*"
    rb"[ \t]*\n"
    rb"((?:[A-Za-z0-9+/]+[ \t]*\n)*(?:[A-Za-z0-9+/]*={0,2}[ \t]*\n))"
    rb"(?:[ \t]*\n)?"
    rb"(?:=([A-Za-z0-9+/]{4})[ \t]*\n)?"
    rb"-----END PGP MESSAGE-----\s*"
)
_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x1864CFB


def without_armour(text: bytes) -> bytes:
    """The packets of the one armoured message that ``text`` is.

    Raises:
        Malformed: there is anything else in it.
    """
    found = _BLOCK.fullmatch(text.replace(b"\r\n", b"\n"))
    if found is None:
        raise Malformed("bad_armour")
    try:
        packets = base64.b64decode(found[1].translate(None, b" \t\n"), validate=True)
    except binascii.Error:
        raise Malformed("bad_armour") from None
    if not packets:
        raise Malformed("bad_armour")
    return packets
