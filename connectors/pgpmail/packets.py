"""Whom an armoured message is encrypted for, read from its first bytes. Pure.

Rule kept here: what leaves is looked at on the wire's own level (RFC 4880, 4.2, 5.1 and 5.13), so
that a program's word is not needed for who can read.
"""

import base64
import binascii
import re
from collections.abc import Iterator

_SESSION_KEY, _SYMMETRIC_KEY, _SEALED = 1, 3, 18
_ARMOUR = re.compile(
    rb"-----BEGIN PGP MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*?\r?\n([A-Za-z0-9+/=\r\n]*)"
)


def sealed_for(head: bytes) -> list[str] | None:
    """Key ids of all that can open a message, in capitals.

    Args:
        head: the first bytes of the armoured message: a few thousand are enough for a few keys.

    Returns:
        None when it is not one: no armour, another packet, a pass-phrase, no integrity.
    """
    found = _ARMOUR.match(head)
    if found is None:
        return None
    text = re.sub(rb"[\r\n=]", b"", found.group(1))
    try:
        data = base64.b64decode(text[: len(text) // 4 * 4])
    except binascii.Error:
        return None
    keys: list[str] = []
    for tag, body in _packets(data):
        if tag == _SESSION_KEY and body[:1] == b"\x03":
            keys.append(body[1:9].hex().upper())
        elif tag == _SEALED and body[:1] == b"\x01":
            return keys
        else:
            return None
    return None


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and (as far as they are there) bodies of packets."""
    at = 0
    while at + 6 < len(data) and data[at] & 0x80:
        first, at = data[at], at + 1
        if first & 0x40:
            tag, (length, at) = first & 0x3F, _new_length(data, at)
        else:
            tag, (length, at) = (first >> 2) & 0x0F, _old_length(data, at, first & 3)
        yield tag, data[at : at + length]
        at += length


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    """Length and where the body begins; of a partial one, its first piece (RFC 4880, 4.2.2)."""
    first = data[at]
    if first < 192:  # noqa: PLR2004 (RFC 4880, 4.2.2.1)
        return first, at + 1
    if first < 224:  # noqa: PLR2004 (RFC 4880, 4.2.2.2)
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:  # noqa: PLR2004 (RFC 4880, 4.2.2.3)
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    return 1 << (first & 0x1F), at + 1


def _old_length(data: bytes, at: int, kind: int) -> tuple[int, int]:
    """Likewise in the old format (RFC 4880, 4.2.1); kind 3 goes to the end."""
    if kind == 3:  # noqa: PLR2004 (RFC 4880, 4.2.1)
        return len(data) - at, at
    size = 1 << kind
    return int.from_bytes(data[at : at + size], "big"), at + size
