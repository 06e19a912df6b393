"""`wallcross tier list | show | simulate`: what is in force, and what would be."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.tier_simulate import (
    AT_ONCE,
    LONGEST,
    MOST,
    NUMBERS,
    Row,
    Told,
    batches,
    moves,
)
from orchestrator.client.problems import Wrong
from orchestrator.client.tiers import Judged, Sample, TextMove
from orchestrator.config.policy import default_text

from .conftest import Wx

CANARY = "zqxKwv81PorridgeLantern5512"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    found = tmp_path / "policy.toml"
    found.write_text(default_text())
    return found


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    rows = [
        {"text": "Lunch at noon with the porridge lantern crew", "tier": "coordination"},
        {"text": "Lunch at noon", "tier": "coordination", "floor": "coordination"},
        {"subject": "figures", "text": "We raise our offer to 27.50 per share for the deal."},
    ]
    found = tmp_path / "messages.jsonl"
    found.write_text("\n\n".join(json.dumps(row) for row in rows) + "\n")
    return found


def test_without_a_deal_the_policy_that_ships_is_told_and_said_to_be_it(wx: Wx) -> None:
    found = wx("tier", "list")
    assert [line.split()[0] for line in found.out.splitlines()] == [
        "valuation",
        "operations",
        "coordination",
    ]
    assert "the policy that ships" in found.err
    assert "gone after 7 d" in found.out.splitlines()[0]
    shown = wx("tier", "show", "valuation", "--json").json
    assert (shown["tier"], shown["shipped"], shown["channels"]) == ("valuation", True, [])
    assert {"watch.name", "money.large", "model.valuation"} <= {r["rule"] for r in shown["rules"]}
    assert wx("tier", "show", "secret").code == 2


def test_of_a_deal_the_adopted_policy_is_told_and_nothing_of_its_watch_list(deal: Wx) -> None:
    deal("tier", "watch", "--deal", "HALCYON", "--add", stdin="name Porridge Lantern\n")
    tiers = deal("tier", "list", "--deal", "HALCYON", "--json").lines
    adopted = deal("deal", "show", "HALCYON", "--json").json["policy_hash"]
    assert [t["tier"] for t in tiers] == ["valuation", "operations", "coordination"]
    only = deal("tier", "show", "operations")
    assert only.code == 0
    assert adopted in only.out, "the only deal of the home is the one that is meant"
    assert "1 entries" in only.out
    assert "orridge" not in only.out + deal("tier", "show", "valuation").out


def test_a_policy_against_itself_differs_in_nothing(deal: Wx, policy: Path, messages: Path) -> None:
    asked = ("--policy", str(policy), "--messages", str(messages), "--exit-code")
    found = deal("tier", "simulate", "--deal", "HALCYON", *asked)
    assert found.code == 0, found.err
    assert "Nothing would differ." in found.out
    assert "messages: 3 judged" in found.out
    told = deal("tier", "simulate", "--deal", "HALCYON", *asked, "--json").json
    assert told["settings"] == []
    assert all(move["count"] == 0 for move in told["texts"]["moves"].values())


def test_what_differs_is_told_by_counts_rules_and_line_numbers(
    deal: Wx, policy: Path, messages: Path, tmp_path: Path
) -> None:
    policy.write_text(default_text().replace('held_for = "24 h"', 'held_for = "12 h"'))
    watch = tmp_path / "watch.txt"
    watch.write_text("name Porridge Lantern\n")
    before = deal("audit", "tail", "--deal", "HALCYON", "--json").out
    asked = ("--policy", str(policy), "--watch", str(watch), "--messages", str(messages))
    found = deal("tier", "simulate", "--deal", "HALCYON", *asked, "--exit-code")
    assert found.code == 10, found.err
    assert "held_for: 86400000000 -> 43200000000" in found.out
    assert "1 to a stricter tier: lines 1" in found.out
    assert "watch.name: says so of 1 more, 0 less" in found.out
    assert "2 labelled: below their label 0 -> 0, above it" in found.out
    assert "orridge" not in found.out + found.err
    assert "Lunch" not in found.out + found.err
    assert deal("tier", "simulate", "--deal", "HALCYON", *asked).code == 0
    told = deal("tier", "simulate", "--deal", "HALCYON", *asked, "--json").json
    assert told["texts"]["moves"]["up"] == {"count": 1, "lines": [1]}
    assert told["watched"] == 1
    assert deal("audit", "tail", "--deal", "HALCYON", "--json").out == before


@pytest.mark.parametrize(
    "line",
    [
        f'{{"text": "{CANARY}"',
        f'["{CANARY}"]',
        f'{{"texts": "{CANARY}"}}',
        f'{{"text": ["{CANARY}"]}}',
        f'{{"text": "{CANARY}", "tier": "{CANARY}"}}',
        f'{{"text": "{CANARY}", "tier": ["valuation"]}}',
        f'{{"text": "{CANARY}", "subject": 1}}',
        '{"text": "' + CANARY * (LONGEST // len(CANARY) + 1) + '"}',
    ],
)
def test_a_line_that_is_no_message_is_named_by_its_number_alone(
    deal: Wx, policy: Path, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text('{"text": "lunch"}\n\n' + line + "\n")
    asked = ("--policy", str(policy), "--messages", str(file))
    found = deal("tier", "simulate", "--deal", "HALCYON", *asked)
    assert found.code == 2
    assert "Line 3" in found.err
    assert CANARY not in found.out + found.err


def test_what_cannot_be_read_or_is_no_policy_is_said(
    deal: Wx, policy: Path, tmp_path: Path
) -> None:
    nothing = deal("tier", "simulate", "--deal", "HALCYON")
    assert nothing.code == 2
    assert "--policy FILE" in nothing.err
    for option in ("--policy", "--messages", "--watch"):
        more = () if option == "--policy" else ("--policy", str(policy))
        found = deal("tier", "simulate", "--deal", "HALCYON", *more, option, str(tmp_path / "no"))
        assert found.code != 0
        assert "no" in found.err
    policy.write_text(default_text().replace('devices_verified = "verified"\n', ""))
    weaker = deal("tier", "simulate", "--deal", "HALCYON", "--policy", str(policy))
    assert weaker.code == 2
    assert "devices_verified" in weaker.err


def test_a_file_is_handed_in_a_few_at_a_time(tmp_path: Path) -> None:
    """However long it is: at most so many messages, and so many bytes of it, are in memory."""
    file = tmp_path / "many.jsonl"
    with file.open("w") as opened:
        for n in range(3 * MOST + 1):
            opened.write(json.dumps({"text": "x" * (n % 7)}) + "\n")
        opened.writelines(json.dumps({"text": "y" * (AT_ONCE // 3)}) + "\n" for _ in range(7))
    found = list(batches(file))
    assert sum(map(len, found)) == 3 * MOST + 8
    assert max(map(len, found)) == MOST
    assert all(sum(len(r.sample.text) for r in rows) <= AT_ONCE for rows in found)
    lines = [row.line for rows in found for row in rows]
    assert lines == list(range(1, len(lines) + 1))
    file.write_text("")
    assert list(batches(file)) == []
    file.write_bytes(b'{"text": "\xff"}\n')
    with pytest.raises(Wrong):
        list(batches(file))


def test_line_numbers_are_bounded_and_counts_are_not() -> None:
    low = Judged(tier="coordination", act="goes", rules=())
    high = Judged(tier="valuation", act="held", rules=("watch.name",))
    told = Told()
    for n in range(NUMBERS + 5):
        told.add(Row(n, Sample(text=CANARY), "valuation"), TextMove(n=0, before=low, after=high))
    plain = told.plain()
    assert plain["moves"]["up"]["count"] == plain["moves"]["held"]["count"] == NUMBERS + 5
    assert len(plain["moves"]["up"]["lines"]) == NUMBERS
    assert plain["labelled"]["under_before"] == NUMBERS + 5
    assert plain["labelled"]["under_after"] == 0
    assert CANARY not in repr(told)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("operations", "goes"), ("operations", "goes"), []),
        (("valuation", "held"), ("operations", "goes"), ["down", "let_go"]),
        (("operations", "held"), ("operations", "asked"), ["asked", "let_go"]),
        (("coordination", "asked"), ("valuation", "held"), ["up", "held"]),
        (("coordination", "asked"), ("coordination", "goes"), ["not_asked"]),
    ],
)
def test_what_became_of_a_message_is_told_in_full(
    before: tuple[str, str], after: tuple[str, str], told: list[str]
) -> None:
    sides = [Judged(tier=tier, act=act, rules=()) for tier, act in (before, after)]  # type: ignore[arg-type]  # as given
    assert list(moves(TextMove(n=0, before=sides[0], after=sides[1]))) == told
