"""The audit leaves the machine and is checked by a program that knows nothing of us."""

import asyncio
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from orchestrator.audit.export import PROGRAM
from orchestrator.demo.forge import forge
from orchestrator.demo.stage import NotSeen, Stage

_CONTRADICTED = "anchor.contradicted"


async def audit(stage: Stage) -> str:
    """Exports, verifies offline with what an anchor kept, and sees a rewritten chain fail."""
    work = Path(tempfile.mkdtemp(prefix="audit-", dir=stage.folder))
    genuine = await export(stage, work / "export")
    anchor = stage.folder / "anchor"
    report = await asyncio.to_thread(verified, genuine, anchor)
    if not report["ok"] or not report["anchors"]:
        raise NotSeen("the export does not verify against what was kept outside")
    span = report["longest_unanchored_seconds"]
    await stage.say(f"The audit is exported: {report['entries']} entries, checked without us.")
    await stage.say(f"  The longest span that no anchor has seen is {span:.0f} s.")
    rewritten = await forge(stage.served.home, stage.folder / "secrets", work, stage.deal)
    if not (await asyncio.to_thread(verified, rewritten, None))["ok"]:
        raise NotSeen("the rewritten chain is not even well made: it proves nothing")
    found = await asyncio.to_thread(verified, rewritten, anchor)
    if found["ok"] or _CONTRADICTED not in {p["code"] for p in found["problems"]}:
        raise NotSeen("a rewritten chain passes")
    await stage.say("  Rewritten and signed again with our own key, it is found out.")
    return f"{report['entries']} entries verify, a rewritten chain does not"


async def export(stage: Stage, folder: Path) -> Path:
    """Fetches the export over the API and unpacks it into a new folder."""
    pieces = [piece async for piece in stage.client.audit_export(stage.deal)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        await asyncio.to_thread(archive.extractall, folder, filter="data")
    return folder


def verified(folder: Path, anchor: Path | None) -> dict[str, Any]:
    """What the exported program says, run by itself: no path of ours, no environment."""
    kept = ["--anchor", str(anchor)] if anchor else []
    command = [sys.executable, "-I", str(folder / PROGRAM), str(folder), *kept, "--json"]
    done = subprocess.run(  # noqa: S603 (the program that the export brought, and its folder)
        command, capture_output=True, text=True, check=False, cwd=folder, env={}
    )
    report: dict[str, Any] = json.loads(done.stdout)
    if report["ok"] is not (done.returncode == 0):
        raise NotSeen("the program's exit code is not what it says")
    return report
