"""A mail: what is sealed, what stands around it, and how large each becomes. Pure, but for reading.

Rules kept here:

1. Inside stands the whole mail with all its headers and ``hp="cipher"``; each header that is also
   seen outside is repeated as ``HP-Outer`` exactly as it is sent (RFC 9788). The inner To names
   the one reader, and is signed: a mail that somebody seals anew for another does not fit him.
2. Outside stand From, To, ``Subject: [...]``, a date coarsened to the hour in +0000 and a random
   Message-ID on our domain: no name of a program, no reference to another mail, no file name.
3. Sizes are padded to classes (PADME: Nikitin and others, PETS 2019, section 4), behind the last
   part, where MIME has it ignored (RFC 2046, 5.1.1).
4. Sizes are reckoned before the first byte is read, and the bytes that come are counted: a file
   of another length than announced ends the mail.
5. Nobody's text becomes a header's name, a boundary or a media type.
"""

import base64
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from connectors.pgpmail import layout
from connectors.port import RemoteId
from connectors.port.errors import ConnectorError, Rejected
from connectors.port.messages import Attachment, Delivery

DELIVERY, AUTHOR, REPEATED = "Wallcross-Delivery", "Wallcross-Author", "Wallcross-Repetition"
NO_SUBJECT = "Message"
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_SMALLEST = 4096
_LINE = 57
_ARMOUR_LINE = 48
_SIGNATURE_AND_KEYS = 2048
"""More than a session key and a signature of the longest accepted algorithms take."""
_PIECE = _LINE * 1024
_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_TYPE = re.compile(
    r"(?!message/|multipart/|text/)[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}"
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom under which name.

    Attributes:
        sender: our address.
        sender_name: beside it; empty for none.
        recipient: the adviser's address.
        message: Message-ID with the angle brackets.
        now: microseconds UTC.
    """

    sender: str
    sender_name: str
    recipient: str
    message: RemoteId
    now: int

    def outer(self) -> list[tuple[str, str]]:
        """Headers that everybody on the way sees."""
        return [
            ("From", self.author),
            ("To", self.recipient),
            ("Subject", "[...]"),
            ("Date", date(self.now - self.now % _HOUR)),
            ("Message-ID", self.message),
        ]

    @property
    def author(self) -> str:
        """Our address as From has it."""
        return f'"{self.sender_name}" <{self.sender}>' if self.sender_name else self.sender


def date(at: int) -> str:
    """A header's date in +0000 (RFC 5322, 3.3), to the second."""
    return format_datetime(datetime.fromtimestamp(at // _SECOND, UTC))


def new_message_id(domain: str) -> RemoteId:
    """A random name for a mail."""
    return RemoteId(f"<{secrets.token_hex(16)}@{domain}>")


def padded(size: int) -> int:
    """The size class of a size: the next that PADME knows, at least the smallest.

    Args:
        size: bytes.
    """
    exponent = max(size, 2).bit_length() - 1
    loose = exponent - exponent.bit_length()
    mask = (1 << loose) - 1
    return max((size + mask) & ~mask, _SMALLEST)


def wire_size(inner: int) -> int:
    """At most how many bytes a mail has on the wire, its armour and outer parts included.

    Args:
        inner: bytes before sealing, padded.
    """
    lines = -(-(inner + _SIGNATURE_AND_KEYS) // _ARMOUR_LINE)
    return lines * (_ARMOUR_LINE // 3 * 4 + 2) + 2048


def largest_file(most: int, encoding: str) -> int:
    """The largest file that fits into a mail of ``most`` bytes beside a short text."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        inner = padded(_encoded_size(middle, encoding) + 2 * _SMALLEST)
        low, high = (middle, high) if wire_size(inner) <= most else (low, middle - 1)
    return low


def _encoded_size(size: int, encoding: str) -> int:
    if encoding == "binary":
        return size
    return -(-size // 3) * 4 + -(-size // _LINE) * 2


@dataclass(slots=True)
class Inner:
    """What is sealed.

    Args:
        delivery: what, of whom.
        envelope: between whom.
        encoding: of files, base64 or binary.
        answers: Message-ID of the mail that it answers.
    """

    delivery: Delivery
    envelope: Envelope
    encoding: str
    answers: str | None
    _boundary: str = field(default_factory=lambda: f"=_{secrets.token_hex(16)}")

    def _pieces(self) -> list[bytes | Attachment]:
        """The mail in order: what is there already, and files that are still to be read."""
        found: list[bytes | Attachment] = [self._head() + self._text()]
        for file in self.delivery.content.attachments:
            found += [self._file_head(file), file]
        found.append(f"\r\n--{self._boundary}--\r\n".encode())
        return found

    @property
    def size(self) -> int:
        """Bytes without padding."""
        return sum(
            len(each) if isinstance(each, bytes) else _encoded_size(each.size, self.encoding)
            for each in self._pieces()
        )

    async def read(self) -> AsyncGenerator[bytes, None]:
        """The bytes, padding included.

        Raises:
            Rejected: a file is of another length than announced, or cannot be read.
        """
        for each in self._pieces():
            if isinstance(each, bytes):
                yield each
            else:
                async for piece in _encoded(_counted(each), self.encoding):
                    yield piece
        missing = padded(self.size) - self.size
        filler = (b" " * 76 + b"\r\n") * 840
        while missing > 0:
            yield filler[:missing]
            missing -= len(filler)

    def _head(self) -> bytes:
        outer = self.envelope.outer()
        subject = self.delivery.content.subject
        shown = {**dict(outer), "Date": date(self.envelope.now)}
        shown["Subject"] = layout.encoded(NO_SUBJECT if subject is None else subject)
        lines = [f"{name}: {value}" for name, value in shown.items()]
        if self.answers is not None and _ID.fullmatch(self.answers):
            lines.append(f"In-Reply-To: {self.answers}")
        lines.append(f"{DELIVERY}: {self.delivery.key}")
        if self.delivery.author_line is not None:
            lines.append(f"{AUTHOR}: {layout.encoded(self.delivery.author_line)}")
        if self.delivery.attempt > 1:
            lines.append(f"{REPEATED}: yes")
        lines += [f"HP-Outer: {name}: {value}" for name, value in outer]
        lines += [
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{self._boundary}"; hp="cipher"',
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def _text(self) -> bytes:
        content = self.delivery.content
        legacy = "" if content.subject is None else '; hp-legacy-display="1"'
        text = layout.body(
            content.text,
            self.delivery.author_line,
            content.subject,
            repeated=self.delivery.attempt > 1,
        )
        head = (
            f"--{self._boundary}\r\n"
            f'Content-Type: text/plain; charset="utf-8"{legacy}\r\n'
            "Content-Transfer-Encoding: base64\r\n\r\n"
        )
        return head.encode() + _lines(text.encode()).removesuffix(b"\r\n")

    def _file_head(self, file: Attachment) -> bytes:
        kind = file.media_type.lower()
        kind = kind if _TYPE.fullmatch(kind) else "application/octet-stream"
        return (
            f"\r\n--{self._boundary}\r\n"
            f"Content-Type: {kind}\r\n"
            f"Content-Transfer-Encoding: {self.encoding}\r\n"
            f"Content-Disposition: attachment{layout.parameter('filename', file.name)}\r\n\r\n"
        ).encode()


def _lines(data: bytes) -> bytes:
    """Base64 in lines of 76."""
    return b"".join(
        base64.b64encode(data[at : at + _LINE]) + b"\r\n" for at in range(0, len(data), _LINE)
    )


async def _encoded(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """A file's bytes as its part has them."""
    rest = b""
    async for piece in pieces:
        if encoding == "binary":
            yield piece
            continue
        rest += piece
        for at in range(0, len(rest) - _PIECE + 1, _PIECE):
            yield _lines(rest[at : at + _PIECE])
        rest = rest[len(rest) // _PIECE * _PIECE :]
    if rest:
        yield _lines(rest)


async def _counted(file: Attachment) -> AsyncIterator[bytes]:
    """A file's bytes; ends in an error unless they are as many as announced."""
    taken, failed = 0, False
    try:
        async for piece in file.open():
            taken += len(piece)
            if taken > file.size:
                break
            yield piece
    except ConnectorError:
        raise
    except Exception:  # noqa: BLE001 (whatever a source raises: its words may quote the file)
        failed = True
    if failed:
        raise Rejected("file_unreadable", "a file could not be read to its end")
    if taken != file.size:
        raise Rejected("file_length", "a file is not as long as was announced")


@dataclass(frozen=True, slots=True)
class Outer:
    """What stands around the sealed part.

    Attributes:
        head: bytes before the armour.
        tail: bytes after it.
    """

    head: bytes
    tail: bytes


def outer(envelope: Envelope) -> Outer:
    """The outer mail (RFC 3156, 4): the same for every message but for who, whom and when."""
    boundary = f"=_{secrets.token_hex(16)}"
    lines = [f"{name}: {value}" for name, value in envelope.outer()]
    lines += [
        "MIME-Version: 1.0",
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";',
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: application/pgp-encrypted",
        "",
        "Version: 1",
        "",
        f"--{boundary}",
        "Content-Type: application/octet-stream",
        'Content-Disposition: inline; filename="message.asc"',
        "",
        "",
    ]
    return Outer("\r\n".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode())
