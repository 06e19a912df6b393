"""The benches measure what they say, on work that was done; no figure is judged here."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.bench import route as bench
from orchestrator.bench.burn import calibrate
from orchestrator.bench.home import PEOPLE, BenchHome
from orchestrator.bench.network import NAME, BenchNetwork, Wire
from orchestrator.bench.post import Poster
from orchestrator.bench.route import BenchError, route_report
from orchestrator.bench.tier import LENGTHS, tier_report
from orchestrator.clock import now
from orchestrator.wiring import open_runtime

FIGURES = ("floor_per_s", "drain_per_s", "ratio", "accept_per_s", "route_per_s")


def quiet(_told: str) -> None:
    return


@pytest.mark.long
def test_a_quick_run_gives_every_figure(tmp_path: Path) -> None:
    told: list[str] = []
    found: Any = route_report(open_runtime, told.append, quick=True, folder=tmp_path)
    costs = [f"ms_at_{bench.QUICK.small}", f"ms_at_{bench.QUICK.large}"]
    for name in (*FIGURES, *costs):
        assert type(found[name]) is float
        assert found[name] > 0
    for name, (least, greatest) in found["spread"].items():
        assert least <= found[name] <= greatest or found[name] == pytest.approx(least, rel=0.01)
    assert found["messages"] == bench.QUICK.messages * (bench.HANDED_IN + 2 * bench.QUICK.rounds)
    assert told
    assert not list(tmp_path.iterdir())


def test_the_names_of_a_full_run_are_those_that_are_promised() -> None:
    assert (bench.FULL.small, bench.FULL.large) == (1_000, 100_000)
    assert bench.FULL.conversations == 200
    assert len(bench.BODY.encode()) == 1024


@pytest.mark.long
def test_a_send_that_reaches_nobody_gives_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(self: Wire, key: str, body: bytes) -> str:
        del self, key, body
        return "nowhere"

    monkeypatch.setattr(Wire, "put", put)
    with pytest.raises(BenchError, match="should have arrived"):
        route_report(open_runtime, quiet, quick=True, folder=tmp_path)


def test_the_seal_takes_the_work_that_it_was_given() -> None:
    small, large = calibrate(0.2), calibrate(0.8)
    assert 2 < large.bits / small.bits < 8
    assert small(b"body").endswith(b"body")
    assert small(b"body") == small(b"body") != small(b"bodz")


def test_tiering_is_measured_in_four_lengths_beside_rules_alone() -> None:
    found: Any = tier_report(2)
    assert found["messages"] == 2 * len(LENGTHS)
    assert set(found["ms_by_length"]) == {"up_to_20", "up_to_60", "up_to_150", "more"}
    assert set(found["alternative_ms_by_length"]) == set(found["ms_by_length"])
    assert all(ms > 0 for ms in found["ms_by_length"].values())
    assert found["alternative"] == "rules"
    assert found["memory_mb"] >= 0


async def test_no_notice_is_due_in_a_room_of_the_bench(tmp_path: Path) -> None:
    home = BenchHome(tmp_path, BenchNetwork(Wire(Poster(1), bytes), now), open_runtime)
    await home.found(1, 2)
    async with home.open(live=False) as runtime:
        sql = "SELECT room, account FROM room_notice"
        told = set(await runtime.store.read(lambda tx: tx.all(sql)))
        rooms = [binding.room for _, binding in runtime.book.rooms()]
        joined = [(room, await runtime.observer.joined(NAME, room)) for room in rooms]
    assert told == {(room, account) for room, accounts in joined for account in accounts or ()}
    assert len(told) == 2 * PEOPLE
