"""Every rule that raises a text is in the list, with the tiers and the strength that it has."""

import ast
from pathlib import Path

import pytest

import tiers
from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.query.tier_rules import RULES, candidates, raised_by, tiers_of
from tiers.classify import Classifier, Context, Part
from tiers.money import PRECISE
from tiers.tier import Strength, Tier
from tiers.watch import watch_list

HERE = Path(tiers.__file__).parent
EVIDENCE = ("classify.py", "watch.py", "winnowing.py")
TEXTS = (
    "we raise our offer to 27.50 per share for the deal",
    "the enterprise value of the target is €1.25bn, 7.2x EBITDA",
    "Project Heron goes on at 412,500 as agreed",
    "lunch at noon in room 4B",
    "o f f e r  a c c e p t e d  t o d a y",
    "Καλημέρα σας, τα λέμε αύριο το πρωί στο γραφείο",
    "yes",
    "word " * 60_000,
)


def written() -> set[str]:
    """Ids of rules as the classifier's modules write them."""
    found = set()
    for name in EVIDENCE:
        for node in ast.walk(ast.parse((HERE / name).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RuleId":
                [given] = node.args
                if isinstance(given, ast.Constant):
                    found.add(str(given.value))
    return found | {f"money.{kind.value}" for kind in PRECISE}


def test_no_rule_is_left_out_and_none_is_made_up() -> None:
    assert {str(rule) for rule in RULES} == written()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("context", [
    Context(),
    Context(answers=Tier.OPERATIONS, attachments=Tier.VALUATION, unread=True),
    Context(watch=watch_list(["Heron"], ["412,500"])),
])  # fmt: skip
def test_evidence_is_as_the_list_says(text: str, context: Context) -> None:
    found = Classifier(None).classify([Part("body", text)], context)
    for evidence in found.evidence:
        reach, strength, _ = RULES[evidence.rule]
        assert evidence.tier in reach | {Tier.COORDINATION}
        assert evidence.strength is Strength.NONE or evidence.strength.value in strength


def test_the_policy_that_ships_is_said_to_be_it() -> None:
    policy = to_policy(read_policy(default_text()), made_up=False)
    found = tiers_of(policy, Classifier(None), 3)
    assert (found.shipped, found.degraded, found.watched) == (True, True, 3)
    assert [t.tier for t in found.tiers] == ["valuation", "operations", "coordination"]
    strictest = found.tiers[0]
    assert strictest.timer == 7 * 24 * 3_600_000_000
    assert ("devices_verified", "verified") in {(n, least) for n, least, _ in strictest.demands}
    assert found.tiers[2].rules == raised_by(Tier.COORDINATION) == ()
    assert candidates(policy, Tier.VALUATION, ()) == ()
