"""What adapters do with the settings and secrets they are handed: all problems at once, no value.

Rule kept here: a refusal names each place and its remedy and quotes nothing that was given, so that
a secret in the wrong place does not end in a log.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from connectors.port.connector import Setup
from connectors.port.errors import Rejected

_KEY_BYTES = 32
S = TypeVar("S", bound=BaseModel)
K = TypeVar("K", bound=BaseModel)


def _nothing(_settings: BaseModel, _secrets: BaseModel) -> Iterable[str]:
    return ()


def read_models(
    setup: Setup,
    settings: type[S],
    secrets: type[K],
    together: Callable[[S, K], Iterable[str]] = _nothing,
) -> tuple[S, K]:
    """Settings and secrets of a setup.

    Args:
        setup: as the connector got it.
        settings: the model of its table.
        secrets: the model of its secrets.
        together: problems that only both together show, with their places.

    Raises:
        Rejected: with all problems at once, places and remedies, and no value.
    """
    problems: list[str] = []
    table: S | None = None
    values: K | None = None
    try:
        table = settings.model_validate(dict(setup.settings))
    except ValidationError as error:
        problems += _problems(error)
    try:
        values = secrets.model_validate(dict(setup.secrets))
    except ValidationError as error:
        problems += _problems(error)
    if table is not None and values is not None:
        problems += together(table, values)
        if not problems:
            return table, values
    raise Rejected("settings_refused", "; ".join(problems))


def _problems(error: ValidationError) -> list[str]:
    """One line for each problem, without the value that was given."""
    return [
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}".removeprefix(": ")
        for one in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def key_bytes(text: str, name: str) -> bytes:
    """Reads a 32-byte key written in hexadecimal or base64 (either alphabet, padded or not).

    Args:
        text: the key.
        name: what the refusal calls it.

    Raises:
        ValueError: it is not 32 bytes; the text is not quoted.
    """
    plain = text.strip()
    try:
        if len(plain) == 2 * _KEY_BYTES:
            return bytes.fromhex(plain)
        padded = plain.rstrip("=").replace("-", "+").replace("_", "/")
        key = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{name}: give 32 random bytes in base64 or hexadecimal")
    return key
