"""`wallcross plan` and `apply`: shown, kept in a file, carried out, told by exit codes."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import network
from connectors.memory.farside import FarSide
from connectors.memory.faults import FaultKind
from orchestrator.cli.plan_lines import done_line, plan_lines
from orchestrator.client.plans import ActLine, DoneLine, PlanView
from orchestrator.clock import SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.rooms.acts import Hands
from orchestrator.wiring import open_runtime
from tests.scenarios.house import Talk, by_words, make_deal
from tiers.tier import Tier

from .conftest import Wx

NETWORK, CODE = "of-the-plans", "HERON"
LUNCH = Talk("lunch", Tier.COORDINATION)


@pytest.fixture
def far() -> Iterator[FarSide]:
    yield FarSide.of(network.shared(NETWORK))
    network.forget(NETWORK)


@pytest.fixture
def room(wx: Wx, far: FarSide, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A room of five, on a network that lives as long as the test."""
    del wx, far  # for their effect
    home.mkdir(mode=0o700)
    settings = home / "wallcross.toml"
    text = '[channels.memory]\nkind = "memory"\nsettings = { network = "%s" }\n'
    settings.write_text(text % NETWORK)
    settings.chmod(0o600)
    quick = {**(Hands.__init__.__kwdefaults__ or {}), "patience": SECOND}
    monkeypatch.setattr(Hands.__init__, "__kwdefaults__", quick)

    async def made() -> str:
        opening = open_runtime(load(environ={}, state=home), by_words(), live=True, now=now)
        async with opening as runtime:
            await make_deal(OpenHome(runtime), (LUNCH,))
            [[_, binding]] = runtime.book.rooms()
            return str(binding.room)

    return asyncio.run(made())


def play(what: Coroutine[Any, Any, None]) -> None:
    """Something happens on the network, between two commands."""
    asyncio.run(what)


def test_of_an_unchanged_deal_there_is_nothing_to_do(wx: Wx, room: str) -> None:
    assert room
    shown = wx("plan", "--json", "--exit-code")
    assert shown.code == 0, shown.err
    assert (shown.json["acts"], shown.json["right"]) == ([], 5)
    assert wx("plan").out.startswith("Plan ")
    done = wx("apply", "--yes")
    assert done.code == 0
    assert "5 as they should be" in done.out


def test_a_plan_is_shown_kept_and_carried_out(
    wx: Wx, room: str, far: FarSide, tmp_path: Path
) -> None:
    kept = tmp_path / "plan.json"
    play(far.set_admin(room, "di", admin=True))
    shown = wx("plan", "--to", str(kept), "--exit-code")
    assert shown.code == 10
    assert "Di" in shown.out
    assert f"wallcross apply {kept}" in shown.out
    assert json.loads(kept.read_text())["acts"][0]["kind"] == "demote"
    assert wx("apply", str(kept), "--no-input").code == 2, "nobody can be asked"
    done = wx("apply", str(kept), "--yes")
    assert done.code == 0, done.err
    assert "demote   Di" in done.err
    assert "seen: admin no more" in done.err
    assert done.out.startswith("1 seen, 0 requested and not confirmed, 0 not done. Done.")
    assert wx("plan", "--exit-code").code == 0


def test_what_was_not_confirmed_ends_with_partly_done_and_goes_on(
    wx: Wx, room: str, far: FarSide
) -> None:
    play(far.set_admin(room, "di", admin=True))
    play(far.inject(FaultKind.ANSWER_NOTHING, verb="role", times=None))
    name = wx("plan", "--json").json["hash"]
    first = wx("apply", name[:8], "--yes", "--json")
    assert first.code == 7
    assert [d["outcome"] for d in first.json["acts"]] == ["not_confirmed"]
    assert "requested, not confirmed" in first.err
    play(far.clear_faults())
    again = wx("apply", name[:8], "--yes", "--json")
    assert (again.code, again.json["seen"]) == (0, 1)


def test_a_plan_that_is_none_or_has_moved_is_refused(
    wx: Wx, room: str, far: FarSide, tmp_path: Path
) -> None:
    assert wx("apply", "0000000", "--yes").code == 1
    assert wx("apply", "00", "--yes").code == 2
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    assert wx("apply", str(broken), "--yes").code == 2
    name = wx("plan", "--json").json["hash"]
    play(far.set_admin(room, "di", admin=True))
    moved = wx("apply", name, "--yes")
    assert moved.code == 5
    assert "demote Di #lunch memory: this differs by now too" in moved.err


def line(**more: Any) -> ActLine:
    known: dict[str, Any] = {
        "kind": "remove", "conversation": "lunch", "channel": "memory", "room": "!r",
        "account": "greta", "person": None, "name": "", "because": "unknown",
    }  # fmt: skip
    return ActLine(**(known | more))


def test_a_plan_reads_as_sentences() -> None:
    held = line(held="first_seen")
    left = line(kind="bot_demoted", account="us", because="not_admin")
    found = PlanView(
        hash="7f3c" + "0" * 60, deal_id="d", document="{}",
        acts=(line(name="Greta Bergmann", because="not_cleared"),), held=(held,), left=(left,),
        right=158, unread=1,
    )  # fmt: skip
    first, second, *_, counts, unread, then = plan_lines(found, None)
    assert first.split() == [
        *("-", "Greta", "Bergmann", "#lunch", "memory"),
        *("in", "the", "room,", "not", "cleared", "for", "it"),
    ]
    assert "first seen just now" in second
    assert counts == (
        "Plan 7f3c0000: 1 to remove, 0 to add, 0 more to put right, 1 waiting, 1 for people. "
        "158 as they should be."
    )
    assert "could not be read" in unread
    assert then == "Nothing was changed. Next: wallcross apply 7f3c0000"


@pytest.mark.parametrize(
    ("outcome", "why", "words"),
    [
        ("seen", None, "seen gone after 2.1 s"),
        ("seen", "so_already", "so already"),
        ("not_confirmed", "not_seen", "requested, not confirmed (not_seen)"),
        ("refused", "not_an_admin", "not done (not_an_admin)"),
    ],
)
def test_what_became_of_an_act_is_one_of_three_things(
    outcome: str, why: str | None, words: str
) -> None:
    done = DoneLine(act=line(), outcome=outcome, why=why, took_us=2_100_000)
    assert done_line(done).endswith(words)
