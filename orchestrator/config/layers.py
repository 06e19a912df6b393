"""Lays flags over variables over the file over the defaults, and remembers who named what.

Rule kept here: a variable ``WALLCROSS_SECTION__KEY`` or a flag ``section.key`` that names nothing
known is a mistake like one in the file, never ignored. Text is read as a TOML value; what is none
is taken as a string, and so is an account that looks like a signed number (``+15550100``).
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

PREFIX = "WALLCROSS_"
Layer = tuple[str, dict[str, Any]]
Path = tuple[str, ...]
M = TypeVar("M")


@dataclass(slots=True)
class Layers:
    """Layers, weakest first, joined."""

    layers: tuple[Layer, ...]
    data: dict[str, Any] = field(init=False, default_factory=dict)
    sources: dict[str, str] = field(init=False, default_factory=dict)
    clashes: list[tuple[str, str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        for source, layer in self.layers:
            for path, value in flat(layer):
                self._put(path, value, source)

    def _put(self, path: Path, value: object, source: str) -> None:
        table = self.data
        for part in path[:-1]:
            below = table.setdefault(part, {})
            if not isinstance(below, dict):
                self.clashes.append((".".join(path), source))
                return
            table = below
        if isinstance(value, dict):
            table.setdefault(path[-1], {})
            return
        table[path[-1]] = value
        self.sources[".".join(path)] = source

    def mistakes(self, make: Callable[[str, str, str], M]) -> list[M]:
        """What could not be laid over the rest, made into mistakes."""
        remedy = "Name a setting; see wallcross config show"
        return [
            make(place, f"{source} goes inside a value", remedy) for place, source in self.clashes
        ]


def flat(data: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Each value of nested tables with its path; an empty table is a value, a list is one too."""
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from flat(value, (*path, key))
        else:
            yield (*path, key), value


def environment_layer(environ: Mapping[str, str]) -> Iterator[Layer]:
    """One layer for each variable that names a setting (those with a double underscore)."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and "__" in name[len(PREFIX) :]:
            parts = name[len(PREFIX) :].split("__")
            yield name, nest(_lower(parts), value_of(environ[name]))


def flag_layer(flags: Mapping[str, str]) -> Iterator[Layer]:
    """One layer for each `--set PATH=VALUE`."""
    for dotted, text in flags.items():
        yield "flag", nest(tuple(dotted.split(".")), value_of(text))


def value_of(text: str) -> object:
    """``text`` as a TOML value, else as a string."""
    if text.startswith("+"):
        return text  # no setting wants a sign; a telephone network's account has one
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if list(found) == ["value"] else text


def nest(path: Path, value: object) -> dict[str, Any]:
    """``value`` inside as many tables as ``path`` has parts but the last."""
    for part in reversed(path):
        value = {part: value}
    return value if isinstance(value, dict) else {}


def _lower(parts: list[str]) -> Path:
    """Variables are capitals; only the code after DEALS is meant to be."""
    return tuple(
        part if i and parts[i - 1] == "DEALS" else part.lower() for i, part in enumerate(parts)
    )
