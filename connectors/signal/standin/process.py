"""Starts a stand-in in a process of its own and ends exactly that one.

Rule kept here: the child ends when its starter does, however that ends: it reads the other end of
a pipe that dies with the starter. It ends by itself or by its own process id, never by name.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

WAIT = 10.0
"""Seconds for the child to end by itself."""


@dataclass(slots=True)
class Running:
    """A running stand-in.

    Attributes:
        url: of the REST server.
        control: of the far side's hand, for ``control.Control``.
        token: what the hand asks for.
        pid: its process.
    """

    url: str
    control: str
    token: str = field(repr=False)
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
    *,
    webhook: str = "",
    mode: str = "json-rpc",
    version: str = "0.101",
    backend: str = "rest",
    port: int = 0,
    record: Path | None = None,
    folder: Path | None = None,
) -> Running:
    """Starts a stand-in and waits until it listens.

    Args:
        webhook: ``RECEIVE_WEBHOOK_URL``; can be set later with ``Control.webhook``.
        mode: ``json-rpc`` or ``normal``.
        version: ``0.100`` or ``0.101``.
        backend: ``rest`` for signal-cli-rest-api, ``json-rpc`` for signal-cli's own daemon.
        port: of the REST server; 0 lets the system choose.
        record: folder for the requests with their text; tests only.
        folder: its working folder; without ``record`` it writes nothing, there or elsewhere.

    Raises:
        RuntimeError: it ended before it listened.
    """
    command = [sys.executable, "-m", "connectors.signal.standin", "--until-stdin-closes"]
    command += ["--mode", mode, "--version", version, "--port", str(port), "--webhook", webhook]
    command += ["--backend", backend]
    if record is not None:
        command += ["--record", str(record)]
    child = subprocess.Popen(  # noqa: S603 (our own module, no shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
    )
    line = child.stdout.readline() if child.stdout is not None else b""
    if not line:
        Running("", "", "", child.pid, child).stop()
        raise RuntimeError("the stand-in ended before it listened")
    told = json.loads(line)
    url, control = (f"http://127.0.0.1:{told[each]}" for each in ("port", "control"))
    return Running(url, control, str(told["token"]), int(told["pid"]), child)
