"""Windows by themselves, under any sequence of beats, crashes and restarts: nothing is left out."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.port.posts import Said
from connectors.wickr.ledger import POLLING, Ledger
from connectors.wickr.spool import Spool
from connectors.wickr.windows import BATCH_LOST, CHANGED, NOT_RUNNING, UNREACHED, Windows

KEY = bytes(32)
SECOND = 1_000_000
LINGERS = 4 * SECOND


@dataclass
class House:
    """One account's files, a clock that a test moves, and whoever watches over it now."""

    folder: Path
    now: int = 1_000_000 * SECOND
    spool: Spool = field(init=False)
    ledger: Ledger = field(init=False)
    windows: Windows = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.spool, self.ledger = Spool(self.folder, KEY), Ledger(self.folder)
        self.windows = Windows(self.ledger, self.spool, lambda: self.now, lambda: None)
        self.windows.posting(begins=True)
        self.windows.opened()

    def crash(self) -> None:
        self.spool.close()
        self.ledger.close()

    def told(self) -> list[tuple[str, int, int]]:
        notes = [one.told for one in self.spool.after(0, 10_000)]
        return [(n["code"], n["since"], n["until"]) for n in notes if n["note"] == "missed"]


beats = st.tuples(st.just("beat"), st.booleans(), st.booleans())
steps = st.lists(
    st.tuples(st.integers(1, 90), beats | st.just(("crash", True, True))), min_size=1, max_size=25
)


@given(steps)
@settings(max_examples=60, deadline=None)  # each opens files anew
def test_every_bad_stretch_lies_in_a_window_and_no_window_in_a_good_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, tuple[str, bool, bool]]]
) -> None:
    house = House(tmp_path_factory.mktemp("windows"))
    good_at = house.now
    bad: list[tuple[int, int]] = []
    fine: list[tuple[int, int]] = []
    for seconds, (what, reached, ours) in steps:
        before, house.now = house.now, house.now + seconds * SECOND
        if what == "crash":
            house.crash()
            house.begin()
            bad.append((good_at, house.now))
        elif reached and ours:
            house.windows.beat({UNREACHED: True, CHANGED: True})
            (bad if good_at < before else fine).append((good_at, house.now))
        else:
            house.windows.beat({UNREACHED: reached, CHANGED: ours})
            continue
        good_at = house.now
    told = house.told()
    for since, until in bad:
        assert any(s <= since and until <= u for _, s, u in told), (since, until, told)
    for since, until in fine:
        assert not any(s < until and since < u for _, s, u in told), (since, until, told)
    house.crash()


def test_a_first_start_has_missed_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.told() == []


def test_an_end_in_order_has_missed_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.windows.posting(begins=False)
    house.crash()
    house.now += 3600 * SECOND
    house.begin()
    assert house.told() == []


def test_an_end_without_order_is_a_window_from_the_last_pulse(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.now += 60 * SECOND
    house.windows.beat({UNREACHED: True})
    pulse = house.now
    house.crash()
    house.now += 60 * SECOND
    house.begin()
    assert house.told() == [(NOT_RUNNING, pulse, house.now)]


@pytest.mark.parametrize("starts", [1, 3])
def test_a_poll_under_way_at_the_end_is_a_window_however_often_we_start(
    tmp_path: Path, starts: int
) -> None:
    house = House(tmp_path)
    house.windows.posting(begins=False)
    drained = house.now
    house.ledger.keep(POLLING, drained)
    house.now += 2 * SECOND
    house.windows.beat({})
    pulse = house.now
    house.crash()
    windows = house.windows
    for _ in range(starts):  # a start that gets no further than to look, and polls again
        house.spool, house.ledger = Spool(tmp_path, KEY), Ledger(tmp_path)
        windows = Windows(house.ledger, house.spool, lambda: house.now, lambda: None)
        house.ledger.keep(POLLING, house.now)
        house.now += 100 * SECOND
    windows.opened()
    assert house.told() == [(BATCH_LOST, drained, pulse + LINGERS)]


def test_what_cannot_be_told_now_holds_the_pulse_until_it_is(tmp_path: Path) -> None:
    house = House(tmp_path)
    began = house.now
    house.windows.answered(Said.NOT_STORED, house.now)
    house.now += 5 * SECOND
    house.spool.close()
    assert not house.windows.beat({UNREACHED: True})
    house.ledger.close()
    house.begin()
    assert house.told() == [(NOT_RUNNING, began, house.now)]
