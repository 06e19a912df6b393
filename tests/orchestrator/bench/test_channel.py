"""`wallcross bench channel`: both sides really send, and a server that cannot run is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import run
from orchestrator.client.problems import Unready
from orchestrator.demo.adviser import Adviser
from orchestrator.demo.mailserver import cannot
from orchestrator.wiring.benches import mail, stages
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


@pytest.mark.parametrize(
    ("kind", "said"), [("xmpp", "Prosody is not here"), ("pgpmail", "Postfix")]
)
async def test_a_server_that_is_not_here_is_said(
    kind: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Unready, match=said):
        await stages.report(kind, tmp_path, count=8, rounds=1)


@pytest.mark.long
@pytest.mark.real
async def test_each_side_has_its_mails_sealed_to_the_adviser_and_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = cannot()
    if why is not None:
        pytest.skip(why)
    made: list[Adviser] = []

    def noted(*args: Any) -> Adviser:
        made.append(Adviser(*args))
        return made[-1]

    monkeypatch.setattr(mail, "Adviser", noted)
    async with mail.pgpmail(tmp_path) as both:
        assert both.alone is not None
        for side in (both.ours, both.bare, both.alone):
            await side.put(f"{side.name}.", 0)
        (ann,) = made
        async with asyncio.timeout(20):
            while len(ann.known()) < 3:  # noqa: ASYNC110 (a folder)
                await asyncio.sleep(0.05)
        opened = await asyncio.to_thread(ann.open_all)
    bare = f"{both.bare.name}."
    assert sorted(each.text.strip() for each in opened) == [bare, bare, "wallcross."]
    signers = {each.text: each.signer for each in opened}
    assert None not in signers.values()
    assert len(set(signers.values())) == 2


def test_another_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("bench", "channel", "pigeon")) == 2
    assert "signal-json-rpc, wickr" in capsys.readouterr().err
