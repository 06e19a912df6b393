"""Time never turns back to permit: by the instants that this home itself handed out."""

import pytest

from orchestrator.clock import HOUR, SECOND
from orchestrator.command.trust import ClockTrust

START = 1_800_000_000_000_000


class Machine:
    """A machine's clock that a test sets."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def machine() -> Machine:
    return Machine()


def trust(machine: Machine, latest: int = 0) -> ClockTrust:
    return ClockTrust(machine, latest, dict, ())


def test_a_clock_behind_the_audit_permits_nothing(machine: Machine) -> None:
    assert trust(machine, START).trusted()
    assert not trust(machine, START + 1).trusted()


def test_an_instant_that_was_handed_out_counts_before_anything_was_decided(
    machine: Machine,
) -> None:
    clock = trust(machine)
    assert clock.clock() == START
    machine.at -= HOUR
    assert not clock.trusted()
    machine.at = START
    assert clock.trusted()


def test_asking_while_it_is_back_changes_nothing(machine: Machine) -> None:
    clock = trust(machine)
    clock.clock()
    machine.at -= HOUR
    assert clock.clock() == START - HOUR, "it is told as it is"
    assert not clock.trusted()
    machine.at = START - SECOND
    assert not clock.trusted()


def test_going_forward_it_stays_trusted(machine: Machine) -> None:
    clock = trust(machine)
    for _ in range(5):
        machine.at += HOUR
        clock.clock()
        assert clock.trusted()
