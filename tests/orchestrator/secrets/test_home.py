"""The secrets of a home: which source wins, what is said, and what never gets lost or returns."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.secrets.files import FileStore, folder_for
from orchestrator.secrets.home import HomeSecrets, open_secrets
from orchestrator.secrets.ownfile import destroy_own
from orchestrator.secrets.port import SecretStore, check_name
from orchestrator.secrets.secret import SecretError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "home_1"


def test_without_a_keyring_a_file_is_used_and_said(folder: Path) -> None:
    secrets = HomeSecrets(folder, "home_1", None)
    secrets.set("master", b"\x00\xffkey")
    found = secrets.get("master")
    assert found is not None
    assert found.reveal() == b"\x00\xffkey"
    where = secrets.where("master")
    assert (where.source, where.fallback) == ("file", True)
    assert "no keyring answers" in where.text
    assert (folder / "master").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_keyring_wins_and_epochs_stay_in_files(folder: Path, ring: Any) -> None:
    secrets = HomeSecrets(folder, "home_1", ring)
    secrets.set("master", b"\x00\xff")
    secrets.set("epoch/deal_1/epoch_1", b"wrapped")
    assert list(ring.entries) == [("wallcross-home_1", "master")]
    assert secrets.where("master").source == "keyring"
    assert secrets.where("epoch/deal_1/epoch_1").source == "file"
    assert not secrets.where("epoch/deal_1/epoch_1").fallback
    assert secrets.names() == ["epoch/deal_1/epoch_1", "master"]
    assert secrets.names("epoch") == ["epoch/deal_1/epoch_1"]
    assert secrets.delete("master")
    assert not secrets.delete("master")
    assert ring.entries == {}
    assert secrets.get("master") is None


def test_a_secret_of_an_absent_keyring_is_an_error_not_an_absence(folder: Path, ring: Any) -> None:
    HomeSecrets(folder, "home_1", ring).set("master", b"key")
    later = HomeSecrets(folder, "home_1", None)
    with pytest.raises(SecretError, match="unlock the keyring"):
        later.get("master")
    with pytest.raises(SecretError, match="does not answer"):
        later.set("master", b"other")
    with pytest.raises(SecretError, match="does not answer"):
        later.delete("master")
    found = HomeSecrets(folder, "home_1", ring).get("master")
    assert found is not None
    assert found.reveal() == b"key"


def test_a_fallback_secret_stays_readable_when_a_keyring_appears(folder: Path, ring: Any) -> None:
    HomeSecrets(folder, "home_1", None).set("audit", b"key")
    secrets = HomeSecrets(folder, "home_1", ring)
    found = secrets.get("audit")
    assert found is not None
    assert found.reveal() == b"key"
    secrets.set("audit", b"new")
    assert not (folder / "audit").exists()


@pytest.mark.usefixtures("headless")
def test_the_failing_back_end_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "s"))
    secrets = open_secrets(tmp_path / "home", "home_1")
    assert secrets.ring is None
    assert isinstance(secrets, SecretStore)


def test_a_locked_keyring_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: Any
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "s"))
    assert open_secrets(tmp_path / "home", "home_1").ring is not None
    ring.locked = True
    assert open_secrets(tmp_path / "home", "home_1").ring is None


@pytest.mark.parametrize("place", ["home/secrets", ".", "home"])
def test_a_folder_inside_the_home_or_around_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    home = tmp_path / "home_1" if place == "." else tmp_path / "home"
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / place))
    with pytest.raises(SecretError, match="in one another"):
        folder_for(home, "home_1")


def test_a_link_into_the_home_is_seen_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "home")
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "link"))
    with pytest.raises(SecretError, match="in one another"):
        folder_for(tmp_path / "home", "home_1")


def test_the_default_folder_is_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WALLCROSS_SECRETS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folder_for(tmp_path / "home", "home_1") == tmp_path / "wallcross-secrets" / "home_1"


def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    FileStore(folder)
    folder.chmod(0o750)
    with pytest.raises(SecretError, match="chmod 700"):
        FileStore(folder)


@given(st.text(max_size=30))
def test_no_name_leaves_the_folder(name: str) -> None:
    try:
        check_name(name)
    except SecretError:
        return
    assert name
    assert not name.startswith("/")
    assert all(part and not part.startswith(".") for part in name.split("/"))


def test_an_interrupted_write_leaves_the_old_value(folder: Path) -> None:
    store = FileStore(folder)
    store.set("a/b", b"old")
    (folder / "a" / "b.part").write_bytes(b"half")
    assert store.names() == ["a/b"]
    (folder / "c.part").write_bytes(b"half")
    assert store.tidy() == 2
    assert store.tidy() == 0
    (folder / "a" / "b.part").write_bytes(b"half")
    found = store.get("a/b")
    assert found is not None
    assert found.reveal() == b"old"
    assert store.delete("a/b")
    assert not (folder / "a").exists()
    with pytest.raises(SecretError):
        store.get("x.part")


def test_a_crash_between_overwriting_and_unlinking_leaves_no_secret(folder: Path) -> None:
    store = FileStore(folder)
    store.set("key", b"value")
    (folder / "key").write_bytes(bytes(5))
    assert store.get("key") is None
    assert store.tidy() == 1
    assert store.names() == []
    with pytest.raises(SecretError, match="zero bytes"):
        store.set("key", bytes(5))


def test_destroying_overwrites_before_the_name_goes(tmp_path: Path) -> None:
    path, other_name = tmp_path / "key", tmp_path / "same-file"
    path.write_bytes(b"k" * 100)
    other_name.hardlink_to(path)
    assert destroy_own(path)
    assert not path.exists()
    assert other_name.read_bytes() == bytes(100)
    assert not destroy_own(path)
