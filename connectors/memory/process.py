"""Starts the memory network in a process of its own and ends exactly that one.

Rule kept here: the child ends when its starter does, however that ends: it reads the other end of
a pipe that dies with the starter. It ends by itself or by its own process id, never by name.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

WAIT = 10.0
"""Seconds for the child to end by itself."""


@dataclass(slots=True)
class FarProcess:
    """A running network.

    Attributes:
        address: where it listens, for the connector's ``address`` setting and ``FarSide``.
        pid: its process.
    """

    address: str
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
        if self._child.stdin is not None:
            self._child.stdin.close()
        if self._child.stdout is not None:
            self._child.stdout.close()
        try:
            self._child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def start(
    listen: str = "127.0.0.1:0",
    record: Path | None = None,
    options: Mapping[str, object] | None = None,
) -> FarProcess:
    """Starts a network and waits until it listens.

    Args:
        listen: ``unix:/path`` or ``127.0.0.1:PORT``; port 0 lets the system choose.
        record: file for the record of arrivals.
        options: fields of ``connectors.memory.network.Options``.

    Raises:
        RuntimeError: it ended before it listened.
    """
    command = [sys.executable, "-m", "connectors.memory.server", "--until-stdin-closes"]
    command += ["--listen", listen, "--options", json.dumps(dict(options or {}))]
    if record is not None:
        command += ["--record", str(record)]
    child = subprocess.Popen(  # noqa: S603 (our own module, no shell)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    line = child.stdout.readline() if child.stdout is not None else b""
    if not line:
        FarProcess("", child.pid, child).stop()
        raise RuntimeError("the memory network ended before it listened")
    ready = json.loads(line)
    return FarProcess(str(ready["listening"]), int(ready["pid"]), child)
