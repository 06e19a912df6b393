"""The public profile: it covers the whole contract, and claims nothing that did not run."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import Guarantee
from connectors.port import connector as port
from connectors.testing import profile
from connectors.testing.conforming import ABILITIES
from connectors.testing.contract import ConnectorContract
from connectors.testing.profile import Outcome, Ran, Rule, State, base, conforms, result, rules
from connectors.testing.reading import SETTABLE
from orchestrator.client.problems import Refused, Unready
from orchestrator.wiring.conform import conform, published

ROOT = Path(__file__).parents[2]
MEMORY = "tests/connectors/memory/test_contract.py::TestInThisProcess"
SCHEMA = json.loads(profile.text(profile.SCHEMA))
BY_GUARANTEE = {"test_what_was_loosened_is_no_longer_held", "test_what_was_loosened_is_put_back"}


def held_to_schema(found: Any) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_the_profile_is_as_its_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    held_to_schema(json.loads(published("profile")))
    assert json.loads(published("schema")) == SCHEMA
    assert SCHEMA["$defs"]["guarantee"]["enum"] == [g.value for g in Guarantee]


def test_every_test_of_the_contract_is_in_one_rule() -> None:
    of_contract = {
        name for name, _ in inspect.getmembers(ConnectorContract) if name.startswith("test_")
    }
    listed = [test for rule in rules() for test in rule.tests]
    assert len(listed) == len(set(listed))
    assert {base(test) for test in listed} == of_contract
    variants = {test for test in listed if "[" in test}
    assert variants == {f"{test}[{g.value}]" for test in BY_GUARANTEE for g in SETTABLE}
    assert {rule.guarantee for rule in rules()} - {None} == set(Guarantee)


def test_a_report_names_every_further_ability_that_the_port_knows() -> None:
    known = {n for n, c in vars(port).items() if getattr(c, "_is_runtime_protocol", False)}
    assert set(ABILITIES) == {n for n in known if vars(port)[n].__module__ == port.__name__}
    assert {"CreatesRooms", "EditsMessages", "Inspects"} < set(ABILITIES)
    assert list(ABILITIES) == sorted(ABILITIES)


RULE = Rule("timer", Guarantee.TIMER, "t", "s", ("test_a", "test_b"))
OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=1, max_size=3)


@given(OUTCOMES, OUTCOMES, st.booleans())
def test_proven_is_only_what_ran_and_passed(
    a: list[Outcome], b: list[Outcome], promised: bool
) -> None:
    ran = {"test_a": [Ran("test_a", o) for o in a], "test_b": [Ran("test_b", o) for o in b]}
    found = result(RULE, ran, frozenset({Guarantee.TIMER}) if promised else frozenset())
    bad = {Outcome.FAILED, Outcome.NOT_RUN, Outcome.EXCUSED}
    passed = Outcome.PASSED in {*a, *b} and not bad & {*a, *b}
    assert (found.state is State.PROVEN) == passed
    assert (conforms([found]) == "no") == (found.state in {State.FAILED, State.NOT_RUN})


def test_what_did_not_run_or_is_promised_and_unshown_is_not_proven() -> None:
    missing = result(RULE, {"test_a": [Ran("test_a", Outcome.PASSED)]}, frozenset())
    assert missing.state is State.NOT_RUN
    skipped = {t: [Ran(t, Outcome.NOT_PROMISED)] for t in RULE.tests}
    assert result(RULE, skipped, frozenset({Guarantee.TIMER})).state is State.NOT_RUN
    assert result(RULE, skipped, frozenset()).state is State.NOT_PROMISED
    assert conforms([]) == "no"


def test_a_test_of_the_contract_that_no_rule_knows_is_no_proof() -> None:
    proven = result(RULE, {t: [Ran(t, Outcome.PASSED)] for t in RULE.tests}, frozenset())
    assert conforms([proven]) == "yes"
    assert conforms([proven], ["test_unheard_of"]) == "no"


async def test_the_reference_conforms_by_its_own_tests() -> None:
    found = await conform([MEMORY], "memory", ROOT)
    held_to_schema(found)
    assert found["conforms"] == "yes"
    assert (found["grade"], found["distribution"]) == ("lab", "wallcross 0.1.0")
    (suite,) = found["suites"]
    assert suite["connector_class"] == "connectors.memory.connector.MemoryConnector"
    assert {rule["state"] for rule in suite["rules"]} == {"proven"}


async def test_another_connectors_tests_say_nothing_of_this_one() -> None:
    one = f"{MEMORY}::test_health_says_up"
    with pytest.raises(Refused, match=r"is not of connectors\.matrix"):
        await conform([one], "matrix", ROOT)
    found = await conform([one], None, ROOT)
    held_to_schema(found)
    assert found["conforms"] == "no", "what was not run is not proven"


BROKEN = """
import pytest
from connectors.testing.contract import ConnectorContract

@pytest.fixture
def rig():
    {rig}

class TestBroken(ConnectorContract):
    excused = {{"test_health_says_up": "it never is"}}
    def test_one_of_its_own(self):
        raise AssertionError("not of the contract: it does not count")
"""


@pytest.mark.parametrize(
    ("rig", "state"),
    [("pytest.skip('no server here')", "not run"), ("raise RuntimeError('no')", "failed")],
)
async def test_a_rig_that_cannot_be_made_proves_nothing(
    tmp_path: Path, rig: str, state: str
) -> None:
    (tmp_path / "test_broken.py").write_text(BROKEN.format(rig=rig))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    found = await conform(["test_broken.py"], None, tmp_path)
    held_to_schema(found)
    assert found["conforms"] == "no"
    states = {rule["rule"]: rule["state"] for rule in found["suites"][0]["rules"]}
    assert states["once"] == state
    assert "test_one_of_its_own" not in json.dumps(found)


async def test_nothing_to_run_is_said(tmp_path: Path) -> None:
    found = await conform(["nowhere"], None, tmp_path)
    assert (found["suites"], found["conforms"]) == ([], "no")
    with pytest.raises(LookupError):
        await conform([MEMORY], "no-such", ROOT)


def test_the_command_tells_it_and_keeps_a_report(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    line = [sys.executable, "-m", "orchestrator.cli", "conform", MEMORY]
    done = subprocess.run(
        [*line, "--connector", "memory", "--report", str(report)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "conforms to profile version 1"
    held_to_schema(json.loads(report.read_text()))
    again = subprocess.run(
        [*line, "--report", str(report)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert again.returncode != 0
    assert "is there already" in again.stderr


async def test_without_pytest_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unready) as caught:
        await conform([MEMORY], None, ROOT)
    assert "wallcross[testing]" in caught.value.then


def test_a_report_that_could_not_be_kept_is_refused_before_anything_runs(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "orchestrator.cli", "conform", "no-tests.py"]
    done = subprocess.run(
        [*line, "--report", str(tmp_path / "nowhere" / "report.json")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode != 0
    assert "There is no folder" in done.stderr
    assert "Nothing was run" in done.stderr
    assert "no-tests.py" not in done.stderr
