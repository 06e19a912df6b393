"""Starts a far side in a process of its own and ends exactly that one.

Rule kept here: the child ends when its starter does, however that ends: it reads the other end of
a pipe that dies with the starter. It ends by itself or by its own process id, never by name.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WAIT = 10.0
"""Seconds for the child to end by itself."""


@dataclass(slots=True, kw_only=True)
class Child:
    """A running far side.

    Attributes:
        pid: its process.
    """

    pid: int
    _child: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def running(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._child.kill()
        self.stop()

    def stop(self) -> None:
        """Ends it and waits for that; may be called twice."""
        _end(self._child)


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(WAIT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def begin(
    module: str, options: Sequence[str], folder: Path | None = None
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Starts one and waits until it listens.

    Args:
        module: of ours, run with ``--until-stdin-closes``.
        options: its command line.
        folder: its working folder.

    Returns:
        The process, and what the first line of its output says.

    Raises:
        RuntimeError: it ended before it listened.
    """
    child = subprocess.Popen(  # noqa: S603 (our own module, no shell)
        [sys.executable, "-m", module, "--until-stdin-closes", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
    )
    line = child.stdout.readline() if child.stdout is not None else b""
    if not line:
        _end(child)
        raise RuntimeError(f"{module} ended before it listened")
    told: dict[str, Any] = json.loads(line)
    return child, told
