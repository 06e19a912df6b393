"""How the memory network is spoken to: frames of JSON and bytes, and the ways a call can fail.

Rule kept here: a call that failed says whether it may have happened. ``Refusal`` is an answer,
``NotSentError`` means that nothing of the call left, ``BrokenError`` that nobody knows. No frame
is larger than a cap, so that neither side can make the other run out of memory.

A frame is two lengths (unsigned 32 bits, network order), a JSON object, and bytes. A frame whose
object says ``"more": true`` is followed by further frames of the same call.
"""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Protocol

LENGTHS = struct.Struct("!II")
CHUNK = 256 * 1024
"""Largest piece of a file in one frame, bytes."""
MAX_HEADER = 32 * 1024 * 1024
"""Largest JSON object of a frame, bytes."""

JsonObject = dict[str, Any]


class Refusal(Exception):
    """The network answered, and the answer is no.

    Args:
        kind: which error of the port it becomes: ``rejected``, ``readers``, ``identity``,
            ``unavailable``, ``unreadable`` or ``no_room`` (an act in none is ``rejected``).
        code: short, for machines.
        hint: what a person can do; never quotes a message.
        retry_after: microseconds.
    """

    def __init__(
        self, kind: str, code: str, hint: str = "", *, retry_after: int | None = None
    ) -> None:
        super().__init__(kind, code)
        self.kind = kind
        self.code = code
        self.hint = hint
        self.retry_after = retry_after

    def as_answer(self) -> JsonObject:
        """The refusal as it goes over the wire."""
        return {
            "refusal": self.kind,
            "code": self.code,
            "hint": self.hint,
            "retry_after": self.retry_after,
        }


class NotSentError(Exception):
    """No connection: nothing of the call left this machine."""


class BrokenError(Exception):
    """The call was written and its answer did not come, or cannot be read."""


class CutError(Exception):
    """Raised on the far side to end a connection without an answer."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    header: JsonObject = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def encode(header: JsonObject, body: bytes = b"") -> bytes:
    """A frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode()
    return LENGTHS.pack(len(head), len(body)) + head + body


def decode(head: bytes, body: bytes) -> Frame:
    """A frame from its two parts. Raises: BrokenError for what is no JSON object."""
    header = _object(head)
    if header is None:
        raise BrokenError("not_a_frame")
    return Frame(header, body)


def _object(head: bytes) -> JsonObject | None:
    """None instead of a foreign error: a decoding error would carry the text along."""
    try:
        value = json.loads(head)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Reads one frame.

    Raises:
        BrokenError: it is too large or no frame.
        asyncio.IncompleteReadError: the other side ended.
    """
    head, body = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
    if head > MAX_HEADER or body > CHUNK:
        raise BrokenError("frame_too_large")
    data = await reader.readexactly(head + body)
    return decode(data[:head], data[head:])


async def pieces(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces that fit a frame."""
    async for block in source:
        for start in range(0, len(block), CHUNK):
            yield block[start : start + CHUNK]


def raise_refusal(answer: JsonObject) -> JsonObject:
    """The answer, when it is not a refusal. Raises: Refusal."""
    if "refusal" not in answer:
        return answer
    after = answer.get("retry_after")
    raise Refusal(
        str(answer["refusal"]),
        str(answer.get("code", "refused")),
        str(answer.get("hint", "")),
        retry_after=after if isinstance(after, int) else None,
    )


class Link(Protocol):
    """A way to the network: in this process, or through a socket."""

    async def call(
        self, verb: str, fields: JsonObject, body: AsyncIterator[bytes] | None = None
    ) -> JsonObject:
        """One question and its answer. Raises: Refusal, NotSentError, BrokenError."""
        ...

    def fetch(self, verb: str, fields: JsonObject) -> AsyncIterator[bytes]:
        """One question whose answer is bytes. Raises: Refusal, NotSentError, BrokenError."""
        ...

    async def close(self) -> None:
        """Ends every call that is under way; may be called twice."""
        ...
