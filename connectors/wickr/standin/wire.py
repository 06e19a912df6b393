"""A call and its answer, as the real program reads and writes them.

Rule kept here: bodies are read as loosely as the real program reads them (a missing field, null, 0
and an empty text are the same), and content types are the real ones where they surprise.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from connectors.wickr.standin.client import Item
from connectors.wickr.standin.network import Refused

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
MOST_JSON = 100 * 1024
"""Bytes of a JSON body; a longer one is read as an empty object, and nobody says so."""
_DISPOSITION = re.compile("content-disposition:", re.IGNORECASE)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        status: HTTP status.
        body: its bytes.
        content_type: of the body.
        taken: received things that are in it and nowhere else any more.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = TEXT
    taken: tuple[Item, ...] = field(default=(), repr=False)


class Wrong(Exception):
    """The call is answered with this instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Silent(Exception):
    """The call is never answered: the program fell over it where nobody catches it."""


def said(text: str, status: int = 200, kind: str = TEXT) -> Answer:
    """An answer in words."""
    return Answer(status, text.encode(), kind)


def told(body: object) -> Answer:
    """An answer in JSON."""
    return Answer(200, json.dumps(body).encode(), JSON)


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        verb: the route's name.
        params: from the path, decoded.
        query: from the query string, the last of each name.
        body: the JSON object; empty where there is none.
        form: fields of a form in parts.
        file: name and bytes of the form's file.
    """

    verb: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    file: tuple[str, bytes] | None = field(default=None, repr=False)


def there(value: object) -> bool:
    """Whether JavaScript takes a value for true: lists and objects always."""
    return isinstance(value, list | dict) or bool(value)


def seconds(value: object) -> int:
    """``ttl`` or ``bor``: 0 where it is absent, 0 or empty.

    Raises:
        Refused: it is there and no number; the client says so, not the program.
    """
    if not there(value):
        return 0
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit():
        raise Refused("not a number of seconds")
    return int(text)


def names(listed: object) -> list[str | None]:
    """The accounts of a list of objects; None where one has no name.

    Raises:
        Silent: it is no list, or null is in it.
    """
    if not isinstance(listed, list):
        raise Silent
    return [_name(each) for each in listed]


def names_in(listed: object) -> list[str | None]:
    """The accounts of a room's list, which is walked whatever it is.

    Raises:
        Silent: null is in it.
    """
    if isinstance(listed, dict):
        return names(list(listed.values()))
    return names(listed if isinstance(listed, list) else list(str(listed or "")))


def _name(each: object) -> str | None:
    if each is None:
        raise Silent
    found = each.get("name") if isinstance(each, dict) else None
    return found if isinstance(found, str) else None


def parts(body: bytes, content_type: str) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """Fields and the file of a ``multipart/form-data`` body."""
    _, _, rest = content_type.partition("boundary=")
    mark = rest.partition(";")[0].strip().strip('"')
    fields: dict[str, str] = {}
    file: tuple[str, bytes] | None = None
    if not mark:
        return fields, file
    for piece in (b"\r\n" + body).split(b"\r\n--" + mark.encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = _disposition(head.decode("utf-8", "replace"))
        if "filename" in named:
            file = (named["filename"], content) if named.get("name") == "attachment" else file
        elif "name" in named:
            fields[named["name"]] = content.decode("utf-8", "replace")
    return fields, file


def _disposition(head: str) -> dict[str, str]:
    """Name and file name of a part."""
    lines = (line for line in head.split("\r\n") if _DISPOSITION.match(line))
    found = dict(_PARAMETER.findall(next(lines, "")))
    return {name: unquote(value) for name, value in found.items()}
