"""A network that is not there when the home opens: its channel opens by itself once it is."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import process
from connectors.memory.connector import MemoryConnector
from connectors.memory.farside import FarSide
from connectors.port import ConnectorName
from connectors.port.connector import Check
from connectors.port.errors import Rejected, Uncertain
from orchestrator.clock import MINUTE, SECOND
from orchestrator.command.home import OpenHome
from orchestrator.command.pulse import Pulse
from orchestrator.config.load import load
from orchestrator.wiring import open_runtime, opening
from tiers.policy import Grade
from tiers.tier import Tier

from .conftest import Hands, House, eventually
from .house import ACTOR, CHANNEL, Talk, by_words, make_deal

LUNCH = Talk("lunch", Tier.COORDINATION)
SAID = "The list of documents was read again."


@dataclass
class Late:
    """Opens a home whose network is reached by a path that a test makes and takes away."""

    folder: Path
    stack: AsyncExitStack
    clock: Hands = field(default_factory=Hands)
    living: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def path(self) -> Path:
        return self.folder / "network"

    def there(self, far: process.FarProcess) -> None:
        self.path.symlink_to(far.address.removeprefix("unix:"))

    async def open(self) -> OpenHome:
        await self.living.aclose()
        flags = {
            f"channels.{CHANNEL}.kind": "memory",
            f"channels.{CHANNEL}.settings.address": f"unix:{self.path}",
        }
        found = load(flags=flags, environ={}, state=self.folder / "home")
        living = open_runtime(found, by_words(), live=True, now=self.clock)
        return OpenHome(await self.living.enter_async_context(living))

    async def house(self, home: OpenHome, talks: tuple[Talk, ...] = (LUNCH,)) -> House:
        far = FarSide.at(f"unix:{self.path}")
        self.stack.push_async_callback(far.close)
        return House(home, await make_deal(home, talks), far, self.clock)


@pytest.fixture
async def late(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    untold: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Late]:
    monkeypatch.setattr(opening, "FIRST_PAUSE", SECOND // 50)
    monkeypatch.setattr(opening, "LONGEST_PAUSE", SECOND // 10)
    async with AsyncExitStack() as stack:
        made = Late(tmp_path, stack)
        stack.push_async_callback(made.living.aclose)
        yield made


@pytest.fixture
def far(tmp_path: Path) -> Iterator[process.FarProcess]:
    with process.start(f"unix:{tmp_path / 'far.sock'}") as running:
        yield running


def channel(home: OpenHome) -> Any:
    return home.runtime.channels[ConnectorName(CHANNEL)]


async def opened(home: OpenHome) -> None:
    async def is_open() -> bool:
        [view] = await home.channel_list()
        return view.state in {"up", "paused"} and CHANNEL in home.runtime.connectors

    await eventually(is_open)


async def closed_findings(home: OpenHome) -> list[tuple[Any, ...]]:
    sql = "SELECT closed_at IS NOT NULL, reasons FROM finding WHERE rule = 'channel_closed'"
    return await home.runtime.store.read(lambda tx: tx.all(sql))


async def test_it_says_when_it_is_tried_again_and_opens_once_its_network_is_started(
    late: Late, tmp_path: Path
) -> None:
    home = await late.open()
    [view] = await home.channel_list()
    assert (view.state, view.why) == ("closed", "unreachable")
    await eventually(lambda: _has_time(home))
    [check] = [c for c in await home.checks() if c.name == CHANNEL]
    assert check.state == "soon"
    assert check.text.startswith("closed (unreachable), trying again at 20")
    with process.start(f"unix:{tmp_path / 'far.sock'}") as far:
        late.there(far)
        await opened(home)
        [view] = await home.channel_list()
        assert (view.state, view.why, view.again_at, view.grade) == ("up", None, None, "lab")
        house = await late.house(home)
        assert await house.ends(await house.send(SAID, to="lunch")) == "delivered"
        written = await house.far.write("el", house.room("lunch"), "Read it.")
        await house.taken(written)
        await late.living.aclose()


async def _has_time(home: OpenHome) -> bool:
    [view] = await home.channel_list()
    return view.again_at is not None


async def test_what_was_for_it_meanwhile_goes_or_waits_and_nothing_is_lost(
    late: Late, far: process.FarProcess
) -> None:
    late.there(far)
    house = await late.house(await late.open())
    await house.ends(await house.send(SAID, to="lunch"))
    late.path.unlink()
    house.home = await late.open()
    assert channel(house.home).connector is None
    message = await house.send(f"{SAID} Again.", to="lunch")
    await house.quiet()
    assert await house.state(message) == "held"
    real = FarSide.at(far.address)
    written = await real.write("el", house.room("lunch"), "Written while nobody listened.")
    await real.close()
    late.there(far)
    await opened(house.home)
    await house.taken(written)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [
        SAID,
        "Written while nobody listened.",
        f"{SAID} Again.",
    ]


async def test_what_was_on_its_way_goes_on_once_it_is_open(
    late: Late, far: process.FarProcess
) -> None:
    late.there(far)
    house = await late.house(await late.open())
    await house.home.channel_pause(CHANNEL, "maintenance", actor=ACTOR)
    message = await house.send(SAID, to="lunch")
    await house.quiet()
    assert await house.state(message) == "delivering"
    late.path.unlink()
    house.home = await late.open()
    late.there(far)
    await opened(house.home)
    [view] = await house.home.channel_list()
    assert (view.state, view.why) == ("paused", "maintenance"), "a person paused it"
    assert await house.state(message) == "delivering"
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(message) == "delivered"


async def test_after_a_minute_it_is_a_finding_until_it_is_open(
    late: Late, far: process.FarProcess
) -> None:
    home = await late.open()
    pulse = Pulse(home.runtime)
    await pulse.look()
    assert await closed_findings(home) == [], "not at once"
    late.clock.ahead = MINUTE + SECOND
    await pulse.look()
    [(over, reasons)] = await closed_findings(home)
    assert not over
    assert "memory is closed (unreachable)" in reasons
    late.there(far)
    await opened(home)

    async def settled() -> bool:
        return all(over for over, _ in await closed_findings(home))

    await eventually(settled)


@pytest.mark.parametrize(
    ("error", "tried"),
    [
        (Uncertain("odd"), True),
        (RuntimeError("foreign"), True),
        (Rejected("bad_settings"), False),
        (ValueError("wrong"), False),
    ],
)
async def test_only_what_may_pass_is_tried_again(
    late: Late,
    far: process.FarProcess,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    tried: bool,
) -> None:
    fails: list[Exception] = [error]
    real = MemoryConnector.open

    async def first_fails(self: MemoryConnector) -> None:
        if fails:
            raise fails.pop()
        await real(self)

    monkeypatch.setattr(MemoryConnector, "open", first_fails)
    late.there(far)
    home = await late.open()
    if tried:
        await opened(home)
        return
    found = channel(home)
    assert (found.connector, found.again_at) == (None, None)
    [check] = [c for c in await home.checks() if c.name == CHANNEL]
    assert check.state == "fix"


async def test_what_is_red_when_it_opens_late_is_paused_before_anything_goes(
    late: Late, far: process.FarProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def inspect(_: object) -> tuple[Check, ...]:
        return (Check("log", ok=False, hint="it logs bodies", remedy="LOG_LEVEL=info"),)

    monkeypatch.setattr(MemoryConnector, "inspect", inspect, raising=False)
    home = await late.open()
    late.there(far)
    await opened(home)
    [view] = await home.channel_list()
    assert (view.state, view.why) == ("paused", opening.RED)


async def test_its_grade_is_that_of_its_signed_record(late: Late, far: process.FarProcess) -> None:
    late.there(far)
    home = await late.open()
    await home.channel_test(CHANNEL, actor=ACTOR)
    before = channel(home).grade
    late.path.unlink()
    home = await late.open()
    assert channel(home).grade is Grade.NONE
    late.there(far)
    await opened(home)
    assert channel(home).grade is before is home.runtime.grades[ConnectorName(CHANNEL)]


async def test_back_off_doubles_up_to_the_longest_and_heeds_what_the_network_says(
    late: Late, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses themselves, without waiting them."""
    monkeypatch.setattr(opening, "FIRST_PAUSE", 5 * SECOND)
    monkeypatch.setattr(opening, "LONGEST_PAUSE", 5 * MINUTE)
    slept: list[float] = []
    home = await late.open()
    runtime = home.runtime
    opener = opening.Opener(runtime, AsyncExitStack())
    [(name, part)] = runtime.settings.config.channels.items()
    await opener.open(ConnectorName(name), part)

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 9:
            raise Enough

    monkeypatch.setattr("orchestrator.wiring.opening.asyncio.sleep", sleep)
    [closed] = opener.closed

    async def listen(*_: object) -> None:
        raise AssertionError("nothing was opened")

    with pytest.raises(Enough):
        await opener.try_again(closed, listen)
    monkeypatch.undo()
    assert slept == [5, 10, 20, 40, 80, 160, 300, 300, 300]
