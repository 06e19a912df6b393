"""A tier is compared, never counted."""

from itertools import pairwise, product

import pytest

from tiers.tier import Tier

ORDER = ("coordination", "operations", "valuation")


def test_the_order_is_the_constitutions() -> None:
    assert [t.value for t in sorted(Tier, reverse=True)] == list(reversed(ORDER))
    assert all(weak < strict for weak, strict in pairwise(Tier))


@pytest.mark.parametrize(("one", "other"), list(product(Tier, repeat=2)))
def test_every_comparison_agrees_with_the_order(one: Tier, other: Tier) -> None:
    a, b = ORDER.index(one.value), ORDER.index(other.value)
    assert (one < other, one <= other, one > other, one >= other, one == other) == (
        a < b,
        a <= b,
        a > b,
        a >= b,
        a == b,
    )
    assert max(one, other).value == ORDER[max(a, b)]


@pytest.mark.parametrize("number", [0, 3, "valuation", None])
def test_a_tier_is_not_a_number_nor_its_name(number: object) -> None:
    with pytest.raises(TypeError):
        number > Tier.VALUATION  # noqa: B015 - that it cannot be said is the point
    assert number != Tier.VALUATION


def test_a_stored_name_is_read_back() -> None:
    assert [Tier(name) for name in ORDER] == list(Tier)
