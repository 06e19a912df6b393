"""The parts of a mail as places in its bytes: nothing is copied, decoded or believed.

Rules kept here: boundaries must be closed, a part with parts is never encoded, and size, depth and
count are bounded while reading. What a lenient reader would repair is malformed.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from connectors.pgpmail.judge.fields import Fields, read_fields
from connectors.pgpmail.judge.kinds import Kind, read_disposition, read_kind
from connectors.pgpmail.judge.words import Limits, Malformed

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,99}[0-9A-Za-z'()+_,\-./:=?]")
_IDENTITY = frozenset({"7bit", "8bit", "binary", ""})
_ENCODINGS = _IDENTITY | {"base64", "quoted-printable"}
_PIECE = 57 * 1024
"""Bytes decoded at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        data: the whole mail that it lies in.
        fields: its header fields.
        kind: its type.
        start: where its headers begin.
        body: where its body begins.
        end: where its body ends.
        encoding: transfer encoding, lower case.
        parts: of a multipart or an enclosed mail.
        around: what stands before the first and behind the last boundary.
    """

    data: bytes = field(repr=False)
    fields: Fields = field(repr=False)
    kind: Kind
    start: int
    body: int
    end: int
    encoding: str = ""
    parts: tuple["Part", ...] = ()
    around: bytes = field(default=b"", repr=False)

    @property
    def raw(self) -> bytes:
        """The body as it stands."""
        return self.data[self.body : self.end]

    def decoded(self) -> bytes:
        """The body without its transfer encoding. Raises: Malformed."""
        if self.encoding == "quoted-printable":
            return quopri.decodestring(self.raw)
        return b"".join(self.pieces()) if self.encoding == "base64" else self.raw

    def pieces(self) -> Iterator[bytes]:
        """The decoded body, a piece at a time. Raises: Malformed."""
        if self.encoding == "base64":
            yield from _base64(self.raw)
        elif self.encoding == "quoted-printable":
            yield quopri.decodestring(self.raw)
        else:
            for at in range(self.body, self.end, _PIECE):
                yield self.data[at : min(self.end, at + _PIECE)]

    def walk(self) -> Iterator["Part"]:
        """Itself and everything within it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def disposition(self) -> Kind:
        """How its author wants it shown."""
        return read_disposition(self.fields.get("content-disposition"))


def _base64(raw: bytes) -> Iterator[bytes]:
    text = raw.translate(None, b" \t\r\n")
    whole = len(text) - len(text) % 4
    try:
        for at in range(0, whole, _PIECE * 4):
            yield base64.b64decode(text[at : min(whole, at + _PIECE * 4)], validate=True)
    except binascii.Error:
        raise Malformed("bad_encoding") from None
    if whole < len(text):
        raise Malformed("bad_encoding")


class _Reader:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._count = 0

    def read(self, start: int, end: int, depth: int, default: str) -> Part:
        self._count += 1
        if self._count > self._limits.parts:
            raise Malformed("too_many_parts")
        if depth > self._limits.depth:
            raise Malformed("too_deep")
        fields, body = read_fields(self._data, start, end, self._limits)
        kind = read_kind(fields.get("content-type"), default)
        encoding = (fields.get("content-transfer-encoding") or "").lower().strip()
        part = Part(self._data, fields, kind, start, body, end, encoding)
        if kind.multipart or kind.name.startswith("message/"):
            return self._composed(part, depth)
        if encoding not in _ENCODINGS:
            raise Malformed("bad_encoding")
        return part

    def _composed(self, part: Part, depth: int) -> Part:
        if part.kind.name in {"message/partial", "message/external-body"}:
            raise Malformed("partial_message")
        if part.encoding not in _IDENTITY:
            raise Malformed("bad_encoding")
        if part.kind.name in {"message/rfc822", "message/global"}:
            enclosed = self.read(part.body, part.end, depth + 1, "text/plain")
            return _with(part, (enclosed,), b"")
        if part.kind.multipart:
            return self._split(part, depth)
        return part

    def _split(self, part: Part, depth: int) -> Part:
        default = "message/rfc822" if part.kind.name == "multipart/digest" else "text/plain"
        spans, around = _spans(part)
        inside = tuple(self.read(start, end, depth + 1, default) for start, end in spans)
        return _with(part, inside, around)


def _with(part: Part, parts: tuple[Part, ...], around: bytes) -> Part:
    return Part(
        *(part.data, part.fields, part.kind, part.start, part.body, part.end),
        encoding=part.encoding,
        parts=parts,
        around=around,
    )


def _spans(part: Part) -> tuple[list[tuple[int, int]], bytes]:
    """Where the parts of a multipart lie, and what stands around them. Raises: Malformed."""
    boundary = part.kind.params.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise Malformed("bad_boundary")
    line = re.compile(
        rb"(?:(?<=\n)|\A)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    text = part.raw
    marks = list(line.finditer(text))
    closing = [n for n, mark in enumerate(marks) if mark[1]]
    if closing != [len(marks) - 1] or len(marks) == 1:
        raise Malformed("bad_boundary")
    spans = [
        (part.body + _after(text, a.end()), part.body + _before(text, b.start()))
        for a, b in pairwise(marks)
    ]
    if any(start > end for start, end in spans):
        raise Malformed("bad_boundary")
    return spans, text[: marks[0].start()] + b"\n" + text[marks[-1].end() :]


def _after(text: bytes, at: int) -> int:
    """Behind the line end at ``at``."""
    return at + (2 if text[at : at + 2] == b"\r\n" else 1)


def _before(text: bytes, at: int) -> int:
    """Before the line end that stands right before ``at``: it belongs to the boundary."""
    at -= 1
    return at - 1 if text[at - 1 : at] == b"\r" else at


def shapeless(data: bytes) -> Part:
    """Bytes that are no mail, as one part without headers."""
    return Part(data, Fields(()), Kind("text/plain"), 0, 0, len(data))


def read_mail(data: bytes, limits: Limits) -> Part:
    """A mail's root part with all that lies in it.

    Raises:
        Malformed: it is not one, or it passes a limit.
    """
    start = 0
    if data.startswith((b"From ", b">From ")):  # the separator line of a mailbox file
        start = data.find(b"\n") + 1
    return _Reader(data, limits).read(start, len(data), 1, "text/plain")
