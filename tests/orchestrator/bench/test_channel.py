"""`wallcross bench channel`: both sides really send, and a server that cannot run is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator.cli.main import run
from orchestrator.client.problems import Unready
from orchestrator.wiring.benches import stages
from orchestrator.wiring.benches.channel import Both, Side, channel_report


async def test_both_sides_send_and_are_weighed(tmp_path: Path) -> None:
    found = await stages.report("wickr", tmp_path, count=8, rounds=1)
    assert (found["kind"], found["bare"], found["in_flight"]) == ("wickr", "httpx", 8)
    for side in ("ours", "bare", "alone"):
        assert float(str(found[f"{side}_per_second"])) > 0
        assert float(str(found[f"{side}_cpu_ms"])) > 0
    assert float(str(found["ratio_least"])) <= float(str(found["ratio"]))


async def test_a_send_that_fails_makes_no_figure(tmp_path: Path) -> None:
    async def well(text: str, room: int) -> None:
        assert text.endswith(".")
        assert room in range(8)

    async def fails(_text: str, _room: int) -> None:
        raise RuntimeError("the server refused")

    @asynccontextmanager
    async def stage(_folder: Path) -> AsyncIterator[Both]:
        yield Both("nothing", Side("a", well), Side("b", fails))

    with pytest.raises(ExceptionGroup):
        await channel_report("x", {"x": stage}, tmp_path, count=8, rounds=1)


async def test_a_server_that_is_not_here_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Unready, match="Prosody is not here"):
        await stages.report("xmpp", tmp_path, count=8, rounds=1)


def test_another_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("bench", "channel", "pigeon")) == 2
    assert "signal-json-rpc, wickr" in capsys.readouterr().err
