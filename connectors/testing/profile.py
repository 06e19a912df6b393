"""The public conformance profile: what a connector must keep, by rules, and which tests hold each.

Rules kept here:

1. The profile is data with a version (``conformance-1.json``) and a schema, which it and every
   report under it are held against. A rule that changes what it asks is a new version.
2. A rule is proven only where all of its tests ran: one that failed, or did not run, is never
   outweighed by others. What a network makes impossible is excused, by name and with a reason.
3. What is promised and was not shown is not proven.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files

from connectors.port import Guarantee

VERSION = 1
PROFILE = f"conformance-{VERSION}.json"
SCHEMA = f"conformance-{VERSION}.schema.json"


class Outcome(Enum):
    """What became of a test; of several variants the last in this order counts."""

    NOT_PROMISED = "not promised"
    PASSED = "passed"
    EXCUSED = "excused"
    NOT_RUN = "not run"
    FAILED = "failed"


class State(Enum):
    """What became of a rule."""

    PROVEN = "proven"
    EXCUSED = "excused"
    NOT_PROMISED = "not promised"
    NOT_RUN = "not run"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a connector must keep.

    Attributes:
        name: stable within a version.
        guarantee: the promise of a room that it is about; None: every connector keeps it.
        title: for people.
        statement: what must hold.
        tests: of the contract, by their names; a variant in brackets is a test of its own.
    """

    name: str
    guarantee: Guarantee | None
    title: str
    statement: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """A test that was run, or was to be.

    Attributes:
        test: its name as the profile has it.
        outcome: what became of it.
        reason: why, where it did not pass.
    """

    test: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a rule, and of each of its tests."""

    rule: Rule
    state: State
    tests: tuple[Ran, ...]


def text(name: str) -> str:
    """The profile, or its schema, as it is published."""
    return files("connectors.testing").joinpath(name).read_text(encoding="utf-8")


def rules() -> tuple[Rule, ...]:
    """The rules of this version, in their order."""
    return tuple(
        Rule(
            found["rule"],
            None if found["guarantee"] is None else Guarantee(found["guarantee"]),
            found["title"],
            found["statement"],
            tuple(found["tests"]),
        )
        for found in json.loads(text(PROFILE))["rules"]
    )


def base(test: str) -> str:
    """A test's name without its variant."""
    return test.partition("[")[0]


def result(rule: Rule, ran: Mapping[str, Iterable[Ran]], can: frozenset[Guarantee]) -> Result:
    """What became of a rule.

    Args:
        rule: the rule.
        ran: what was run, by the test's name as the profile has it.
        can: what the connector promises at best.
    """
    tests = tuple(_one(test, ran) for test in rule.tests)
    found = {one.outcome for one in tests}
    return Result(rule, _state(found, promised=rule.guarantee in can), tests)


def _one(test: str, ran: Mapping[str, Iterable[Ran]]) -> Ran:
    order = list(Outcome)
    variants = sorted(ran.get(test, ()), key=lambda one: order.index(one.outcome))
    if variants:
        return variants[-1]
    if any(base(other) == base(test) for other in ran):
        return Ran(test, Outcome.EXCUSED, "this suite leaves the variant out")
    return Ran(test, Outcome.NOT_RUN, "it was not among the tests")


def _state(found: set[Outcome], *, promised: bool) -> State:
    if Outcome.FAILED in found:
        return State.FAILED
    if Outcome.NOT_RUN in found:
        return State.NOT_RUN
    if Outcome.EXCUSED in found:
        return State.EXCUSED
    if Outcome.PASSED in found:
        return State.PROVEN
    return State.NOT_RUN if promised else State.NOT_PROMISED


def conforms(results: Iterable[Result], strangers: Iterable[str] = ()) -> str:
    """The verdict over all rules of all suites: ``yes``, ``with excuses`` or ``no``.

    Nothing that was run says ``no`` as much as something that failed.

    Args:
        results: what became of each rule, of every suite.
        strangers: tests of the contract that no rule of this version knows: nothing is known then.
    """
    states = {one.state for one in results}
    if not states or states & {State.FAILED, State.NOT_RUN} or any(strangers):
        return "no"
    return "with excuses" if State.EXCUSED in states else "yes"
