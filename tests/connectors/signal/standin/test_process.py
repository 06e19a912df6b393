"""The stand-in's process: it tells where it is, keeps text in memory, and ends with its starter."""

import ast
import base64
import json
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from connectors.signal.standin import process
from connectors.signal.standin.control import Control, NotDoneError, Upload

from .conftest import US

CANARY = "forty-two a share"
PRODUCT = Path(__file__).parents[4] / "connectors" / "signal"


async def _talk(running: process.Running) -> None:
    """Text passes in both directions, also through what nobody expected."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with (
        Control(running.control, running.token) as hand,
        httpx.AsyncClient(base_url=running.url, verify=nobody, trust_env=False) as rest,
    ):
        ann = await hand.person("ann")
        await hand.write("ann", CANARY, files=[Upload("c.txt", CANARY.encode())])
        file = base64.b64encode(CANARY.encode()).decode()
        body = {"number": US, "recipients": [ann.uuid], "message": CANARY}
        sent = await rest.post("/v2/send", json=body | {"base64_attachments": [file]})
        assert sent.status_code == 201
        await rest.post("/v2/send", content=CANARY)
        await rest.post("/v2/send", json=body | {"mentions": [CANARY]})
        await hand.settle()
        assert [each.text for each in await hand.arrived("ann")] == [CANARY, CANARY]
        assert CANARY not in repr(await hand.arrived("ann") + await hand.requests())


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


def _holds(folder: Path, *texts: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(text in path.read_bytes() for text in texts)]


async def test_text_is_on_no_disk_and_in_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with process.start(folder=tmp_path) as running:
        await _talk(running)
    assert _files(tmp_path) == []
    assert CANARY not in "".join(capfd.readouterr())


async def test_a_record_holds_the_requests(tmp_path: Path) -> None:
    with process.start(record=tmp_path) as running:
        await _talk(running)
    assert _holds(tmp_path, CANARY.encode()) == ["requests.jsonl"]
    lines = (tmp_path / "requests.jsonl").read_text("utf-8").splitlines()
    first = json.loads(lines[0])
    assert (first["method"], first["route"], first["body"]["message"], first["status"]) == (
        *("POST", "/v2/send"),
        CANARY,
        201,
    )


def test_it_ends_when_its_starter_does() -> None:
    program = (
        "from connectors.signal.standin import process; import os, sys;"
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
        async with Control(running.url, running.token) as wrong_port:
            with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
                await wrong_port.people()


async def test_a_verb_takes_what_is_needed_and_no_more() -> None:
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with process.start() as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        async with httpx.AsyncClient(
            base_url=running.control, headers=headers, verify=nobody, trust_env=False
        ) as hand:
            assert (await hand.post("/far/person", json={"name": "ann"})).status_code == 200
            written = await hand.post("/far/write", json={"by": "ann", "text": "hello"})
            assert written.json()["timestamp"] > 0
            shown = (await hand.post("/far/arrived", json={"name": "ann"})).json()
            assert [each["text"] for each in shown["messages"]] == ["hello"]
            assert (await hand.post("/far/write", json={})).status_code == 400
            assert (await hand.post("/far/nothing", json={})).status_code == 400
            assert (await hand.post("/far/write", json={"by": "eve"})).status_code == 409


async def test_two_ports_are_two_doors() -> None:
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with process.start(mode="normal", version="0.100") as running:
        async with (
            Control(running.control, running.token) as hand,
            httpx.AsyncClient(base_url=running.url, verify=nobody, trust_env=False) as rest,
        ):
            assert [person.name for person in await hand.people()] == ["bot"]
            answer = (await rest.get("/v1/about")).json()
            assert (answer["mode"], answer["version"]) == ("normal", "0.100")
    assert not running.running()


def test_the_connector_imports_nothing_of_the_stand_in() -> None:
    modules = [p for p in PRODUCT.rglob("*.py") if "standin" not in p.relative_to(PRODUCT).parts]
    assert modules != []
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "standin" not in ast.unparse(node), path
