"""What the navigation counts is what the page Leak risk says needs whoever looks, for each part."""

import pytest

from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.store.unit import Tx
from tests.dashboard.conftest import Look
from tests.scenarios.test_approvals import hold


@pytest.mark.parametrize(
    ("role", "person"),
    [
        ("owner", "ada"),
        ("security_officer", "bo"),
        ("counsel", "cy"),
        ("participant", "ada"),
        ("adviser", "di"),
        ("operator", None),
    ],
)
async def test_the_number_in_the_navigation_is_that_of_the_page(
    look: Look, role: str, person: str | None
) -> None:
    house = look.house
    message = await hold(house)
    late = Raised("held_overdue", "medium", ("late",), "look")
    raised = [
        Raised("new_phone", "high", ("a new phone",), "call"),
        Raised("unknown_member", "high", ("unknown",), "look"),
    ]

    def unit(tx: Tx) -> None:
        for each in raised:
            raise_finding(tx, house.deal, "ada", each, house.home.runtime.now())
        raise_finding(tx, house.deal, message, late, house.home.runtime.now())

    await house.home.runtime.store.write(unit)
    viewer = look.as_(role, person=person)
    counted = (await house.home.deal_needs(house.deal, viewer)).get("leak_risk", 0)
    seen = await house.home.risk_show(house.deal, viewer)
    assert counted == sum(f.needs_you for f in seen.findings)
