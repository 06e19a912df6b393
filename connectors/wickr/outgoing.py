"""A delivery as the bodies of its calls: its text, then its files one by one. Pure but for reading.

Rules kept here:

1. Too large, no Unicode, or not as long as announced is refused on our side, before the first byte:
   every file is read through once before anything is sent.
2. The real program takes a JSON body above 100 KiB for an empty one and answers 200, so a text is
   measured as it goes over the wire.
3. People are objects in ``Messages`` and plain strings in ``File``; strings in ``Messages`` reach
   nobody, and what is no list leaves the call hanging.
4. A file's name is the name of a file on the bot's host, where another of that name would take its
   place while it is being sent: it gets a random word of ours, and is ASCII.
"""

import json
import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.port import RoomId
from connectors.port.errors import Rejected
from connectors.port.messages import Attachment, Delivery
from connectors.wickr import layout
from connectors.wickr.client import MOST_ENCODED, encoded
from connectors.wickr.ids import Kind, kind_of, other_end

MAX_BODY = 32 * 1024
"""Bytes of text. The quoting of an author's lines may double it, escapes in JSON more."""
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._()+-]+")
_LONGEST_STEM, _LONGEST_KIND, _WORD = 80, 12, 8
_BOUNDARY = 24


def target(room: RoomId) -> dict[str, Any]:
    """Where a message goes: a vGroupID, or people as objects; never both."""
    if kind_of(room) is Kind.LINE:
        return {"users": [{"name": other_end(room)}]}
    return {"vgroupid": room}


@dataclass(frozen=True, slots=True)
class Lives:
    """For how long a message on a private line stays; a room has its own.

    Attributes:
        ttl: seconds to live. 0, here as there, is none.
        bor: seconds after reading.
    """

    ttl: int = 0
    bor: int = 0

    def fields(self) -> dict[str, int]:
        """As the program takes them: what is none is left out."""
        named = {"ttl": self.ttl, "bor": self.bor}
        return {name: seconds for name, seconds in named.items() if seconds}


AS_THE_ROOM: Final = Lives()


def text_body(delivery: Delivery, lives: Lives) -> dict[str, Any] | None:
    """The body of ``POST /Messages``; None where a delivery is files alone and names nobody.

    Args:
        delivery: what.
        lives: for how long.

    Raises:
        Rejected: it cannot go.
    """
    content = delivery.content
    _check(delivery)
    shown = layout.render(content, delivery.author_line, repeated=delivery.attempt > 1)
    if not shown:
        if content.attachments:
            return None
        raise Rejected("empty", "a message of Wickr has a text or a file")
    body = {**target(delivery.room), "message": shown, **lives.fields()}
    if len(encoded(body)) > MOST_ENCODED:
        raise Rejected("too_large", f"as it is sent the text is longer than {MOST_ENCODED} bytes")
    return body


def _check(delivery: Delivery) -> None:
    content = delivery.content
    texts = [content.text, content.subject or "", delivery.author_line or ""]
    texts += [word for each in content.attachments for word in (each.name, each.media_type)]
    if not all(map(_is_unicode, texts)):
        raise Rejected("not_unicode", "the text has characters that cannot be written as UTF-8")
    if len(content.text.encode()) > MAX_BODY:
        raise Rejected("too_large", f"the text is longer than {MAX_BODY} bytes")


def _is_unicode(text: str) -> bool:
    """A lone surrogate is no text; the foreign error is let go, for it holds the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as the body of ``POST /File``.

    Attributes:
        word: ours, in the name that it is sent under and then lies under on the bot's host.
        length: bytes of the whole body.
    """

    word: str
    boundary: str
    length: int
    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)
    file: Attachment = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body. Raises: Rejected when the file is not what it was said to be."""
        yield self.head
        async for piece in whole(self.file):
            yield piece
        yield self.tail


def upload(file: Attachment, room: RoomId, lives: Lives) -> Upload:
    """What carries a file.

    Args:
        file: the file.
        room: where to.
        lives: for how long.
    """
    boundary, word = secrets.token_hex(_BOUNDARY), secrets.token_hex(_WORD)
    name = unique_name(file.name, word)
    line = kind_of(room) is Kind.LINE
    fields = {"users": json.dumps([other_end(room)])} if line else {"vgroupid": str(room)}
    fields |= {name: str(seconds) for name, seconds in lives.fields().items()}
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="attachment"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    head, tail = "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()
    length = len(head) + file.size + len(tail)
    return Upload(word, boundary, length, head, tail, file)


def unique_name(name: str, word: str) -> str:
    """A file's name that no other file has: ASCII, no path, a random word before its kind."""
    plain = unicodedata.normalize("NFKD", name.replace("\\", "/").rpartition("/")[2])
    safe = _UNSAFE.sub("_", plain).strip(" .") or "file"
    stem, dot, kind = safe.rpartition(".")
    if not dot or len(kind) > _LONGEST_KIND:
        stem, kind = safe, ""
    return f"{stem[:_LONGEST_STEM]}.{word}{'.' if kind else ''}{kind}"


async def check_files(files: tuple[Attachment, ...], limit: int) -> None:
    """Reads every file through once.

    Args:
        files: all of a delivery.
        limit: largest in bytes.

    Raises:
        Rejected: one is too large, cannot be read, or is not as long as it says.
    """
    if any(file.size > limit for file in files):
        raise Rejected("file_too_large", f"a file is larger than {limit} bytes")
    for file in files:
        async for _ in whole(file):
            pass


async def whole(file: Attachment) -> AsyncIterator[bytes]:
    """A file's bytes; its last piece only when the length is as announced. Raises: Rejected."""
    size, held = 0, b""
    async for piece in _quiet(file):
        if piece is None:
            raise Rejected("file_unreadable", "a file could not be read to its end")
        size += len(piece)
        if size > file.size:
            break
        yield held
        held = piece
    if size != file.size:
        raise Rejected("file_length_differs", "a file is not as long as it says")
    yield held


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
