"""A document of 100 MB goes the whole way, from the door to the far side, in little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.memory import process

SIZE = 100 << 20
SCRIPT = """
import asyncio, hashlib, json, re, sys
from pathlib import Path
from orchestrator.clock import now
from orchestrator.config.load import load
from orchestrator.deals.book import API
from orchestrator.flow.incoming import Incoming, IncomingFile
from orchestrator.wiring import open_home

SIZE, STEP = int(sys.argv[3]), 1 << 18

def peak():
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", text)[1])

async def pieces():
    for n in range(SIZE // STEP):
        yield n.to_bytes(4, "big") * (STEP // 4)

async def main(state, address):
    flags = {
        "channels.sample.kind": "memory",
        "channels.sample.settings.address": address,
        "channels.sample.settings.unsafe_trust_first_seen": "true",
    }
    async with open_home(load(flags=flags, state=state), live=True, now=now) as home:
        run = home.runtime
        deal = await run.ensure_sample()
        talk = next(c for c in run.book.deals[deal].conversations.values() if c.label == "price")
        async def send(name, files):
            incoming = Incoming(API, name, "farid-novak", "with it", now(), files=files,
                deal_id=deal, named=talk.conversation_id)
            (receipt,) = await run.accepter.accept([incoming])
            while (shown := await home.message_show(receipt.message_id)).state in (
                "accepted", "delivering"
            ):
                await asyncio.sleep(0.1)
            return shown
        await send("small", ())
        idle = peak()
        file = IncomingFile("book.bin", "application/octet-stream", SIZE, pieces)
        shown = await send("large", (file,))
        copy = max((p.stat().st_size for p in (state / "journal").iterdir()), default=0)
        left = sum(1 for _ in (state / "blobs").iterdir())
    over = (peak() - idle) / 1024
    found = {"state": shown.state, "reasons": shown.reasons, "copy": copy, "left": left}
    print(json.dumps({**found, "over_idle_mb": over}))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.long
@pytest.mark.alone
def test_a_document_of_100_mb_from_door_to_far_side(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "WALLCROSS_SECRETS": str(tmp_path / "secrets"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    (tmp_path / "home").mkdir(mode=0o700)
    with process.start(record=tmp_path / "record.jsonl") as far:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "home"), far.address, str(SIZE)],
            capture_output=True, check=False, timeout=600, env=environ,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:].decode()
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["state"], found["reasons"], found["left"]) == ("delivered", [], 0)
    assert found["copy"] > SIZE
    assert found["over_idle_mb"] <= 150
