"""`deal archive`: one folder for counsel, every file of it under a manifest that anybody checks."""

import subprocess
import sys
from pathlib import Path

from .conftest import Wx

PARTS = {"audit", "journal", "evidence"}


def test_a_closed_deals_archive_is_whole_and_checks_itself(deal: Wx, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    assert deal("deal", "close", "HALCYON", "--yes-close", "HALCYON").code == 0
    done = deal("deal", "archive", "HALCYON", "--to", str(folder), "--json")
    assert done.code == 0, done.err
    assert done.json["complete"] is True
    summed = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False
    )
    assert summed.returncode == 0
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert listed == there - {"SHA256SUMS"}
    assert {p.name for p in folder.iterdir() if p.is_dir()} == PARTS
    assert {"insiders.csv", "insiders.xlsx", "prevented.html", "README.txt"} <= there
    told = (folder / "README.txt").read_text()
    assert "Complete: the deal was closed for good" in told
    assert "why: the deal closes" in told
    checker = folder / "audit" / "verify_audit.py"
    checked = subprocess.run([sys.executable, str(checker), str(folder / "audit")], check=False)
    assert checked.returncode == 0
    kinds = [e["kind"] for e in deal("audit", "tail", "--count", "9", "--json").lines]
    assert {"prevented.reported", "evidence.exported", "audit.exported"} <= set(kinds)
    assert (folder / "SHA256SUMS").stat().st_mode & 0o077 == 0


def test_of_an_open_deal_it_says_that_it_is_not_complete(deal: Wx, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    assert deal("deal", "archive", "HALCYON", "--to", str(folder)).code == 2  # nobody said why
    assert not folder.exists()
    line = ("deal", "archive", "HALCYON", "--to", str(folder), "--why", "litigation")
    done = deal(*line, "--matter", "m-117")
    assert done.code == 0, done.err
    assert "not complete" in done.out
    told = (folder / "README.txt").read_text()
    assert "Not complete: the deal is open" in told
    assert "matter: m-117" in told
    assert deal(*line).code == 5  # nothing is written over
