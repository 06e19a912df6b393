"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that.
"""

import json
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_SEEN = 20_000
MOST_BODY = 1_000_000
"""Bytes of a body that are kept; a longer one is named by its length."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A request as it came, for tests."""

    at: int
    method: str
    path: str
    route: str
    verb: str
    query: dict[str, str]
    body: Any = field(repr=False)
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


def readable(raw: bytes) -> object:
    """A body as it is kept."""
    if not raw:
        return None
    if len(raw) > MOST_BODY:
        return {"bytes": len(raw)}
    try:
        return json.loads(raw)
    except ValueError:
        return {"not_json": len(raw)}
