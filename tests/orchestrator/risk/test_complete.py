"""Every rule that the code raises is listed, says how grave it is, and has an answer that acts.

That each has a test that turns it on and off is held by ``test_on_off``.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from orchestrator.command.risk import ACTS
from orchestrator.risk.answers import WAYS
from tiers.exposure import Remedy, Rule, Severity
from tiers.exposure_rules import REGISTRY, UNDESCRIBED

from .test_on_off import NAMED

ROOT: Final = Path(__file__).parents[3]
ONLY_TELLS: Final = frozenset({Remedy.TELL_PERSON, Remedy.CALL_BACK})
"""Answers after which somebody knows more, and nothing is otherwise."""


def wanting(rule: Rule) -> list[str]:
    """What a rule lacks."""
    found = []
    if rule.severity not in Severity or rule.points() < 1:
        found.append("no severity")
    if not (rule.title and rule.closes):
        found.append("no words")
    if not set(rule.remedies) - ONLY_TELLS:
        found.append("no answer that acts")
    if not all(remedy in ACTS and remedy in WAYS for remedy in rule.remedies):
        found.append("an answer that nothing does")
    if rule.rule not in NAMED and rule is not UNDESCRIBED:
        found.append("no test that turns it on and off")
    return found


@pytest.mark.parametrize("rule", [*REGISTRY.values(), UNDESCRIBED], ids=lambda rule: rule.rule)
def test_a_rule_lacks_nothing(rule: Rule) -> None:
    assert wanting(rule) == []


@pytest.mark.parametrize("remedies", [(), (Remedy.TELL_PERSON,), tuple(ONLY_TELLS)])
def test_planted_a_rule_that_only_tells_is_caught(remedies: tuple[Remedy, ...]) -> None:
    of = REGISTRY["journal"]
    planted = Rule("planted", of.figure, of.severity, "t", "c", of.owner, remedies)
    assert "no answer that acts" in wanting(planted)
    assert "no test that turns it on and off" in wanting(planted)


def raised() -> Iterator[tuple[str, str]]:
    """What each module raises: a word that it says, or a name of its own for one."""
    for path in sorted((ROOT / "orchestrator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Raised" | "_raise"), args=[first, *_]):
                    yield from ((rule, str(path)) for rule in named(first, path))


def named(node: ast.expr, path: Path) -> Iterator[str]:
    """The rule that an argument names; a variable of a function names none by itself."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.Name):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found = getattr(import_module(module), node.id, None)
        if isinstance(found, str):
            yield found


def test_whatever_the_code_raises_is_a_rule_of_the_list() -> None:
    found = dict(raised())
    assert len(found) > len(REGISTRY) // 2
    assert {rule: where for rule, where in found.items() if rule not in REGISTRY} == {}
