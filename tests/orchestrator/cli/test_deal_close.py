"""`deal close`: told first, done on its code name alone, and never undone."""

import pytest

from .conftest import Wx


def test_it_is_told_first_and_done_on_its_code_name(deal: Wx) -> None:
    dry = deal("deal", "close", "HALCYON", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert (dry.json["closed_at"], dry.json["two_people"]) == (None, False)
    done = deal("deal", "close", "HALCYON", "--yes-close", "HALCYON")
    assert done.code == 0, done.err
    assert "comes to this" in done.err
    assert "closed for good" in done.out
    assert deal("deal", "show", "--json").json["phase"] == "closed"
    assert deal("prevented", "HALCYON", "--closing", "--json").json["same"] is True
    again = deal("deal", "close", "HALCYON", "--yes-close", "HALCYON")
    assert again.code == 5
    assert deal("deal", "phase", "HALCYON", "diligence").code == 5
    kinds = [e["kind"] for e in deal("audit", "tail", "--count", "9", "--json").lines]
    assert "deal.closed" in kinds


@pytest.mark.parametrize("more", [(), ("--yes-close", "KESTREL"), ("--no-input",)])
def test_without_its_code_name_nothing_is_closed(deal: Wx, more: tuple[str, ...]) -> None:
    assert deal("deal", "close", "HALCYON", *more).code == 2
    assert deal("deal", "show", "--json").json["phase"] == "planning"
