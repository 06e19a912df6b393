"""`wallcross person`: one screen a person, from the same home that everything else reads."""

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
