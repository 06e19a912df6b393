"""`send --wait`: every state that a message can end the waiting in has its exit code."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import session
from orchestrator.cli.send_cmd import UNSETTLED, WAITED
from orchestrator.client.views import MessageView, Sent
from orchestrator.config.policy import default_text, read_policy
from orchestrator.outbox.item import MessageState
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tests.orchestrator.api.conftest import MemoryHome
from tiers.rights import Viewer

from .conftest import Wx

MESSAGE = "msg_" + "0" * 32
LINE = ("send", "text", "--person", "ximena.park", "--deal", "HALCYON", "--json")
Stands = Callable[..., Wx]


class Home(MemoryHome):
    """A home whose message goes through the states that a test names, the last one for good."""

    def __init__(self, store: Store, states: list[str]) -> None:
        super().__init__(store)
        self.states = states
        self.answers["send_text"] = self.answers["send_file"] = Sent(
            message_id=MESSAGE, state="accepted"
        )

    async def message_shown(self, message: str, viewer: Viewer) -> MessageView:
        """Where it stands now."""
        assert viewer.whole
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return MessageView(
            message_id=message,
            deal_id="deal_1",
            state=state,
            tier="operations",
            conversation_id=None,
            deliveries={},
        )


@pytest.fixture
def stands(wx: Wx, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stands:
    """`wallcross` in front of a home whose message stands as named."""
    migrate(tmp_path / "store.db")
    home.mkdir(mode=0o700)

    def make(*states: str) -> Wx:
        @asynccontextmanager
        async def opened(*_: Any, **__: Any) -> AsyncIterator[Home]:
            store = Store(tmp_path / "store.db")
            found = Home(store, list(states))
            if not await found.deal_list():
                rules = read_policy(default_text())
                await found.deal_new("HALCYON", made_up=True, policy=rules, actor="local:1")
            yield found
            await store.close()

        monkeypatch.setattr(session, "opened", opened)
        return wx

    return make


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("delivered",), 0),
        (("accepted", "delivering", "delivered"), 0),
        (("accepted", "held"), 0),
        (("delivering", "dead"), 1),
        (("dropped",), 1),
        (("delivering", "possibly"), 7),
    ],
)
def test_the_waiting_ends_with_the_code_of_what_became_of_it(
    stands: Stands, states: tuple[str, ...], code: int
) -> None:
    done = stands(*states)(*LINE, "--wait", stdin="text")
    assert (done.code, done.err) == (code, "")
    assert (done.json["message_id"], done.json["state"]) == (MESSAGE, states[-1])


@pytest.mark.parametrize("state", sorted(UNSETTLED))
def test_what_is_still_on_its_way_when_the_time_is_up_is_partly_done(
    stands: Stands, state: str
) -> None:
    done = stands(state)(*LINE, "--wait", "--timeout", "0.3", stdin="text")
    assert (done.code, done.json["state"]) == (7, state)


def test_a_file_is_waited_for_alike(stands: Stands, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("figures")
    line = ("file", str(tmp_path / "plan.txt"), *LINE[2:], "--wait")
    assert stands("possibly")("send", *line).code == 7


def test_without_waiting_what_was_taken_is_done(stands: Stands) -> None:
    assert stands("possibly")(*LINE, stdin="text").code == 0


def test_what_is_refused_keeps_its_own_code(stands: Stands) -> None:
    line = (*LINE[:3], "ximena.park", "--deal", "NOPE", "--json", "--wait")
    assert stands("delivered")(*line, stdin="text").code == 1
    assert stands("delivered")("send", "file", "/nowhere", *LINE[2:], "--wait").code == 1
    assert stands("delivered")("send", "text", "--wait", stdin="text").code == 2


def test_an_interrupted_wait_ends_with_130(stands: Stands, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    wx = stands("accepted")
    monkeypatch.setattr(asyncio, "sleep", interrupted)
    assert wx(*LINE, "--wait", stdin="text").code == 130


def test_no_state_is_without_a_code() -> None:
    assert set(WAITED) == {state.value for state in MessageState}
