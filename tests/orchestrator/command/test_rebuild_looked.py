"""Of all that a reading can end in, one error alone says that a room is lost."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import AccountId, RoomId
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN, ConnectorError, NoRoom
from connectors.port.messages import Member, MemberSnapshot, Presence
from orchestrator.command.rebuilding import looked

US, ROOM = AccountId("wallcross"), RoomId("!room")


def kinds(kind: type[ConnectorError] = ConnectorError) -> Iterator[type[ConnectorError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


KINDS = list(dict.fromkeys(k for k in kinds() if k.__module__ == "connectors.port.errors"))
CODES = (ROOM_UNKNOWN, NOT_A_MEMBER, "unknown_room", "not_found", "item_not_found", "forbidden")


@dataclass
class Far:
    """A connector of which nothing is asked but members."""

    ends: Exception | MemberSnapshot
    account: AccountId = US

    async def members(self, room: RoomId) -> MemberSnapshot:
        assert room == ROOM
        if isinstance(self.ends, Exception):
            raise self.ends
        return self.ends


@given(kind=st.sampled_from(KINDS), code=st.sampled_from(CODES) | st.text(max_size=20))
async def test_only_the_one_error_is_a_loss(kind: type[ConnectorError], code: str) -> None:
    found = await looked(Far(kind(code, "hint")), ROOM)  # type: ignore[arg-type]  # asks one thing
    assert found.lost is issubclass(kind, NoRoom)
    assert found.unsure is not found.lost
    assert (found.then is None) is found.lost


def test_every_error_of_the_port_was_tried() -> None:
    assert {kind.__name__ for kind in KINDS} >= {"Rejected", "Unavailable", "Unreadable", "NoRoom"}


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), TimeoutError(), OSError()])
async def test_a_foreign_failure_is_no_loss(error: Exception) -> None:
    found = await looked(Far(error), ROOM)  # type: ignore[arg-type]  # asks one thing
    assert (found.lost, found.unsure) == (False, True)


people = st.lists(st.sampled_from([US, AccountId("ann"), AccountId("bob")]), unique=True)


@given(accounts=people, complete=st.booleans())
async def test_no_list_of_members_is_a_loss(accounts: list[AccountId], *, complete: bool) -> None:
    """Not an empty one either, nor a whole one in which we are missing."""
    members = tuple(Member(a, Presence.JOINED, admin=False) for a in accounts)
    snapshot = MemberSnapshot(ROOM, members, complete, read_at=1)
    found = await looked(Far(snapshot), ROOM)  # type: ignore[arg-type]  # asks one thing
    assert not found.lost
    assert found.unsure is (US not in accounts)
