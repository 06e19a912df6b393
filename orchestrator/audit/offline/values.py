"""Reads values out of lines that may hold anything."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

HASH_BYTES = 32


class Unreadable(Exception):
    """A part of the export, or a file given with it, does not have the form that it must have."""


def json_object(data: bytes) -> dict[str, Any]:
    """Reads one JSON object; a doubled name or a constant that is no JSON is refused."""
    value = json.loads(data, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise Unreadable("is no JSON object")
    return value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Unreadable("names a field twice")
    return dict(pairs)


def _no_constant(_: str) -> None:
    raise Unreadable("holds what is no JSON")


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Returns the text in a field."""
    if not isinstance(row[name], str):
        raise Unreadable(f"lacks the text {name}")
    return str(row[name])


def bytes_of(row: Mapping[str, Any], name: str, size: int) -> bytes:
    """Returns the bytes, of that length, whose hexadecimal digits stand in a field."""
    value = bytes.fromhex(text_of(row, name))
    if len(value) != size:
        raise Unreadable(f"holds {name} of the wrong length")
    return value


def instant_of(row: Mapping[str, Any]) -> int:
    """Returns the field ``at``: microseconds UTC."""
    if type(row["at"]) is not int or row["at"] < 0:
        raise Unreadable("holds no proper instant")
    return int(row["at"])


def iso(instant: int) -> str:
    """Returns an instant (microseconds UTC) as RFC 3339."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    return moment.isoformat().replace("+00:00", "Z")
