"""Who changed what stands in the audit, and a ceremony is about the key that was compared."""

import json

import pytest

from connectors.port.errors import Unavailable
from connectors.port.messages import Device
from orchestrator.client.problems import Failed, Refused
from orchestrator.client.views import Row
from tiers.ids import AccountId, ConnectorName, DeviceId, PersonId
from tiers.tier import Tier
from tiers.trust import NotPossible

from .conftest import House, Opens, eventually
from .house import CHANNEL, Talk

WHO = "local:somebody"
ADA = PersonId("ada")
PLACE = (ConnectorName(CHANNEL), AccountId("el"))


@pytest.fixture
async def house(opens: Opens) -> House:
    return await opens((Talk("lunch", Tier.COORDINATION),))


async def actors(house: House, kind: str) -> set[str]:
    lines = await house.home.audit_tail(house.deal, 500)
    return {line.actor for line in lines if line.kind == kind}


async def device(house: House) -> str:
    return (await house.home.key_list(house.deal, PersonId("el")))[0].device


async def test_a_ceremony_and_a_revocation_say_who_entered_them(house: House) -> None:
    el = PersonId("el")
    await house.home.key_verify(house.deal, el, ADA, PersonId("bo"), actor=WHO)
    assert await actors(house, "key.verified") == {WHO}
    await house.home.key_mark(house.deal, el, await device(house), "revoke", actor=WHO)
    assert await actors(house, "key.revoked") == {WHO}


async def test_a_replay_says_who_handed_it_in(house: House) -> None:
    run = await house.home.replay_start(house.deal, sample=False, actor=WHO)
    await house.home.replay_accept(run, [Row(id="1", text="Noon.", subject="")])
    assert WHO in await actors(house, "message.accepted")


async def test_another_key_than_was_compared_is_not_verified(house: House) -> None:
    runtime = house.home.runtime
    other = Device(DeviceId(await device(house)), "another key")
    with pytest.raises(NotPossible):
        await runtime.store.write(
            lambda tx: runtime.keyring.verify(
                tx,
                house.deal,
                PLACE,
                other,
                owner=PersonId("el"),
                by=(ADA, PersonId("bo")),
                at=1,
                actor=WHO,
            )
        )
    states = await house.rows("SELECT state FROM peer_key WHERE account = 'el'")
    assert json.dumps(states).count("verified") == 0


async def test_what_a_network_did_not_take_it_is_told_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = house.home.runtime.connectors[ConnectorName(CHANNEL)]
    told: list[str] = []

    async def trust(_: str, known: Device) -> None:
        told.append(known.device)
        if len(told) == 1:
            raise Unavailable("down")

    monkeypatch.setattr(connector, "trust", trust)
    people = (PersonId("el"), ADA, PersonId("bo"))
    with pytest.raises(Failed):
        await house.home.key_verify(house.deal, *people, actor=WHO)
    await house.home.key_verify(house.deal, *people, actor=WHO)
    assert len(told) == 2


async def test_a_key_that_nobody_compared_is_not_vouched_for(house: House) -> None:
    el, bo = PersonId("el"), PersonId("bo")
    compared = [k.key for k in await house.home.key_list(house.deal, el)]
    await house.far.add_device("el", "found-later", "f" * 64)

    async def known() -> bool:
        return len(await house.home.key_list(house.deal, el)) > len(compared)

    await eventually(known)
    await house.home.key_verify(house.deal, el, ADA, bo, compared=compared, actor=WHO)
    states = {k.device: k.state for k in await house.home.key_list(house.deal, el)}
    assert states.pop("found-later") == "seen"
    assert set(states.values()) == {"verified"}
    with pytest.raises(Refused):
        await house.home.key_verify(house.deal, el, ADA, bo, compared=["0" * 64], actor=WHO)
