"""Plants connectors that each break one promise, for the tests of the contract that must see it."""

from collections.abc import Callable
from typing import Any

from connectors.memory.connector import MemoryConnector
from connectors.testing.contract import ConnectorContract

TESTS = [name for name in dir(ConnectorContract) if name.startswith("test_")]
PATIENCE = 0.5
"""Seconds that a test waits for what never comes."""


class Planted:
    """Test of the contract -> a connector on which it must fail."""

    def __init__(self) -> None:
        self._kinds: dict[str, type[MemoryConnector]] = {}

    def breaks(self, *tests: str) -> Callable[[type[MemoryConnector]], type[MemoryConnector]]:
        """Says which tests must fail on a connector."""

        def plant(kind: type[MemoryConnector]) -> type[MemoryConnector]:
            self._kinds.update(dict.fromkeys(tests, kind))
            return kind

        return plant

    def suites(self) -> dict[str, type[ConnectorContract]]:
        """For each planted test the contract cut down to it, as a class for pytest to collect."""
        return {f"TestOn_{test}": _only(test, kind) for test, kind in self._kinds.items()}


def _only(test: str, kind: type[MemoryConnector]) -> type[ConnectorContract]:
    left_out: dict[str, Any] = {other: None for other in TESTS if other != test}
    own = {"connector_class": kind, "patience": PATIENCE}
    return type(f"TestOn_{test}", (ConnectorContract,), left_out | own)
