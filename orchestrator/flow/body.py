"""What a message says, as one sealed value.

Rule kept here: text lives in memory and in sealed rows, nowhere else; nothing here prints it.
Files are sealed apart, under ids of their own, so that a large one is never whole in memory.
"""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file of a message; its bytes are sealed under ``file_id``."""

    file_id: str
    name: str = field(repr=False)
    media_type: str = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Body:
    """Everything of a message that would be delivered or that it was said in answer to."""

    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    quoted: str | None = field(default=None, repr=False)
    files: tuple[FileBody, ...] = ()

    def pack(self) -> bytes:
        """Returns the bytes that are sealed."""
        files = [[f.file_id, f.name, f.media_type, f.size] for f in self.files]
        return json.dumps([self.text, self.subject, self.quoted, files]).encode()


def unpack(data: bytes) -> Body:
    """Reads what ``pack`` wrote.

    Raises:
        ValueError: not such bytes.
    """
    text, subject, quoted, files = json.loads(data)
    return Body(text, subject, quoted, tuple(FileBody(*f) for f in files))
