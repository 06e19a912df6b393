"""A real Synapse whose answers to us are not what is so: nobody goes on their strength.

A proxy between our account and the homeserver leaves people out of lists and answers that something
was done which was not. People's own clients reach the homeserver past it: what is so is read there.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from orchestrator.api.app import make_app
from orchestrator.api.server import listening
from orchestrator.cli.session import SOCKET
from orchestrator.client.plans import DoneLine, PlanView
from orchestrator.client.problems import Refused
from orchestrator.client.views import NewConversation, Post
from orchestrator.clock import SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.demo.farside import Person
from orchestrator.wiring import open_runtime
from tests.connectors.matrix.conftest import Proxy, yes
from tests.connectors.matrix.hiding import EVERY_LIST, silent_about, without
from tests.scenarios.networks import PASSWORD, PEOPLE, Matrix, people
from tiers.ids import DealId, MessageId

from .conftest import OPEN, as_stated, eventually
from .house import ACTOR, by_words, make_deal
from .theatre import with_synapse

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]
GRETA = "@greta:deal.test"
BO = "@bo:deal.test"
PATIENCE = 3 * SECOND
"""Microseconds for which an act is looked for: the homeserver answers at once."""


@dataclass
class Lying(Matrix):
    """A real Synapse that our account reaches through a proxy."""

    strangers: dict[str, Person] = field(default_factory=dict)

    async def open(self, folder: Path) -> None:
        await super().open(folder)
        self.proxy = Proxy(self.server.url)
        self.address = await self.proxy.start()

    async def close(self) -> None:
        for phone in self.strangers.values():
            await phone.close()
        await super().close()
        await self.proxy.close()

    def flags(self) -> dict[str, str]:
        return {**super().flags(), "channels.matrix.settings.homeserver": self.address}

    async def stranger(self, user: str) -> Person:
        """Somebody's own client; the roster has no such account."""
        if user not in self.strangers:
            name = user[1:].partition(":")[0]
            await asyncio.to_thread(self.server.register, name, PASSWORD)
            phone = Person(self.server.url, user, PASSWORD, self.folder / name)
            await phone.open()
            self.strangers[user] = phone
        return self.strangers[user]


@dataclass
class Scene:
    """A live home and a room of ada, bo and whoever they let in."""

    home: OpenHome
    deal: DealId
    network: Lying
    made: int = 0
    label: str = ""
    room: str = ""

    @property
    def ada(self) -> Person:
        return self.network.phones["ada"]

    async def make(self) -> None:
        self.made += 1
        label = f"room{self.made}"
        new = NewConversation(
            label=label, floor="operations", channel="matrix", owner="ada", members=PEOPLE
        )
        await self.home.conv_new(self.deal, new, actor=ACTOR)
        shown = await self.home.conv_show(self.deal, label)
        self.label, self.room = label, shown.rooms[0].room
        await self.network.come_in([self.room], self.home)  # type: ignore[arg-type]  # asks nothing of it
        await self.reaches("good morning")

    async def let_in(self, user: str) -> Person:
        phone = await self.network.stranger(user)
        await self.ada.invite(self.room, user)
        await phone.join(self.room)
        return phone

    def hide(self, account: str, *kinds: str) -> None:
        for kind in kinds:
            self.network.proxy.always(kind, without(account, kind))

    def straight(self) -> None:
        self.network.proxy.straight()

    async def inside(self) -> set[str]:
        """Who is in the room by what the homeserver tells ada's own client."""
        path = f"/_matrix/client/v3/rooms/{quote(self.room, safe='')}/joined_members"
        told: Any = await self.ada.raw("GET", path)
        return set(told["joined"])

    async def ends(self, text: str) -> str:
        """Has ada say something through us; the state in which it stays."""
        post = Post(person="ada", conversation=self.label)
        sent = await self.home.send_text(self.deal, post, f"{self.label} {text}", actor=ACTOR)
        message = MessageId(sent.message_id)

        async def over() -> bool:
            return (await self.home.message_show(message)).state not in OPEN

        await eventually(over)
        return (await self.home.message_show(message)).state

    async def reaches(self, text: str) -> None:
        """Says something that bo is to have."""
        assert await self.ends(text) == "delivered"

        async def there() -> bool:
            return await self.on_screen("bo", text)

        await eventually(there)

    async def on_screen(self, name: str, text: str) -> bool:
        phone = self.network.phones.get(name) or self.network.strangers[name]
        await phone.sync()
        return any(text in said for said in phone.texts(self.room))

    async def paused(self) -> bool:
        return bool((await self.home.conv_show(self.deal, self.label)).rooms[0].paused)

    async def stops(self) -> None:
        await eventually(self.paused)

    async def goes_on(self) -> None:
        async def on() -> bool:
            return not await self.paused()

        await eventually(on)

    async def findings(self) -> set[str]:
        sql = "SELECT rule FROM finding WHERE closed_at IS NULL"
        rows = await self.home.runtime.store.read(lambda tx: tx.all(sql))
        return {rule for (rule,) in rows}

    async def plan(self) -> PlanView:
        return await self.home.plan(self.deal)

    async def done(self, shown: PlanView) -> list[DoneLine]:
        acts = self.home.plan_apply(self.deal, shown.hash, None, actor=ACTOR)
        return [line async for line in acts]

    async def clean(self) -> None:
        """Until nothing is left to put out, with honest answers; the room goes on."""
        self.straight()
        while (shown := await self.plan()).acts or shown.held:
            await self.done(shown)
        await self.goes_on()

    async def apply_by_hand(self, shown: PlanView) -> tuple[int, str]:
        """What `wallcross apply` ends with, and says."""
        state = self.home.runtime.settings.state
        command = [sys.executable, "-m", "orchestrator.cli", "--home", str(state)]
        async with listening(make_app(self.home), state / SOCKET):
            running = await asyncio.create_subprocess_exec(
                *command, "apply", shown.hash, "--yes", stdout=-1, stderr=-1
            )
            said = await running.communicate()
        return running.returncode or 0, b"".join(said).decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lying(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    with_synapse()
    folder, network = tmp_path_factory.mktemp("lies"), Lying()
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("WALLCROSS_SECRETS", str(folder / "secrets"))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        (folder / "matrix").mkdir()
        stack.push_async_callback(network.close)
        await network.open(folder / "matrix")
        settings = load(flags=network.flags(), environ={}, state=folder / "home")
        opening = open_runtime(settings, by_words(), live=True, now=now)
        home = OpenHome(await stack.enter_async_context(opening))
        stack.push_async_exit(partial(as_stated, home.runtime))
        home.runtime.hands._patience = PATIENCE
        deal = await make_deal(home, (), people=people((network,)))
        yield Scene(home, deal, network)


@pytest_asyncio.fixture(loop_scope="module")
async def scene(lying: Scene) -> AsyncIterator[Scene]:
    """A room of its own for each test, left as the roster has it."""
    await lying.make()
    yield lying
    await lying.clean()


def removals(shown: PlanView) -> list[str | None]:
    return [a.account for a in shown.acts if a.kind == "remove"]


@pytest.mark.parametrize("kind", ["state", "joined"])
async def test_a_list_without_a_member_moves_nobody(scene: Scene, kind: str) -> None:
    """Bo is left out of one list: neither he goes for it, nor the stranger beside him."""
    await scene.let_in(GRETA)
    await scene.stops()
    honest = await scene.plan()
    assert removals(honest) == [GRETA]
    before = await scene.inside()
    scene.hide(BO, kind)
    shown = await scene.plan()
    assert shown.acts == ()
    assert {h.held for h in shown.held} == {"incomplete"}
    with pytest.raises(Refused) as refused:
        await scene.done(honest)
    assert any("not whole" in line for line in refused.value.details)
    assert await scene.inside() == before
    scene.straight()
    assert [d.outcome for d in await scene.done(honest)] == ["seen", "seen"]
    assert await scene.inside() == before - {GRETA}


async def test_a_member_left_out_of_every_list_is_neither_gone_nor_asked_in(scene: Scene) -> None:
    before = await scene.inside()
    scene.hide(BO, *EVERY_LIST)
    shown = await scene.plan()
    assert (removals(shown), [a for a in shown.acts if a.account == BO]) == ([], [])
    assert await scene.inside() == before


async def test_a_kick_that_is_answered_and_not_done_is_not_confirmed(scene: Scene) -> None:
    await scene.let_in(GRETA)
    await scene.stops()
    shown = await scene.plan()
    scene.network.proxy.always("act", yes)
    code, said = await scene.apply_by_hand(shown)
    assert code == 7, said
    assert "requested, not confirmed (not_seen)" in said
    assert "Partly done: the same plan again does the rest." in said
    assert GRETA in await scene.inside()
    assert "unknown_member" in await scene.findings()
    assert await scene.paused()
    assert await scene.ends("while she is in") != "delivered"
    scene.straight()
    code, said = await scene.apply_by_hand(shown)
    assert code == 0, said
    assert GRETA not in await scene.inside()


async def test_past_the_cap_the_rest_waits_for_a_person(scene: Scene) -> None:
    odd = [f"@odd{n}:deal.test" for n in range(3)]
    for user in odd:
        await scene.let_in(user)
    await scene.stops()
    await scene.plan()  # a stranger goes by the second reading that shows him
    shown = await scene.plan()
    assert len(removals(shown)) == 1, "five people: a quarter is one"
    assert [h.held for h in shown.held] == ["cap", "cap"]
    assert all(d.outcome == "seen" for d in await scene.done(shown))
    assert len(await scene.inside() & {*odd}) == 2


async def caught(scene: Scene) -> None:
    """The room stands still, with a finding; nothing is sent, and nobody goes by such a list."""
    await scene.stops()
    before = await scene.inside()
    assert GRETA in before
    assert "unknown_member" in await scene.findings()
    said = f"between us {scene.label}"
    assert await scene.ends(said) not in {"delivered", "possibly"}
    assert not await scene.on_screen(GRETA, said)
    assert not await scene.on_screen("bo", said)
    shown = await scene.plan()
    assert shown.acts == ()
    assert {h.held for h in shown.held} <= {"incomplete"}
    assert await scene.inside() == before


@pytest.mark.parametrize("kind", ["state", "joined"])
async def test_who_is_hidden_in_one_list_is_caught(scene: Scene, kind: str) -> None:
    scene.hide(GRETA, kind)
    await scene.let_in(GRETA)
    await caught(scene)


async def test_who_is_hidden_in_every_list_is_caught_by_the_stream(scene: Scene) -> None:
    scene.hide(GRETA, *EVERY_LIST)
    await scene.let_in(GRETA)
    await caught(scene)


async def test_who_is_hidden_in_lists_and_stream_is_caught_by_her_devices(scene: Scene) -> None:
    scene.hide(GRETA, *EVERY_LIST, "sync")
    await scene.let_in(GRETA)
    await caught(scene)


async def test_who_is_hidden_everywhere_has_no_key_to_what_is_sent(scene: Scene) -> None:
    """Two clients are shown two lists and nothing tells us: what is sent, she cannot open."""
    scene.hide(GRETA, *EVERY_LIST, "membership")
    scene.network.proxy.always("sync", silent_about(GRETA))
    await scene.let_in(GRETA)
    said = f"not for her {scene.label}"
    await scene.reaches(said)
    assert not await scene.on_screen(GRETA, said)
