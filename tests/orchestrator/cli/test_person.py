"""`wallcross person`: one screen a person, from the same home that everything else reads."""

import csv
import io
import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.insiders import files
from orchestrator.client.insider_list import COLUMNS, LEFT
from orchestrator.client.people import InsiderView
from orchestrator.command.insiders import spans

from .conftest import Wx


def test_a_person_in_one_screen(deal: Wx) -> None:
    [first, *_] = deal("roster", "show", "--json").lines
    shown = deal("person", "show", first["person"])
    assert shown.code == 0, shown.err
    for said in (first["name"], first["role"], f"up to {first['highest']}", "sits      nowhere"):
        assert said in shown.out
    found = deal("person", "show", first["person"], "--json").json
    assert found["side"] == first["side"]
    assert {a["by"] for a in found["accounts"]} <= {"roster"}


def test_everybody_one_line_each_and_nobody_else(deal: Wx) -> None:
    listed = {row["person"] for row in deal("roster", "show", "--json").lines}
    assert {row["person"] for row in deal("person", "show", "--json").lines} == listed
    missing = deal("person", "show", "nobody.here")
    assert missing.code == 1
    assert "wallcross roster show" in missing.err


def test_the_file_of_a_side_has_the_columns_of_the_regulation_and_no_formula() -> None:
    found = [
        row("cy", "=cmd()", "marlow", 60_000_000, 120_000_000),
        row("cy", "=cmd()", "marlow", 180_000_000, None),
        row("ada", "Ada", "kestrel", 60_000_000, None),
        row(None, None, None, 60_000_000, None),
    ]
    made = files(found, "HERON", 240_000_000)
    assert set(made) == {"insiders-marlow.csv", "insiders-kestrel.csv", "insiders-on-no-list.csv"}
    lines = list(csv.reader(io.StringIO(made["insiders-marlow.csv"].decode())))
    assert lines[4][0] == LEFT
    assert tuple(lines[5]) == COLUMNS
    first, second = (dict(zip(COLUMNS, line, strict=True)) for line in lines[6:])
    assert first["Surname(s) of the insider"] == "'=cmd()"
    assert (first["Obtained"], first["Ceased"]) == (
        "1970-01-01, 00:01 UTC",
        "1970-01-01, 00:02 UTC",
    )
    assert (second["Obtained"], second["Ceased"]) == ("1970-01-01, 00:03 UTC", "")
    empty = {"First name(s) of the insider", "Date of birth", "Personal full home address"}
    assert {first[column] for column in empty} == {""}


def row(
    person: str | None, name: str | None, side: str | None, obtained: int, ceased: int | None
) -> InsiderView:
    return InsiderView(
        person=person,
        account="" if person else "memory mallory",
        name=name,
        side=side,
        side_name=side,
        role="counsel",
        obtained_at=obtained,
        ceased_at=ceased,
        notice=None,
        acknowledged_at=None,
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(1, 10)), max_size=8))
def test_spans_cover_every_stay_and_no_other_instant(raw: list[tuple[int, int | None]]) -> None:
    stays = [(began, None if lasts is None else began + lasts) for began, lasts in raw]
    whole = spans(stays)
    for at in range(70):
        inside = any(b <= at and (e is None or at < e) for b, e in stays)
        assert inside == any(b <= at and (e is None or at < e) for b, e in whole)
    for (_, ended), (began, _) in itertools.pairwise(whole):
        assert ended is not None
        assert ended < began


def test_without_readings_there_is_no_insider(deal: Wx, tmp_path: Path) -> None:
    assert "Nobody was read back" in deal("person", "insiders").out
    assert deal("roster", "insiders").out == deal("person", "insiders").out
    assert deal("person", "insiders", "--csv").code == 2
    assert deal("person", "insiders", "--csv", "--to", str(tmp_path / "list")).code == 0
    assert not list((tmp_path / "list").iterdir())


def test_a_deal_without_a_notice_crosses_nobody_and_a_reason_is_a_code(deal: Wx) -> None:
    [one, other, *_] = [row["person"] for row in deal("person", "show", "--json").lines]
    refused = deal("person", "cross", one, "--by", other)
    assert refused.code == 5
    assert "has no insider notice" in refused.err
    assert deal("person", "cross", one, "--by", one).code == 5
    assert deal("person", "cleanse", one, "--by", other, "--reason", "It is over.").code == 2
    assert deal("person", "cleanse", one, "--by", other, "--reason", "it-is-over").code == 0
    shown = deal("person", "show", one)
    assert "he was cleansed" in shown.out
    assert "(not now)" in shown.out
    assert deal("person", "ack", one, "--by", other).code == 2


def test_a_real_deal_without_notices_is_told_by_doctor(wx: Wx, tmp_path: Path) -> None:
    wx("roster", "template", "--to", str(tmp_path / "roster"))
    settings = ["--set", "home.host=kestrel"]
    assert wx("deal", "new", "HERON", *settings).code == 0
    done = wx("roster", "import", str(tmp_path / "roster"), "--deal", "HERON", *settings)
    assert done.code == 0, done.err
    [found] = wx("doctor", "notices", "--json", *settings).lines
    assert (found["name"], found["state"]) == ("notices HERON", "soon")
    assert "notices/SIDE.txt" in found["then"]


def test_a_real_deals_roster_without_notices_is_a_warning_and_no_mistake(
    wx: Wx, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "roster"
    wx("roster", "template", "--to", str(folder))
    for file in (folder / "notices").glob("*.txt"):
        file.unlink()
    home.mkdir(mode=0o700)
    deals = f'roster = "{folder}"\n[deals.SAMPLE]\nmade_up = true\nroster = "{folder}"\n'
    settings = home / "wallcross.toml"
    settings.write_text(f'[home]\nhost = "kestrel"\n[deals.HERON]\n{deals}', encoding="utf-8")
    settings.chmod(0o600)
    done = wx("config", "validate", "--json")
    assert done.code == 0, done.err
    assert done.json["warnings"]
    assert all(w.startswith("deals.HERON: ") and "notices/" in w for w in done.json["warnings"])
    (folder / "people.csv").write_text("person\n", encoding="utf-8")
    [told] = wx("config", "validate", "--json").json["warnings"]
    assert "deals.HERON.roster cannot be used" in told
