"""A real Synapse takes a password from us while a home is open, and its room goes on as it was."""

from pathlib import Path

import pytest

from orchestrator.client.problems import Refused
from orchestrator.client.views import NewConversation, Post
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.secrets.reference import put, resolve
from orchestrator.wiring import open_runtime
from tests.scenarios.networks import PASSWORD, PEOPLE, Matrix, people
from tiers.ids import ConnectorName, DealId, MessageId

from .conftest import OPEN, eventually
from .house import ACTOR, by_words, make_deal
from .theatre import with_synapse

pytestmark = pytest.mark.long
REFERENCE = "keyring:lab/matrix"
MATRIX = ConnectorName("matrix")


async def said(home: OpenHome, deal: DealId, text: str) -> str:
    post = Post(person="ada", conversation="talk")
    sent = await home.send_text(deal, post, text, actor=ACTOR)
    message = MessageId(sent.message_id)

    async def over() -> bool:
        return (await home.message_show(message)).state not in OPEN

    await eventually(over)
    return (await home.message_show(message)).state


async def test_it_goes_on_as_the_same_device(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
) -> None:
    with_synapse()
    network = Matrix()
    await network.open(tmp_path)
    try:
        flags = {**network.flags(), "channels.matrix.secrets.password": REFERENCE}
        settings = load(flags=flags, environ={}, state=tmp_path / "home")
        async with open_runtime(settings, by_words(), live=False, now=now) as runtime:
            put(REFERENCE, PASSWORD.encode(), runtime.secrets)
        async with open_runtime(settings, by_words(), live=True, now=now) as runtime:
            home = OpenHome(runtime)
            deal = await make_deal(home, (), people=people((network,)))
            new = NewConversation(
                label="talk", floor="coordination", channel="matrix", owner="ada", members=PEOPLE
            )
            made = await home.conv_new(deal, new, actor=ACTOR)
            await network.come_in([made.rooms[0].room], home)  # type: ignore[arg-type]  # asks for our certificate, as a client would
            devices = await runtime.connectors[MATRIX].own_devices()  # type: ignore[attr-defined]  # Matrix tells them
            assert await said(home, deal, "Before.") == "delivered"
            with pytest.raises(Refused, match="is not opened by the new value"):
                await home.channel_rotate(
                    MATRIX, "password", "never-it", make=False, only_look=False, actor=ACTOR
                )
            assert await said(home, deal, "With the old one.") == "delivered"
            done = await home.channel_rotate(
                MATRIX, "password", None, make=True, only_look=False, actor=ACTOR
            )
            assert (done.state, done.account) == ("changed", "@wallcross:deal.test")
            assert resolve(REFERENCE, runtime.secrets).reveal_text() != PASSWORD
            assert await runtime.connectors[MATRIX].own_devices() == devices  # type: ignore[attr-defined]  # as above
            assert await said(home, deal, "With the new one.") == "delivered"
        async with open_runtime(settings, by_words(), live=True, now=now) as runtime:
            assert MATRIX in runtime.connectors
            assert await said(OpenHome(runtime), deal, "After a start.") == "delivered"
    finally:
        await network.close()
