"""Planted: a request that says it was carried out, and whose signatures are not enough, gives
nothing: no token, and no export."""

import pytest

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.standing import Request, Standing
from orchestrator.command import exports
from orchestrator.deals.tokens import ISSUE, Token, issue_rule, read_tokens
from tiers.approval import Approver, Role, Rule
from tiers.ids import ConversationId, DealId, PersonId
from tiers.tier import Tier

DEAL, AT = DealId("deal_1"), 1_790_000_000_000_000
PEOPLE = tuple(
    Approver(PersonId(name), frozenset({Role.APPROVER}), None, frozenset({f"key {tie}"}))
    for name, tie in (("ada", "a"), ("ben", "b"), ("cy", "c"), ("cy-again", "c"))
)
TOKEN = Token(
    token_id="tok_1",
    kept="00",
    label="crm-feed",
    highest=Tier.COORDINATION,
    conversations=(ConversationId("conv_1"),),
    persons=(PersonId("ada"),),
    until=AT,
    each_minute=5,
)
EXPORTED = {"what": "audit", "why": "closing", "matter": None, "person": None, "kind": None}
ENOUGH = ("ben", "cy")
TOO_FEW = {
    "nobody": (),
    "one": ("ben",),
    "one with two names": ("cy", "cy-again"),
    "whoever asked": ("dora", "ben"),
}


def standing(plan: Plan, rule: Rule, yes: tuple[str, ...]) -> Standing:
    request = Request("apr_1", plan, rule, "person:dora", AT, AT + 1, known=PEOPLE, done_at=AT)
    request.yes = dict.fromkeys(map(PersonId, yes), "hash")
    return Standing(DEAL, founded_at=1, requests={"apr_1": request})


@pytest.mark.parametrize(
    "yes", [*TOO_FEW.values(), ("ada", "ben")], ids=[*TOO_FEW, "whom it speaks for"]
)
def test_no_token_counts_that_too_few_signed(yes: tuple[str, ...]) -> None:
    plan, rule = Plan(ISSUE, TOKEN.body()), issue_rule(TOKEN.persons)
    assert read_tokens((), standing(plan, rule, yes)) == {}
    assert read_tokens((), standing(plan, rule, ENOUGH)) == {"tok_1": TOKEN}


@pytest.mark.parametrize("yes", TOO_FEW.values(), ids=TOO_FEW)
def test_no_export_is_given_that_too_few_signed(yes: tuple[str, ...]) -> None:
    plan = Plan(exports.EXPORT, EXPORTED)
    assert exports._agreed(standing(plan, Rule(), yes), "apr_1") is None
    given = exports._agreed(standing(plan, Rule(), ENOUGH), "apr_1")
    assert given is not None
    assert given.what == "audit"


def test_not_even_in_a_signing_window_is_one_enough_for_either() -> None:
    alone = Rule(needed=1, window="apr_0")
    for plan in (Plan(ISSUE, TOKEN.body()), Plan(exports.EXPORT, EXPORTED)):
        found = standing(plan, alone, ("ben",))
        found.requests["apr_1"].in_window = True
        assert read_tokens((), found) == {}
        assert exports._agreed(found, "apr_1") is None
