"""A document of 100 MB is sealed, journaled and opened in little memory."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, hashlib, json, re, sys
from pathlib import Path
import pyrage
from orchestrator import clock
from orchestrator.journal.envelope import seal_stream
from orchestrator.seal.blobs import Blobs
from orchestrator.seal.master import create_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import HomeSecrets
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store

SIZE, STEP = 100 << 20, 1 << 18

def peak():
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", text)[1])

async def pieces(digest):
    for n in range(SIZE // STEP):
        piece = n.to_bytes(4, "big") * (STEP // 4)
        digest.update(piece)
        yield piece

async def main(base):
    home = base / "home"
    home.mkdir(mode=0o700)
    migrate(home / "wallcross.db")
    store = Store(home / "wallcross.db")
    secrets = HomeSecrets(base / "secrets", "home_1", None)
    sealer = Sealer(home, secrets, create_master(secrets), clock.now)
    idle = peak()
    first = hashlib.sha256()
    row = await sealer.prepare_stream("deal_1", "att_1", pieces(first))
    await store.write(lambda tx: sealer.insert(tx, row))
    unlocked = await store.read(lambda tx: sealer.unlock(tx, "att_1"))
    second = hashlib.sha256()
    async for piece in unlocked.stream():
        second.update(piece)
    identity = pyrage.x25519.Identity.generate()
    async with Blobs(home / "journal").writing("msg_1") as file:
        await seal_stream(str(identity.to_public()), unlocked.stream(), file)
    copy = (home / "journal" / "msg_1").stat().st_size
    await store.close()
    same = first.digest() == second.digest()
    print(json.dumps({"same": same, "copy": copy, "over_idle_mb": (peak() - idle) / 1024}))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_document_of_100_mb(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, check=True, timeout=250
    )
    found = json.loads(done.stdout)
    assert found["same"]
    assert found["copy"] > 100 << 20
    assert found["over_idle_mb"] <= 150
