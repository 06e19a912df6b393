"""An excuse is a strict expected failure in its own class, and names a test that exists."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from connectors.memory.connector import MemoryConnector
from connectors.testing.contract import ConnectorContract

NAMES = ["test_health_says_up", "test_any_text_arrives_the_same_or_is_refused"]


class Excused(ConnectorContract):
    excused: ClassVar[Mapping[str, str]] = dict.fromkeys(NAMES, "the network has none")


def marks(test: object) -> list[tuple[str, object, object]]:
    found: list[pytest.Mark] = getattr(test, "pytestmark", [])
    return [(m.name, m.kwargs.get("strict"), m.kwargs.get("reason")) for m in found]


@pytest.mark.parametrize("name", NAMES)
def test_an_excuse_is_strict_and_has_its_reason(name: str) -> None:
    assert ("xfail", True, "the network has none") in marks(getattr(Excused, name))


@pytest.mark.parametrize("name", NAMES)
def test_an_excuse_stays_in_its_class(name: str) -> None:
    assert marks(getattr(ConnectorContract, name)) == []


class Silent(ConnectorContract):
    kind = object


class Whole(ConnectorContract):
    kind = MemoryConnector


def test_of_an_ability_that_is_not_there_each_test_is_skipped_and_says_so() -> None:
    name = "test_who_stays_reads_on_under_the_new_key"
    assert ("skip", None, "RotatesRoomKeys is not promised") in marks(getattr(Silent, name))
    assert marks(getattr(Whole, name)) == []


def test_what_every_connector_must_do_is_skipped_for_none() -> None:
    assert marks(Silent.test_a_message_arrives_once_under_its_key) == []


def test_an_excuse_for_what_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError):
        type("Stale", (ConnectorContract,), {"excused": {"test_no_more": "gone"}})


@pytest.mark.parametrize("name", ["test_health_says_up"])
async def test_an_excused_test_is_the_same_test(name: str) -> None:
    whole, copy = getattr(ConnectorContract, name), getattr(Excused, name)
    assert copy.__code__ is whole.__code__
    assert copy is not whole
