"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that.
"""

import json
from dataclasses import dataclass, field
from typing import Any

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
