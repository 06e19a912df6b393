"""The registry: loaded by name only, ours cannot be replaced, a grade is read or there is none."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from connectors import registry
from connectors.memory.settings import Settings
from connectors.port import ConnectorName
from connectors.port.connector import Setup
from connectors.registry import (
    SHIPPED,
    Facts,
    Grade,
    Registered,
    UnknownConnectorError,
    find,
    graded,
)


def claim(monkeypatch: pytest.MonkeyPatch, *targets: str) -> None:
    """Distributions that claim a name."""

    def points(*, group: str, name: str) -> Iterable[EntryPoint]:
        return [EntryPoint(name, target, group) for target in targets]

    monkeypatch.setattr(registry, "entry_points", points)


def test_the_memory_connector_is_opened_by_name(tmp_path: Path) -> None:
    setup = Setup(ConnectorName("a"), {"account": "us"}, {}, tmp_path, lambda: 1)
    assert find("memory").factory()(setup).capabilities.idempotent_send


def test_finding_loads_nothing() -> None:
    code = (
        "import sys; from connectors.registry import find; find('memory'); find('matrix');"
        "print([m for m in sys.modules if m.startswith(('connectors.m', 'nio'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", registry.SHIPPED)
def test_what_ships_is_what_our_distribution_says(name: str) -> None:
    (point,) = entry_points(group=registry.GROUP, name=name)
    assert point.value == registry.SHIPPED[name]


def test_settings_are_found_beside_the_factory() -> None:
    assert find("memory").settings() is Settings


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(UnknownConnectorError, match="matrix, memory"):
        find("telepathy")


def test_an_outsider_is_found_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(monkeypatch, "connectors.memory.connector:open_connector")
    found = find("outsider")
    assert not found.shipped
    assert callable(found.factory())


def test_ours_cannot_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(monkeypatch, "evil.connector:open_connector")
    assert find("memory").target == registry.SHIPPED["memory"]


def test_two_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    claim(monkeypatch, "a.connector:make", "b.connector:make")
    with pytest.raises(UnknownConnectorError, match="several claim"):
        find("outsider")


@pytest.mark.parametrize("target", ["nowhere.at_all:make", "connectors.memory.wire:CHUNK"])
def test_what_is_no_factory_says_so(target: str) -> None:
    with pytest.raises(UnknownConnectorError):
        Registered("x", target, shipped=False).factory()


def test_the_memory_connector_is_of_the_laboratory() -> None:
    found = find("memory").graded()
    assert found is not None
    assert found.grade is Grade.LAB
    assert found.ran


def test_without_a_grade_there_is_none() -> None:
    assert Registered("x", "connectors.port.connector:Setup", shipped=False).graded() is None
    assert Registered("x", "nowhere.at_all:make", shipped=False).graded() is None


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_ships_publishes_what_is_known_of_its_network(name: str) -> None:
    found = find(name).facts()
    assert found is not None
    assert all((found.protocol, found.post_quantum_says, found.metadata, found.retention))
    assert found.can


def test_without_facts_there_are_none() -> None:
    assert Registered("x", "connectors.port.connector:Setup", shipped=False).facts() is None
    assert Registered("x", "nowhere.at_all:make", shipped=False).facts() is None


def test_facts_with_a_word_too_many_are_none() -> None:
    known = find("signal").facts()
    assert known is not None
    with pytest.raises(ValueError, match="extra"):
        Facts.model_validate({**known.model_dump(), "unbreakable": True})


def test_grades_are_ordered_and_not_counted() -> None:
    assert Grade.LAB < Grade.FIELD < Grade.FIT
    with pytest.raises(TypeError):
        assert Grade.LAB < 2


def test_a_grade_says_when_and_what() -> None:
    found = graded('grade = "field"\ndate = 2026-11-22\nran = ["a server"]\n')
    assert (found.grade, found.on, found.ran) == (Grade.FIELD, date(2026, 11, 22), ("a server",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        'grade = "superb"\ndate = 2026-11-22\nran = ["x"]',
        'grade = "lab"\ndate = "yesterday"\nran = ["x"]',
        'grade = "lab"\ndate = 2026-11-22\nran = []',
        'grade = "lab"\ndate = 2026-11-22\nran = [1]',
        'grade = "lab"\ndate = 2026-11-22\nran = ["x"]\nfit = true',
        "grade = [",
    ],
)
def test_a_grade_that_is_not_as_it_must_be_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        graded(text)
