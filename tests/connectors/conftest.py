"""What never comes is waited for only so long.

A test that a connector is excused from is expected to fail, often by waiting for an event that the
network does not have: with a whole patience each, that was most of a contract's time.
"""

import pytest

from connectors.testing.base import ContractBase

IN_VAIN = 1.0
"""Seconds; each of these events comes within a fifth of that where it comes at all."""


@pytest.fixture(autouse=True)
def _patience_of_the_excused(request: pytest.FixtureRequest) -> None:
    test = request.instance
    if isinstance(test, ContractBase) and request.node.get_closest_marker("xfail"):
        test.patience = min(test.patience, IN_VAIN)  # type: ignore[misc]  # of this test's object
