"""Time never turns back to permit: by the instants that this home itself handed out."""

from typing import cast

import pytest

from connectors.port.connector import Connector
from orchestrator.clock import HOUR, SECOND
from orchestrator.command.trust import ClockTrust
from tiers.ids import ConnectorName

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


class Homeserver:
    """Says what a test wants, in its ``Date``."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.ahead = machine, 0

    def network_time(self) -> tuple[int, int]:
        """What it said, and our own time then."""
        return self.machine.at + self.ahead, self.machine.at


@pytest.mark.parametrize(("ahead", "trusted"), [(6 * SECOND, True), (9 * SECOND, False)])
def test_the_settings_say_how_far_the_clock_may_be_off(
    machine: Machine, ahead: int, *, trusted: bool
) -> None:
    server = Homeserver(machine)
    server.ahead = ahead
    open_now = {ConnectorName("m"): cast("Connector", server)}
    assert ClockTrust(machine, 0, lambda: open_now, ()).trusted()
    asked = ClockTrust(machine, 0, lambda: open_now, (), 7 * SECOND)
    assert asked.trusted() is trusted
