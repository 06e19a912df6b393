"""`wallcross leave`: two words take somebody out, and the proof is checked without the home."""

import json
from pathlib import Path

import pytest

from .conftest import Wx

HANA = "hana.ito"


@pytest.fixture
def deal(wx: Wx, tmp_path: Path) -> Wx:
    """A made-up deal with the template's owner and counsel, and one person more."""
    folder = tmp_path / "roster"
    wx("roster", "template", "--to", str(folder))
    lines = (folder / "people.csv").read_text("utf-8").splitlines()
    counsel = next(line for line in lines if "farid.novak" in line)
    more = counsel.replace("farid.novak", HANA).replace("Farid Novak", "Hana Ito")
    lines.append(more.replace("Counsel", "member").replace("@farid:", "@hana:"))
    (folder / "people.csv").write_text("\r\n".join(lines) + "\r\n", "utf-8")
    assert wx("deal", "new", "HALCYON", "--made-up").code == 0
    done = wx("roster", "import", str(folder), "--deal", "HALCYON")
    assert done.code == 0, done.err
    return wx


def test_one_command_takes_one_person_out(deal: Wx) -> None:
    person = HANA
    done = deal("leave", person, "--reason", "replaced", "--yes")
    assert done.code == 0, done.err
    assert "Gone." in done.out
    found = deal("leave", "status", person, "--json").json
    assert (found["state"], found["reason"]) == ("gone", "replaced")
    listed = deal("leave", "status")
    assert listed.code == 0
    assert person in listed.out
    again = deal("leave", person, "--reason", "left", "--yes")
    assert again.code == 5
    assert "has left already" in again.err


def test_nobody_leaves_without_a_yes_or_for_a_reason_in_words(deal: Wx) -> None:
    person = HANA
    assert deal("leave", person, "--reason", "left", "--no-input").code == 2
    assert deal("leave", person, "--reason", "we argued, then he left", "--yes").code == 2
    assert deal("leave", "nobody.here", "--reason", "left", "--yes").code == 1
    assert deal("leave", "status").out.startswith("Nobody has left")
    assert deal("leave", "status", person).code == 1


@pytest.mark.parametrize(
    ("person", "duty"), [("ximena.park", "deal owner"), ("farid.novak", "counsel")]
)
def test_the_last_of_a_duty_stays(deal: Wx, person: str, duty: str) -> None:
    done = deal("leave", person, "--reason", "left", "--yes")
    assert done.code == 5
    assert f"last {duty}" in done.err
    assert deal("leave", "status").out.startswith("Nobody has left")


def test_a_leave_is_undone_in_time(deal: Wx) -> None:
    person = HANA
    assert deal("leave", "undo", person, "--yes").code == 1
    deal("leave", person, "--reason", "left", "--yes")
    done = deal("leave", "undo", person, "--yes")
    assert done.code == 0, done.err
    assert deal("leave", "undo", person, "--yes").code == 5


def test_the_proof_holds_offline_and_a_changed_word_does_not(deal: Wx, tmp_path: Path) -> None:
    person, other = HANA, "farid.novak"
    deal("leave", person, "--reason", "left", "--yes")
    pack = tmp_path / "proof"
    done = deal("leave", "--proof", person, "--to", str(pack))
    assert done.code == 0, done.err
    page = (pack / "LEAVE.txt").read_text("utf-8")
    assert "left the deal HALCYON" in page
    assert person in page
    entries = [json.loads(line) for line in (pack / "leave.jsonl").read_text().splitlines()]
    kinds = [json.loads(e["entry"])["kind"] for e in entries]
    assert kinds == ["person.left", "person.gone"]
    assert all(json.loads(e["body"])["person"] == person for e in entries)
    assert "body" not in (pack / "audit" / "audit.jsonl").read_text().splitlines()[5]
    assert deal("leave", "check", str(pack)).code == 0
    assert deal("audit", "verify", str(pack / "audit")).code == 0
    text = (pack / "leave.jsonl").read_text()
    (pack / "leave.jsonl").write_text(text.replace(person, other))
    changed = deal("leave", "check", str(pack))
    assert changed.code == 1
    assert "not what its entry commits to" in changed.out


def test_an_entry_of_another_chain_is_none_of_the_proof(deal: Wx, tmp_path: Path) -> None:
    person = HANA
    deal("leave", person, "--reason", "left", "--yes")
    packs = [tmp_path / "one", tmp_path / "two"]
    for pack in packs:
        deal("leave", "proof", person, "--to", str(pack))
    chain = packs[0] / "audit" / "audit.jsonl"
    lines = chain.read_text().splitlines(keepends=True)
    chain.write_text("".join(line for line in lines if "person.left" not in line))
    checked = deal("leave", "check", str(packs[0]))
    assert checked.code == 1
    assert "no entry of the chain" in checked.out
    assert deal("leave", "check", str(packs[1])).code == 0
    assert deal("leave", "check", str(tmp_path)).code == 1
