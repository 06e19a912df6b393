"""The far side's own record of what arrived: one JSON object a line, appended as it happens.

Rule kept here: hashes and sizes, never text, subjects, author lines or file names. A line is with
the operating system before the sender has its answer, so it outlives a kill of either process.

Each line has ``kind``: ``arrived`` (people see it now), ``recognised`` (a repetition that the
network knew, so nobody sees it twice) or ``gone`` (taken back).
"""

import json
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.memory.model import Message
from connectors.memory.wire import JsonObject


def digest(text: str) -> str:
    """sha256 of a text in UTF-8, hexadecimal."""
    return sha256(text.encode()).hexdigest()


def arrival(message: Message, kind: str = "arrived", attempt: int | None = None) -> JsonObject:
    """What the record says of a message."""
    return {
        "kind": kind,
        "n": message.arrival,
        "at": message.at,
        "room": message.room,
        "account": message.sender,
        "id": message.id,
        "key": message.key,
        "sha256": digest(message.text),
        "size": len(message.text.encode()),
        "subject_sha256": None if message.subject is None else digest(message.subject),
        "author_line": message.author_line is not None,
        "files": [{"sha256": p.file.sha256, "size": p.file.size} for p in message.files],
        "attempt": message.attempt if attempt is None else attempt,
        "marked": message.marked,
        "reply_to": message.reply_to,
        "edits": message.edits,
    }


class Record:
    """Lines appended to a file, or nothing at all.

    Args:
        path: the file, made owner-only if new; None to keep no record.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None
        if path is not None:
            path.touch(mode=0o600, exist_ok=True)
            self._file = path.open("a", encoding="ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def arrived(self, message: Message) -> None:
        """A new message that its readers can see."""
        if self._file is not None:
            self._write(arrival(message))

    def recognised(self, message: Message, attempt: int) -> None:
        """A repetition of a message that is there already."""
        if self._file is not None:
            self._write(arrival(message, "recognised", attempt))

    def gone(self, message: Message, by: str, at: int) -> None:
        """A message that was taken back."""
        line = {"kind": "gone", "room": message.room, "id": message.id, "by": by, "at": at}
        self._write(line | {"n": message.arrival, "key": message.key})

    def _write(self, line: JsonObject) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Ends the record."""
        if self._file is not None:
            self._file.close()
            self._file = None
