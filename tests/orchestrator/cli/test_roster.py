"""The roster on the command line: changed, told, looked through, and asked of the past."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.clock import iso, now

Wx = Callable[..., Any]
HANA = ("roster", "add", "hana", "--name", "Hana Ferri", "--side", "osprey")
GRANT = ("--highest", "operations", "--from", "2026-02-01")
MARCH, MAY = "2026-03-01", "2026-05-01"


def rows(deal: Wx, person: str) -> list[Any]:
    found: list[Any] = deal("roster", "show", "--person", person, "--json").lines
    return found


def test_somebody_is_added_with_what_he_may_read(deal: Wx) -> None:
    done = deal(*HANA, *GRANT, "--account", "matrix=@hana:k.example", "--json")
    assert done.code == 0, done.err
    assert done.json["new"]
    assert ("gains", "hana", "operations") in {
        (c["change"], c["subject"], c["highest"]) for c in done.json["changes"]
    }
    (row,) = rows(deal, "hana")
    assert (row["side"], row["compartment"], row["from"]) == ("osprey", "deal", "2026-02-01")
    more = deal(
        *("roster", "add", "hana", "--compartment", "tax", "--highest", "coordination"),
        *("--phase", "signing", "--phase", "diligence"),
    )
    assert more.code == 0, more.err
    assert {r["phases"] for r in rows(deal, "hana")} == {None, "diligence signing"}


def test_an_assistant_reads_for_somebody(deal: Wx) -> None:
    done = deal(*HANA, "--delegate-of", "ximena.park", "--highest", "operations")
    assert done.code == 0, done.err
    (row,) = rows(deal, "hana")
    assert (row["delegate_of"], row["highest"]) == ("ximena.park", "operations")
    (sees,) = deal("person", "show", "hana", "--json").json["sees"]
    assert (sees["highest"], sees["counts"]) == ("operations", True)
    assert "hana" in done.out


WRONG = {
    "new without a name": (("roster", "add", "greta", "--side", "osprey"), 2),
    "new without a side's line": (
        ("roster", "add", "greta", "--name", "Greta Oak", "--side", "nowhere"),
        1,
    ),
    "an account without a channel": ((*HANA, "--account", "@hana"), 2),
    "a delegate without a tier": ((*HANA, "--delegate-of", "ximena.park"), 2),
    "a date that is none": ((*HANA, "--highest", "operations", "--from", "spring"), 2),
    "an end before the beginning": ((*HANA, *GRANT, "--until", "2026-01-01"), 2),
    "a move of nobody": (("roster", "move", "greta", "--out"), 1),
    "a move to where he is": (("roster", "move", "farid.novak", "--side", "novak-llp"), 5),
    "a roster that never was": (("roster", "diff", "--from", "0123456789"), 1),
    "a review by a stranger": (("roster", "review", "--by", "greta"), 1),
    "a phase that is none": (("deal", "phase", "spring"), 2),
    "the past of nothing": (("roster", "who-could-see", "board", "--at", MARCH), 1),
}


def test_what_is_wrong_changes_nothing_and_says_so(deal: Wx) -> None:
    before = deal("deal", "show", "--json").json
    for what, (line, code) in WRONG.items():
        done = deal(*line)
        assert done.code == code, (what, done.err)
        assert done.err.startswith("wallcross: "), what
    assert deal("deal", "show", "--json").json == before


def test_who_would_read_across_a_wall_is_refused_with_the_path(deal: Wx, tmp_path: Path) -> None:
    walls = tmp_path / "roster" / "walls.csv"
    walls.write_text("one,other,from,until\ndeal,clean-team,2026-01-01,\n", "utf-8")
    assert deal("roster", "import", str(tmp_path / "roster")).code == 0
    line = (*HANA, "--compartment", "clean-team", "--highest", "valuation")
    assert deal(*line).code == 0
    done = deal("roster", "add", "hana", "--delegate-of", "farid.novak", "--highest", "operations")
    assert done.code == 2
    assert "hana would read clean-team by direct grant" in done.err
    assert "deal as delegate of farid.novak" in done.err
    assert len(rows(deal, "hana")) == 1


def test_a_move_ends_one_grant_and_begins_another(deal: Wx) -> None:
    line = ("roster", "move", "ximena.park", "--highest", "operations", "--from", MARCH)
    done = deal(*line, "--role", "Adviser")
    assert done.code == 0, done.err
    assert "loses ximena.park deal valuation from 2026-03-01" in done.out
    spans = {(r["highest"], r["from"], r["until"]) for r in rows(deal, "ximena.park")}
    assert spans == {("valuation", "2026-01-31", MARCH), ("operations", MARCH, None)}
    assert deal("roster", "move", "farid.novak", "--out").code == 0


def test_differences_are_shown_before_and_after(deal: Wx, tmp_path: Path) -> None:
    first = deal("deal", "show", "--json").json["roster_hash"]
    people = tmp_path / "roster" / "people.csv"
    people.write_text(people.read_text("utf-8-sig").replace("valuation", "operations"), "utf-8")
    told = deal("roster", "diff", str(tmp_path / "roster"), "--json").lines
    assert [(c["change"], c["subject"], c["highest"]) for c in told] == [
        ("loses", "ximena.park", "valuation")
    ]
    assert deal("deal", "show", "--json").json["roster_hash"] == first
    assert deal("roster", "import", str(tmp_path / "roster")).code == 0
    since = deal("roster", "diff", "--from", first[:10], "--json").lines
    assert since == told
    assert "say the same" in deal("roster", "diff", str(tmp_path / "roster")).out
    assert deal("roster", "diff").code == 1


def test_a_review_is_recorded_and_all_of_it_is_history(deal: Wx) -> None:
    done = deal("roster", "review", "--by", "ximena.park", "--json")
    assert done.code == 0, done.err
    assert done.json["next_by"] > done.json["at"]
    assert deal("deal", "phase", "signing").code == 0
    told = deal("roster", "history", "--json").lines
    assert [r["what"] for r in told] == ["phase", "reviewed", "adopted"]
    assert told[0]["phase"] == "signing"
    assert (told[1]["by"], told[1]["hash"]) == ("ximena.park", told[2]["hash"])
    assert told[2]["gained"] > 0
    kinds = [e["kind"] for e in deal("audit", "tail", "--json").lines]
    assert kinds[-2:] == ["person.reviewed", "deal.phase"]
    assert deal("audit", "verify").code == 0


def test_what_counts_in_a_phase_counts_then(deal: Wx) -> None:
    deal(*HANA, *GRANT, "--phase", "signing")

    def counts() -> bool:
        (found,) = deal("person", "show", "hana", "--json").json["sees"]
        return bool(found["counts"])

    assert not counts()
    changed = deal("deal", "phase", "HALCYON", "signing")
    assert "now" in changed.out
    assert counts()
    assert "already" in deal("deal", "phase", "HALCYON", "signing").out
    assert deal("deal", "show", "--json").json["phase"] == "signing"
    assert deal("deal", "phase", "antitrust-clean-team").code == 0
    assert not counts()


def test_the_past_is_answered_as_it_was_known(deal: Wx) -> None:
    before = iso(now())
    assert deal("roster", "move", "ximena.park", "--out").code == 0
    then = deal("roster", "could-see", "ximena.park", "--at", before, "--json").json
    assert [h["highest"] for h in then["held"]] == ["valuation"]
    assert then["listed"]
    later = deal("roster", "could-see", "ximena.park", "--at", "now", "--json").json
    assert later["held"] == []
    told = deal("roster", "could-see", "ximena.park", "--at", before)
    assert "direct grant: deal up to valuation from 2026-01-31" in told.out
    early = deal("roster", "could-see", "ximena.park", "--at", "2026-02-01", "--json").json
    assert early["roster_hash"] is None
    known = ("--known-at", "now", "--json")
    assert deal("roster", "could-see", "ximena.park", "--at", "2026-02-01", *known).json["held"]


def test_files_of_an_earlier_roster_are_told_and_keep_nothing_from_starting(
    deal: Wx, home: Path, tmp_path: Path
) -> None:
    file = home / "wallcross.toml"
    file.write_text(f'[deals.HALCYON]\nmade_up = true\nroster = "{tmp_path / "roster"}"\n', "utf-8")
    file.chmod(0o600)

    def adoption() -> str:
        found = {c["name"]: c["state"] for c in deal("doctor", "--json").lines}
        return str(found["adoption HALCYON"])

    assert adoption() == "ok"
    done = deal(*HANA, *GRANT)
    assert "of an earlier roster now" in done.err
    assert adoption() == "soon"
    assert deal("roster", "export", "--to", str(tmp_path / "new")).code == 0
    file.write_text(file.read_text("utf-8").replace('roster"', 'new"'), "utf-8")
    assert adoption() == "ok"
    people = tmp_path / "new" / "people.csv"
    people.write_text(people.read_text("utf-8").replace("Hana", "Eve"), "utf-8")
    assert adoption() == "fix", "nobody adopted that"
