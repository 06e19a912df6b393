"""A delivery as the body of a send, in pieces: no file is ever whole in memory.

Rules kept here:

1. Too large, no Unicode, or not as long as announced is refused on our side. A file that turns out
   shorter or longer than it said ends the body before its JSON is whole, so nothing was sent.
2. Text goes as it is (``text_mode`` ``normal`` where a server has one): marks in it mean nothing.
3. A file's name goes into a data URI and is the name of a file on the server: what separates there
   or in a path becomes ``_``.

Source: signal-cli, ``--attachment``; signal-cli-rest-api, ``base64_attachments``:
``data:MIME;filename=NAME;base64,…``.
"""

import base64
import json
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from connectors.port.errors import Rejected
from connectors.port.messages import Attachment, Delivery
from connectors.shared import frame
from connectors.signal.ids import Own, split_remote

MAX_BODY = 32 * 1024
"""Bytes of text. The quoting of an author's lines may double it, and clients take 64 KiB."""
_MOST_SHOWN = 64 * 1024
_UNSAFE_NAME = re.compile(r"[/\\;,:\"']")
_UNSAFE_TYPE = re.compile(r"[^A-Za-z0-9.+/_-]")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A body that can be read in pieces.

    Attributes:
        head: what stands before the first file.
        between: what stands before each file's base64, its data URI's start.
        tail: what stands behind the last.
        length: bytes.
        asked: the call's id, where a protocol has one.
    """

    head: bytes = field(repr=False)
    between: tuple[bytes, ...] = field(repr=False)
    tail: bytes = field(repr=False)
    files: tuple[Attachment, ...]
    length: int
    asked: str = ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises: Rejected when a file is not what it was said to be."""
        yield self.head
        for before, file in zip(self.between, self.files, strict=True):
            yield before
            async for piece in _encoded(file):
                yield piece
        yield self.tail


def request(
    delivery: Delivery, own: Own, recipient: str, limit: int, edits: int | None = None
) -> Request:
    """The body of ``POST /v2/send`` that carries a delivery.

    Args:
        delivery: what.
        own: who sends it.
        recipient: REST id of a group, or a person's UUID.
        limit: largest file in bytes.
        edits: timestamp of the message of ours that it replaces, milliseconds.

    Raises:
        Rejected: it cannot go.
    """
    fields: dict[str, Any] = {
        "number": own.number,
        "recipients": [recipient],
        "message": checked(delivery, limit),
        "text_mode": "normal",
    }
    quoted = answered(delivery, own)
    if quoted is not None:
        fields |= {"quote_author": quoted[0], "quote_timestamp": quoted[1]}
    if edits is not None:
        fields["edit_timestamp"] = edits
    return framed(fields, "base64_attachments", delivery.content.attachments)


def framed(
    fields: dict[str, Any],
    name: str,
    files: tuple[Attachment, ...],
    behind: str = "",
    asked: str = "",
) -> Request:
    """A JSON object with files in it.

    Args:
        fields: the object; the files come into it, or into the objects at its end.
        name: the field that holds the files.
        files: the files.
        behind: brackets that close the objects which the files are in.
        asked: the call's id.
    """
    head, between, tail = _frame(fields, name, files, behind)
    coded = sum(4 * ((file.size + 2) // 3) for file in files)
    length = len(head) + sum(map(len, between)) + coded + len(tail)
    return Request(head, tuple(between), tail, files, length, asked)


def checked(delivery: Delivery, limit: int) -> str:
    """What a delivery reads, if it can go.

    Args:
        delivery: what.
        limit: largest file in bytes.

    Raises:
        Rejected: it cannot go.
    """
    _check(delivery, limit)
    shown = frame.render(delivery.content, delivery.author_line, repeated=delivery.attempt > 1)
    if len(shown.encode()) > _MOST_SHOWN:
        raise Rejected("too_large", f"with its marks the text is longer than {_MOST_SHOWN} bytes")
    return shown


def _check(delivery: Delivery, limit: int) -> None:
    content = delivery.content
    texts = [content.text, content.subject or "", delivery.author_line or ""]
    texts += [word for each in content.attachments for word in (each.name, each.media_type)]
    if not all(map(_is_unicode, texts)):
        raise Rejected("not_unicode", "the text has characters that cannot be written as UTF-8")
    if len(content.text.encode()) > MAX_BODY:
        raise Rejected("too_large", f"the text is longer than {MAX_BODY} bytes")
    if any(each.size > limit for each in content.attachments):
        raise Rejected("file_too_large", f"a file is larger than {limit} bytes")


def _is_unicode(text: str) -> bool:
    """A lone surrogate is no text; the foreign error is let go, for it holds the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def answered(delivery: Delivery, own: Own) -> tuple[str, int] | None:
    """Author and timestamp of the message that is answered; its text is each reader's own copy.

    Raises:
        Rejected: it is none of Signal.
    """
    if delivery.reply_to is None:
        return None
    named = split_remote(delivery.reply_to)
    if named is None:
        raise Rejected("bad_reply", "the message that is answered is none of Signal")
    author, stamp = named
    return (own.uuid if author == own.account and own.uuid else author), stamp


def _frame(
    fields: dict[str, Any], name: str, files: tuple[Attachment, ...], behind: str
) -> tuple[bytes, list[bytes], bytes]:
    """What stands before, between and behind the files' base64."""
    head = json.dumps(fields, ensure_ascii=False).encode()
    if not files:
        return head, [], b""
    between = [
        b'"' * (index == 0) + b'","' * (index > 0) + _prefix(file)
        for index, file in enumerate(files)
    ]
    start = head[: len(head) - 1 - len(behind)]
    return start + f', "{name}": ['.encode(), between, f'"]}}{behind}'.encode()


def _prefix(file: Attachment) -> bytes:
    """The start of a data URI, as it stands inside a JSON string."""
    kind = _UNSAFE_TYPE.sub("", file.media_type) or "application/octet-stream"
    uri = f"data:{kind};filename={safe_name(file.name)};base64,"
    return json.dumps(uri, ensure_ascii=False)[1:-1].encode()


def safe_name(name: str) -> str:
    """A file's name that is one word of a data URI and one name in a folder."""
    unsafe = {"Cc", "Cf", "Zl", "Zp", "Cs"}
    plain = "".join("_" if unicodedata.category(c) in unsafe else c for c in name)
    plain = _UNSAFE_NAME.sub("_", plain).lstrip(".").strip()
    return plain.encode()[:_LONGEST_NAME].decode(errors="ignore") or "file"


async def _encoded(file: Attachment) -> AsyncIterator[bytes]:
    """A file's base64 in pieces; its last piece only when the length is as announced."""
    size, rest = 0, b""
    async for piece in _quiet(file):
        if piece is None:
            raise Rejected("file_unreadable", "a file could not be read to its end")
        size += len(piece)
        if size > file.size:
            break
        joined = rest + piece
        whole = len(joined) - len(joined) % 3
        if size == file.size:  # held back until it is sure that this is all
            rest = joined
            continue
        rest = joined[whole:]
        yield base64.b64encode(joined[:whole])
    if size != file.size:
        raise Rejected("file_length_differs", "a file is not as long as it says")
    yield base64.b64encode(rest)


async def _quiet(file: Attachment) -> AsyncIterator[bytes | None]:
    """The pieces, and None in place of whatever error the source has: it may hold content."""
    pieces = None
    try:
        pieces = file.open()
        async for piece in pieces:
            yield piece
    except Exception:  # noqa: BLE001 - whatever the source raises, it may hold content
        failed = True
    else:
        failed = False
    if failed:
        yield None
