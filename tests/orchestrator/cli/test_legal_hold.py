"""`legal-hold`: placed at once, listed with what it keeps, released where nobody can sign yet."""

import pytest

from .conftest import Wx


def test_one_is_placed_listed_and_released_in_a_draft(deal: Wx) -> None:
    by = deal("person", "show", "--json").lines[0]["person"]
    line = ("legal-hold", "new", "--matter", "m-117", "--by", by, "--person", by)
    done = deal(*line, "--json")
    assert done.code == 0, done.err
    placed = done.json
    assert (placed["state"], placed["matter"], placed["persons"]) == ("stands", "m-117", [by])
    shown = deal("legal-hold", "list")
    assert placed["legal_hold"] in shown.out
    assert "0 sealed copies" in shown.out
    done = deal("legal-hold", "release", placed["legal_hold"])
    assert done.code == 0, done.err
    assert "released" in done.out
    assert deal("legal-hold", "list").out.strip() == "There is no legal hold."
    [over] = deal("legal-hold", "list", "--all", "--json").lines
    assert over["state"] == "released"
    assert deal("legal-hold", "release", placed["legal_hold"]).code == 5
    kinds = [e["kind"] for e in deal("audit", "tail", "--count", "2", "--json").lines]
    assert kinds == ["legalhold.placed", "legalhold.released"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--matter", "Their price", "--by", "ada"), 2),
        (("--matter", "m-1", "--by", "nobody"), 1),
        (("--matter", "m-1"), 2),
    ],
)
def test_what_means_nothing_is_refused(deal: Wx, more: tuple[str, ...], code: int) -> None:
    assert deal("legal-hold", "new", *more).code == code


def test_the_release_of_none_is_missing(deal: Wx) -> None:
    done = deal("legal-hold", "release", "hold_" + "0" * 32)
    assert done.code == 1
    assert "next: wallcross legal-hold list" in done.err
