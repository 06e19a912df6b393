"""The page on leak risk is the table of rules; every rule that code raises is in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.api.access import TABLE
from orchestrator.risk.answers import WAYS
from orchestrator.risk.rules import EVERYTHING, Ruling
from tiers.exposure import DAY, Remedy, Rule
from tiers.exposure_rules import REGISTRY
from tiers.rights import Act

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "leak-risk.md"


def row(rule: Rule) -> str:
    marks = f"{' (unknown)' if rule.unknown else ''}{'' if rule.on else ' (off)'}"
    cells = (
        f"`{rule.rule}`{marks}",
        rule.title,
        rule.figure.value,
        rule.severity.name.lower(),
        str(rule.points()),
        rule.closes,
        WAYS[rule.remedies[0]].title,
        rule.owner.value.replace("_", " "),
        f"{rule.keep // DAY} d",
    )
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("name", REGISTRY)
def test_the_page_says_what_each_rule_is(name: str) -> None:
    assert row(REGISTRY[name]) in PAGE.read_text("utf-8").splitlines()


def test_rules_about_groups_are_in_the_assessment() -> None:
    text = (ROOT / "docs" / "dpia.md").read_text("utf-8")
    personal = [rule for rule in REGISTRY.values() if rule.personal]
    assert personal
    assert all(f"`{rule.rule}`" in text and not rule.on for rule in personal)


def raised() -> Iterator[tuple[str, str]]:
    """Every rule that a module names as it raises a finding, with the module."""
    for path in sorted((ROOT / "orchestrator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Raised" | "_raise"),
                    args=[ast.Constant(value=str(rule)), *_],
                ):
                    yield rule, path.name


def test_whatever_is_raised_is_described() -> None:
    found = dict(raised())
    assert len(found) > 10
    assert {rule: where for rule, where in found.items() if rule not in REGISTRY} == {}


def test_whatever_is_described_is_spoken_of() -> None:
    """A rule that no code names is a promise that nobody keeps."""
    spoken = {
        node.value
        for path in (ROOT / "orchestrator").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(REGISTRY) <= spoken


def test_every_remedy_is_a_way() -> None:
    assert set(WAYS) == set(Remedy)
    assert all(remedy in WAYS for rule in REGISTRY.values() for remedy in rule.remedies)


@pytest.mark.parametrize("remedy", WAYS)
def test_a_card_lets_nobody_do_what_the_operation_would_refuse_him(remedy: Remedy) -> None:
    """Where the desk knows the operation itself, the card takes no less of whoever answers."""
    way, need = WAYS[remedy], TABLE.get(WAYS[remedy].operation)
    if need is None or need.right is None:
        return
    if way.right is need.right:
        assert way.act >= need.act
    else:
        assert way.act >= Act.ALONE
    assert way.step_up or not need.step_up


def test_everything_judged_stands_for_each_subject() -> None:
    ruling = Ruling({}, frozenset({("unanchored", EVERYTHING)}))
    assert ruling.over("unanchored", "whatever")
    assert not ruling.over("timer_off", "whatever")
