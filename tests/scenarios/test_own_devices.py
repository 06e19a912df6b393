"""Devices of our own account that nobody of us linked: each a finding, and a flood of them few."""

from connectors.port.events import KeyChanged
from connectors.port.messages import Device
from orchestrator.flow.outages import MOST_OPEN, OWN_DEVICE, alarms
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
