"""A secret of a channel account is changed: proven first, in force after, and lost by no crash."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors import registry
from connectors.memory import process
from connectors.memory.farside import FarSide
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.client.rotating import Rotated
from orchestrator.clock import DAY, Clock, now
from orchestrator.command.home import OpenHome
from orchestrator.command.risk_look import RiskLook
from orchestrator.command.rotating import PENDING
from orchestrator.config.load import load
from orchestrator.secrets.reference import put, resolve
from orchestrator.wiring import open_runtime
from tiers.ids import ConnectorName

from .conftest import Hands, House
from .house import ACTOR, CHANNEL, TALKS, by_words, make_deal

FACTORY = "tests.scenarios.locked.connector:open_connector"
OLD, NEW = "the-old-password-7731", "the-new-password-9942"
REFERENCE = "keyring:locked/password"
KEY = "keyring:locked/state"
ROOT = Path(__file__).parents[2]
PLAIN = "Lunch is at noon."


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SHIPPED, "locked", FACTORY)


@asynccontextmanager
async def opened(
    home: Path, address: str, lock: Path, *, new: bool = False, clock: Clock = now, **more: str
) -> AsyncIterator[OpenHome]:
    """A live home with an account that has a password."""
    flags = {
        "channels.memory.kind": "locked",
        "channels.memory.settings.address": address,
        "channels.memory.settings.lock": str(lock),
        "channels.memory.secrets.password": REFERENCE,
        "channels.memory.secrets.state_key": KEY,
        **{f"channels.memory.settings.{name}": value for name, value in more.items()},
    }
    settings = load(flags=flags, environ={}, state=home)
    if new:
        async with open_runtime(settings, by_words(), live=False, now=clock) as runtime:
            put(REFERENCE, OLD.encode(), runtime.secrets)
            put(KEY, b"never changed", runtime.secrets)
    async with open_runtime(settings, by_words(), live=True, now=clock) as runtime:
        yield OpenHome(runtime)


@pytest.fixture
def network(
    tmp_path: Path,
    locked: None,  # noqa: ARG001 - for its effect
    secrets_apart: None,  # noqa: ARG001 - likewise
    untold: None,  # noqa: ARG001 - likewise
) -> Iterator[process.FarProcess]:
    """A network in a process of its own, which takes the old password."""
    (tmp_path / "lock").write_text(OLD)
    with process.start(f"unix:{tmp_path / 'far.sock'}") as started:
        yield started


@asynccontextmanager
async def housed(tmp_path: Path, address: str, **more: str) -> AsyncIterator[House]:
    home = tmp_path / "home"
    hands = Hands()
    lock = tmp_path / "lock"
    async with opened(home, address, lock, new=True, clock=hands, **more) as open_home:
        deal = await make_deal(open_home, TALKS[2:])
        far = FarSide.at(address)
        yield House(open_home, deal, far, hands)
        await far.close()


async def rotate(
    home: OpenHome,
    value: str | None = NEW,
    *,
    secret: str | None = None,
    make: bool = False,
    look: bool = False,
) -> Rotated:
    return await home.channel_rotate(CHANNEL, secret, value, make=make, only_look=look, actor=ACTOR)


def kept(home: OpenHome) -> str:
    return resolve(REFERENCE, home.runtime.secrets).reveal_text()


async def entries(home: OpenHome) -> bytes:
    sql = "SELECT entry, body FROM audit WHERE instr(entry, 'channel.rotated') > 0"
    rows = await home.runtime.store.read(lambda tx: tx.all(sql))
    return b"\n".join(bytes(part) for row in rows for part in row)


async def test_the_new_one_is_proven_kept_and_in_force_and_nothing_is_lost(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address) as house:
        (tmp_path / "lock").write_text(NEW)
        done = await rotate(house.home)
        assert (done.state, done.secret, done.account) == ("changed", "password", "wallcross")
        assert kept(house.home) == NEW
        assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"
        remote = await house.far.write("di", house.room("lunch"), "Is it noon already?")
        assert await house.ends(await house.taken(remote)) == "delivered", "it is listened to"
        said = await entries(house.home)
        assert said
        assert OLD.encode() not in said
        assert NEW.encode() not in said
        again = await rotate(house.home, look=True)
        assert again.last is not None


async def test_what_waits_meanwhile_goes_on(tmp_path: Path, network: process.FarProcess) -> None:
    async with housed(tmp_path, network.address) as house:
        (tmp_path / "lock").write_text(NEW)
        turning = asyncio.create_task(rotate(house.home))
        messages = [await house.send(f"{PLAIN} {n}", to="lunch") for n in range(8)]
        assert (await turning).state == "changed"
        for message in messages:
            assert await house.ends(message) == "delivered"
        seen = await house.seen("el", "lunch")
        assert sorted(seen) == sorted(f"{PLAIN} {n}" for n in range(8))


async def test_what_the_network_does_not_take_changes_nothing(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address) as house:
        with pytest.raises(Refused, match="wrong_password") as caught:
            await rotate(house.home)
        assert caught.value.still == "The old value is in force."
        assert NEW not in str(caught.value)
        assert kept(house.home) == OLD
        assert not await entries(house.home)
        assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"


async def test_a_kept_session_proves_no_password(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address, session="true") as house:
        with pytest.raises(Refused, match="wrong_password"):
            await rotate(house.home)
        assert kept(house.home) == OLD


async def test_another_account_is_another_channel(
    tmp_path: Path, network: process.FarProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with housed(tmp_path, network.address) as house:
        (tmp_path / "lock").write_text(NEW)
        connector = type(house.home.runtime.connectors[CHANNEL])
        was = connector.account

        def other(self: object) -> str:
            return "somebody" if getattr(self, "given", "") == NEW else "wallcross"

        monkeypatch.setattr(connector, "account", property(other))
        with pytest.raises(Refused, match="other_account"):
            await rotate(house.home)
        monkeypatch.setattr(connector, "account", was)
        assert kept(house.home) == OLD


async def test_one_made_here_is_taken_by_the_network(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address, session="true") as house:
        done = await rotate(house.home, None, make=True)
        assert done.made
        assert kept(house.home) == (tmp_path / "lock").read_text() != OLD
        assert house.home.runtime.secrets.names(PENDING) == []
        assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"


async def test_no_answer_is_looked_through(tmp_path: Path, network: process.FarProcess) -> None:
    async with housed(tmp_path, network.address, deaf="true") as house:
        assert (await rotate(house.home, None, make=True)).state == "changed"
        assert kept(house.home) == (tmp_path / "lock").read_text() != OLD


async def test_a_network_that_lets_nobody_set_one_changes_nothing(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address, refuses="true") as house:
        with pytest.raises(Refused, match="not_allowed"):
            await rotate(house.home, None, make=True)
        assert kept(house.home) == OLD
        assert house.home.runtime.secrets.names(PENDING) == []


async def test_what_is_asked_for_has_to_be_there(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address) as house:
        with pytest.raises(Missing, match="no secret token"):
            await rotate(house.home, secret="token")
        with pytest.raises(Refused, match="not changed by another value") as caught:
            await rotate(house.home, secret="state_key")
        assert caught.value.then == "set up a new folder instead"
        with pytest.raises(Wrong, match="value is missing"):
            await rotate(house.home, None)
        look = await rotate(house.home, None, look=True)
        assert (look.secret, look.can_make, look.last) == ("password", True, None)


async def test_one_that_is_old_is_a_finding_until_it_is_changed(
    tmp_path: Path, network: process.FarProcess
) -> None:
    async with housed(tmp_path, network.address) as house:
        look = RiskLook(house.home.runtime).look
        await house.home.channel_test(CHANNEL, actor=ACTOR)
        await look()
        assert "rotation_overdue" not in await house.findings()
        house.clock.ahead = 400 * DAY
        await look()
        sql = (
            "SELECT subject, reasons FROM finding WHERE rule = 'rotation_overdue' "
            "AND subject LIKE 'memory:%' AND closed_at IS NULL"
        )
        [(subject, reasons)] = await house.rows(sql)
        assert subject == "memory:password"
        assert "wallcross channel rotate memory --secret password" in reasons
        (tmp_path / "lock").write_text(NEW)
        await rotate(house.home)
        await look()
        assert await house.rows(sql) == []


DIES = """
import asyncio, sys
from pathlib import Path
from connectors import registry
registry.SHIPPED["locked"] = %r
from tests.scenarios.test_rotate import opened, rotate

async def main(home, address, lock):
    async with opened(Path(home), address, Path(lock), dies="true", session="true") as found:
        await rotate(found, None, make=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_kill_after_the_network_took_it_loses_neither(
    tmp_path: Path, network: process.FarProcess
) -> None:
    lock, home = tmp_path / "lock", tmp_path / "home"
    async with housed(tmp_path, network.address, session="true") as house:
        deal = house.deal
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DIES % FACTORY, str(home), network.address, str(lock)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await child.communicate()
    assert child.returncode == -signal.SIGKILL, errors.decode()
    taken = lock.read_text()
    assert taken != OLD, "the network took it"
    async with opened(home, network.address, lock, session="true") as found:
        assert kept(found) == taken
        assert found.runtime.secrets.names(PENDING) == []
        assert ConnectorName(CHANNEL) in found.runtime.connectors
        house = House(found, deal, FarSide.at(network.address), Hands())
        assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"


async def test_a_crash_before_the_network_was_asked_leaves_the_old_one(
    tmp_path: Path, network: process.FarProcess
) -> None:
    home, lock = tmp_path / "home", tmp_path / "lock"
    async with housed(tmp_path, network.address) as house:
        house.home.runtime.secrets.set(f"{PENDING}/memory/password", NEW.encode())
    async with opened(home, network.address, lock) as found:
        assert kept(found) == OLD
        assert found.runtime.secrets.names(PENDING) == []
        assert ConnectorName(CHANNEL) in found.runtime.connectors


async def test_a_channel_that_the_old_one_does_not_open_any_more_is_opened_by_the_new(
    tmp_path: Path, network: process.FarProcess
) -> None:
    home, lock = tmp_path / "home", tmp_path / "lock"
    async with housed(tmp_path, network.address) as house:
        deal = house.deal
    lock.write_text(NEW)
    async with opened(home, network.address, lock) as found:
        assert ConnectorName(CHANNEL) not in found.runtime.connectors
        far = FarSide.at(network.address)
        house = House(found, deal, far, Hands())
        assert (await rotate(found)).account == "wallcross"
        assert kept(found) == NEW
        assert await house.ends(await house.send(PLAIN, to="lunch")) == "delivered"
        await far.close()
