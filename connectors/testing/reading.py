"""What is said of a room was read back from the network, and what cannot be read is said so."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

from connectors.port import Evidence, Guarantee, RoomId
from connectors.port.capabilities import Capabilities, Posture, Undo
from connectors.port.connector import UndoesMessages, VerifiesPeers
from connectors.port.errors import Unreadable
from connectors.port.messages import Presence
from connectors.testing.base import DAY, ContractBase
from connectors.testing.rig import Rig

HOUR = DAY // 24
SETTABLE = tuple(g for g in Guarantee if g is not Guarantee.DEVICES_VERIFIED)


def held(posture: Posture) -> set[Guarantee]:
    """What was read back; what was only asked for is not held."""
    return {h.guarantee for h in posture.holdings if h.evidence is Evidence.VERIFIED}


def timer(posture: Posture) -> int | None:
    """The time to live as read back, microseconds."""
    values = [h.value for h in posture.holdings if h.guarantee is Guarantee.TIMER]
    return values[0] if values else None


def _facts(kind: type) -> str | None:
    """What is published beside a connector's class, or beside one that it is made of."""
    packages = (base.__module__.rpartition(".")[0] for base in kind.__mro__)
    for package in filter(None, packages):
        found = files(package).joinpath("FACTS.toml")
        if found.is_file():
            return found.read_text(encoding="utf-8")
    return None


class Reading(ContractBase):
    """Part of the contract."""

    async def test_capabilities_cost_nothing_and_agree(self, rig: Rig) -> None:
        await rig.faults.go_down()
        most = rig.connector.capabilities
        assert isinstance(most, Capabilities)
        assert most == rig.connector.capabilities
        assert most.max_body_bytes > 0
        assert most.max_attachment_bytes >= 0
        assert most.idempotent_send == (most.idempotent_for > 0)

    async def test_promises_match_code(self, rig: Rig) -> None:
        can = rig.connector.capabilities.can
        assert (Guarantee.DEVICES_VERIFIED in can) == isinstance(rig.connector, VerifiesPeers)
        posture = await rig.connector.posture(rig.room)
        assert {h.guarantee for h in posture.holdings} <= can
        assert (posture.undo is not Undo.NONE) == isinstance(rig.connector, UndoesMessages)

    # members

    async def test_members_are_all_and_ourselves(self, rig: Rig) -> None:
        snapshot = await rig.connector.members(rig.room)
        accounts = [member.account for member in snapshot.members]
        assert (snapshot.room, snapshot.complete) == (rig.room, True)
        assert {rig.connector.account, rig.far.member} < set(accounts)
        assert len(accounts) == len(set(accounts))
        assert snapshot.read_at > 0

    async def test_who_comes_in_is_in_the_next_list(self, rig: Rig) -> None:
        before = {m.account for m in (await rig.connector.members(rig.room)).members}
        stranger = await rig.far.let_in_stranger(rig.room)
        assert stranger not in before
        accounts = {m.account for m in (await rig.connector.members(rig.room)).members}
        assert stranger in accounts

    async def test_devices_are_read_afresh(self, rig: Rig) -> None:
        before = await rig.connector.members(rig.room)
        if all(member.devices is None for member in before.members):
            pytest.skip("the network tells no devices")
        await rig.far.add_device()
        after = await rig.connector.members(rig.room)
        old, new = (
            {m.account: m.devices for m in snapshot.members}[rig.far.member]
            for snapshot in (before, after)
        )
        assert old is not None
        assert new is not None
        assert old < new

    async def test_a_partial_list_says_so(self, rig: Rig) -> None:
        await rig.faults.partial_members()
        try:
            snapshot = await rig.connector.members(rig.room)
        except Unreadable:
            return
        assert not snapshot.complete

    async def test_an_unreadable_list_is_no_empty_list(self, rig: Rig) -> None:
        await rig.faults.unreadable_members()
        await self.fails(rig.connector.members(rig.room), Unreadable)

    # settings

    async def test_no_more_is_promised_than_is_published(self, rig: Rig) -> None:
        """``FACTS.toml`` beside the connector, where there is one, is what people compare."""
        facts = _facts(type(rig.connector))
        if facts is None:
            pytest.skip("no FACTS.toml is published")
        published = set(tomllib.loads(facts)["can"])
        assert {g.value for g in rig.connector.capabilities.can} <= published

    async def test_a_hardened_room_holds_all_that_is_promised(self, rig: Rig) -> None:
        maker = self.maker(rig)
        room = await maker.create(self.spec(rig))
        await self._trust_all(rig, room)
        posture = await rig.connector.posture(room)
        assert posture.room == room
        assert held(posture) == rig.connector.capabilities.can

    async def test_every_holding_says_when_and_by_whom(self, rig: Rig) -> None:
        posture = await rig.connector.posture(rig.room)
        assert posture.read_at > 0
        for holding in posture.holdings:
            assert holding.at > 0
            assert (holding.evidence is Evidence.ATTESTED) == (holding.by is not None)

    @pytest.mark.parametrize("guarantee", SETTABLE, ids=lambda g: g.value)
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        before = held(await rig.connector.posture(rig.room))
        if guarantee not in before:
            pytest.skip("not held to begin with")
        await rig.far.loosen(rig.room, guarantee)
        assert guarantee not in held(await rig.connector.posture(rig.room))

    async def test_a_new_device_is_not_verified(self, rig: Rig) -> None:
        self.verifier(rig)
        await self._trust_all(rig, rig.room)
        assert Guarantee.DEVICES_VERIFIED in held(await rig.connector.posture(rig.room))
        await rig.far.add_device()
        assert Guarantee.DEVICES_VERIFIED not in held(await rig.connector.posture(rig.room))

    async def test_the_timer_is_read_back(self, rig: Rig) -> None:
        if Guarantee.TIMER not in rig.connector.capabilities.can:
            pytest.skip("the network has no timer")
        await rig.far.set_timer(rig.room, HOUR)
        assert timer(await rig.connector.posture(rig.room)) == HOUR
        await rig.far.set_timer(rig.room, None)
        assert timer(await rig.connector.posture(rig.room)) is None

    async def test_a_timer_that_was_asked_for_is_not_assumed(self, rig: Rig) -> None:
        maker = self.maker(rig)
        if Guarantee.TIMER not in rig.connector.capabilities.can:
            pytest.skip("the network has no timer")
        await rig.faults.ignore_timer()
        room = await maker.create(self.spec(rig, timer=HOUR))
        assert Guarantee.TIMER not in held(await rig.connector.posture(room))

    async def test_an_unreadable_posture_is_no_posture(self, rig: Rig) -> None:
        await rig.faults.unreadable_posture()
        await self.fails(rig.connector.posture(rig.room), Unreadable)

    async def test_a_room_without_a_gate_says_so(self, rig: Rig) -> None:
        posture = await rig.connector.posture(rig.room)
        assert (posture.gate, posture.read) == (False, True)
        assert rig.connector.account in posture.admins

    async def test_a_gate_is_read_back(self, rig: Rig) -> None:
        maker = self.maker(rig)
        room = await maker.create(self.spec(rig, gate=True))
        assert (await rig.connector.posture(room)).gate

    async def test_owners_are_admins_and_members(self, rig: Rig) -> None:
        maker = self.maker(rig)
        owners = frozenset({rig.far.member})
        room = await maker.create(replace(self.spec(rig), owners=owners))
        posture = await rig.connector.posture(room)
        assert posture.admins == owners | {rig.connector.account}
        snapshot = await rig.connector.members(room)
        assert {m.account for m in snapshot.members} == posture.admins
        assert all(m.presence in Presence for m in snapshot.members)

    async def _trust_all(self, rig: Rig, room: RoomId) -> None:
        if not isinstance(rig.connector, VerifiesPeers):
            return
        for member in (await rig.connector.members(room)).members:
            for device in member.devices or ():
                await rig.connector.trust(member.account, device)
