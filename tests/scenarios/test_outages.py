"""A channel says what may be lost or forged: each is a finding, and no flood fills the store."""

import json
from typing import Any

import pytest

from connectors.port import AccountId, ConnectorName, DeviceId
from connectors.port.capabilities import Health
from connectors.port.events import Batch, Forged, KeyChanged, Missed
from connectors.port.messages import Device
from orchestrator.command.pulse import Pulse
from orchestrator.flow.listen import Listener
from orchestrator.flow.quarantine import Quarantine
from orchestrator.rooms.linked import LinkedDevices

from .conftest import House, Opens
from .house import CHANNEL


def listener(house: House) -> Listener:
    runtime = house.home.runtime
    name = ConnectorName(CHANNEL)
    return Listener(
        name,
        runtime.connectors[name],
        runtime.store,
        runtime.accepter,
        runtime.observer.forget,
        runtime.observer.forget_account,
        runtime.engine.wake,
        Quarantine(runtime.sealer, runtime.now),
        lambda *_: None,
        runtime.enrolling,
        LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now).hear,
    )


async def findings(house: House, rule: str) -> list[tuple[Any, ...]]:
    return await house.rows(
        "SELECT deal_id, reasons, closed_at FROM finding WHERE rule = ? ORDER BY first_seen", rule
    )


async def test_a_window_is_a_finding_with_its_instants_and_rooms(opens: Opens) -> None:
    house = await opens()
    await listener(house).take(Batch((Missed(1_000_000, 3_500_000, "not_running"),), "1"))
    ((deal, reasons, _),) = await findings(house, "missed")
    told = " ".join(json.loads(reasons))
    assert deal == house.deal
    assert "1970-01-01T00:00:01Z" in told
    assert "00:00:03.5" in told
    rooms = house.home.runtime.book.rooms()
    assert rooms
    assert all(binding.conversation_id in told for _, binding in rooms)


async def test_each_window_stands_by_itself(opens: Opens) -> None:
    house = await opens()
    events = tuple(Missed(n, n + 1, "not_running") for n in (1, 5, 9))
    await listener(house).take(Batch(events, "1"))
    assert len(await findings(house, "missed")) == 3


async def test_a_thousand_forged_posts_are_one_finding(opens: Opens) -> None:
    house = await opens()
    ours = listener(house)
    for n in range(20):
        await ours.take(Batch(tuple(Forged("wrong_path", k, 50) for k in range(50)), str(n)))
    assert len(await findings(house, "forged")) == 1
    opened = 'SELECT count(*) FROM audit WHERE CAST(body AS TEXT) LIKE \'%"rule":"forged"%\''
    assert await house.rows(opened) == [(1,)]


async def test_another_device_on_our_own_account_is_a_finding(opens: Opens) -> None:
    house = await opens()
    ours = house.home.runtime.connectors[ConnectorName(CHANNEL)].account
    mine = KeyChanged(ours, Device(DeviceId("2"), "made 1"))
    theirs = KeyChanged(AccountId("bo"), Device(DeviceId("2"), "made 1"))
    await listener(house).take(Batch((mine, theirs), "1"))
    assert len(await findings(house, "own_device")) == 1


@pytest.mark.parametrize("code", ["not_registered", "signed_out"])
async def test_a_lost_account_pauses_its_channel_and_is_a_finding(
    opens: Opens, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    house = await opens()
    runtime = house.home.runtime
    channel = runtime.channels[ConnectorName(CHANNEL)]
    health = Health(up=False, code=code, hint="sign in anew", seen_at=None)

    async def lost() -> Health:
        return health

    monkeypatch.setattr(channel.connector, "health", lost)
    pulse = Pulse(runtime)
    for _ in range(3):
        await pulse.look()
    assert channel.paused == code
    assert len(await findings(house, "account_lost")) == 1
    monkeypatch.undo()
    await pulse.look()
    ((_, _, closed_at),) = await findings(house, "account_lost")
    assert closed_at is not None
    assert channel.paused == code


async def test_what_answers_and_hears_nothing_is_a_finding_until_it_hears(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API server of Signal that came back in mode normal: no window tells before its end."""
    house = await opens()
    runtime = house.home.runtime
    channel = runtime.channels[ConnectorName(CHANNEL)]

    async def deaf() -> Health:
        return Health(up=False, code="mode_unfit", hint="set MODE=json-rpc", seen_at=None)

    monkeypatch.setattr(channel.connector, "health", deaf)
    pulse = Pulse(runtime)
    for _ in range(2):
        await pulse.look()
    ((_, reasons, closed_at),) = await findings(house, "channel_closed")
    assert f"{CHANNEL} hears nothing (mode_unfit)" in reasons
    assert closed_at is None
    assert channel.paused is None
    monkeypatch.undo()
    await pulse.look()
    ((_, _, closed_at),) = await findings(house, "channel_closed")
    assert closed_at is not None


async def test_what_only_does_not_answer_is_not_paused(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens()
    runtime = house.home.runtime
    channel = runtime.channels[ConnectorName(CHANNEL)]

    async def away() -> Health:
        return Health(up=False, code="unreachable", hint="wait", seen_at=None)

    monkeypatch.setattr(channel.connector, "health", away)
    await Pulse(runtime).look()
    assert channel.paused is None
    assert await findings(house, "account_lost") == []
