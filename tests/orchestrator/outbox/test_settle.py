"""What an unknown outcome comes to: the whole table, and what no line of it may ever allow."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port.capabilities import Capabilities
from connectors.port.errors import ConnectorError, Unavailable, Unreadable
from connectors.port.messages import Accepted
from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.outbox.item import DeliveryState, Item
from orchestrator.outbox.settle import Again, Arrived, Later, Settled, Unknown, settle
from tiers.ids import DeliveryKey, RemoteId, RoomId

NOW = 1_800_000_000_000_000
FOUND = Accepted(RemoteId("$1"), NOW)
ITEM = Item(
    delivery_id="dlv_1",
    kind="send",
    message_id="msg_1",
    deal_id="deal_1",
    conversation_id="cnv_1",
    connector="memory",
    room="!r",
    lane="memory/!r",
    seq=1,
    wire_key="wx_1",
    state=DeliveryState.STARTED,
    attempts=1,
    not_before=0,
    started_at=NOW,
    possibly=False,
    as_tier="operations",
    target=None,
)


@dataclass(slots=True)
class Blind:
    """A network that cannot be asked what became of a delivery."""

    recognises_for: int

    @property
    def capabilities(self) -> Capabilities:
        known = self.recognises_for
        return Capabilities(frozenset(), 1, 0, known > 0, known, re_offers=True)


@dataclass(slots=True)
class Finds(Blind):
    """A network that can be asked; ``answer`` is what it says."""

    answer: Accepted | ConnectorError | None = None

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        assert (room, key) == ("!r", "wx_1")
        if isinstance(self.answer, ConnectorError):
            raise self.answer
        return self.answer


async def settled(network: Blind, age: int, *, repeats: bool, possibly: bool = False) -> Settled:
    item = replace(ITEM, started_at=NOW - age, possibly=possibly)
    return await settle(network, item, repeats=repeats, now=NOW)  # type: ignore[arg-type]  # what of it is used


DAY = 24 * HOUR
SILENT, MARKED = Again(doubtful=False), Again(doubtful=True)
UNREADABLE, DOWN = Unreadable("nonsense"), Unavailable("down")
TABLE: tuple[tuple[str, Blind, int, bool, Settled], ...] = (
    ("it has it", Finds(0, FOUND), SECOND, False, Arrived(FOUND)),
    ("it has it, long after", Finds(0, FOUND), 2 * DAY, False, Arrived(FOUND)),
    ("it cannot be asked now", Finds(DAY, DOWN), SECOND, True, Later()),
    ("no, and it recognises", Finds(DAY, None), SECOND, False, SILENT),
    ("no, yet an attempt may be under way", Finds(0, None), SECOND, False, Later()),
    ("no, and none can be under way", Finds(0, None), MINUTE, False, SILENT),
    ("no, past what it recognises", Finds(DAY, None), 13 * HOUR, False, SILENT),
    ("nonsense, but it recognises", Finds(DAY, UNREADABLE), SECOND, False, SILENT),
    ("nonsense, and policy repeats", Finds(0, UNREADABLE), SECOND, True, MARKED),
    ("nonsense, and policy does not", Finds(0, UNREADABLE), SECOND, False, Unknown()),
    ("blind, it recognises", Blind(DAY), SECOND, False, SILENT),
    ("blind, no longer after twelve hours", Blind(DAY), 12 * HOUR, False, Unknown()),
    ("blind, nor past its own time", Blind(HOUR), HOUR, True, MARKED),
    ("blind, the clock went back", Blind(DAY), -SECOND, False, Unknown()),
    ("blind, and policy repeats", Blind(0), SECOND, True, MARKED),
    ("blind, and policy does not", Blind(0), SECOND, False, Unknown()),
)


@pytest.mark.parametrize(
    ("network", "age", "repeats", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
async def test_the_table(network: Blind, age: int, repeats: bool, expected: Settled) -> None:
    assert await settled(network, age, repeats=repeats) == expected


ANSWERS = st.sampled_from([None, FOUND, UNREADABLE, DOWN])


@given(
    can_be_asked=st.booleans(),
    answer=ANSWERS,
    recognises_for=st.sampled_from([0, HOUR, DAY, 30 * DAY]),
    age=st.integers(-HOUR, 40 * DAY),
    repeats=st.booleans(),
    possibly=st.booleans(),
)
async def test_nothing_goes_twice_in_silence(
    can_be_asked: bool,
    answer: Accepted | ConnectorError | None,
    recognises_for: int,
    age: int,
    repeats: bool,
    possibly: bool,
) -> None:
    asked = Finds(recognises_for, answer) if can_be_asked else None
    network = asked or Blind(recognises_for)
    result = await settled(network, age, repeats=repeats, possibly=possibly)
    recognises = 0 <= age < min(recognises_for, 12 * HOUR)
    said_no = asked is not None and answer is None
    if isinstance(result, Again) and not result.doubtful:
        assert recognises or (said_no and not 0 <= age < MINUTE)
        assert not possibly, "what was marked once stays marked"
    if isinstance(result, Again) and result.doubtful and not possibly:
        assert repeats, "the policy said so"
    if isinstance(result, Arrived):
        assert asked is not None
        assert answer is FOUND
