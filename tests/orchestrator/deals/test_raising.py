"""Whatever entries come, in whatever order: no floor falls, and what was closed stays closed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from orchestrator.deals.stated import (
    check,
    closed_body,
    conversation_body,
    raised_body,
    read_chain,
)
from tiers.conversation import Conversation
from tiers.ids import CompartmentId, ConversationId, DealId
from tiers.tier import Tier

DEAL, CID = DealId("deal_" + "0" * 32), ConversationId("cnv_" + "1" * 32)
KINDS = st.sampled_from([Kind.CONVERSATION_RAISED, Kind.CONVERSATION_CLOSED])


def made(floor: Tier) -> Conversation:
    return Conversation(CID, DEAL, "lunch", floor, CompartmentId("deal"))


def sealed(floor: Tier) -> bool:
    return floor is Tier.VALUATION


def entry(n: int, kind: Kind, floor: Tier) -> Stated:
    body: dict[str, Any] = (
        closed_body(made(floor))
        if kind is Kind.CONVERSATION_CLOSED
        else raised_body(made(floor), Tier.COORDINATION)
    )
    return Stated(DEAL, n, kind, body)


@given(st.sampled_from(Tier), st.lists(st.tuples(KINDS, st.sampled_from(Tier)), max_size=8))
def test_a_floor_never_falls_and_an_end_is_one(first: Tier, later: list[tuple[Kind, Tier]]) -> None:
    begins = conversation_body(made(first), sealed=sealed(first))
    entries = [Stated(DEAL, 0, Kind.CONVERSATION_CREATED, begins)]
    floor, closed = first, False
    for n, (kind, tier) in enumerate(later, 1):
        entries.append(entry(n, kind, tier))
        closed = closed or kind is Kind.CONVERSATION_CLOSED
        floor = max(floor, tier) if kind is Kind.CONVERSATION_RAISED else floor
        chain = read_chain(DEAL, entries)
        assert Tier(chain.conversations[CID]["floor"]) is floor
        assert (CID in chain.closed) is closed
        for row in Tier:  # whatever the row says
            found = check(chain, ((made(row), None if sealed(row) else "lunch"),), ())
            assert (CID in found.conversations) is not closed
            if not closed:
                assert found.conversations[CID].floor >= floor
                assert (CID in found.doubted) is (row is not floor)
