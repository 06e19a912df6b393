"""`wallcross person pause …` and `wallcross quarantine`: at once, by one, and in words."""

import pytest

from orchestrator.cli.person_keys_cmd import _COMMANDS

from .conftest import Wx


def first(deal: Wx) -> str:
    found: str = deal("roster", "show", "--json").lines[0]["person"]
    return found


def stands(deal: Wx, person: str) -> list[str]:
    found: list[str] = deal("person", "show", person, "--json").json["barred"]
    return found


def test_a_pause_is_at_once_and_ends_by_a_resumption(deal: Wx) -> None:
    person = first(deal)
    done = deal("person", "pause", person, "--reason", "travel")
    assert done.code == 0, done.err
    assert "paused" in done.out
    assert stands(deal, person) == ["he is paused"]
    assert deal("person", "resume", person).code == 0
    assert stands(deal, person) == []
    again = deal("person", "resume", person)
    assert again.code == 5
    assert "not paused" in again.err


def test_a_reason_is_one_of_a_few_codes(deal: Wx) -> None:
    person = first(deal)
    done = deal("person", "pause", person, "--reason", "because")
    assert done.code == 2
    assert "asked, doubt" in done.err
    assert stands(deal, person) == []


def test_phished_without_channels_says_that_nobody_was_told(deal: Wx) -> None:
    person = first(deal)
    done = deal("person", "phished", person)
    assert done.code == 0, done.err
    assert "tell the deal's owners yourself" in done.out
    assert "your own directory" in done.out
    assert stands(deal, person) == ["he is paused"]


def test_a_new_phone_takes_nothing_and_opens_nothing(deal: Wx) -> None:
    person = first(deal)
    done = deal("person", "newphone", person, "--json")
    assert (done.code, done.json["stands"]) == (0, "as before")
    assert stands(deal, person) == []


def test_a_call_back_has_no_number(deal: Wx) -> None:
    done = deal("person", "callback", first(deal))
    assert done.code == 0, done.err
    assert "keeps no numbers" in done.out
    assert not any(word.strip("+").isdigit() and len(word) > 6 for word in done.out.split())


def test_a_ceremony_takes_two(deal: Wx) -> None:
    person = first(deal)
    assert deal("person", "verify", person, "--by", "somebody").code == 2
    assert deal("person", "devices", person).out.strip() == "No device was seen yet."


@pytest.mark.parametrize("verb", _COMMANDS)
def test_nobody_is_nobody(deal: Wx, verb: str) -> None:
    by = ("--by", "a", "--by", "b") if verb == "verify" else ()
    done = deal("person", verb, "nobody.here", *by)
    assert done.code in {1, 3}, "3: it needs the channels first"


def test_nothing_is_kept_and_nothing_of_that_id(deal: Wx) -> None:
    assert deal("quarantine", "list").out.strip() == "Nothing is kept."
    missing = deal("quarantine", "show", "qua_none")
    assert missing.code == 1
    assert "wallcross quarantine list" in missing.err
