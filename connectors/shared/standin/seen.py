"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that.
"""

import json
from collections import deque
from dataclasses import Field, asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

MOST_SEEN = 20_000


class Row(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Call = TypeVar("Call", bound=Row)


class Seen(Generic[Call]):
    """The latest requests, in memory; in a file only when a folder is given.

    Args:
        folder: where ``requests.jsonl`` is written, bodies and all.
    """

    def __init__(self, folder: Path | None) -> None:
        self.calls: deque[Call] = deque(maxlen=MOST_SEEN)
        self._path = None if folder is None else folder / "requests.jsonl"

    def add(self, call: Call) -> None:
        """Keeps one."""
        self.calls.append(call)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(call)) + "\n")
