"""The made-up deal on a network in memory, for `replay --sample` and for tests.

Rules kept here:

1. Its journal key is thrown away: nobody can ever open its journal, and the deal says it is
   made up.
2. It is found again by its code. Where its network is gone (it lived in a process that ended), its
   rooms are made anew for the same conversations, and its people have the same phones as before.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from orchestrator.client.problems import Missing
from orchestrator.client.views import NewConversation
from orchestrator.command.home import OpenHome
from orchestrator.config.policy import default_text, read_policy
from orchestrator.demo import halcyon
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, ConnectorName, DealId, PersonId

CODE: Final = "SAMPLE"
CHANNEL: Final = ConnectorName("sample")
ACTOR: Final = "sample"


Register = Callable[[str, Mapping[str, str]], Awaitable[object]]
"""Makes an account with its devices (name to key), or finds it."""


def accounts(person: PersonId) -> dict[ConnectorName, AccountId]:
    """Everybody's account on the sample's network."""
    return {CHANNEL: AccountId(person)}


async def ensure_sample(home: OpenHome, register: Register) -> DealId:
    """Finds or makes the sample deal, with three rooms that answer.

    Args:
        home: open and live.
        register: makes an account with its devices on the sample's network.
    """
    for person in halcyon.roster(accounts).people:
        key = hashlib.sha256(f"sample/{person.person_id}".encode()).hexdigest()
        await register(person.person_id, {f"phone-of-{person.person_id}": key})
    try:
        deal = await home.find_deal(CODE)
    except Missing:
        deal = await _make(home)
    await _rooms(home, deal)
    return deal


async def _make(home: OpenHome) -> DealId:
    policy = read_policy(default_text())
    deal = DealId((await home.deal_new(CODE, made_up=True, policy=policy, actor=ACTOR)).deal_id)
    await home.adopt(deal, "roster", to_document(halcyon.roster(accounts)), actor=ACTOR)
    thrown_away = generate("joint", [Group("nobody", 1, 1)])
    await home.journal_key_add(deal, "joint", json.dumps(thrown_away.public), actor=ACTOR)
    return deal


async def _rooms(home: OpenHome, deal: DealId) -> None:
    for talk in halcyon.TALKS:
        try:
            found = await home.conv_show(deal, talk.label)
        except Missing:
            found = None
        if found is None or not any(room.complete for room in found.rooms):
            await home.conv_new(deal, _new(talk), actor=ACTOR)
    await halcyon.verify_keys(home, deal, actor=ACTOR)


def _new(talk: halcyon.Talk) -> NewConversation:
    return NewConversation(
        label=talk.label,
        floor=talk.floor.value,
        channel=CHANNEL,
        owner=halcyon.OWNER,
        gate=talk.gate,
    )
