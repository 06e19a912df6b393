"""`serve`: nothing goes before the checks are through; then one owner, one socket, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .conftest import START_S, Serve, Wx

CANARY = "We would go to 27.50 a share, zyxwv"


def test_commands_go_through_a_running_serve_and_it_ends_cleanly(
    deal: Wx, serve: Serve, home: Path, tmp_path: Path
) -> None:
    process = serve()
    assert deal("status", "--json").json["serving"] is True
    sent = deal(
        "send", "text", "--deal", "HALCYON", "--person", "ximena.park", "--json", stdin=CANARY
    )
    assert sent.code == 0, sent.err
    entries = deal("audit", "tail", "--deal", "HALCYON", "--json").lines
    assert entries[-1]["actor"].startswith("local:") or entries[-1]["kind"] != "message.accepted"
    missing = deal("deal", "show", "NOPE", "--json")
    assert (missing.code, json.loads(missing.err)["then"]) == (1, "wallcross deal list")
    second = deal("serve")
    assert second.code == 3
    assert "runs for this home already" in second.err
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=45) == 0
    assert not (home / "run" / "wallcross.sock").exists()
    said = (tmp_path / "serve.err").read_text("utf-8")
    assert "serving on" in said
    assert "stopping" in said
    assert "zyxwv" not in said
    assert "Traceback" not in said
    assert deal("deal", "list").code == 0


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Tests in the background were started with Ctrl-C ignored, and a child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_what_happens_is_watched_and_what_is_held_is_dropped(
    deal: Wx, serve: Serve, tmp_path: Path
) -> None:
    public, shares = str(tmp_path / "joint.json"), str(tmp_path / "shares")
    made = ["joint", "--group", "kestrel:1/1", "--public", public, "--shares", shares]
    assert deal("journal", "keygen", *made).code == 0
    assert deal("journal", "adopt", public, "--deal", "HALCYON").code == 0
    serve()
    watch = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli", "watch", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert watch.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(watch.stdout or ()), daemon=True)
    reader.start()
    line = ["send", "text", "--deal", "HALCYON", "--person", "ximena.park", "--json"]
    deadline = time.monotonic() + START_S
    sent: list[str] = []
    while not lines and time.monotonic() < deadline:
        sent.append(deal(*line, stdin=CANARY).json["message_id"])
    watch.send_signal(signal.SIGINT)
    assert watch.wait(timeout=45) == 130
    reader.join(timeout=45)
    watch.stdout.close()
    assert {json.loads(found)["kind"] for found in lines} <= {"accepted", "held", "finding"}
    assert "zyxwv" not in "".join(lines)
    while not (held := deal("held", "list", "--json").lines):
        assert time.monotonic() < deadline
    assert {h["message_id"] for h in held} <= set(sent)
    assert deal("held", "drop", held[0]["message_id"], "--yes", "--json").json["state"] == "dropped"
    left = {h["message_id"] for h in deal("held", "list", "--json").lines}
    assert held[0]["message_id"] not in left
    kinds = [e["kind"] for e in deal("audit", "tail", "--deal", "HALCYON", "--json").lines]
    assert "message.dropped" in kinds


def _red(home: Path) -> None:
    file = home / "wallcross.toml"
    file.write_text(
        '[channels.m]\nkind = "matrix"\nsecrets = {password = "env:NOWHERE_AT_ALL"}\n', "utf-8"
    )
    file.chmod(0o600)


def test_a_red_check_stops_it_before_anything_is_sent(deal: Wx, home: Path) -> None:
    _red(home)
    done = deal("serve")
    assert done.code == 3
    assert "secrets: 0 of 1 found" in done.err
    assert "Nothing was sent" in done.err
    assert not (home / "run" / "wallcross.sock").exists()
    assert deal("serve", "--allow", "store").code == 3


def test_going_past_a_red_check_is_on_the_record_and_a_red_channel_is_paused(
    deal: Wx, serve: Serve, home: Path, tmp_path: Path
) -> None:
    _red(home)
    serve("--allow", "secrets")
    entries = deal("audit", "tail", "--deal", "HALCYON", "--json").lines
    (past,) = [e for e in entries if e["body"].get("allowed") == "secrets"]
    assert past["actor"].startswith("local:")
    (channel,) = deal("channel", "list", "--json").lines
    assert channel["state"] != "up"
    assert "starts paused" in (tmp_path / "serve.err").read_text("utf-8")


def test_a_left_over_of_a_killed_serve_is_no_obstacle(deal: Wx, serve: Serve, home: Path) -> None:
    process = serve()
    process.kill()
    process.wait()
    assert (home / "run" / "wallcross.sock").exists()
    assert deal("status", "--json").json["serving"] is False
    again = serve()
    deadline = time.monotonic() + START_S
    while not deal("status", "--json").json["serving"]:
        assert again.poll() is None
        assert time.monotonic() < deadline


def test_what_watches_the_machine_is_answered_on_a_port_of_its_own(
    deal: Wx, serve: Serve, home: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (home / "wallcross.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[web]\noperator = "127.0.0.1:{port}"\n')
    checks = {c["name"]: c["state"] for c in deal("doctor", "--json").lines}
    assert checks["operator"] == "ok"
    process = serve()
    with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
        ready = _answered(client, "/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "lacks": []})
        metrics = client.get("/metrics").text
        assert "wallcross_ready 1.0" in metrics
        assert "HALCYON" not in metrics
        assert client.get("/api/v1/deals").status_code == 404
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=45) == 0


def _answered(client: httpx.Client, path: str) -> httpx.Response:
    """What is answered, once somebody listens: the home's own socket is there before."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            return client.get(path)
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
