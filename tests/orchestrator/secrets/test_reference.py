"""Four forms of reference; each refuses what is unsafe and repeats nothing of a value."""

import os
import time
from pathlib import Path

import pytest

from orchestrator.secrets import reference
from orchestrator.secrets.files import FileStore
from orchestrator.secrets.reference import parse, put, resolve
from orchestrator.secrets.secret import SecretError, SecretMissing

CANARY = "kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(CANARY + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "secrets")


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WX_TOKEN", CANARY)
    assert resolve("env:WX_TOKEN").reveal_text() == CANARY
    monkeypatch.delenv("WX_TOKEN")
    with pytest.raises(SecretMissing, match="WX_TOKEN"):
        resolve("env:WX_TOKEN")


def test_owner_only_file(secret_file: Path) -> None:
    assert resolve(f"file:{secret_file}").reveal_text() == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_file_open_to_others_is_refused_with_the_repair(secret_file: Path, mode: int) -> None:
    secret_file.chmod(mode)
    with pytest.raises(SecretError, match=f"chmod 600 '{secret_file}'") as caught:
        resolve(f"file:{secret_file}")
    assert CANARY not in str(caught.value)


def test_a_file_of_another_user_is_refused(
    secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = secret_file.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    with pytest.raises(SecretError, match="another user"):
        resolve(f"file:{secret_file}")


def test_what_is_no_plain_file_is_refused(secret_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret_file)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (link, pipe, tmp_path):
        with pytest.raises(SecretError):
            resolve(f"file:{path}")


def test_too_large_and_missing_files(secret_file: Path, tmp_path: Path) -> None:
    secret_file.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(SecretError, match="more than"):
        resolve(f"file:{secret_file}")
    with pytest.raises(SecretMissing):
        resolve(f"file:{tmp_path}/none")


def test_command_without_a_shell(tmp_path: Path) -> None:
    assert resolve(f"cmd:printf '%s\\n' {CANARY}").reveal_text() == CANARY
    assert resolve("cmd:printf %s $HOME;id").reveal_text() == "$HOME;id"
    marker = tmp_path / "made"
    resolve(f"cmd:printf x;touch {marker}")
    assert not marker.exists()


def test_a_command_that_fails_repeats_nothing() -> None:
    with pytest.raises(SecretError, match="exit code 3") as caught:
        resolve(f"cmd:sh -c 'echo {CANARY}; echo {CANARY} >&2; exit 3'")
    assert CANARY not in str(caught.value)


def test_a_command_that_hangs_is_ended_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reference, "COMMAND_TIMEOUT_S", 0.5)
    child = tmp_path / "child"
    began = time.monotonic()
    with pytest.raises(SecretError, match="took more than"):
        resolve(f"cmd:sh -c 'sleep 60 & echo $! > {child}; wait'")
    assert time.monotonic() - began < 20
    with pytest.raises(ProcessLookupError):
        _wait_gone(int(child.read_text()))


def _wait_gone(pid: int) -> None:
    for _ in range(1000):
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            raise ProcessLookupError
        time.sleep(0.01)


@pytest.mark.parametrize(
    "text",
    ["cmd:", "cmd:'open", "cmd:/nowhere/program", "file:relative", "keyring:alone", "env:", CANARY],
)
def test_what_is_no_reference_is_refused_unrepeated(text: str) -> None:
    with pytest.raises(SecretError) as caught:
        resolve(text)
    assert CANARY not in str(caught.value)


def test_parse_reads_nothing() -> None:
    assert parse("cmd:pass show wallcross") == ("cmd", "pass show wallcross")


def test_an_empty_secret_is_missing() -> None:
    with pytest.raises(SecretMissing, match="empty"):
        resolve("cmd:true")


@pytest.mark.usefixtures("ring")
def test_keyring_reference_round_trip(store: FileStore) -> None:
    assert put("keyring:wallcross/matrix", CANARY.encode(), store) == "keyring"
    assert resolve("keyring:wallcross/matrix", store).reveal_text() == CANARY
    assert store.names() == []
    with pytest.raises(SecretMissing, match="the keyring has none"):
        resolve("keyring:wallcross/other", store)


@pytest.mark.usefixtures("headless")
def test_keyring_reference_falls_back_to_a_file(store: FileStore) -> None:
    with pytest.raises(SecretMissing, match="no keyring answers"):
        resolve("keyring:wallcross/matrix", store)
    assert put("keyring:wallcross/matrix", CANARY.encode(), store) == "file"
    assert resolve("keyring:wallcross/matrix", store).reveal_text() == CANARY


def test_only_keyring_references_are_written(store: FileStore) -> None:
    with pytest.raises(SecretError, match="other means"):
        put("env:X", b"x", store)
