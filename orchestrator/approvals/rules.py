"""A rule as an entry of the chain holds it, and back."""

from collections.abc import Mapping
from typing import Any

from tiers.approval import Role, Rule
from tiers.ids import PersonId
from tiers.people import Party


def rule_body(rule: Rule) -> dict[str, Any]:
    """A rule as an entry holds it."""
    body: dict[str, Any] = {
        "needed": rule.needed,
        "members": sorted(rule.barred),
        "valuation_raise": rule.valuation_raise,
        "gaining": sorted(p.value for p in rule.gaining),
        "roles": sorted(r.value for r in rule.roles),
    }
    if rule.window is not None:
        body["window"] = {"request": rule.window, "members": sorted(rule.people)}
    return body


def rule_of(body: Mapping[str, Any]) -> Rule:
    """The rule that an entry holds. Raises: KeyError, TypeError, ValueError: it is none."""
    window = body.get("window")
    return Rule(
        int(body["needed"]),
        frozenset(map(PersonId, body["members"])),
        bool(body["valuation_raise"]),
        frozenset(map(Party, body["gaining"])),
        frozenset(map(Role, body["roles"])),
        frozenset[PersonId]() if window is None else frozenset(map(PersonId, window["members"])),
        None if window is None else str(window["request"]),
    )
