"""A room is said to be gone where the network says so for certain, and in no other case.

Rule kept here: whoever hears ``NoRoom`` makes people's rooms anew. So each way in which a reading
can go wrong is tried against it, with the room standing.
"""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import pytest

from connectors.port import RoomId
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN, ConnectorError, NoRoom
from connectors.testing.base import ContractBase
from connectors.testing.rig import MUDDLES, Rig


class Absent(ContractBase):
    """Part of the contract."""

    async def test_a_room_that_is_not_there_is_said_to_be_none(self, rig: Rig) -> None:
        await self._is_none(rig, await rig.far.no_room())

    async def test_a_room_that_we_were_put_out_of_is_said_to_be_none_of_ours(
        self, rig: Rig
    ) -> None:
        await rig.far.put_us_out(rig.room)
        await self._is_none(rig, rig.room)

    async def _is_none(self, rig: Rig, room: RoomId) -> None:
        for read in (rig.connector.members, rig.connector.posture):
            error = await self.fails(read(room), NoRoom)
            assert error.code in {ROOM_UNKNOWN, NOT_A_MEMBER}

    @pytest.mark.parametrize("muddle", MUDDLES)
    async def test_a_garbled_answer_takes_no_room_away(self, rig: Rig, muddle: str) -> None:
        await rig.faults.muddle(muddle)
        try:
            found = await rig.connector.members(rig.room)
        except ConnectorError as error:
            assert not isinstance(error, NoRoom)  # noqa: PT017 (any other error is a good end)
        else:
            accounts = {member.account for member in found.members}
            assert rig.connector.account in accounts or not found.complete

    @pytest.mark.parametrize("muddle", MUDDLES)
    async def test_garbled_settings_take_no_room_away(self, rig: Rig, muddle: str) -> None:
        await rig.faults.muddle(muddle)
        try:
            found = await rig.connector.posture(rig.room)
        except ConnectorError as error:
            assert not isinstance(error, NoRoom)  # noqa: PT017 (any other error is a good end)
        else:
            assert found.room == rig.room
