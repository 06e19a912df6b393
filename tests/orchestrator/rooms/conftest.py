"""A store, and one room of one deal in force."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.deals.book import DealView
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tiers.conversation import Conversation, RoomBinding
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId, RoomId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

CHANNEL, OURS = ConnectorName("memory"), AccountId("us")
LISTED = ("ada", "bo", "cy", "di")


def person(name: str) -> Person:
    accounts = {CHANNEL: AccountId(name)}
    return Person(PersonId(name), name.title(), SideId("one"), "", Profile.ORGANISATIONAL, accounts)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "wallcross.db"
    migrate(path)
    opened = Store(path)
    yield opened
    await opened.close()


def one_deal() -> DealView:
    """A deal of four people with one room."""
    side = Side(SideId("one"), "One", Party.ACQUIRER)
    people = tuple(map(person, LISTED))
    grants = tuple(Grant(p.person_id, DEAL, Tier.OPERATIONS, Span(0)) for p in people)
    deal_id, cid = DealId("deal_" + "1" * 32), ConversationId("cnv_" + "2" * 32)
    talk = Conversation(cid, deal_id, "lunch", Tier.COORDINATION, DEAL)
    rooms = {cid: (RoomBinding(CHANNEL, RoomId("!room:memory"), cid, side.side_id),)}
    policy = to_policy(read_policy(default_text()), made_up=True)
    roster = Roster(side.side_id, (side,), people, grants)
    return DealView(
        deal_id, "X", made_up=True, roster=roster, roster_hash="0" * 64, policy=policy,
        conversations={cid: talk}, rooms=rooms,
    )  # fmt: skip


@pytest.fixture
def deal() -> DealView:
    return one_deal()


@pytest.fixture
def binding(deal: DealView) -> RoomBinding:
    [[found]] = deal.rooms.values()
    return found
