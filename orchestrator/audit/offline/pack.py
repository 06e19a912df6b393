"""Checks a pack of evidence: an audit export with what was known of each control beside it.

Rules kept here:

1. Every file of the pack stands in its manifest with its hash, and nothing else lies beside them.
2. The manifest is signed by a key of the export, and is about the export's own deal and home.
3. The export's chain states the pack: its entry names the hash of the evidence, so that a pack that
   the host made later, or twice, is told from the one that it wrote down.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestrator.audit.offline.report import Pack, Report
from orchestrator.audit.offline.roots import signed
from orchestrator.audit.offline.values import instant_of, iso, json_object, text_of

PACK_DOMAIN = b"wallcross evidence pack v1\n"
MANIFEST = "manifest.json"
EVIDENCE = "evidence.json"
STATED = "evidence.exported"


def check_pack(folder: Path, report: Report) -> None:
    """Checks the pack that an export lies in, and notes in its report what is wrong.

    Args:
        folder: the pack's.
        report: of the export in it, already checked.

    Raises:
        OSError: a file cannot be read.
        Unreadable, ValueError, KeyError, TypeError: the manifest has not the form that it must.
    """
    outer = json_object((folder / MANIFEST).read_bytes())
    raw = text_of(outer, "manifest").encode()
    _signature(outer, raw, report)
    manifest = json_object(raw)
    if (manifest["deal"], manifest["home"], manifest["made_up"]) != (
        report.deal,
        report.home,
        report.made_up,
    ):
        report.problem("pack.deal", MANIFEST, "The pack is about another deal than its export.")
    listed = {str(f["name"]): str(f["sha256"]) for f in manifest["files"]}
    _files(folder, listed, report)
    _stated(folder, listed.get(EVIDENCE, ""), report)
    report.pack = Pack(iso(instant_of(manifest)), len(listed))


def _signature(outer: Mapping[str, Any], raw: bytes, report: Report) -> None:
    keys = (bytes.fromhex(key) for key in report.keys)
    named = [key for key in keys if sha256(key).hexdigest()[:16] == outer["key_id"]]
    if not named:
        report.problem("key.unknown", MANIFEST, "It is signed by a key not in the export.")
    elif not signed(named[0], bytes.fromhex(outer["signature"]), PACK_DOMAIN + raw):
        report.problem("signature", MANIFEST, "The host's signature is not valid.")


def _files(folder: Path, listed: Mapping[str, str], report: Report) -> None:
    there = {file.name for file in folder.iterdir()} - {MANIFEST}
    for name in sorted(there - listed.keys()):
        report.problem("pack.extra", name, "This file is not in the manifest.")
    for name, digest in listed.items():
        if name not in there or Path(name).name != name:
            report.problem("pack.missing", name, "This file of the manifest is not there.")
        elif sha256((folder / name).read_bytes()).hexdigest() != digest:
            report.problem("pack.changed", name, "This file was changed after it was signed.")


def _stated(folder: Path, digest: str, report: Report) -> None:
    """The chain's last word on evidence must be about this one."""
    last: Mapping[str, Any] = {}
    with (folder / "audit.jsonl").open("rb") as lines:
        for line in lines:
            row = json_object(line) if b'"type":"entry"' in line else {}
            if row and json_object(row["entry"].encode())["kind"] == STATED and "body" in row:
                last = json_object(row["body"].encode())
    if not digest or last.get("hash") != digest:
        report.problem("pack.unstated", EVIDENCE, "The record does not state this evidence.")
