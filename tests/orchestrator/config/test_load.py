"""Every mistake at once with its place; flag over variable over file over default."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.config import ConfigInvalid, Mistake, Settings, load
from orchestrator.config.layers import value_of

Find = Callable[[str], tuple[Mistake, ...]]

BROKEN = """
[home]
host = "kestrel"
time_zone = "Mars/Base"
[deals.halcyon]
made_up = "yes"
[deals.OK]
rosters = "x"
policy = 3
[channels.mail]
settings = { x = 2026-01-01 }
[[anchors]]
kind = "folder"
name = "a"
path = "/x"
[[anchors]]
kind = "mail"
name = "a"
sender = "d@e"
server = "mail.example"
tls = "none"
[[anchors]]
kind = "pigeon"
[clock]
channels = ["signal"]
"""


def test_every_mistake_is_told_at_once_with_its_line_and_a_remedy(mistakes: Find) -> None:
    found = mistakes(BROKEN)
    assert [(m.line, m.place) for m in found] == [
        (4, "home.time_zone"),
        (5, "deals.halcyon"),
        (6, "deals.halcyon.made_up"),
        (8, "deals.OK.rosters"),
        (9, "deals.OK.policy"),
        (10, "channels.mail.kind"),
        (11, "channels.mail.settings.x"),
        (16, "anchors.1.to"),
        (18, "anchors.1.name"),
        (21, "anchors.1.tls"),
        (22, "anchors.2"),
        (25, "clock.channels"),
    ]
    assert all(m.remedy for m in found)


def test_a_misspelt_setting_is_answered_with_the_one_that_is_meant(mistakes: Find) -> None:
    (found,) = mistakes('[home]\nhots = "kestrel"')
    assert "host" in found.remedy


def test_what_is_no_toml_names_line_and_column(mistakes: Find) -> None:
    assert any("line 2, column" in m.wrong for m in mistakes("[home]\nhost = = 3"))


def test_the_defaults_open_no_door(tmp_path: Path) -> None:
    config = load(state=tmp_path).config
    assert not config.deals
    assert not config.channels
    assert not config.anchors
    assert config.home.host is None


def test_flag_over_variable_over_file_over_default(loaded: Callable[..., Settings]) -> None:
    text = '[home]\nhost = "a"\ntime_zone = "Europe/Berlin"\n[clock]\nmax_off_s = 10'
    found = loaded(
        text,
        {"WALLCROSS_HOME__HOST": "b", "WALLCROSS_CLOCK__MAX_OFF_S": "20"},
        {"clock.max_off_s": "30"},
    )
    assert found.config.home.host == "b"
    assert found.config.clock.max_off_s == 30
    assert found.sources["home.host"] == "WALLCROSS_HOME__HOST"
    assert found.sources["clock.max_off_s"] == "flag"
    assert found.sources["home.time_zone"] == str(found.file)
    assert "log.level" not in found.sources


def test_a_variable_may_name_a_deal(loaded: Callable[..., Settings]) -> None:
    found = loaded("[deals.HALCYON]", {"WALLCROSS_DEALS__HALCYON__MADE_UP": "true"})
    assert found.config.deals["HALCYON"].made_up


@pytest.mark.parametrize("name", ["WALLCROSS_HOME__HOTS", "WALLCROSS_NOWHERE__X"])
def test_a_variable_that_names_nothing_is_a_mistake(
    loaded: Callable[..., Settings], name: str
) -> None:
    with pytest.raises(ConfigInvalid):
        loaded("", {name: "x"})


def test_a_flag_inside_a_value_is_a_mistake(loaded: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        loaded('[home]\nhost = "a"', flags={"home.host.deeper": "x"})
    assert "inside a value" in caught.value.mistakes[0].wrong


def test_a_file_that_others_may_write_is_not_read(write: Callable[[str], Path]) -> None:
    path = write('[home]\nhost = "a"')
    path.chmod(0o666)
    with pytest.raises(ConfigInvalid) as caught:
        load(file=path, state=path.parent)
    assert "chmod 600" in caught.value.mistakes[0].remedy


def test_the_folder_one_stands_in_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wallcross.toml").write_text('[home]\nhost = "evil"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load(state=tmp_path / "home").config.home.host is None


def test_a_named_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load(state=tmp_path, environ={"WALLCROSS_CONFIG": str(tmp_path / "none.toml")})
    assert "wallcross init" in caught.value.mistakes[0].remedy


def test_paths_are_taken_from_the_files_own_folder(loaded: Callable[..., Settings]) -> None:
    found = loaded('[deals.HALCYON]\nroster = "people"')
    roster = found.config.deals["HALCYON"].roster
    assert roster is not None
    assert found.file is not None
    assert found.resolve(roster) == found.file.parent / "people"


def test_the_state_folder_is_flag_then_variable_then_the_users(tmp_path: Path) -> None:
    named = {"WALLCROSS_HOME": str(tmp_path / "b")}
    assert load(state=tmp_path / "a", environ=named).state == tmp_path / "a"
    assert load(environ=named).state == tmp_path / "b"
    assert load().state.name == "wallcross"


@pytest.mark.parametrize(
    ("text", "value"),
    [("+15550100", "+15550100"), ("12", 12), ("-3", -3), ("true", True), ("[1]", [1]), ("a", "a")],
)
def test_a_value_from_outside_is_toml_and_an_account_is_text(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("listener", "network", "accepted"),
    [
        ("127.0.0.1:9642", False, True),
        ("127.8.9.1:9642", False, True),
        ("[::1]:9642", False, True),
        ("0.0.0.0:9642", False, False),
        ("[::]:9642", False, False),
        ("10.0.0.7:9642", False, False),
        ("10.0.0.7:9642", True, True),
        ("localhost:9642", False, False),
        ("127.0.0.1", False, False),
        ("127.0.0.1:0", False, False),
        ("127.0.0.1:70000", False, False),
        ("::1:9642", False, False),
        ("127.0.0.1:²", False, False),
    ],
)
def test_what_asks_nobody_who_he_is_stays_on_this_machine(
    mistakes: Find, listener: str, *, network: bool, accepted: bool
) -> None:
    said = "true" if network else "false"
    found = mistakes(f'[web]\noperator = "{listener}"\noperator_network = {said}\n')
    assert (found == ()) == accepted
