"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that.
"""

import json
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MOST_SEEN = 20_000
Call = TypeVar("Call", bound="DataclassInstance")


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
