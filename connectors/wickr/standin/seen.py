"""The requests that a stand-in got, kept for tests.

Rule kept here: in memory, and in a file only where a folder is given for that; credentials and the
bytes of files in neither.
"""

from dataclasses import dataclass, field
from typing import Any


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
