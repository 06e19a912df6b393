"""An open home on the Signal stand-in, from a server that is not there yet to a room that is left.

The server is started after the home; then one conversation is walked through: made, a message out
and one in, one that is held and moved by its author's answer, and a stranger who pauses the room.
"""

import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from connectors.port import ConnectorName
from connectors.signal.standin import process
from connectors.signal.standin.control import Control, Message
from orchestrator.clock import SECOND
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.demo.loopback import free_port
from orchestrator.wiring import open_runtime, opening
from tiers.ids import AccountId
from tiers.people import Roster
from tiers.tier import Tier

from .conftest import Hands, House, eventually
from .house import ACTOR, HIGHEST, Talk, by_words, make_deal, roster

SIGNAL = ConnectorName("signal")
NUMBER = "+15550100"
SAID = "The list of documents was read again."
AGAIN = "It was read once more, by all of us."
TALKS = (Talk("lunch", Tier.COORDINATION), Talk("supply", Tier.OPERATIONS))


@dataclass
class Phones:
    """A home whose API server is not started yet, and how to start it."""

    home: OpenHome
    api: int
    webhook: str
    stack: AsyncExitStack

    async def start(self) -> Control:
        running = self.stack.enter_context(process.start(webhook=self.webhook, port=self.api))
        return await self.stack.enter_async_context(Control(running.control, running.token))

    async def opened(self) -> None:
        async def is_open() -> bool:
            return SIGNAL in self.home.runtime.connectors

        await eventually(is_open)


@pytest.fixture
async def phones(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Phones]:
    monkeypatch.setattr(opening, "FIRST_PAUSE", SECOND // 10)
    monkeypatch.setattr(opening, "LONGEST_PAUSE", SECOND // 5)
    secret = secrets.token_urlsafe(32)
    monkeypatch.setenv("WX_TEST_WEBHOOK", secret)
    monkeypatch.setenv("WX_TEST_STATE", base64.b64encode(secrets.token_bytes(32)).decode())
    api, listen = free_port(), free_port()
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "wallcross.toml").write_text(
        f"""
[channels.signal]
kind = "signal"
[channels.signal.settings]
api = "http://127.0.0.1:{api}"
number = "{NUMBER}"
listen_port = {listen}
patience = 20.0
look_every = 0.5
[channels.signal.secrets]
webhook_secret = "env:WX_TEST_WEBHOOK"
state_key = "env:WX_TEST_STATE"
"""
    )
    found = load(environ={}, state=tmp_path / "home")
    opening_home = open_runtime(found, by_words(), live=True, now=Hands())
    async with AsyncExitStack() as far, opening_home as running:  # the network goes after the home
        yield Phones(OpenHome(running), api, f"http://127.0.0.1:{listen}/{secret}", far)


async def people(hand: Control) -> Roster:
    """Everybody with a phone, his account on the roster."""
    listed = roster((SIGNAL,))
    numbered = []
    for n, person in enumerate(listed.people):
        made = await hand.person(person.person_id, number=f"+{15550200 + n}", auto_join=True)
        numbered.append(replace(person, accounts={SIGNAL: AccountId(made.uuid)}))
    return replace(listed, people=tuple(numbered))


async def shown(hand: Control, who: str, text: str, group: str | None = None) -> Message:
    """What a phone shows, once it does."""
    found: list[Message] = []

    async def there() -> bool:
        found[:] = [m for m in await hand.arrived(who, group) if text in (m.text or "")]
        return bool(found)

    await eventually(there)
    return found[-1]


async def test_a_server_that_starts_late_and_a_conversation_on_it(phones: Phones) -> None:
    [view] = await phones.home.channel_list()
    assert (view.state, view.why) == ("closed", "unreachable")
    hand = await phones.start()
    await phones.opened()
    deal = await make_deal(phones.home, TALKS, channel=SIGNAL, people=await people(hand))
    house = House(phones.home, deal, None, Hands())  # type: ignore[arg-type]  # no memory network
    lunch, supply = house.room("lunch", SIGNAL), house.room("supply", SIGNAL)
    for room, members in ((lunch, HIGHEST), (supply, ("ada", "bo", "cy", "di"))):
        assert {*(await hand.group(room)).members} >= {*members}

    # out, and in
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "delivered"
    await shown(hand, "el", SAID, lunch)
    await hand.write("el", "Read it.", group=lunch)
    sql = "SELECT message_id FROM message WHERE connector = 'signal' AND state = 'delivered'"

    async def taken() -> bool:
        return len(await house.rows(sql)) == 1

    await eventually(taken)

    # a stranger pauses the room, and nothing of ours goes into it
    await hand.person("zed", auto_join=True)
    await hand.add_member(lunch, "zed", by="ada")

    async def paused() -> bool:
        rows = await house.rows("SELECT paused FROM room WHERE room = ?", lunch)
        return rows[0][0] is not None

    await eventually(paused)
    assert "unknown_member" in await house.findings()
    message = await house.send(AGAIN, to="lunch")
    assert await house.ends(message) == "held"
    told = await shown(hand, "ada", "Held. Nobody has seen it.")
    assert told.group is None, "in her own line"

    # what is held is moved, and reaches the other room alone
    await house.home.held_move(message, "supply", actor=ACTOR)
    assert await house.ends(message) == "delivered"
    await shown(hand, "di", AGAIN, supply)
    assert not any(AGAIN in (m.text or "") for m in await hand.arrived("zed", lunch))
