"""The stand-in's process: it tells where it is, keeps text in memory, and ends with its starter."""

import ast
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from connectors.wickr.standin import process
from connectors.wickr.standin.control import Control, NotDoneError, Upload

from .conftest import NOBODY, V2, account, basic, named

CANARY = "forty-two a share"
PRODUCT = Path(__file__).parents[4] / "connectors" / "wickr"


async def _talk(running: process.Running) -> None:
    """Text passes in both directions, also through what nobody expected."""
    headers = {"Authorization": basic(running.auth_token), "x-api-key": running.api_key}
    async with (
        Control(running.control, running.token) as hand,
        httpx.AsyncClient(
            base_url=running.url + V2, verify=NOBODY, trust_env=False, headers=headers
        ) as http,
    ):
        await hand.person("ann")
        await hand.write("ann", CANARY)
        await hand.write("ann", file=Upload("c.txt", CANARY.encode()))
        body = {"users": named(account("ann")), "message": CANARY}
        assert (await http.post("/Messages", json=body)).status_code == 200
        files = {"attachment": ("c.txt", CANARY.encode())}
        await http.post("/File", data={"users": f'["{account("ann")}"]'}, files=files)
        await http.post("/Messages", content=CANARY)
        await http.post("/Messages", json=body | {"message": {"a": CANARY}})
        assert (await http.get("/Messages", params={"count": 9})).status_code == 200
        shown = await hand.arrived("ann")
        assert [each.text for each in shown] == [CANARY, None, CANARY, None]
        assert CANARY not in repr(shown + await hand.requests())


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


async def test_text_is_on_no_disk_and_in_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with process.start(working=tmp_path) as running:
        await _talk(running)
    assert _files(tmp_path) == []
    assert CANARY not in "".join(capfd.readouterr())


async def test_a_record_holds_the_requests_and_no_credentials(tmp_path: Path) -> None:
    with process.start(record=tmp_path) as running:
        await _talk(running)
    assert _files(tmp_path) == ["requests.jsonl"]
    text = (tmp_path / "requests.jsonl").read_text("utf-8")
    assert CANARY in text
    assert running.api_key not in text
    assert running.auth_token not in text


async def test_files_lie_in_the_folder_that_was_given_and_text_does_not(tmp_path: Path) -> None:
    with process.start(folder=tmp_path) as running:
        await _talk(running)
    names = _files(tmp_path)
    assert len(names) == 2
    assert all(name.endswith("c.txt") for name in names)
    assert all((tmp_path / name).stat().st_mode & 0o077 == 0 for name in names)


def test_it_ends_when_its_starter_does() -> None:
    program = (
        "from connectors.wickr.standin import process; import os, sys;"
        "running = process.start(); print(running.pid, flush=True); os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    stat = Path(f"/proc/{int(done.stdout)}/stat")
    for _ in range(200):
        if not stat.exists() or stat.read_text("utf-8").split()[2] == "Z":
            return
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail("it outlived its starter")


async def test_the_hand_asks_for_the_token() -> None:
    with process.start() as running:
        async with Control(running.control, "another") as stranger:
            with pytest.raises(NotDoneError, match="token"):
                await stranger.people()
        assert running.token not in repr(running)
        assert running.auth_token not in repr(running)


async def test_a_verb_takes_what_is_needed_and_no_more() -> None:
    with process.start() as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        async with httpx.AsyncClient(
            base_url=running.control, headers=headers, verify=NOBODY, trust_env=False
        ) as hand:
            assert (await hand.post("/far/person", json={"name": "ann"})).status_code == 200
            written = await hand.post("/far/write", json={"by": "ann", "text": "hello"})
            assert len(written.json()["message"]) == 32
            shown = (await hand.post("/far/arrived", json={"name": "ann"})).json()
            assert [each["text"] for each in shown["messages"]] == ["hello"]
            assert (await hand.post("/far/write", json={})).status_code == 400
            assert (await hand.post("/far/nothing", json={})).status_code == 400
            assert (await hand.post("/far/write", json={"by": "eve"})).status_code == 409


def test_the_connector_imports_nothing_of_the_stand_in() -> None:
    modules = [p for p in PRODUCT.rglob("*.py") if "standin" not in p.relative_to(PRODUCT).parts]
    assert modules != []
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "standin" not in ast.unparse(node), path
