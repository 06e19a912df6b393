"""A call and its answer, as the real program reads and writes them.

Rule kept here: bodies are read as strictly as Go's JSON reader does (a wrong type is a bad
request, an unknown name is nothing), and content types are the real ones where they surprise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
NO_ACCOUNT = "Specified account does not exist"
INVALID = "Couldn't process request - invalid request"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        status: HTTP status.
        body: bytes, or None for an empty answer.
        content_type: of the body.
    """

    status: int
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON


class Wrong(Exception):
    """The call is answered with this instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def told(status: int, body: object, content_type: str = JSON) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(body).encode(), content_type)


def error(status: int, text: str, content_type: str = JSON) -> Answer:
    """An error as nearly all of them look."""
    return told(status, {"error": text}, content_type)


DONE = Answer(204)


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        verb: the route's name.
        params: from the path, decoded.
        query: from the query string, the last of each name.
        numbers: every ``numbers`` of the query string.
        raw: the body.
    """

    verb: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    numbers: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False)

    def body(self, **kinds: type) -> "Body":
        """The body as an object.

        Args:
            kinds: types of fields, checked before anything else is.

        Raises:
            Wrong: it is none: 400, whose JSON goes out as text/plain.
        """
        try:
            parsed = json.loads(self.raw)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise Wrong(error(400, INVALID, TEXT))
        wrong = [n for n, kind in kinds.items() if not isinstance(parsed.get(n), kind | None)]
        if wrong:
            raise Wrong(error(400, INVALID, TEXT))
        return Body(parsed)


class Body:
    """A JSON object's fields by type; what is missing or null is the type's zero.

    Args:
        fields: the object.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """A string."""
        return str(self._of(name, str, ""))

    def number(self, name: str) -> int:
        """A whole number; true is none."""
        value = self._of(name, int, 0)
        if isinstance(value, bool):
            raise Wrong(error(400, INVALID, TEXT))
        return int(value)

    def flag(self, name: str) -> bool:
        """A yes or no."""
        return bool(self._of(name, bool, False))  # noqa: FBT003 - a JSON value

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        values = self._of(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise Wrong(error(400, INVALID, TEXT))
        return list(values)

    def objects(self, name: str) -> list["Body"]:
        """A list of objects."""
        values = self._of(name, list, [])
        if not all(isinstance(value, dict) for value in values):
            raise Wrong(error(400, INVALID, TEXT))
        return [Body(value) for value in values]

    def object(self, name: str) -> "Body":
        """An object."""
        return Body(self._of(name, dict, {}))

    def _of(self, name: str, kind: type, zero: Any) -> Any:
        value = self._fields.get(name)
        if value is None:
            return zero
        if not isinstance(value, kind):
            raise Wrong(error(400, INVALID, TEXT))
        return value
