"""`audit verify --state`, what was kept outside held against this home, and `evidence`."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.audit.heads import key_id

from .conftest import Wx


def written(home: Path, sql: str) -> None:
    """Somebody writes into the database of a home that does not run."""
    with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as store:
        store.executescript(sql)


@pytest.fixture
def anchored(deal: Wx, tmp_path: Path) -> Path:
    """Statements of this home, as they were kept outside: an export that somebody took away."""
    kept = tmp_path / "kept"
    assert deal("audit", "export", "--deal", "HALCYON", "--to", str(kept)).code == 0
    return kept / "audit.jsonl"


def test_every_row_is_as_stated_and_a_planted_one_is_named(deal: Wx, home: Path) -> None:
    told = deal("audit", "verify", "--state", "--deal", "HALCYON")
    assert told.code == 0, told.err
    assert told.out.startswith("Every row is as the chain states it.")
    written(
        home,
        "INSERT INTO peer_key (connector, account, device, key, state, at, vouchers) "
        "VALUES ('memory', 'mine', 'MINE', 'my key', 'verified', 1, '[\"a\", \"b\"]')",
    )
    told = deal("audit", "verify", "--state", "--deal", "HALCYON")
    assert told.code == 1
    assert "extra  key memory:mine:MINE #1" in told.out
    found = deal("audit", "verify", "--state", "--deal", "home", "--json")
    assert (found.code, found.json["ok"]) == (1, False)
    assert [d["how"] for d in found.json["differs"]] == ["extra"]
    assert deal("doctor", "--json").code != 0


def test_state_and_an_export_are_two_questions(deal: Wx, tmp_path: Path) -> None:
    told = deal("audit", "verify", str(tmp_path), "--state", "--deal", "HALCYON")
    assert told.code == 2
    assert "--state" in told.err


def test_this_homes_chain_is_held_against_what_was_kept_outside(deal: Wx, anchored: Path) -> None:
    line = ("audit", "verify", "--deal", "HALCYON", "--anchor", str(anchored))
    told = deal(*line, "--json")
    assert told.code == 0, told.out
    assert told.json["ok"]
    assert told.json["outside"][0]["statement"] == 1


def test_a_past_that_was_cut_away_is_told_by_what_was_kept_outside_alone(
    deal: Wx, home: Path, anchored: Path
) -> None:
    """The newest entries and every head that fixed them: inside, nothing is left to tell it."""
    cut = (
        "DELETE FROM audit_leaf; DELETE FROM anchor; DELETE FROM audit_head;"
        "DELETE FROM audit WHERE instr(entry, '\"audit.exported\"') > 0;"
        "DELETE FROM audit WHERE instr(entry, '\"audit.key\"') > 0;"
        "DELETE FROM home WHERE key GLOB 'audit_key:*'"
    )
    written(home, cut)
    assert deal("audit", "verify", "--deal", "HALCYON").code == 0
    assert deal("audit", "verify", "--state", "--deal", "HALCYON").code == 0
    told = deal("audit", "verify", "--deal", "HALCYON", "--anchor", str(anchored), "--json")
    assert told.code == 1
    assert "anchor.contradicted" in {p["code"] for p in told.json["problems"]}


def test_a_head_that_another_key_signed_is_no_head_of_this_home(deal: Wx, home: Path) -> None:
    """Whoever adds his own public key can sign; this home never stated that key."""
    deal("audit", "export", "--deal", "HALCYON", "--to", str(home.parent / "out"))
    public = bytes(range(32))
    values = f"('audit_key:{key_id(public)}', '{public.hex()}')"
    row = f"INSERT INTO home VALUES {values}"  # noqa: S608 - ours
    written(home, row)
    assert deal("audit", "verify", "--deal", "HALCYON").code == 1
    told = deal("audit", "verify", "--state", "--deal", "HALCYON", "--json")
    assert {"what": "head key", "how": "extra"}.items() <= told.json["differs"][0].items()


def test_evidence_is_shown_and_a_pack_is_written_and_checked(deal: Wx, tmp_path: Path) -> None:
    told = deal("evidence", "show", "--deal", "HALCYON")
    assert told.code == 0, told.err
    assert told.out.startswith("HALCYON (MADE UP)")
    assert "rooms were not read back: no serve runs" in told.out
    found = deal("evidence", "show", "--deal", "HALCYON", "--json").json
    assert (found["made_up"], found["conversations"]) == (True, [])
    folder = tmp_path / "pack"
    done = deal("evidence", "export", "--deal", "HALCYON", "--to", str(folder))
    assert done.code == 0, done.err
    assert "check it: python" in done.out
    assert deal("audit", "verify", str(folder)).code == 0
    assert json.loads((folder / "evidence.json").read_text())["code"] == "HALCYON"
    (folder / "evidence.html").write_text("All is well.")
    assert deal("audit", "verify", str(folder)).code == 1


def test_evidence_of_what_is_not_there(deal: Wx) -> None:
    told = deal("evidence", "show", "nowhere", "--deal", "HALCYON")
    assert told.code == 1, told.err
    assert "wallcross conv list" in told.err
