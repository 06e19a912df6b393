"""What a connector promises beyond sending: taking back, trusting devices, hearing the clock."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

from dataclasses import replace

from connectors.port import RemoteId
from connectors.port.errors import ConnectorError, IdentityChanged, Unavailable
from connectors.port.messages import Device, Reader
from connectors.testing.base import ContractBase
from connectors.testing.rig import Rig

MINUTE = 60_000_000


class Abilities(ContractBase):
    """Part of the contract."""

    # taking back

    async def test_what_was_taken_back_is_gone(self, rig: Rig) -> None:
        undoer = self.undoer(rig)
        delivery = await self.delivery(rig)
        accepted = await rig.connector.send(delivery)
        assert not await undoer.is_gone(rig.room, accepted.remote_id)
        await undoer.undo(rig.room, accepted.remote_id)
        assert await undoer.is_gone(rig.room, accepted.remote_id)
        assert delivery.content.text not in await self.texts(rig)

    async def test_what_is_not_there_is_not_said_to_be_gone(self, rig: Rig) -> None:
        undoer = self.undoer(rig)
        nothing = RemoteId("$no-such-message")
        await self.fails(undoer.undo(rig.room, nothing), ConnectorError)
        await self.fails(undoer.is_gone(rig.room, nothing), ConnectorError)

    async def test_while_nothing_answers_nothing_is_gone(self, rig: Rig) -> None:
        undoer = self.undoer(rig)
        accepted = await rig.connector.send(await self.delivery(rig))
        await rig.faults.go_down()
        await self.fails(undoer.is_gone(rig.room, accepted.remote_id), Unavailable)

    # devices

    async def test_another_key_cannot_be_trusted(self, rig: Rig) -> None:
        verifier = self.verifier(rig)
        device = await self._device(rig)
        another = replace(device, key=device.key[::-1])
        await self.fails(verifier.trust(rig.far.member, another), IdentityChanged)

    async def test_a_distrusted_device_is_not_sealed_to(self, rig: Rig) -> None:
        verifier = self.verifier(rig)
        device = await self._device(rig)
        await rig.far.add_device()
        delivery = await self.delivery(rig)
        await verifier.distrust(rig.far.member, device)
        await self._sealed_without(rig, delivery.readers, device)

    async def test_distrust_outlives_a_restart(self, rig: Rig) -> None:
        verifier = self.verifier(rig)
        device = await self._device(rig)
        await verifier.distrust(rig.far.member, device)
        await rig.reopen()
        await self._sealed_without(rig, await self.readers(rig), device)

    async def _sealed_without(self, rig: Rig, readers: frozenset[Reader], device: Device) -> None:
        delivery = replace(await self.delivery(rig), readers=readers)
        accepted = await rig.connector.send(delivery)
        assert accepted.sealed_to is not None
        assert not [r for r in accepted.sealed_to if device in (r.devices or ())]

    async def _device(self, rig: Rig) -> Device:
        members = (await rig.connector.members(rig.room)).members
        held = next(m.devices for m in members if m.account == rig.far.member)
        assert held
        return min(held, key=lambda each: each.device)

    # the clock

    async def test_the_networks_clock_is_heard(self, rig: Rig) -> None:
        clock = self.clock(rig)
        await rig.connector.members(rig.room)
        heard = clock.network_time()
        assert heard is not None
        there, here = heard
        assert abs(there - here) < MINUTE
