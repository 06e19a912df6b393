"""The head of a member of a tar archive (POSIX.1-1988 ustar), in one form and no other.

Rules kept here:

1. A head says a regular file's name and size, and nothing of whoever owned it. It is the same bytes
   on every machine: a head with any other byte is none.
2. A size beyond 8 GiB is written in base 256, as GNU's tar does; whatever reads the one reads the
   other.
"""

from typing import Final

BLOCK: Final = 512
_NAME, _PREFIX = 100, 155
_OCTAL = 8 << 30
_SIZE, _SUM, _TYPE, _PREFIX_AT = 124, 148, 156, 345


class NoHead(ValueError):
    """A block is no head of ours, or a name does not go into one."""


def head(name: str, size: int) -> bytes:
    """The head of a regular file.

    Args:
        name: its path.
        size: bytes.

    Raises:
        NoHead: the name is too long.
    """
    prefix, last = _split(name.encode())
    octal = size < _OCTAL
    length = b"%011o\0" % size if octal else b"\x80" + size.to_bytes(11, "big")
    fields = (
        last.ljust(_NAME, b"\0"),
        b"0000600\0" + b"0000000\0" * 2,
        length,
        b"00000000000\0",
        b" " * 8,
        b"0" + bytes(100),
        b"ustar\x0000" + bytes(80),
        prefix.ljust(_PREFIX, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    return block[:_SUM] + b"%06o\0 " % sum(block) + block[_TYPE:]


def read(block: bytes) -> tuple[str, int]:
    """Name and size of a regular file. Raises: NoHead."""
    length = block[_SIZE : _SIZE + 12]
    try:
        last = block[:_NAME].rstrip(b"\0").decode()
        prefix = block[_PREFIX_AT : _PREFIX_AT + _PREFIX].rstrip(b"\0").decode()
        size = int.from_bytes(length[1:], "big") if length[0] == 0x80 else int(length[:11], 8)  # noqa: PLR2004 - base 256
        name = f"{prefix}/{last}" if prefix else last
        ours = head(name, size) == block
    except ValueError:
        raise NoHead("a member's head is damaged, or is of no regular file") from None
    if not ours:
        raise NoHead("a member's head is damaged, or is of no regular file")
    return name, size


def _split(name: bytes) -> tuple[bytes, bytes]:
    if len(name) <= _NAME:
        return b"", name
    at = name.find(b"/", len(name) - _NAME - 1)
    if not 0 < at <= _PREFIX or len(name) - at - 1 > _NAME:
        raise NoHead("the name is too long")
    return name[:at], name[at + 1 :]
