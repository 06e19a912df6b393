"""What code in the front can open, reach and run: tried from inside a process held as it is."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TRIED = """
import json, os, socket, subprocess, sys
from pathlib import Path
given = json.loads(sys.argv[1])
from dashboard.confine import confine
import dataclasses
held = dataclasses.asdict(confine(Path(given["own"]), given["port"]))
def tried(act):
    try: act(); return "done"
    except OSError as error: return type(error).__name__
def listens(port):
    with socket.socket() as s: s.bind(("127.0.0.1", port))
def asks():
    with socket.socket(socket.AF_UNIX) as s: s.connect(given["desk"])
print(json.dumps(held | {
    "reads the home": tried(lambda: open(given["secret"]).read()),
    "lists the home": tried(lambda: os.listdir(os.path.dirname(given["secret"]))),
    "writes elsewhere": tried(lambda: open(given["secret"] + ".new", "w")),
    "takes a file away": tried(lambda: os.unlink(given["secret"])),
    "reads its parent's memory": tried(lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1)),
    "reads its parent's environment": tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
    "signals its parent": tried(lambda: os.kill(os.getppid(), 0)),
    "runs a program": tried(lambda: subprocess.run([sys.executable, "-c", ""])),
    "connects": tried(lambda: socket.create_connection(("127.0.0.1", given["elsewhere"]), 2)),
    "listens elsewhere": tried(lambda: listens(0)),
    "listens on its port": tried(lambda: listens(given["port"])),
    "writes in its folder": tried(lambda: Path(given["own"], "x").write_text("x")),
    "asks the desk": tried(asks),
    "reads its own pages": tried(lambda: open(sys.modules["dashboard"].__file__).read()),
}))
"""
MAY = {"listens on its port", "writes in its folder", "asks the desk", "reads its own pages"}


def free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def elsewhere() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def inside(tmp_path: Path, elsewhere: int) -> Iterator[dict[str, object]]:
    """What was tried, and became of it, with a home beside the process's one folder."""
    (tmp_path / "home").mkdir()
    secret, own = tmp_path / "home" / "secret", tmp_path / "own"
    secret.write_text("of the home")
    own.mkdir()
    with socket.socket(socket.AF_UNIX) as desk:
        desk.bind(str(tmp_path / "desk"))
        desk.listen()
        given = {"own": str(own), "port": free(), "secret": str(secret), "elsewhere": elsewhere}
        done = subprocess.run(
            [
                sys.executable,
                "-I",
                "-c",
                TRIED,
                json.dumps(given | {"desk": str(tmp_path / "desk")}),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert secret.read_text() == "of the home" or sys.platform != "linux"
        yield json.loads(done.stdout)


def test_it_opens_reaches_and_runs_nothing_that_is_not_its_own(inside: dict[str, object]) -> None:
    if not all(inside[what] for what in ("files", "connections", "signals")):
        pytest.skip(f"this kernel does not offer all of it: {inside}")
    tried = {name: became for name, became in inside.items() if isinstance(became, str)}
    assert {name for name, became in tried.items() if became == "done"} == MAY
    assert {became for became in tried.values() if became != "done"} == {"PermissionError"}


def test_nothing_of_the_pages_is_imported_before() -> None:
    """What is imported earlier could have begun a thread, which would not be held."""
    program = """
import sys, threading
import dashboard.__main__
print(sorted(sys.modules), threading.active_count())
"""
    said = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "'streamlit'" not in said
    assert "'httpx'" not in said
    assert said.rstrip().endswith(" 1")
