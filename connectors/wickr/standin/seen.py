"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that; credentials and the
bytes of files in neither.
"""

import json
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_SEEN = 20_000


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A request as it came, for tests.

    Attributes:
        addressing: ``v1`` or ``v2``.
        verb: the call's name in ``interface.ROUTES``; empty for what is none.
        body: the JSON object, or the fields of a form in parts.
        file: name and length of a form's file.
    """

    at: int
    method: str
    path: str
    addressing: str
    verb: str
    query: dict[str, str]
    body: Any = field(repr=False)
    file: tuple[str, int] | None = field(repr=False)
    status: int


class Seen:
    """The latest requests, in memory; in a file only when a folder is given.

    Args:
        folder: where ``requests.jsonl`` is written, bodies and all.
    """

    def __init__(self, folder: Path | None) -> None:
        self.calls: deque[SeenCall] = deque(maxlen=MOST_SEEN)
        self._path = None if folder is None else folder / "requests.jsonl"

    def add(self, call: SeenCall) -> None:
        """Keeps one."""
        self.calls.append(call)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(call)) + "\n")
