"""The front's process: what is in it, what it was told, and that it ends with its starter."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.nav import PAGES
from orchestrator.cli.front import FOLDER, Begins, begins, front, hardening
from orchestrator.config.load import load
from tests.scenarios.conftest import eventually

LOADED = """
import importlib, json, pkgutil, sys
import dashboard, dashboard.__main__
for found in pkgutil.walk_packages(dashboard.__path__, "dashboard."):
    if not found.name.endswith((".script", ".__main__")):
        importlib.import_module(found.name)
print(json.dumps(sorted(sys.modules)))
"""
KEYS = {"keyring", "nacl", "pyrage", "sqlite3", "gnupg", "nio", "fido2", "shamir_mnemonic"}


def test_no_store_no_key_and_no_connector_is_in_the_process_of_pages() -> None:
    said = subprocess.run(
        [sys.executable, "-I", "-c", LOADED], capture_output=True, text=True, check=True
    )
    modules = set(json.loads(said.stdout.splitlines()[-1]))
    assert {page.module for page in PAGES} <= modules
    ours = {m for m in modules if m.partition(".")[0] in {"orchestrator", "connectors", "tiers"}}
    beyond = {m for m in ours if not m.startswith("orchestrator.client")} - {"orchestrator"}
    assert beyond == set()
    assert {m.partition(".")[0] for m in modules} & KEYS <= {"sqlite3"} & modules


def checked(folder: Path, **environment: str) -> dict[str, bool]:
    found = subprocess.run(
        [sys.executable, "-m", "dashboard", "--socket", "/none", "--check"],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), **environment},
    )
    return dict(json.loads(found.stdout))


def test_no_file_and_no_variable_softens_a_setting(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(
        '[client]\nshowErrorDetails = "full"\nallowedOrigins = ["https://evil.example"]\n'
        "[server]\nenableXsrfProtection = false\nenableStaticServing = true\n"
        'allowedHosts = ["*"]\n[browser]\ngatherUsageStats = true\n'
    )
    variables = {"STREAMLIT_SERVER_ENABLE_CORS": "false", "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}  # noqa: S104 - what is to be overruled
    found = checked(tmp_path, **variables)
    assert [name for name, is_so in found.items() if not is_so] == []
    assert len(found) > 25


def test_an_origin_that_anybody_may_read_along_is_not_started(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "dashboard", "--socket", str(tmp_path / "s"), "--port", "1"]
    done = subprocess.run(
        [*line, "--origin", "http://wallcross.example"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode != 0
    assert "not in force: origin" in done.stderr


def test_it_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", "/where/secrets/lie")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    how = begins(load(flags={}, environ={}, state=tmp_path / "home"), tmp_path / "s")
    assert set(how.environment) == {"HOME", "LANG", "PATH", "TMPDIR"}
    assert "-I" in how.line
    assert "/where/secrets/lie" not in how.line


def child(folder: Path, program: str) -> Begins:
    return Begins((sys.executable, "-c", program), folder / "front")


async def test_it_is_started_again_where_it_falls_and_said_so(tmp_path: Path) -> None:
    told: list[str] = []
    program = "print('ready', flush=True); raise SystemExit(7)"
    async with front(child(tmp_path, program), told.append) as ready:
        await asyncio.wait_for(ready.wait(), 10)

        async def twice() -> bool:
            return len(told) >= 2

        await eventually(twice)
    assert told[0] == "the dashboard ended (7) and is started again in 1 s"
    assert told[1].endswith("again in 2 s")
    assert not (tmp_path / "front").exists()


async def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    program = f"import sys; print('ready', flush=True); sys.stdin.read(); open({str(mark)!r}, 'w')"
    async with front(child(tmp_path, program), lambda _: None) as ready:
        await asyncio.wait_for(ready.wait(), 10)
        assert not mark.exists()
    assert mark.exists()


async def test_what_does_not_end_by_itself_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.cli.front.GRACE_S", 0.2)
    program = "import time; print('ready', flush=True); time.sleep(600)"
    async with front(child(tmp_path, program), lambda _: None) as ready:
        await asyncio.wait_for(ready.wait(), 10)
    assert not (tmp_path / "front").exists()


async def test_doctor_reads_back_what_is_in_force(tmp_path: Path) -> None:
    good = load(flags={}, environ={}, state=tmp_path / "home")
    found = await hardening(good)
    assert (found.state, found.name) == ("ok", "dashboard")
    assert found.text.endswith("hardening settings in force")
    assert not (good.state / FOLDER).exists()
