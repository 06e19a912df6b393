"""Commands against a real home: its store, audit, secrets and files; no network."""

import json
import os
import stat
from pathlib import Path

import pytest

from orchestrator.cli import init_cmd, session
from orchestrator.cli.bench_cmd import figure
from orchestrator.cli.status_cmd import verdict
from orchestrator.client.views import ChannelView, DealStatus, Status
from orchestrator.config.schema import json_schema
from orchestrator.store.lock import home_lock

from .conftest import Wx

CANARY = "We would go to 27.50 a share, zyxwv"
DOCS = Path(__file__).parents[3] / "docs"


def _settings(home: Path, text: str) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "wallcross.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)


def test_init_writes_what_can_be_used_and_never_over_it(wx: Wx, home: Path) -> None:
    done = wx("init", "--no-input", "--deal", "HALCYON", "--host", "kestrel", "--years", "5")
    assert done.code == 0, done.err
    assert stat.S_IMODE((home / "wallcross.toml").stat().st_mode) == 0o600
    assert wx("config", "validate", "--json").json["deals"] == 1
    again = wx("init", "--no-input")
    assert again.code == 5
    assert wx("deal", "new", "HALCYON").code == 0
    policy = json.loads(wx("deal", "policy", "HALCYON").out)
    assert policy["tiers"]["operations"]["record_class"] == "5y"


def test_init_without_answers_opens_no_door(wx: Wx) -> None:
    assert wx("init", "--no-input").code == 0
    rows = {row["setting"]: row for row in wx("config", "show", "--json").lines}
    assert rows["channels"]["value"] == {}
    assert rows["deals"]["value"] == {}
    assert rows["home.host"]["value"] is None


def test_init_with_a_channel_names_its_secrets_and_holds_none(wx: Wx, home: Path) -> None:
    line = ["--channel", "matrix", "--homeserver", "https://m.example", "--user", "@w:m.example"]
    assert wx("init", "--no-input", *line).code == 0
    text = (home / "wallcross.toml").read_text("utf-8")
    assert 'pickle_key = "keyring:wallcross/matrix-pickle-key"' in text
    told = wx("config", "validate")
    assert told.code == 3  # well formed; only the secrets are not there yet
    assert ": channels.matrix.secrets.pickle_key: " in told.err
    listed = wx("secret", "list", "--json").lines
    assert [row["found"] for row in listed] == ["no", "no"]


def test_init_asks_six_questions() -> None:
    source = Path(init_cmd.__file__).read_text("utf-8")
    assert [f'"{n}  ' in source for n in range(1, 8)] == [True] * 6 + [False]


def test_config_show_names_each_values_source(
    wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settings(home, '[home]\nhost = "kestrel"\ntime_zone = "Europe/Berlin"')
    monkeypatch.setenv("WALLCROSS_HOME__TIME_ZONE", "Europe/Paris")
    rows = wx("config", "show", "--set", "log.level=debug", "--json").lines
    found = {row["setting"]: (row["value"], row["source"]) for row in rows}
    assert found["home.host"] == ("kestrel", str(home / "wallcross.toml"))
    assert found["home.time_zone"] == ("Europe/Paris", "WALLCROSS_HOME__TIME_ZONE")
    assert found["log.level"] == ("debug", "flag")
    assert found["clock.max_off_s"] == (60, "default")


def test_config_validate_tells_every_mistake_and_no_secret(wx: Wx, home: Path) -> None:
    _settings(
        home, '[home]\nhots = "x"\n[channels.m]\nkind = "m"\nsettings = {password = "hunter2"}'
    )
    done = wx("config", "validate")
    assert done.code == 2
    assert "line 2" in done.err
    assert "line 5" in done.err
    assert "hunter2" not in done.err + done.out


def test_config_validate_asks_connectors_and_secrets_too_and_tells_all_at_once(
    wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT_KEY", "hunter2")
    monkeypatch.setenv("PASSWORD", "hunter3")
    _settings(
        home,
        """[home]
hots = "x"
[channels.m]
kind = "matrix"
[channels.m.settings]
homeserver = "http://m.example"
user = "nobody"
colour = "red"
[channels.m.secrets]
pickle_key = "env:SHORT_KEY"
password = "env:PASSWORD"
[channels.n]
kind = "matrix"
settings = { homeserver = "https://m.example", user = "@w:m.example" }
secrets = { pasword = "env:NOT_SET_ANYWHERE" }
[channels.o]
kind = "pigeon"
[[anchors]]
kind = "mail"
name = "notary"
to = "a@b.example"
sender = "a@b.example"
server = "mail.example"
password = "file:/nowhere/at/all"
""",
    )
    done = wx("config", "validate", "--json")
    told = json.loads(done.err)
    assert (done.code, told["type"]) == (2, "urn:wallcross:problem:wrong")
    places = [detail.partition(": ")[2].partition(": ")[0] for detail in told["details"]]
    assert places == [
        "home.hots", "channels.m.settings.user", "channels.m.settings.colour",
        "channels.m.secrets", "channels.n.secrets.pasword", "channels.n.secrets.pasword",
        "channels.n.secrets.pickle_key", "channels.o.kind", "anchors.0.password",
    ]  # fmt: skip
    assert all(detail.startswith("line ") for detail in told["details"])
    assert "hunter" not in done.err + done.out


def test_config_validate_ends_with_0_once_every_secret_can_be_read(
    wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """[channels.m]
kind = "matrix"
settings = { homeserver = "https://m.example", user = "@w:m.example" }
secrets = { pickle_key = "env:PICKLE", password = "keyring:wallcross/here" }
"""
    _settings(home, text)
    monkeypatch.setenv("PICKLE", "ab" * 32)
    missing = wx("config", "validate", "--json")
    assert missing.code == 3
    assert json.loads(missing.err)["details"][0].startswith("line 4: channels.m.secrets.password")
    assert wx("secret", "set", "keyring:wallcross/here", stdin="pass").code == 0
    assert wx("config", "validate", "--json").json["channels"] == 1
    checks = {c["name"]: c for c in wx("doctor", "--json").lines}
    assert "channel-settings" not in checks


def test_the_published_schema_is_the_current_one(wx: Wx) -> None:
    published = json.loads((DOCS / "wallcross.schema.json").read_text("utf-8"))
    assert published == json_schema()
    assert wx("config", "schema").json == published


def test_a_deal_and_its_roster_come_into_force(deal: Wx, tmp_path: Path) -> None:
    (listed,) = deal("deal", "list", "--json").lines
    assert (listed["code"], listed["made_up"]) == ("HALCYON", True)
    assert listed["roster_hash"]
    people = deal("roster", "show", "--deal", "HALCYON", "--json").lines
    assert [p["person"] for p in people] == ["farid.novak", "ximena.park"]
    out = tmp_path / "out"
    assert deal("roster", "export", "--deal", "HALCYON", "--to", str(out)).code == 0
    again = deal("roster", "import", str(out), "--deal", "HALCYON", "--json").json
    assert (again["new"], again["hash"]) == (False, listed["roster_hash"])


def test_what_is_done_is_in_the_audit_with_the_systems_user(deal: Wx) -> None:
    entries = deal("audit", "tail", "--deal", "HALCYON", "--json").lines
    assert [e["kind"] for e in entries] == ["deal.created", "policy.adopted", "roster.adopted"]
    assert all(e["actor"].startswith("local:") for e in entries)
    assert deal("audit", "verify", "--deal", "HALCYON", "--json").json["ok"]


def test_a_spoilt_roster_changes_nothing(deal: Wx, tmp_path: Path) -> None:
    file = tmp_path / "roster" / "people.csv"
    file.write_text(file.read_text("utf-8").replace("valuation", "secret"), "utf-8")
    before = deal("deal", "show", "HALCYON", "--json").json
    done = deal("roster", "import", str(tmp_path / "roster"), "--deal", "HALCYON")
    assert done.code == 2
    assert "line 2" in done.err
    assert deal("deal", "show", "HALCYON", "--json").json == before


def test_a_dry_run_changes_nothing(deal: Wx, tmp_path: Path) -> None:
    file = tmp_path / "roster" / "people.csv"
    file.write_text(file.read_text("utf-8").replace("Ximena Park", "Ximena Parker"), "utf-8")
    before = deal("deal", "show", "HALCYON", "--json").json
    checked = deal("roster", "import", str(tmp_path / "roster"), "--deal", "HALCYON", "--dry-run")
    assert checked.code == 0
    assert deal("deal", "show", "HALCYON", "--json").json == before


def test_the_files_that_settings_name_are_adopted_and_compared(
    wx: Wx, home: Path, tmp_path: Path
) -> None:
    people = tmp_path / "roster"
    wx("roster", "template", "--to", str(people))
    _settings(home, f'[home]\nhost = "kestrel"\n[deals.HALCYON]\nroster = "{people}"\n')

    def adoption() -> str:
        found = {c["name"]: c["state"] for c in wx("doctor", "--json").lines}
        return str(found["adoption HALCYON"])

    assert adoption() == "fix"
    wx("deal", "new", "HALCYON")
    assert adoption() == "fix"
    assert wx("deal", "adopt", "HALCYON").code == 0
    assert adoption() == "ok"
    file = people / "people.csv"
    file.write_text(file.read_text("utf-8").replace("Ximena Park", "Eve"), "utf-8")
    assert adoption() == "fix"


def test_doctor_ends_with_3_when_something_is_red(wx: Wx, home: Path) -> None:
    _settings(home, '[channels.m]\nkind = "matrix"\nsecrets = {password = "env:NOWHERE_AT_ALL"}')
    done = wx("doctor", "secrets")
    assert done.code == 3
    assert "0 of 1 found" in done.out
    assert "1 thing to fix." in done.out
    _settings(home, "version = 2")
    broken = wx("doctor", "--json")
    assert (broken.code, broken.lines[0]["name"]) == (3, "config")
    assert wx("doctor", "nonsense").code == 1


def test_a_secret_goes_in_and_never_comes_out(wx: Wx, tmp_path: Path) -> None:
    done = wx("secret", "set", "keyring:wallcross/matrix", stdin="hunter2\n")
    assert done.code == 0, done.err
    where = wx("secret", "where", "keyring:wallcross/matrix", "--json")
    assert where.json["found"] == "yes"
    wx("secret", "rotate", "keyring:wallcross/matrix", "--random")
    listed = wx("secret", "where")
    everything = done.out + done.err + where.out + listed.out + listed.err
    assert "hunter2" not in everything
    kept = [p.read_bytes() for p in (tmp_path / "secrets").rglob("*") if p.is_file()]
    assert b"hunter2" not in b"".join(kept)
    assert wx("secret", "rotate", "keyring:wallcross/other", stdin="x").code == 3
    assert wx("secret", "set", "env:HOME", stdin="x").code == 3
    assert wx("secret", "set", "keyring:wallcross/empty", stdin="").code == 2


def test_explain_tells_places_and_never_the_text(wx: Wx) -> None:
    done = wx("tier", "explain", "--json", stdin=CANARY)
    found = done.json
    assert found["tier"] == "valuation"
    assert all({"rule", "start", "end"} <= set(reason) for reason in found["reasons"])
    shown = wx("tier", "explain", stdin=CANARY)
    assert "zyxwv" not in done.out + done.err + shown.out + shown.err


def test_measure_is_one_flat_object(wx: Wx, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "subject": "", "text": "We offer 27.50 per share.", "tier": "valuation"},
        {"id": "2", "subject": "", "text": "The room is booked.", "tier": "coordination"},
    ]
    file = tmp_path / "labelled.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = wx("tier", "measure", str(file), "--json").json
    for name in ("n", "accuracy", "macro_f1", "under", "over"):
        assert isinstance(found[name], int | float)
    assert {"hold_false_per_1000", "recall", "confusion", "ms_per_message", "ci95"} <= set(found)
    file.write_text(f'{{"text": "{CANARY}"}}', encoding="utf-8")
    wrong = wx("tier", "measure", str(file))
    assert wrong.code == 2
    assert "Line 1" in wrong.err
    assert "zyxwv" not in wrong.err


def test_a_journal_key_is_made_tested_adopted_and_opens(deal: Wx, tmp_path: Path) -> None:
    public, shares = tmp_path / "joint.json", tmp_path / "shares"
    made = deal(
        "journal", "keygen", "joint", "--group", "kestrel:2/3", "--group", "osprey:1/1",
        "--public", str(public), "--shares", str(shares), "--json",
    )  # fmt: skip
    assert len(made.json["shares"]) == 4
    files = [Path(name) for name in made.json["shares"]]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    words = files[0].read_text("utf-8")
    assert words.strip() not in made.out
    tested = deal("journal", "test-share", str(public), "--json", stdin=words).json
    assert (tested["group"], tested["needed"], tested["of"]) == ("kestrel", 2, 3)
    spoilt = deal(
        "journal", "test-share", str(public), stdin=words.replace(words.split()[3], "able")
    )
    assert spoilt.code == 5
    adopted = deal("journal", "adopt", str(public), "--deal", "HALCYON", "--json")
    assert adopted.json["scope"] == "joint"
    assert deal("journal", "verify", "--deal", "HALCYON", "--json").json["ok"]
    again = deal("journal", "keygen", "joint", "--group", "a:1/1", "--public", str(public))
    assert again.code == 5


def test_shares_never_go_into_a_pipe(wx: Wx, tmp_path: Path) -> None:
    line = ["journal", "keygen", "joint", "--group", "a:2/3", "--public", str(tmp_path / "p")]
    done = wx(*line)
    assert done.code == 5
    assert not (tmp_path / "p").exists()


def test_an_audit_export_is_checked_offline(deal: Wx, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    assert deal("audit", "export", "--deal", "HALCYON", "--to", str(folder)).code == 0
    assert deal("audit", "verify", str(folder)).code == 0
    assert deal("audit", "export", "--deal", "HALCYON", "--to", str(folder)).code == 5
    log = folder / "audit.jsonl"
    log.write_text(log.read_text("utf-8").replace("deal.created", "deal.phase", 1), "utf-8")
    assert deal("audit", "verify", str(folder)).code == 1


def test_status_without_serve_never_says_all_good(deal: Wx) -> None:
    assert "Nothing is sent now: no serve runs." in deal("status").out
    assert deal("status", "--json").json["serving"] is False


def test_watch_needs_serve(wx: Wx) -> None:
    done = wx("watch")
    assert done.code == 3
    assert "wallcross serve" in done.err


def test_a_command_about_a_deal_asks_which(wx: Wx) -> None:
    done = wx("conv", "list")
    assert done.code == 2
    assert "--deal" in done.err


def test_the_only_deal_of_a_home_need_not_be_named(deal: Wx) -> None:
    assert deal("deal", "show", "--json").json["code"] == "HALCYON"
    assert deal("audit", "tail").out
    sent = deal("send", "text", "--person", "ximena.park", "--json", stdin=CANARY)
    assert sent.code == 0, sent.err
    assert deal("deal", "new", "OTHER", "--made-up").code == 0
    several = deal("audit", "tail")
    assert (several.code, "--deal" in several.err) == (2, True)
    assert deal("audit", "tail", "--deal", "OTHER").code == 0


def test_figures_for_people_have_three_digits_that_mean_something() -> None:
    shown = figure({"a": 12.3456, "b": 0.01234, "c": 98765.4321, "d": 7})
    assert shown == "a 12.3, b 0.0123, c 98765, d 7"


def test_a_text_is_handed_in_from_stdin_and_only_its_id_comes_back(deal: Wx) -> None:
    line = ["send", "text", "--deal", "HALCYON", "--person", "ximena.park"]
    done = deal(*line, "--json", stdin=CANARY)
    assert done.json["state"] == "accepted"
    assert "zyxwv" not in done.out + done.err
    assert deal(*line, "--from-file", "/nowhere", stdin=CANARY).code == 1


def test_nobody_is_asked_where_nobody_is(deal: Wx) -> None:
    done = deal("held", "drop", "msg_1", "--no-input")
    assert done.code == 2
    assert "--yes" in done.err
    assert deal("held", "drop", "msg_1", "--yes").code == 1


def test_empty_lists_are_said(deal: Wx) -> None:
    assert deal("held", "list").out == "Nothing waits.\n"
    assert deal("held", "list", "--json").out == ""
    assert deal("channel", "list").out.startswith("No channel")
    assert deal("conv", "list", "--deal", "HALCYON").out.startswith("There is no conversation")


def test_a_ceremony_has_two_people(deal: Wx) -> None:
    done = deal("key", "verify", "ximena.park", "--by", "farid.novak", "--deal", "HALCYON")
    assert done.code == 2


def test_the_settings_say_where_secrets_lie_without_a_keyring(
    wx: Wx, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WALLCROSS_SECRETS")
    _settings(home, f'[secrets]\nfolder = "{tmp_path / "elsewhere"}"')
    assert wx("secret", "set", "keyring:wallcross/x", "--random").code == 0
    assert [p for p in (tmp_path / "elsewhere").rglob("*") if p.is_file()]
    _settings(home, '[secrets]\nfolder = "inside"')
    assert wx("secret", "set", "keyring:wallcross/x", "--random").code == 3


def test_replay_of_the_sample_accounts_for_every_message(wx: Wx, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "The room for Thursday is booked.", "tier": "valuation", "other": 1},
        {"id": "2", "text": CANARY, "tier": "coordination"},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = wx("replay", str(file), "--sample", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert list(found) == [
        "accepted", "duplicate", "delivered", "possibly", "held", "dead", "lost",
        "by_tier", "reasons", "seconds",
    ]  # fmt: skip
    assert (found["accepted"], found["lost"]) == (2, 0)
    assert found["delivered"] + found["possibly"] + found["held"] + found["dead"] == 2
    assert found["by_tier"]["valuation"] == 1
    assert "zyxwv" not in done.out + done.err
    again = wx("replay", str(file), "--sample", "--json").json
    assert (again["accepted"], again["duplicate"]) == (0, 2)


def test_bench_tier_is_one_object_of_figures(wx: Wx) -> None:
    found = wx("bench", "tier", "--rounds", "1", "--json").json
    assert found["messages"] == 4
    assert found["ms_median"] > 0
    assert len(found["ms_by_length"]) >= 3


def test_a_command_waits_for_another_and_then_says_who_holds_the_home(
    deal: Wx, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE_S", 0.3)
    with home_lock(home):
        done = deal("deal", "list")
    assert done.code == 3
    assert str(os.getpid()) in done.err
    assert deal("deal", "list").code == 0


def test_a_real_deal_belongs_to_the_host_that_its_roster_names(
    wx: Wx, home: Path, tmp_path: Path
) -> None:
    wx("roster", "template", "--to", str(tmp_path / "roster"))
    hostless = wx("deal", "new", "HALCYON")
    assert hostless.code == 5
    assert "host" in hostless.err
    _settings(home, '[home]\nhost = "osprey"')
    assert wx("deal", "new", "HALCYON").code == 0
    foreign = wx("roster", "import", str(tmp_path / "roster"), "--deal", "HALCYON")
    assert foreign.code == 5
    assert "kestrel" in foreign.err
    _settings(home, '[home]\nhost = "kestrel"')
    assert wx("roster", "import", str(tmp_path / "roster"), "--deal", "HALCYON").code == 0


def test_reading_makes_no_home(wx: Wx, home: Path) -> None:
    ended = wx("status")
    assert ended.code == 1
    assert f"no home at {home}" in ended.err
    assert "wallcross init" in ended.err
    assert not home.exists()


def test_a_code_name_is_in_capitals(wx: Wx, home: Path) -> None:
    ended = wx("deal", "new", "kestrel")
    assert ended.code == 2
    assert "next: wallcross deal new KESTREL" in ended.err
    assert not home.exists()


def test_a_question_ends_with_its_own_mark(wx: Wx) -> None:
    assert "Which deal?\n" in wx("conv", "list").err


def test_doctor_without_serve_calls_no_channel_broken(wx: Wx) -> None:
    channel = (
        "--channel",
        "matrix",
        "--homeserver",
        "https://hs.example",
        "--user",
        "@w:x.example",
    )
    wx("init", *channel)
    assert wx("deal", "new", "HALCYON", "--made-up").code == 0
    checks = {c["name"]: c for c in wx("doctor", "--json").lines}
    assert checks["matrix"]["state"] == "soon"
    assert checks["matrix"]["then"] == "wallcross serve"
    assert "no source is asked" in checks["clock"]["text"]


def _status(*, held: int = 0, possibly: int = 0, dead: int = 0, state: str = "up") -> Status:
    deal = DealStatus(
        deal_id="d",
        code="HALCYON",
        phase="active",
        made_up=True,
        people=1,
        conversations=1,
        today={},
        waiting=0,
        held=held,
        possibly=possibly,
        dead=dead,
    )
    channel = ChannelView(
        name="m",
        kind="memory",
        state=state,
        why=None,
        account=None,
        grade="lab",
        tested_at=None,
        seen_at=None,
        queued=0,
    )
    return Status(
        at=0,
        host="made-up",
        serving=True,
        clock_trusted=True,
        clock_why=None,
        needs=(),
        deals=(deal,),
        channels=(channel,),
    )


def test_the_verdict_counts_whatever_waits_for_a_person() -> None:
    assert verdict(_status()) == "Nothing needs you."
    rest = "Everything else is where it should be."
    assert verdict(_status(held=1)) == f"One thing needs you: 1 held message. {rest}"
    assert verdict(_status(possibly=1, dead=2)) == (
        f"Three things need you: 1 possibly delivered, 2 dead messages. {rest}"
    )
    for state in ("paused", "down", "closed"):
        assert verdict(_status(state=state)) == (
            f"One thing needs you: 1 channel that is not up. {rest}"
        )


@pytest.mark.parametrize(
    "args",
    [
        ("--deal", "kestrel"),
        ("--deal", "K"),
        ("--channel", "matrix", "--homeserver", "hs.example", "--user", "@w:x.example"),
        ("--channel", "matrix", "--homeserver", "none", "--user", "@w:x.example"),
        ("--channel", "matrix", "--homeserver", "https://x.example", "--user", "wallcross"),
        ("--channel", "matrix", "--homeserver", "https://x.example", "--user", "@w x:x.example"),
        ("--host", "Kestrel plc, London"),
        ("--zone", "Berlin"),
        ("--anchor", "relative/heads"),
        ("--anchor", "HOME/heads"),
        ("--anchor", "FILE"),
        ("--secrets", "HOME/secrets"),
        ("--secrets", "elsewhere"),
    ],
)
def test_init_leaves_no_file_that_would_be_rejected(
    wx: Wx, home: Path, tmp_path: Path, args: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")
    given = [a.replace("HOME", str(home)).replace("FILE", str(tmp_path / "file")) for a in args]
    done = wx("init", *given)
    assert done.code == 2
    assert any(option in done.err for option in args[::2])
    assert not (home / "wallcross.toml").exists()


def test_init_takes_what_can_be_used(wx: Wx, home: Path, tmp_path: Path) -> None:
    line = [
        "--deal",
        "HALCYON",
        "--host",
        "kestrel",
        "--zone",
        "Europe/Berlin",
        "--anchor",
        str(tmp_path / "later"),
    ]
    matrix = ["--channel", "matrix", "--homeserver", "https://m.example", "--user", "@w:m.example"]
    done = wx("init", *line, *matrix)
    assert done.code == 0
    text = (home / "wallcross.toml").read_text("utf-8")
    assert f'path = "{tmp_path / "later"}"' in text
    # a keyring belongs to the user: two homes must not find each other's secrets
    assert 'password = "keyring:wallcross-halcyon/matrix-password"' in text
    assert "secret set keyring:wallcross-halcyon/matrix-password" in done.out


def test_init_says_that_piped_answers_are_not_read(wx: Wx) -> None:
    assert "is not read" in wx("init", stdin="KESTREL\n").err


def test_a_journal_scope_is_joint_or_a_sides_id(wx: Wx, tmp_path: Path) -> None:
    to = ("--public", str(tmp_path / "k.json"), "--shares", str(tmp_path / "shares"))
    ended = wx("journal", "keygen", "Both Sides", "--group", "a:1/1", *to)
    assert ended.code == 2
    assert not (tmp_path / "k.json").exists()


def test_without_an_anchor_it_is_the_hosts_word_alone(deal: Wx) -> None:
    assert "the host's word alone" in deal("audit", "verify", "--deal", "HALCYON").out


def test_doctor_names_a_setting_that_a_connector_does_not_take(wx: Wx, home: Path) -> None:
    _settings(home, 'version = 1\n[channels.m]\nkind = "matrix"\n[channels.m.settings]\nhome = 1\n')
    checks = {c["name"]: c for c in wx("doctor", "--json").lines}
    assert checks["channel-settings"]["state"] == "fix"
    assert "channels.m.settings" in checks["channel-settings"]["text"]
