"""What every command is given: the global options, and the settings they lead to.

Rule kept here: the order is flag, ``WALLCROSS_…`` variable, file, default; nothing is read before a
command asks for it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.config import Look, Settings

FLAGS = frozenset({"--json", "--quiet", "--verbose", "--no-input"})
VALUED = frozenset({"--deal", "--config", "--home", "--timeout", "--set", "--server"})


@dataclass(frozen=True, slots=True)
class Globals:
    """The global options of one call."""

    json: bool
    quiet: bool
    verbose: bool
    no_input: bool
    deal: str | None
    config: Path | None
    home: Path | None
    timeout: float
    flags: tuple[str, ...]
    server: str | None = None
    """Where a command is sent instead of to the home on this machine: a server, or ``last``."""
    dry_run: bool = False
    """Nothing is to be changed: what would be is checked and told."""

    def settings(self) -> "Settings":
        """The settings. Raises: ConfigInvalid."""
        found: Settings = import_module("orchestrator.config").load(**self._sources())
        return found

    def look(self, instead: str | None = None) -> "Look":
        """The settings with their mistakes, as they are or were the file to hold ``instead``."""
        config = import_module("orchestrator.config")
        found: Look = config.look(**self._sources(), instead=instead)
        return found

    def _sources(self) -> dict[str, Any]:
        pairs = (flag.partition("=") for flag in self.flags)
        return {
            "flags": {path: value for path, _, value in pairs},
            "environ": os.environ,
            "file": self.config,
            "state": self.home,
        }


def hoisted(args: Sequence[str]) -> list[str]:
    """The same line with its global options first; what follows ``--`` stays as it is."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            return [*first, *rest, word, *words]
        if word in FLAGS or (word.partition("=")[0] in VALUED and "=" in word):
            first.append(word)
        elif word in VALUED:
            first += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return first + rest
