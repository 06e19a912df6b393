"""Runs somebody's contract tests and tells what became of each rule of the profile.

Rules kept here:

1. Only tests that come from the contract count; a test of the same name that is not its, does not.
2. A test that its rig could not be made for did not run: only what the contract itself skips is
   *not promised*.
3. pytest's own words go to standard error; what is told, to standard output, as JSON.

Run as ``python -m connectors.testing.conforming TESTS…``; ``wallcross conform`` does.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import pytest

from connectors.port import Guarantee, connector
from connectors.testing.profile import Outcome, Ran, Result, base, conforms, result, rules

ABILITIES = {
    name: kind
    for name, kind in sorted(vars(connector).items())
    if isinstance(kind, type) and Protocol in kind.__bases__ and kind is not connector.Connector
}
"""Every further protocol of the port."""


@dataclass(slots=True)
class Suite:
    """One subclass of the contract, as it ran.

    Attributes:
        ran: by the name that the profile has for it.
        kind: the connector's class; None while no rig was made.
        can: what it promises at best.
        abilities: the further protocols that it has.
    """

    ran: dict[str, list[Ran]] = field(default_factory=lambda: defaultdict(list))
    kind: str | None = None
    can: frozenset[Guarantee] | None = None
    abilities: tuple[str, ...] = ()

    def results(self) -> tuple[Result, ...]:
        """What became of each rule."""
        return tuple(result(rule, self.ran, self.can or frozenset()) for rule in rules())


class Recorder:
    """A plugin of pytest that keeps what became of the contract's tests."""

    def __init__(self) -> None:
        self.suites: dict[str, Suite] = defaultdict(Suite)
        self.strangers: set[str] = set()
        self._known = {test for rule in rules() for test in rule.tests}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keeps what a phase of a test came to."""
        report = yield
        kind = getattr(item, "cls", None)
        name = getattr(item, "originalname", None) or item.name
        if isinstance(kind, type) and _of_contract(kind, name):
            self._keep(f"{item.path.name}::{kind.__name__}", item, call, report)
        return report

    def _keep(
        self, suite: str, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        test = self._named(item)
        if test not in self._known:
            self.strangers.add(test)
        found = self.suites[suite]
        if call.when == "call":
            _noted(found, getattr(item, "funcargs", {}).get("rig"))
        outcome = _outcome(item, call.when, report)
        if outcome is not None:
            found.ran[test].append(Ran(test, outcome, _reason(outcome, report)))

    def _named(self, item: pytest.Item) -> str:
        """A test's name as the profile has it: a variant of its own where it is about a promise."""
        params = getattr(item, "callspec", None)
        about = params.params.get("guarantee") if params is not None else None
        name = base(item.name)
        own = f"{name}[{about.value}]" if isinstance(about, Guarantee) else name
        return own if own in self._known else name


def _of_contract(kind: type, test: str) -> bool:
    # not before pytest is up: it rewrites the assertions of what is imported then
    contract = import_module("connectors.testing.contract").ConnectorContract
    return issubclass(kind, contract) and hasattr(contract, test)


def _noted(suite: Suite, rig: Any) -> None:
    if rig is None or suite.kind is not None:
        return
    made = rig.connector
    suite.kind = f"{type(made).__module__}.{type(made).__qualname__}"
    suite.can = frozenset(made.capabilities.can)
    suite.abilities = tuple(a for a, kind in ABILITIES.items() if isinstance(made, kind))


def _outcome(item: pytest.Item, when: str, report: pytest.TestReport) -> Outcome | None:
    """What a phase came to; None where the phases after it tell."""
    if report.failed:
        return Outcome.FAILED
    if hasattr(report, "wasxfail"):
        return Outcome.EXCUSED
    if report.skipped:
        by_contract = when == "call" or item.get_closest_marker("skip") is not None
        return Outcome.NOT_PROMISED if by_contract else Outcome.NOT_RUN
    return Outcome.PASSED if when == "call" else None


def _reason(outcome: Outcome, report: pytest.TestReport) -> str:
    if outcome is Outcome.EXCUSED:
        return str(getattr(report, "wasxfail", "")).removeprefix("reason: ")
    if outcome is Outcome.FAILED:
        return "see pytest's own words"
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


def told(recorder: Recorder) -> dict[str, Any]:
    """What ran, in the form that the profile's schema gives suites, and the verdict over it."""
    found = {name: suite.results() for name, suite in sorted(recorder.suites.items())}
    every = [one for results in found.values() for one in results]
    return {
        "suites": [_suite(name, recorder.suites[name], found[name]) for name in found],
        "strangers": sorted(recorder.strangers),
        "conforms": conforms(every, recorder.strangers),
    }


def _suite(name: str, suite: Suite, results: Sequence[Result]) -> dict[str, Any]:
    can = None if suite.can is None else sorted(g.value for g in suite.can)
    return {
        "suite": name,
        "connector_class": suite.kind,
        "can": can,
        "abilities": list(suite.abilities),
        "rules": [_result(found) for found in results],
    }


def _result(found: Result) -> dict[str, Any]:
    guarantee = found.rule.guarantee
    return {
        "rule": found.rule.name,
        "guarantee": None if guarantee is None else guarantee.value,
        "state": found.state.value,
        "tests": [
            {"test": one.test, "outcome": one.outcome.value, "reason": one.reason}
            for one in found.tests
        ],
    }


def main(tests: Sequence[str]) -> int:
    """Runs tests, long ones too; returns pytest's exit code."""
    recorder = Recorder()
    with redirect_stdout(sys.stderr):
        code = pytest.main(["-q", "-m", "", "-p", "no:cacheprovider", *tests], plugins=[recorder])
    sys.stdout.write(json.dumps(told(recorder)) + os.linesep)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
