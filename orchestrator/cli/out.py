"""What commands write: results on stdout, everything else on stderr.

Rules kept here:

1. ``--json``: one object, or JSON Lines for a list; the same fields in the same order each time.
2. What came from outside (names, rooms, accounts) is printed without control characters: it can
   neither move the cursor nor colour a word. No message text is ever handed to this module.
3. Colour only on a terminal; ``NO_COLOR`` is honoured.
"""

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from orchestrator.cli.globals import Globals
from orchestrator.client.problems import Wrong

T = TypeVar("T")
Columns = Sequence[tuple[str, Callable[[T], str]]]
WIDE = 80
"""Columns that a list for people takes at most."""
COLOURS = {"ok": "green", "soon": "yellow", "fix": "red"}


class Out:
    """Writes one command's results as its caller wants them.

    Args:
        asked: the global options.
        zone: of the times shown to people.
    """

    def __init__(self, asked: Globals, zone: str = "UTC") -> None:
        self._asked = asked
        self._zone = ZoneInfo(zone)

    @property
    def json(self) -> bool:
        """Machines read this."""
        return self._asked.json

    def one(self, value: Any, lines: Callable[[], Iterable[str]]) -> None:
        """Writes one value: the object, or its lines for people."""
        if self.json:
            typer.echo(as_json(value))
        else:
            for line in lines():
                typer.echo(plain(line))

    def many(self, values: Sequence[T], columns: Columns[T], none: str) -> None:
        """Writes a list: JSON Lines, or a table; ``none`` is said of an empty one."""
        if self.json:
            for value in values:
                typer.echo(as_json(value))
        elif values:
            _table(values, columns)
        else:
            typer.echo(none)

    def each(self, values: Sequence[T], lines: Callable[[T], Iterable[str]], none: str) -> None:
        """Writes a list whose rows are too long for a table: JSON Lines, or some lines for each."""
        if self.json or not values:
            self.many(values, (), none)
            return
        for value in values:
            first, *more = lines(value)
            wide = [part for line in more for part in textwrap.wrap(plain(line), WIDE - 4)]
            typer.echo("\n    ".join([plain(first), *wide]))

    def note(self, text: str) -> None:
        """Tells something beside the result, on stderr."""
        if not self._asked.quiet:
            typer.echo(plain(text), err=True)

    def when(self, at: int | None) -> str:
        """An instant in the home's zone; nothing for None."""
        if at is None:
            return ""
        return f"{datetime.fromtimestamp(at // 1_000_000, self._zone):%Y-%m-%d %H:%M:%S}"

    def agreed(self, question: str, *, yes: bool) -> bool:
        """Asks for a yes, unless it was given.

        Raises:
            Wrong: nobody can be asked.
        """
        if yes:
            return True
        self._refuse_if_alone("--yes")
        return typer.confirm(question, err=True)

    @property
    def asks(self) -> bool:
        """Somebody can be asked."""
        return not self._asked.no_input and sys.stdin.isatty()

    def ask(self, question: str, option: str, default: str | None = None) -> str:
        """Asks for a word.

        Raises:
            Wrong: nobody can be asked and there is no default.
        """
        if not self.asks:
            if default is not None:
                return default
            self._refuse_if_alone(option)
        return str(typer.prompt(question, default=default, err=True))

    def _refuse_if_alone(self, option: str) -> None:
        if not self.asks:
            raise Wrong(
                f"Nobody can be asked here; {option} is needed", still="Nothing was changed"
            )


def as_json(value: Any) -> str:
    """A value as one line of JSON."""
    found = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.dumps(found, ensure_ascii=False, separators=(", ", ": "))


def plain(text: str) -> str:
    """``text`` without what a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _table(values: Sequence[T], columns: Columns[T]) -> None:
    head = [title for title, _ in columns]
    rows = [[plain(show(value)).replace("\n", " ") for _, show in columns] for value in values]
    widths = [max(map(len, cells)) for cells in zip(head, *rows, strict=True)]
    typer.secho(_row(head, widths), dim=True)
    for row in rows:
        typer.echo(_row(row, widths))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
