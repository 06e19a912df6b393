"""Devices of our own account that nobody of us linked: each a finding, and a flood of them few."""

from functools import partial

import pytest

from connectors.port.errors import Unreadable
from connectors.port.events import KeyChanged
from connectors.port.messages import Device
from orchestrator.clock import MINUTE
from orchestrator.command.risk_look import RiskLook
from orchestrator.flow.outages import MOST_OPEN, OWN_DEVICE, alarms
from orchestrator.risk.settle import settle_own
from orchestrator.risk.signals import OwnListed
from tiers.ids import AccountId, ConnectorName, DeviceId

from .conftest import OURS, House
from .house import CHANNEL


async def test_a_network_that_invents_devices_of_ours_fills_no_list(house: House) -> None:
    runtime, name, ours = house.home.runtime, ConnectorName(CHANNEL), AccountId(OURS)
    devices = [Device(DeviceId(f"D{n}"), "k") for n in range(3 * MOST_OPEN)]
    events = [KeyChanged(ours, device) for device in devices]
    for _ in range(2):
        unit = alarms(name, ours, events, runtime.book, runtime.now)
        await runtime.store.write(unit)
    rows = await house.rows("SELECT subject FROM finding WHERE rule = ?", OWN_DEVICE)
    assert len(rows) == MOST_OPEN + 1
    assert (CHANNEL,) in rows


class Telling:
    """A channel that lists the devices of our account: as it is, or not at all."""

    def __init__(self, *devices: str) -> None:
        self.devices, self.asked = devices, 0

    async def own_devices(self) -> tuple[Device, ...]:
        self.asked += 1
        if not self.devices:
            raise Unreadable("devices_malformed", "no list")
        return tuple(Device(DeviceId(name), "k") for name in self.devices)


async def looked(house: House, channel: Telling) -> list[str]:
    """Subjects of what is open after a look."""
    runtime = house.home.runtime
    house.clock.ahead += MINUTE
    kind = type(runtime.connectors[ConnectorName(CHANNEL)])

    async def listed(_: object) -> tuple[Device, ...]:
        return await channel.own_devices()

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(kind, "own_devices", listed, raising=False)
        await RiskLook(runtime).look()
    sql = "SELECT subject FROM finding WHERE rule = ? AND closed_at IS NULL"
    return sorted(subject for (subject,) in await house.rows(sql, OWN_DEVICE))


async def told(house: House, *devices: str) -> None:
    runtime, ours = house.home.runtime, AccountId(OURS)
    events = [KeyChanged(ours, Device(DeviceId(name), "k")) for name in devices]
    unit = alarms(ConnectorName(CHANNEL), ours, events, runtime.book, runtime.now)
    await runtime.store.write(unit)


async def test_it_is_over_once_a_later_list_lacks_it(house: House) -> None:
    """The rule ``own_device``, on and off."""
    one, other = f"{CHANNEL}:laptop", f"{CHANNEL}:phone"
    await told(house, "laptop", "phone")
    assert await looked(house, Telling("ours", "laptop", "phone")) == [one, other]
    assert await looked(house, Telling()) == [one, other], "what cannot be read is not gone"
    assert await looked(house, Telling("ours", "phone")) == [other]
    assert await looked(house, Telling("ours")) == []
    await told(house, "phone")
    assert await looked(house, Telling("ours", "phone")) == [other], "it is back"
    nobody = Telling("ours")
    assert await looked(house, nobody) == []
    assert await looked(house, nobody) == []
    assert nobody.asked == 1, "asked only while something is open"


async def test_what_stands_for_many_is_over_once_one_device_is_left(house: House) -> None:
    names = [f"D{n}" for n in range(MOST_OPEN + 5)]
    await told(house, *names)
    assert len(await looked(house, Telling("ours", *names))) == MOST_OPEN + 1
    assert await looked(house, Telling("ours", names[-1])) == [CHANNEL]
    assert await looked(house, Telling("ours")) == []


async def test_a_list_that_was_asked_for_before_closes_nothing(house: House) -> None:
    await told(house, "laptop")
    runtime = house.home.runtime
    [(seen,)] = await house.rows("SELECT last_seen FROM finding WHERE rule = ?", OWN_DEVICE)
    for at, closed in ((seen, 0), (seen + 1, 1)):
        listed = [OwnListed(CHANNEL, frozenset({"ours"}), at)]
        unit = partial(settle_own, listed=listed, at=seen + 2)
        assert await runtime.store.write(unit) == closed
