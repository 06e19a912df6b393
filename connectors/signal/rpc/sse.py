"""Server-sent events out of the bytes of a stream. Pure.

Rules kept here:

1. An event is what stands before an empty line; one that the stream breaks off in is none.
2. Whatever a line ends with (CR, LF, both) ends it. A comment is nothing.
3. An event above the cap is told as one that is too large; nothing of it is kept.

Source: HTML Living Standard, 9.2.6, interpreting an event stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

_LF, _CR = b"\n", b"\r"


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        kind: its type; ``message`` where it names none.
        data: its data; empty for one that was too large.
        too_large: it was.
    """

    kind: str
    data: bytes = field(repr=False)
    too_large: bool = False


class Parser:
    """Reads one stream.

    Args:
        most: largest event, bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rest = b""
        self._after_cr = False
        self._fresh()

    def _fresh(self) -> None:
        self._kind = ""
        self._data: list[bytes] = []
        self._size = 0

    @property
    def idle(self) -> bool:
        """Nothing came of an event that is not ended yet."""
        return not (self._rest or self._kind or self._size or self._data)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that a further piece ends."""
        if self._after_cr and piece.startswith(_LF):
            piece = piece[1:]
        if piece:
            self._after_cr = piece.endswith(_CR)
        *lines, self._rest = (self._rest + piece).replace(b"\r\n", _LF).replace(_CR, _LF).split(_LF)
        if len(self._rest) > self._most:  # the line's start says what it is; the rest is too much
            self._size += len(self._rest)
            self._rest = self._rest[:16]
        for line in lines:
            if line:
                self._take(line)
            else:
                yield from self._ended()

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._kind = value.decode("utf-8", "replace")
        elif name == b"data":
            self._size += len(value)
            if self._size <= self._most:
                self._data.append(value)

    def _ended(self) -> Iterator[Event]:
        kind, data, large = self._kind or "message", self._data, self._size > self._most
        self._fresh()
        if large:
            yield Event(kind, b"", too_large=True)
        elif data:
            yield Event(kind, _LF.join(data))
