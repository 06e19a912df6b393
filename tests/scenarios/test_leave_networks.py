"""Somebody leaves who sits in twelve rooms of three networks: Synapse, Signal's stand-in, PGP mail.

What reached him is what his own clients have: a Matrix client of another library, a phone, gpg on
the mails of his mailbox.
"""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIGKILL

import pytest

from connectors.signal.standin.faults import FaultKind
from orchestrator.client.leave_words import step_line
from orchestrator.client.leaves import LeaveView
from orchestrator.client.views import NewConversation, Post
from orchestrator.clock import SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.demo.adviser import PROGRAMS
from orchestrator.wiring import open_runtime
from tests.scenarios.networks import PEOPLE, Mail, Matrix, Network, Signal, people
from tiers.ids import DealId, MessageId, PersonId

from .conftest import OPEN, as_stated, eventually
from .crashing import looking
from .house import ACTOR, by_words, make_deal
from .theatre import with_synapse

pytestmark = pytest.mark.long
EACH = 4
BO = PersonId("bo")


@dataclass
class Everywhere:
    """A live home on three networks, ada and bo in four conversations of each."""

    home: OpenHome
    deal: DealId
    networks: tuple[Network, ...]
    again: Callable[[], Awaitable[OpenHome]]
    """Opens the home anew, over the same networks."""
    close: Callable[[], Awaitable[None]]

    def labels(self, network: Network) -> list[str]:
        return [f"{network.name}{n}" for n in range(EACH)]

    def rooms(self, network: Network) -> dict[str, str]:
        """The rooms of a network's conversations by their labels; of mailings, bo's."""
        view = self.home.runtime.book.deals[self.deal]
        found = {c.label: c.conversation_id for c in view.conversations.values()}
        return {
            label: view.rooms[found[label]][-1].room
            for label in self.labels(network)
            if view.rooms.get(found[label])
        }

    async def make(self) -> None:
        for network in self.networks:
            for name, armour in network.keys().items():
                await self._take(network, name, armour)
            for label in self.labels(network):
                new = NewConversation(
                    label=label,
                    floor="operations",
                    channel=network.name,
                    owner="ada",
                    members=PEOPLE,
                )
                await self.home.conv_new(self.deal, new, actor=ACTOR)
            await network.come_in(list(self.rooms(network).values()), self.home)  # type: ignore[arg-type]  # asks for our certificate, as a client would

    async def _take(self, network: Network, name: str, armour: str) -> None:
        deal, person = self.deal, PersonId(name)
        await self.home.key_add(deal, person, network.name, armour.encode(), actor=ACTOR)
        await self.home.key_verify(deal, person, PersonId("cy"), PersonId("di"), actor=ACTOR)

    async def say(self, words: str) -> list[str]:
        """Has ada say something in every conversation; the states in which it ended."""
        sent = []
        for network in self.networks:
            for label in self.labels(network):
                post = Post(person="ada", conversation=label)
                done = await self.home.send_text(self.deal, post, f"{label} {words}", actor=ACTOR)
                sent.append(MessageId(done.message_id))
        states = []
        for message in sent:

            async def over(message: MessageId = message) -> bool:
                return (await self.home.message_show(message)).state not in OPEN

            await eventually(over)
            states.append((await self.home.message_show(message)).state)
        return states

    async def has(self) -> dict[str, int]:
        """How many of our messages bo has, by network."""
        return {
            n.name: len(await n.arrived({label: label for label in self.labels(n)}))
            for n in self.networks
        }


@pytest.fixture
async def everywhere(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
) -> AsyncIterator[Everywhere]:
    with_synapse()
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    networks: tuple[Network, ...] = (Matrix(), Signal(), Mail())
    async with AsyncExitStack() as stack:
        for network in networks:
            folder = tmp_path / network.name
            folder.mkdir()
            await network.open(folder)
            stack.push_async_callback(network.close)
        flags = {k: v for n in networks for k, v in n.flags().items()}
        settings = load(flags=flags, environ={}, state=tmp_path / "home")
        living = await stack.enter_async_context(AsyncExitStack())

        async def again() -> OpenHome:
            running = open_runtime(settings, by_words(), live=True, now=now)
            runtime = await living.enter_async_context(running)
            living.push_async_exit(partial(as_stated, runtime))
            return OpenHome(runtime)

        home = await again()
        deal = await make_deal(home, (), people=people(networks))
        found = Everywhere(home, deal, networks, again, living.aclose)
        await found.make()
        yield found


async def all_arrived(everywhere: Everywhere) -> None:
    """Until bo has one message of ours in each of the twelve."""
    assert set(await everywhere.say("before he left")) == {"delivered"}

    async def arrived() -> bool:
        return set((await everywhere.has()).values()) == {EACH}

    await eventually(arrived)


async def nothing_more_reaches_him(everywhere: Everywhere) -> None:
    assert set(await everywhere.say("after he left")) == {"delivered"}, "it waits for him"
    await asyncio.sleep(2)  # what was on its way would be there by now
    assert await everywhere.has() == {n.name: EACH for n in everywhere.networks}


def tell(capsys: pytest.CaptureFixture[str], what: str, found: LeaveView) -> None:
    with capsys.disabled():
        took = "not yet" if found.took is None else f"{found.took / SECOND:.1f} s"
        sys.stdout.write(f"\n12 rooms, three networks{what}: last read-back after {took}\n")


async def test_out_of_twelve_rooms_of_three_networks_and_nothing_reaches_him(
    everywhere: Everywhere, capsys: pytest.CaptureFixture[str]
) -> None:
    await all_arrived(everywhere)
    found = await everywhere.home.leave(everywhere.deal, BO, "left", actor=ACTOR)
    tell(capsys, "", found)
    assert found.state == "gone", [step_line(s) for s in found.steps]
    been = [s for s in found.steps if s.kind == "room" and s.was_in]
    assert len(been) == EACH * len(everywhere.networks)
    counted = {(h.channel, h.delivered, h.how) for h in found.holds if h.delivered}
    assert {(c, n) for c, n, _ in counted} == {("matrix", EACH), ("signal", EACH), ("mail", EACH)}
    assert {h for c, _, h in counted if c == "mail"} == {"copies"}
    await nothing_more_reaches_him(everywhere)


STUCK = 2
"""Rooms of Signal whose removal the network does not answer, and does not do."""


async def test_killed_in_the_middle_on_three_networks_it_finishes_by_itself(
    everywhere: Everywhere, capsys: pytest.CaptureFixture[str]
) -> None:
    """`wallcross leave` is ended by SIGKILL with some rooms seen, others not, on real networks."""
    await all_arrived(everywhere)
    signal = next(n for n in everywhere.networks if isinstance(n, Signal))
    groups = [*everywhere.rooms(signal).values()]
    assert await seated(signal, groups) == EACH
    settings = everywhere.home.runtime.settings
    await everywhere.close()
    await signal.phones.hand.fault(FaultKind.HANG_LOST, verb="changes", times=STUCK)
    await killed_while_leaving(everywhere, settings.state)
    assert 0 < await seated(signal, groups) <= EACH, "killed before the last room"
    await signal.phones.hand.clear_faults()
    everywhere.home = await everywhere.again()

    async def gone() -> bool:
        return (await everywhere.home.leave_show(everywhere.deal, BO)).state == "gone"

    await eventually(gone)
    found = await everywhere.home.leave_show(everywhere.deal, BO)
    tell(capsys, ", killed and started again in between", found)
    been = [s for s in found.steps if s.kind == "room" and s.was_in]
    assert [s.state for s in been] == ["seen"] * EACH * len(everywhere.networks)
    assert await seated(signal, groups) == 0
    await nothing_more_reaches_him(everywhere)


async def seated(signal: Signal, groups: list[str]) -> int:
    """In how many groups bo's phone is, as the network has it."""
    return sum(["bo" in (await signal.phones.hand.group(g)).members for g in groups])


async def killed_while_leaving(everywhere: Everywhere, state: Path) -> None:
    """Runs the command by itself; ends it once he was seen out of rooms of two networks."""
    flags = [f"--set={k}={v}" for n in everywhere.networks for k, v in n.flags().items()]
    command = [sys.executable, "-m", "orchestrator.cli", "--home", str(state), *flags]
    running = await asyncio.create_subprocess_exec(
        *command, "leave", "bo", "--reason", "left", "--yes", stdout=PIPE, stderr=PIPE
    )

    async def in_the_middle() -> bool:
        assert running.returncode is None, await running.communicate()
        return await asyncio.to_thread(rooms_seen, state) > EACH

    await eventually(in_the_middle)
    running.kill()
    await running.communicate()
    assert running.returncode == -SIGKILL
    assert EACH < rooms_seen(state) < EACH * len(everywhere.networks)


def rooms_seen(state: Path) -> int:
    """Rooms that he was read back to be out of, as the store says."""
    sql = "SELECT count(*) FROM leaving_act WHERE kind = 'room' AND was_in AND seen_at IS NOT NULL"
    with looking(state) as store:
        return int(store.execute(sql).fetchone()[0])
