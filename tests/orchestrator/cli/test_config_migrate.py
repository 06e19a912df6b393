"""`wallcross config migrate`: in place with a copy beside it, into a new file, or not at all."""

from pathlib import Path

import pytest

from .conftest import Wx

OLD = """version = 1

[home]
time_zone = "Europe/Paris"  # and this stays

[secrets]
store = "auto"

[log]
form = "json"
"""


@pytest.fixture
def file(tmp_path: Path, wx: Wx) -> Path:  # noqa: ARG001 - the home is the one that wx has
    found = tmp_path / "home" / "wallcross.toml"
    found.parent.mkdir(mode=0o700)
    found.write_text(OLD)
    found.chmod(0o600)
    return found


def names(file: Path) -> list[str]:
    return sorted(p.name for p in file.parent.iterdir() if p.name.startswith("wallcross.toml"))


def test_it_is_written_in_place_once_and_then_validates(wx: Wx, file: Path) -> None:
    before = wx("config", "validate")
    assert before.code == 2
    assert "secrets.store: there is no such setting. An older Wallcross took it" in before.err
    found = wx("config", "migrate")
    assert found.code == 0, found.err
    assert "line 7: secrets.store: put aside" in found.out
    assert "Europe/Paris" in file.read_text()
    assert (file.stat().st_mode & 0o777) == 0o600
    kept = file.with_name("wallcross.toml.bak")
    assert kept.read_text() == OLD
    assert (kept.stat().st_mode & 0o777) == 0o600
    assert wx("config", "validate").code == 0
    again = wx("config", "migrate")
    assert (again.code, again.out) == (0, f"up to date: {file}\n")
    assert names(file) == ["wallcross.toml", "wallcross.toml.bak"]


def test_a_copy_is_never_written_over(wx: Wx, file: Path) -> None:
    other = file.with_name("wallcross.toml.bak")
    other.write_text("somebody's own")
    found = wx("config", "migrate", "--json").json
    assert other.read_text() == "somebody's own"
    assert found["kept"] == f"{other}.1"
    assert Path(found["kept"]).read_text() == OLD


def test_a_dry_run_and_another_file_leave_it_as_it_is(wx: Wx, file: Path, tmp_path: Path) -> None:
    dry = wx("config", "migrate", "--dry-run", "--json").json
    assert [change["place"] for change in dry["changes"]] == ["secrets.store", "log.form"]
    assert (dry["written"], dry["up_to_date"]) == (None, False)
    to = tmp_path / "new.toml"
    assert wx("config", "migrate", "--to", str(to)).code == 0
    assert file.read_text() == OLD
    assert names(file) == ["wallcross.toml"]
    assert (to.stat().st_mode & 0o777) == 0o600
    assert wx("config", "validate", "--config", str(to)).code == 0
    there = wx("config", "migrate", "--to", str(to))
    assert there.code == 5
    assert "there already" in there.err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("[web]\nprot = 8642\n", "Write port if that is meant"),
        ('[channels.m]\nkind = "nosuch"\n', "channels.m.kind"),
        ('[channels.m]\nkind = "memory"\nhost = "marlow"\n', "else give that side a home"),
        ("[home\n", "TOML"),
    ],
)
def test_nothing_is_written_while_a_person_is_to_decide(
    wx: Wx, file: Path, more: str, told: str
) -> None:
    file.write_text(OLD + more)
    found = wx("config", "migrate")
    assert found.code == 2
    assert told in found.err
    assert file.read_text() == OLD + more
    assert names(file) == ["wallcross.toml"]


def test_a_file_of_a_later_form_is_refused(wx: Wx, file: Path) -> None:
    file.write_text(OLD.replace("version = 1", "version = 2"))
    found = wx("config", "migrate")
    assert found.code == 5
    assert "later form (2)" in found.err
    assert names(file) == ["wallcross.toml"]


def test_without_settings_it_says_so(wx: Wx) -> None:
    found = wx("config", "migrate")
    assert found.code != 0
    assert "wallcross init" in found.err
