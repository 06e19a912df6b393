"""The packets of a sealed message, counted before an engine sees them (RFC 9580 section 4).

Rule kept here: keys first, then exactly one sealed packet, then the end. A second message, a
packet between or behind, or a length that does not end where the bytes end is malformed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.pgpmail.judge.words import Malformed

PUBLIC_KEY_SESSION, SYMMETRIC_SESSION = 1, 3
SIGNATURE, ONE_PASS, COMPRESSED, SEALED_BARE, MARKER, LITERAL = 2, 4, 8, 9, 10, 11
SEALED, SEALED_AEAD = 18, 20
_PLAIN = frozenset({SIGNATURE, ONE_PASS, COMPRESSED, LITERAL})
_SEALED = frozenset({SEALED_BARE, SEALED, SEALED_AEAD})
MAX_KEYS = 200
"""Recipients of one message that are looked at."""
MAX_PIECES = 100_000
"""Pieces of one packet: engines write thousands of bytes in each."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet's tag, the first bytes of its body, and whether the data ends before it does."""

    tag: int
    head: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a sealed message is, seen from outside.

    Attributes:
        recipients: key ids, sixteen hexadecimal digits; zeros for a hidden one.
        password: a password opens it too.
        tag: of the sealed packet; 0 where nothing is sealed at all.
        version: of the sealed packet, 0 where it has none.
        supported: every version in it is one that is read.
        cut: the sealed packet is shorter than it says.
    """

    recipients: frozenset[str]
    password: bool
    tag: int
    version: int
    supported: bool
    cut: bool = False


def sealed(data: bytes) -> Sealed:
    """Looks at a message from outside.

    Raises:
        Malformed: it is not keys and one sealed packet, nor a message that is not sealed.
    """
    packets = [p for p in _packets(data) if p.tag != MARKER]
    if packets and packets[0].tag in _PLAIN:
        return Sealed(frozenset(), password=False, tag=0, version=0, supported=True)
    if not packets or packets[-1].tag not in _SEALED:
        raise Malformed("bad_packets")
    *keys, last = packets
    if any(k.tag not in {PUBLIC_KEY_SESSION, SYMMETRIC_SESSION} for k in keys):
        raise Malformed("bad_packets")
    ours = [k.head for k in keys if k.tag == PUBLIC_KEY_SESSION]
    version = last.head[0] if last.tag != SEALED_BARE and last.head else 0
    return Sealed(
        frozenset(head[1:9].hex().upper() for head in ours if head[:1] == b"\x03"),
        password=len(ours) < len(keys),
        tag=last.tag,
        version=version,
        supported=all(head[:1] == b"\x03" for head in ours) and version <= 1,
        cut=last.cut,
    )


def looks_sealed(data: bytes) -> bool:
    """Whether ``data`` begins as a binary sealed message: a file that is one."""
    try:
        first = next(_packets(data[: 1 << 16]), None)
    except Malformed:
        return False
    if first is None:
        return False
    if first.tag == PUBLIC_KEY_SESSION:
        return first.head[:1] in {b"\x03", b"\x06"} and len(first.head) == _HEAD
    return first.tag == SYMMETRIC_SESSION and first.head[:1] in {b"\x04", b"\x05", b"\x06"}


_HEAD = 9
"""Bytes of a body that are kept: version and key id."""
_NEW, _TAG = 0x40, 0x80


def _packets(data: bytes) -> Iterator[Packet]:
    """The packets, the last perhaps cut. Raises: Malformed."""
    at = count = 0
    while at < len(data):
        first = data[at]
        count += 1
        if not first & _TAG or count > MAX_KEYS:
            raise Malformed("bad_packets")
        new = bool(first & _NEW)
        tag = first & 0x3F if new else (first & 0x3C) >> 2
        head, at = (_new_body if new else _old_body)(data, at)
        yield Packet(tag, head, at > len(data))


def _old_body(data: bytes, at: int) -> tuple[bytes, int]:
    kind = data[at] & 3
    if kind == 3:  # noqa: PLR2004 (RFC 9580 section 4.2.2: to the end of the data)
        return data[at + 1 : at + 1 + _HEAD], len(data)
    size = 1 << kind
    length = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    return _slice(data, at + 1 + size, length)


def _new_body(data: bytes, at: int) -> tuple[bytes, int]:
    """A body in the new form: its pieces, each with a length (RFC 9580 section 4.2.1)."""
    head, at = b"", at + 1
    for _ in range(MAX_PIECES):
        length, at, partial = _length(data, at)
        piece, at = _slice(data, at, length)
        head = (head + piece)[:_HEAD]
        if not partial or at > len(data):
            return head, at
    raise Malformed("bad_packets")


def _length(data: bytes, at: int) -> tuple[int, int, bool]:
    """(length, where the body begins, more pieces follow); past the end, a body that is cut."""
    if at >= len(data):
        return 1, at, False
    first = data[at]
    if first < 192:  # noqa: PLR2004 (RFC 9580 section 4.2.1.1)
        return first, at + 1, False
    if first < 224:  # noqa: PLR2004 (section 4.2.1.2)
        second = data[at + 1] if at + 1 < len(data) else 0
        return ((first - 192) << 8) + second + 192, at + 2, False
    if first < 255:  # noqa: PLR2004 (section 4.2.1.4)
        return 1 << (first & 0x1F), at + 1, True
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5, False


def _slice(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    """The first bytes of a body, and where it ends or would end."""
    return data[at : at + min(length, _HEAD)], at + length
