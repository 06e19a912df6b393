"""`wallcross conv tier` and `conv close`: shown, asked for, told by exit codes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.memory import network
from connectors.memory.connector import MemoryConnector
from connectors.port.errors import Unavailable
from orchestrator.clock import SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.rooms.acts import Hands
from orchestrator.wiring import open_runtime
from tests.scenarios.house import Talk, by_words, make_deal
from tiers.tier import Tier

from .conftest import Wx

NETWORK = "of-the-conversations"
LUNCH = Talk("lunch", Tier.COORDINATION)


@pytest.fixture
def conv(wx: Wx, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wx]:
    """A room of five, on a network that lives as long as the test."""
    network.shared(NETWORK)
    home.mkdir(mode=0o700)
    settings = home / "wallcross.toml"
    text = '[channels.memory]\nkind = "memory"\nsettings = { network = "%s" }\n'
    settings.write_text(text % NETWORK)
    settings.chmod(0o600)
    quick = {**(Hands.__init__.__kwdefaults__ or {}), "patience": SECOND}
    monkeypatch.setattr(Hands.__init__, "__kwdefaults__", quick)

    async def made() -> None:
        opening = open_runtime(load(environ={}, state=home), by_words(), live=True, now=now)
        async with opening as runtime:
            await make_deal(OpenHome(runtime), (LUNCH,))

    asyncio.run(made())
    yield wx
    network.forget(NETWORK)


def test_a_tier_is_shown_tried_and_raised(conv: Wx) -> None:
    assert conv("conv", "tier", "lunch").out == "#lunch  coordination\n"
    alone = conv("conv", "tier", "lunch", "operations")
    assert (alone.code, "--by PERSON" in alone.err) == (2, True)
    tried = conv("conv", "tier", "lunch", "operations", "--by", "ada", "--dry-run", "--json")
    assert tried.code == 0, tried.err
    assert (tried.json["changed"], tried.json["uncleared"]) == (False, ["el"])
    assert conv("conv", "tier", "lunch", "--json").json["floor"] == "coordination"
    done = conv("conv", "tier", "lunch", "operations", "--by", "ada")
    assert done.code == 0, done.err
    assert "#lunch counts as operations from now on; it counted as coordination" in done.out
    assert "  not cleared, and in: el\n" in done.out
    assert "wallcross plan" in done.err
    lower = conv("conv", "tier", "lunch", "coordination", "--by", "ada")
    assert lower.code == 5
    assert "wallcross conv new NAME --tier coordination" in lower.err
    again = conv("conv", "tier", "lunch", "operations", "--by", "ada")
    assert "counts as operations already" in again.out


def test_it_is_closed_by_its_name_typed_or_yes(conv: Wx) -> None:
    look = conv("conv", "close", "lunch", "--dry-run")
    assert (look.code, look.out.splitlines()[0]) == (0, "#lunch  open")
    asked = conv("conv", "close", "lunch", "--no-input")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    done = conv("conv", "close", "lunch", "--yes")
    assert done.code == 0, done.err
    assert done.out.startswith("#lunch  closed\n")
    assert "5 seen gone" in done.out
    assert conv("conv", "list").out.splitlines()[1].endswith("closed")
    sent = conv("send", "text", "--person", "ada", "--conversation", "lunch", stdin="hello")
    assert (sent.code, "lunch was closed" in sent.err) == (5, True)
    assert conv("conv", "close", "lunch", "--yes").code == 0, "asked again, nothing is left to do"


def test_seven_while_a_room_is_not_seen_empty(conv: Wx, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: object, __: object) -> object:
        raise Unavailable("away", "it does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryConnector, "members", away)
        done = conv("conv", "close", "lunch", "--yes")
        assert done.code == 7, done.err
        assert "not confirmed" in done.out
        assert conv("conv", "list").out.splitlines()[1].endswith("closing")
    assert conv("conv", "close", "lunch", "--yes").code == 0


def test_what_waits_is_named_first(conv: Wx) -> None:
    text = "zvaluation: we raise our offer to 27.50 per share."
    conv("send", "text", "--person", "ada", "--conversation", "lunch", stdin=text)
    done = conv("conv", "close", "lunch", "--yes")
    assert done.code == 5, done.out
    assert "Something of #lunch waits" in done.err
    assert "--even-waiting" in done.err
    assert conv("conv", "close", "lunch", "--yes", "--even-waiting").code == 0
