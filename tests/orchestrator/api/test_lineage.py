"""Whoever this process started is nobody at the home's own socket, also by way of an orphan."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from orchestrator.api.app import make_app
from orchestrator.api.lineage import adopt_orphans, descends
from orchestrator.api.server import listening
from orchestrator.client.path import reachable

from .conftest import MemoryHome

ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b"GET /api/v1/deals HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n")
told = b""
while piece := s.recv(65536):
    told += piece
print(told.split(b" ", 2)[1].decode(), flush=True)
"""
ORPHAN = f"""
import os, sys, time
if os.fork() == 0:
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.01)
    exec({ASK!r})
    os._exit(0)
os.wait()
"""
GRANDCHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-I", "-c", {ASK!r}, sys.argv[1]])
"""


async def said(program: str, path: str) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", program, path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    return out.decode().strip()


@pytest.fixture
def adopting() -> None:
    adopt_orphans()


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize(
    "program", [ASK, ORPHAN, GRANDCHILD], ids=["child", "orphan", "grandchild"]
)
async def test_whom_we_started_is_nobody_there(
    home: MemoryHome, tmp_path: Path, program: str
) -> None:
    path = tmp_path / "run" / "wallcross.sock"
    async with listening(make_app(home), path, strangers=True):
        with reachable(path) as near:
            assert await said(program, near) == "401"
    async with listening(make_app(home), path):
        with reachable(path) as near:
            assert await said(program, near) == "200", "the same call is answered elsewhere"


def test_who_is_no_child_of_ours() -> None:
    assert not descends(os.getpid())
    assert not descends(os.getppid())
    assert not descends(1)


def test_who_cannot_be_told_is_taken_for_one() -> None:
    gone = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitpid(gone, 0)
    assert descends(gone)
    assert descends(1 << 30)
