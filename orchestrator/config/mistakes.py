"""A mistake in a file: where, what, and what to write instead.

Rules kept here:

1. No mistake repeats a value of the file; it may be a secret, or a person's name.
2. Of a file that is wrong all through, so many are told that somebody would read them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from orchestrator.config.places import nearest

Lines = Mapping[tuple[str, ...], int]
MOST = 200
"""Mistakes of a file's shape that are told."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        place: dotted path, column, or the file.
        wrong: what is wrong.
        remedy: what to write or do.
        line: in the file, None where it does not stand there.
    """

    place: str
    wrong: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.place}: {self.wrong}. {self.remedy}."


class Invalid(Exception):
    """What was read cannot be used; every mistake is named."""

    def __init__(self, what: Path | str, mistakes: Iterable[Mistake]) -> None:
        self.what = str(what)
        self.mistakes = tuple(sorted(set(mistakes), key=_order))
        super().__init__(f"{what} has mistakes: {len(self.mistakes)}")


class ConfigInvalid(Invalid):
    """`wallcross.toml`, a variable or a flag."""


class PolicyInvalid(Invalid):
    """A policy."""


def _order(mistake: Mistake) -> tuple[int, str, str]:
    return mistake.line or 0, mistake.place, mistake.wrong


def shape_mistakes(model: type[BaseModel], data: object, lines: Lines, guide: str) -> list[Mistake]:
    """What a model finds wrong with ``data``.

    Args:
        model: the shape.
        data: parsed, not yet checked.
        lines: where each table and key stands.
        guide: the page of docs/ that describes the shape.
    """
    try:
        model.model_validate(data)
    except ValidationError as error:
        names = _field_names(model)
        found = error.errors(include_url=False, include_input=False)[:MOST]
        made = [_mistake(e, _place(e["loc"], data), lines, names, guide) for e in found]
        return [_joined(same) for same in _by_place(made).values()]
    return []


def _by_place(mistakes: Iterable[Mistake]) -> dict[str, list[Mistake]]:
    places: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        places.setdefault(mistake.place, []).append(mistake)
    return places


def _joined(same: list[Mistake]) -> Mistake:
    """One mistake for a value that none of several kinds accepts."""
    first = same[0]
    if len(same) == 1:
        return first
    return Mistake(first.place, "not of a kind that is accepted here", first.remedy, first.line)


def _mistake(
    error: Any, place: tuple[str, ...], lines: Lines, names: Sequence[str], guide: str
) -> Mistake:
    kind, line = error["type"], nearest(lines, place)
    where = ".".join(place) or "the file"
    if kind == "extra_forbidden":
        close = get_close_matches(place[-1], names, 1)
        remedy = f"Write {close[0]} if that is meant" if close else f"Remove it; see {guide}"
        return Mistake(where, "there is no such setting", remedy, line)
    if kind == "missing":
        return Mistake(where, "it is needed and missing", f"Write {place[-1]} = …", line)
    if kind == "value_error":
        return Mistake(where, "not accepted", _sentence(str(error["ctx"]["error"])), line)
    if kind == "union_tag_invalid":
        known = error["ctx"]["expected_tags"]
        return Mistake(where, "there is no such kind", f"Write kind = one of {known}", line)
    return Mistake(where, _sentence(str(error["msg"])), f"See {guide}", line)


def _place(loc: tuple[int | str, ...], data: object) -> tuple[str, ...]:
    """The path of an error in the file: without what only the model knows (a union's branch)."""
    place: list[str] = []
    for part in loc:
        below = _step(data, part)
        if below is None and place and data is not None and not isinstance(data, dict):
            continue
        if below is None and isinstance(data, dict) and part in {data.get("kind"), "[key]"}:
            continue
        place.append(str(part))
        data = below
    return tuple(place)


def _step(data: object, part: int | str) -> object:
    if isinstance(data, dict):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return None


def _sentence(text: str) -> str:
    return (text[:1].upper() + text[1:]).rstrip(".")


def _field_names(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    return sorted({name for part in parts for name in part.get("properties", {})})
