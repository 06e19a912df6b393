"""`wallcross audit search`: filters, count, all pages, and the same columns as the tail."""

from .conftest import Wx


def test_it_tells_what_the_tail_tells_newest_first(deal: Wx) -> None:
    tail = deal("audit", "tail", "--deal", "HALCYON", "--json").lines
    found = deal("audit", "search", "--deal", "HALCYON", "--json").lines
    assert found == list(reversed(tail))
    for_people = deal("audit", "search", "--deal", "HALCYON", "--count", "1").out.splitlines()
    assert for_people[0].split() == ["n", "at", "kind", "actor", "what"]
    assert len(for_people) == 2


def test_filters_and_count(deal: Wx) -> None:
    adopted = ("--kind", "policy.adopted", "--kind", "roster.adopted")
    found = deal("audit", "search", "--deal", "HALCYON", *adopted, "--json").lines
    assert {e["kind"] for e in found} == {"policy.adopted", "roster.adopted"}
    one = deal("audit", "search", "--deal", "HALCYON", *adopted, "--count", "1", "--json").lines
    assert one == found[:1]
    assert deal("audit", "search", "--deal", "HALCYON", "--until", "2020-01-01", "--json").out == ""
    none = deal("audit", "search", "--deal", "HALCYON", "--actor", "nobody")
    assert (none.code, none.out) == (0, "There is no such entry.\n")


def test_all_is_told_page_by_page(deal: Wx) -> None:
    every = deal("audit", "search", "--deal", "HALCYON", "--all", "--json")
    assert every.lines == deal("audit", "search", "--deal", "HALCYON", "--json").lines
    assert deal("audit", "search", "--deal", "HALCYON", "--all", "--actor", "nobody").out == (
        "There is no such entry.\n"
    )


def test_what_is_no_kind_no_date_or_no_conversation_is_said(deal: Wx) -> None:
    wrong = deal("audit", "search", "--deal", "HALCYON", "--kind", "policy.adoptd")
    assert wrong.code == 2
    assert "--kind policy.adopted" in wrong.err
    assert deal("audit", "search", "--deal", "HALCYON", "--since", "yesterday").code == 2
    missing = deal("audit", "search", "--deal", "HALCYON", "--conversation", "Synergy")
    assert missing.code != 0
    assert "conversation" in missing.err
