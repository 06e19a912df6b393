"""A take-over on a real homeserver: somebody else's computer is signed in on a person's account."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from connectors.port.words import words_for
from orchestrator.client.problems import Refused
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.demo.farside import Person
from orchestrator.rooms.distress import PHISHED
from orchestrator.wiring import open_runtime
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.tier import Tier

from .conftest import Hands, House, eventually
from .house import ACTOR, PRICE, Talk, by_words, make_deal, roster
from .networks import PASSWORD, Matrix
from .theatre import with_synapse

pytestmark = pytest.mark.long
MATRIX = ConnectorName("matrix")
BO = PersonId("bo")
TALKS = (Talk("price", Tier.VALUATION, members=("ada", "bo")),)


@dataclass
class Stage:
    """A live home with a valuation room on a homeserver; its people's own clients."""

    house: House
    network: Matrix
    folder: Path
    stack: AsyncExitStack

    @property
    def room(self) -> str:
        return self.house.room("price", MATRIX)

    async def signs_in(self, name: str, where: str) -> Person:
        """Another client on somebody's account."""
        url, folder = self.network.server.url, self.folder / where
        person = Person(url, f"@{name}:deal.test", PASSWORD, folder)
        await person.open()
        self.stack.push_async_callback(person.close)
        return person

    async def line(self, account: str) -> str:
        """The private line that we opened to somebody, once we have."""
        found = self.house.home.runtime.book.line_room

        async def there() -> bool:
            return found(MATRIX, AccountId(account)) is not None

        await eventually(there)
        return str(found(MATRIX, AccountId(account)))

    async def is_paused(self) -> bool:
        [(why,)] = await self.house.rows("SELECT paused FROM room WHERE room = ?", self.room)
        return why is not None


@pytest.fixture
async def stage(tmp_path: Path, secrets_apart: None, untold: None) -> AsyncIterator[Stage]:  # noqa: ARG001 - for their effect
    with_synapse()
    network = Matrix()
    async with AsyncExitStack() as stack:
        await network.open(tmp_path / "matrix")
        stack.push_async_callback(network.close)
        settings = load(flags=network.flags(), environ={}, state=tmp_path / "home")
        opening = open_runtime(settings, by_words(), live=True, now=now)
        home = OpenHome(await stack.enter_async_context(opening))
        listed = roster((MATRIX,))
        people = tuple(
            replace(p, accounts={MATRIX: AccountId(f"@{p.person_id}:deal.test")})
            for p in listed.people
        )
        deal = await make_deal(home, TALKS, channel=MATRIX, people=replace(listed, people=people))
        house = House(home, deal, None, Hands())  # type: ignore[arg-type]  # no memory network
        made = Stage(house, network, tmp_path, stack)
        await network.come_in([made.room], None)  # type: ignore[arg-type]  # it asks no client
        yield made


async def test_a_linked_device_reads_nothing_and_phished_stops_the_rest(stage: Stage) -> None:
    house = stage.house
    linked = await stage.signs_in("bo", "somebody-else")
    await eventually(stage.is_paused)
    assert "new_device" in await house.findings()
    message = await house.send(f"{PRICE}: 27", to="price")
    assert await house.ends(message) == "held"
    await linked.sync(full=True)
    assert linked.texts(stage.room) == []
    shown = await house.home.key_list(house.deal, BO)
    seen = {k.device: k for k in shown}[linked.device[0]]
    assert (seen.state, seen.words) == ("seen", words_for(linked.device[1]))
    phone, line = stage.network.phones["bo"], await stage.line("@bo:deal.test")
    await phone.join(line)
    await phone.sync(full=True)
    await phone.say(line, "phished")

    async def taken() -> bool:
        return PHISHED in await house.findings()

    await eventually(taken)
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"superseded"}
    assert BO in house.home.runtime.book.deals[house.deal].persons.paused
    said, verify = " ".join(words_for(linked.device[1])), house.home.key_verify
    with pytest.raises(Refused, match="reads so"):
        await verify(house.deal, BO, PersonId("ada"), PersonId("cy"), words=said, actor=ACTOR)
