"""Reads the settings from flags, the environment, the file and the defaults, in that order.

Rules kept here:

1. Every mistake is told at once, each with its place and what to write instead; none repeats a
   value that may be a secret.
2. The file is read only when it is ours and nobody else may write it: a reference of kind
   ``cmd:`` runs a program.
3. The folder that one happens to stand in is never looked into.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import platformdirs

from orchestrator.config.layers import Layers, environment_layer, flag_layer
from orchestrator.config.migrate import of_an_older_form
from orchestrator.config.mistakes import ConfigInvalid, Lines, Mistake, shape_mistakes
from orchestrator.config.model import Config
from orchestrator.config.places import lines_of, nearest
from orchestrator.config.smell import secrets_in

FILE_NAME = "wallcross.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Valid settings with where they come from.

    Attributes:
        state: the home's folder.
        file: what was read; None when there is no file.
        config: the values.
        sources: by dotted path, who named the value; what is not in it is a default.
    """

    state: Path
    file: Path | None
    config: Config
    sources: Mapping[str, str]

    @property
    def secrets_folder(self) -> Path | None:
        """Where secrets lie that no keyring takes, when the settings say so."""
        named = self.config.secrets.folder
        return None if named is None else self.resolve(named)

    def resolve(self, path: Path) -> Path:
        """A path of the file, taken from the file's own folder."""
        base = self.file.parent if self.file else self.state
        return (base / path.expanduser()).absolute()


@dataclass(frozen=True, slots=True)
class Look:
    """Settings as they were found, with mistakes or without.

    Attributes:
        state: the home's folder.
        file: the file that was looked for.
        there: it was there and holds something.
        lines: where each of its tables and keys stands.
        layers: the joined values and who named them.
        mistakes: what is wrong with them.
        text: of the file.
    """

    state: Path
    file: Path
    there: bool
    lines: Lines
    layers: Layers
    mistakes: tuple[Mistake, ...]
    text: str = field(default="", repr=False)


def state_folder(given: Path | None, environ: Mapping[str, str]) -> Path:
    """The home: as given, else ``WALLCROSS_HOME``, else the user's state folder."""
    named = environ.get("WALLCROSS_HOME")
    return (
        given or (Path(named) if named else platformdirs.user_state_path("wallcross"))
    ).absolute()


def config_file(given: Path | None, state: Path, environ: Mapping[str, str]) -> Path:
    """The file: as given, else ``WALLCROSS_CONFIG``, else `wallcross.toml` in the home."""
    named = environ.get("WALLCROSS_CONFIG")
    return (given or (Path(named) if named else state / FILE_NAME)).absolute()


def load(
    *,
    flags: Mapping[str, str] = MappingProxyType({}),
    environ: Mapping[str, str] = MappingProxyType({}),
    file: Path | None = None,
    state: Path | None = None,
) -> Settings:
    """Reads, layers and checks the settings.

    Args:
        flags: dotted path to text, as `--set` gives them.
        environ: the environment; ``WALLCROSS_SECTION__KEY`` names a setting.
        file: `--config`; must exist when given here or by ``WALLCROSS_CONFIG``.
        state: `--home`.

    Raises:
        ConfigInvalid: with every mistake.
    """
    found = look(flags=flags, environ=environ, file=file, state=state)
    if found.mistakes:
        raise ConfigInvalid(found.file, found.mistakes)
    config = Config.model_validate(found.layers.data)
    return Settings(found.state, found.file if found.there else None, config, found.layers.sources)


def look(
    *,
    flags: Mapping[str, str] = MappingProxyType({}),
    environ: Mapping[str, str] = MappingProxyType({}),
    file: Path | None = None,
    state: Path | None = None,
    instead: str | None = None,
) -> Look:
    """Reads and layers the settings as ``load`` does, and tells their mistakes beside them.

    Args:
        flags: as for ``load``.
        environ: as for ``load``.
        file: as for ``load``.
        state: as for ``load``.
        instead: what the file is taken to hold; None: what it holds.
    """
    folder = state_folder(state, environ)
    path = config_file(file, folder, environ)
    asked = file is not None or bool(environ.get("WALLCROSS_CONFIG"))
    text, mistakes = _read(path, needed=asked) if instead is None else (instead, [])
    lines = lines_of(text)
    layers = Layers(
        (
            ("default", {}),
            (str(path), _parse(text, mistakes)),
            *environment_layer(environ),
            *flag_layer(flags),
        )
    )
    mistakes += layers.mistakes(Mistake)
    mistakes += check(layers.data, lines)
    return Look(folder, path, bool(text), lines, layers, tuple(mistakes), text)


def check(data: Mapping[str, Any], lines: Lines) -> list[Mistake]:
    """Every mistake in ``data``, the parsed content of a file whose keys stand at ``lines``."""
    found = [_secret(place, lines) for place in secrets_in(dict(data))]
    told = {mistake.place for mistake in found}
    shape = shape_mistakes(Config, data, lines, "docs/configuration.md")
    older = of_an_older_form(data)
    left = (_seen_to(m) if m.place in older else m for m in shape if m.place not in told)
    return [*found, *left, *_across(data, lines)]


def _seen_to(mistake: Mistake) -> Mistake:
    return replace(mistake, remedy="An older Wallcross took it: wallcross config migrate")


def _read(path: Path, *, needed: bool) -> tuple[str, list[Mistake]]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if not needed:
            return "", []
        return "", [Mistake(str(path), "there is no such file", "Write one with: wallcross init")]
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        return "", [Mistake(str(path), reason.lower(), "Make it readable to you")]
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if found.st_uid not in {os.geteuid(), 0} or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return "", [Mistake(str(path), "others may write it", f"chmod 600 {path}")]
        try:
            return file.read().decode(), []
        except UnicodeDecodeError:
            return "", [Mistake(str(path), "it is not UTF-8", "Save it as UTF-8")]


def _parse(text: str, mistakes: list[Mistake]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's words name the place and the kind of mistake; they quote no value.
        mistakes.append(Mistake("TOML", str(error), "Correct it; see docs/configuration.md"))
        return {}


def _secret(place: tuple[str, ...], lines: Lines) -> Mistake:
    return Mistake(
        ".".join(place),
        "this looks like a secret",
        "Store it with: wallcross secret set NAME, and write its reference here",
        nearest(lines, place),
    )


def _across(data: Mapping[str, Any], lines: Lines) -> list[Mistake]:
    return [
        Mistake(".".join(place), wrong, remedy, nearest(lines, place))
        for place, wrong, remedy in (*_anchor_names(data), *_clock_channels(data), *_mail(data))
    ]


Finding = tuple[tuple[str, ...], str, str]


def _anchors(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    anchors = data.get("anchors")
    return [a for a in anchors if isinstance(a, dict)] if isinstance(anchors, list) else []


def _anchor_names(data: Mapping[str, Any]) -> list[Finding]:
    names = [str(a.get("name")) for a in _anchors(data)]
    return [
        (("anchors", str(i), "name"), "another anchor has this name", "Give each its own name")
        for i, name in enumerate(names)
        if name in names[:i]
    ]


def _clock_channels(data: Mapping[str, Any]) -> list[Finding]:
    clock, channels = data.get("clock"), data.get("channels")
    named = clock.get("channels") if isinstance(clock, dict) else None
    known = channels if isinstance(channels, dict) else {}
    return [
        (("clock", "channels"), f"there is no channel {name!s}", "Name one of [channels]")
        for name in (named if isinstance(named, list) else [])
        if name not in known
    ]


_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _mail(data: Mapping[str, Any]) -> list[Finding]:
    return [
        (("anchors", str(i), "tls"), "mail would go out unencrypted", "Write tls = 'starttls'")
        for i, anchor in enumerate(_anchors(data))
        if anchor.get("tls") == "none" and anchor.get("server") not in _LOOPBACK
    ]
