"""The bench of plans plans what was planted; no figure is judged here but that it is one."""

from typing import Any

import pytest

from orchestrator.bench import plan as bench
from tiers.policy import MembershipPolicy


def test_a_run_gives_every_size_and_how_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SIZES", ((10, 5), (50, 10)))
    monkeypatch.setattr(bench, "LARGEST", (100, 4))
    found: Any = bench.plan_report(1)
    assert list(found) == ["seats_50", "seats_500", "seats_400", "per_seat_500_to_50000"]
    assert all(size["seconds"] > 0 for name, size in found.items() if name.startswith("seats_"))
    assert [found[f"seats_{n}"]["acts"] for n in (50, 500, 400)] == [15, 30, 16]


def test_the_sizes_of_a_full_run_are_those_that_are_promised() -> None:
    assert [people * rooms for people, rooms in bench.SIZES] == [500, 5_000, 50_000]
    assert bench.LARGEST == (5_000, 40)


def test_a_plan_of_something_else_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SIZES", ((10, 1), (10, 2)))
    monkeypatch.setattr(bench, "LARGEST", (10, 1))
    monkeypatch.setattr(bench, "MANY", MembershipPolicy(most=1))
    with pytest.raises(bench.NotPlanned):
        bench.plan_report(1)


@pytest.mark.long
@pytest.mark.alone
def test_a_plan_grows_with_its_seats_and_no_faster() -> None:
    """A hundred times the seats: a plan of each costs at most twice as much a seat."""
    found: Any = bench.plan_report(3)
    assert found["per_seat_500_to_50000"] < 2
