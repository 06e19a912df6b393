"""Holds what the configuration says of channels and secrets to what connectors take.

Rules kept here:

1. A setting that a connector does not know, a secret that it lacks or cannot use, and a reference
   that leads nowhere are told before anything is opened, all at once, each with its place.
2. No word of a value is repeated.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from connectors.registry import UnknownConnectorError, find
from orchestrator.client.views import Check
from orchestrator.config import Config
from orchestrator.config.mistakes import Lines, Mistake, shape_mistakes
from orchestrator.config.places import nearest
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.reference import parse, resolve
from orchestrator.secrets.secret import SecretError

GUIDE = "docs/configuration.md"
NOWHERE: Lines = MappingProxyType({})


def channel_settings_check(config: Config, vault: SecretStore | None) -> Check | None:
    """What connectors do not take of the settings, the first of it in words; None without any."""
    found = channel_mistakes(config.model_dump()["channels"], NOWHERE, vault)
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Check(
        name="channel-settings",
        state="fix",
        text=f"{found[0]}{more}",
        then="wallcross config validate",
        group="channel",
    )


def channel_mistakes(
    channels: object, lines: Lines = NOWHERE, vault: SecretStore | None = None
) -> list[Mistake]:
    """Every mistake in what channels say to their connectors.

    Args:
        channels: the table of the settings, checked or not.
        lines: where each key stands in the file.
        vault: of the home, where ``keyring:`` falls back to.
    """
    found: list[Mistake] = []
    for name, part in _tables(channels):
        if isinstance(kind := part.get("kind"), str):
            found += _of_channel(("channels", name), kind, part, lines, vault)
    return found


def secret_mistakes(
    data: Mapping[str, Any], lines: Lines = NOWHERE, vault: SecretStore | None = None
) -> list[Mistake]:
    """Every reference in the settings that is well formed and leads to no secret."""
    found = []
    for place, reference in _references(data):
        try:
            parse(reference)
        except SecretError:
            continue  # not of a known form: the shape of the settings says so
        try:
            resolve(reference, vault)
        except SecretError as error:
            found.append(_at(place, *_split(error), lines))
    return found


def needed(kind: str, values: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The settings and the secrets that a channel cannot be without, by their names.

    Args:
        kind: of the channel.
        values: its settings so far.

    Raises:
        UnknownConnectorError: there is none of that name.
    """
    return find(kind).needs(values)


def _of_channel(
    place: tuple[str, ...],
    kind: str,
    part: Mapping[str, Any],
    lines: Lines,
    vault: SecretStore | None,
) -> list[Mistake]:
    try:
        registered = find(kind)
        settings, secrets = registered.settings(), registered.secrets()
        given = part.get("settings", {})
        _, needed = registered.needs(given if isinstance(given, dict) else {})
    except UnknownConnectorError as error:
        return [_at((*place, "kind"), *_split(error), lines)]
    found = _shaped(settings, given, (*place, "settings"), lines)
    named = part.get("secrets", {})
    if secrets is None or not isinstance(named, dict):
        return found
    here = (*place, "secrets")
    always = {name for name, field in secrets.model_fields.items() if field.is_required()}
    absent = [name for name in needed if name not in named and name not in always]
    found += [_at((*here, name), *_needed(name), lines) for name in absent]
    return [*found, *_of_secrets(secrets, named, here, lines, vault)]


def _of_secrets(
    model: type[BaseModel],
    named: Mapping[str, Any],
    place: tuple[str, ...],
    lines: Lines,
    vault: SecretStore | None,
) -> list[Mistake]:
    """What a connector finds wrong with its secrets; their names alone where one is missing."""
    try:
        values = {name: resolve(str(ref), vault).reveal_text() for name, ref in named.items()}
    except SecretError:
        unknown = [name for name in named if name not in model.model_fields]
        absent = [n for n, f in model.model_fields.items() if f.is_required() and n not in named]
        return [
            *(_at((*place, n), "there is no such secret", "Remove it", lines) for n in unknown),
            *(_at((*place, n), *_needed(n), lines) for n in absent),
        ]
    return _shaped(model, values, place, lines)


def _needed(name: str) -> tuple[str, str]:
    return "it is needed and missing", f'Write {name} = "keyring:…"'


def _shaped(
    model: type[BaseModel] | None, values: object, place: tuple[str, ...], lines: Lines
) -> list[Mistake]:
    if model is None or not isinstance(values, dict):
        return []
    below = {path[len(place) :]: n for path, n in lines.items() if path[: len(place)] == place}
    found = shape_mistakes(model, values, below, GUIDE)
    whole = ".".join(place)
    return [
        Mistake(
            whole if one.place == "the file" else f"{whole}.{one.place}",
            one.wrong,
            one.remedy,
            one.line or nearest(lines, place),
        )
        for one in found
    ]


def _references(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, part in _tables(data.get("channels")):
        for setting, reference in _items(part.get("secrets")):
            if isinstance(reference, str):
                yield ("channels", name, "secrets", setting), reference
    anchors = data.get("anchors")
    for number, anchor in enumerate(anchors if isinstance(anchors, list) else []):
        if isinstance(anchor, dict) and isinstance(anchor.get("password"), str):
            yield ("anchors", str(number), "password"), anchor["password"]


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((name, part) for name, part in _items(value) if isinstance(part, dict))


def _items(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((str(name), part) for name, part in value.items())


def _split(error: Exception) -> tuple[str, str]:
    """What is wrong and what to do, of an error that is worded so."""
    wrong, _, remedy = str(error).partition("; ")
    return wrong, f"{remedy[:1].upper()}{remedy[1:]}" if remedy else f"See {GUIDE}"


def _at(place: tuple[str, ...], wrong: str, remedy: str, lines: Lines) -> Mistake:
    return Mistake(".".join(place), wrong, remedy, nearest(lines, place))
