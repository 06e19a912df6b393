"""A secret's value as it goes in: from a file, stdin or a prompt, and never as an argument."""

import sys
from pathlib import Path

import typer

from orchestrator.client.problems import Missing, Wrong


def read_value(path: Path | None, *, twice: bool = False) -> bytes:
    """Reads a value.

    Args:
        path: a file; ``-`` is stdin; None: stdin, or a prompt where somebody sits there.
        twice: has it typed a second time.

    Raises:
        Missing: the file cannot be read.
        Wrong: it is empty.
    """
    value = _read(path, twice=twice)
    if not value:
        raise Wrong("The value is empty", still="Nothing was kept")
    return value


def _read(path: Path | None, *, twice: bool) -> bytes:
    if path is None and sys.stdin.isatty():
        typed = typer.prompt("Value", hide_input=True, confirmation_prompt=twice, err=True)
        return str(typed).encode()
    if path is None or str(path) == "-":
        return _line(sys.stdin.buffer.read())
    try:
        return _line(path.read_bytes())
    except OSError:
        raise Missing(f"{path} cannot be read", still="Nothing was kept") from None


def _line(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r")
