"""Every test of the contract fails on a connector that breaks just what it holds."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from connectors.testing.contract import ConnectorContract

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PLANTED = [
    Path(__file__).with_name("memory") / f"planted_{way}.py" for way in ("out", "in", "rooms")
]
TESTS = sorted(name for name in dir(ConnectorContract) if name.startswith("test_"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[str]]:
    """Class and test -> what each of its cases came to: passed, skipped, or why it failed."""
    report = tmp_path_factory.mktemp("bites") / "report.xml"
    command = [sys.executable, "-m", "pytest", *map(str, PLANTED), "-q", f"--junitxml={report}"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stdout[-3000:]
    found: dict[tuple[str, str], list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 (written by the run above)
        key = (case.attrib["classname"].rpartition(".")[2], case.attrib["name"].partition("[")[0])
        found.setdefault(key, []).append(_outcome(case))
    return found


def _outcome(case: ET.Element) -> str:
    for kind in ("failure", "skipped"):
        child = case.find(kind)
        if child is not None:
            return child.attrib.get("message", kind) if kind == "failure" else kind
    return "passed"


def test_each_test_has_a_connector_that_breaks_it(
    outcomes: dict[tuple[str, str], list[str]],
) -> None:
    assert sorted(test for kind, test in outcomes if kind == f"TestOn_{test}") == TESTS


def test_no_test_of_one_part_hides_another() -> None:
    names = Counter(
        name
        for part in ConnectorContract.__mro__
        for name in vars(part)
        if name.startswith("test_")
    )
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("test", TESTS)
def test_it_bites(outcomes: dict[tuple[str, str], list[str]], test: str) -> None:
    came_to = outcomes[f"TestOn_{test}", test]
    assert set(came_to) - {"passed", "skipped"}, came_to


@pytest.mark.parametrize("test", TESTS)
def test_it_lets_the_whole_one_pass(outcomes: dict[tuple[str, str], list[str]], test: str) -> None:
    assert set(outcomes["TestControl", test]) == {"passed"}
