"""Somebody of high value is asked one thing at most, and begun with by his delegates."""

from dataclasses import replace

import pytest

from orchestrator.client.problems import Refused
from orchestrator.client.views import NewConversation
from tiers.ids import PersonId
from tiers.people import Delegation, Profile, Roster, Span
from tiers.tier import Tier

from .conftest import Opens, eventually
from .house import ACTOR, BEGINS, CHANNEL, PRICE, TALKS, roster


def valued(*names: str, delegate: str | None = None) -> Roster:
    listed = roster((CHANNEL,))
    people = tuple(
        replace(p, profile=Profile.HIGH_VALUE) if p.person_id in names else p for p in listed.people
    )
    delegations = (
        (Delegation(PersonId(names[0]), PersonId(delegate), Tier.COORDINATION, Span(BEGINS)),)
        if delegate is not None
        else ()
    )
    return replace(listed, people=people, delegations=delegations)


async def test_one_way_is_shown_and_every_answer_still_counts(opens: Opens) -> None:
    house = await opens(TALKS, people=valued("ada"))
    for person, ways in (("ada", 1), ("bo", 3)):
        message = await house.send(
            f"{PRICE}: {person} offers 27.50 per share.", person=person, to="lunch"
        )
        assert await house.ends(message) == "held"
        [notice] = [m.text for m in await house.told(person) if "Held. Nobody" in m.text]
        lines = [line for line in notice.splitlines() if line[:2] in {"1 ", "2 ", "3 "}]
        assert len(lines) == ways
    [held] = [h for h in await house.home.held_list(house.deal) if h.author == "ada"]
    await house.far.direct("ada", "wallcross", f"2 {held.message_id.removeprefix('msg_')[:8]}")

    async def dropped() -> bool:
        return await house.state(held.message_id) == "dropped"

    await eventually(dropped)


async def test_who_shares_nothing_with_him_begins_by_his_delegate(opens: Opens) -> None:
    house = await opens((), people=valued("ada", delegate="di"))
    new = NewConversation(
        label="apart",
        floor=Tier.COORDINATION.value,
        channel=CHANNEL,
        owner=PersonId("el"),
        members=("el", "ada"),
    )
    with pytest.raises(Refused, match="reached by delegates"):
        await house.home.conv_new(house.deal, new, actor=ACTOR)
    joined = replace(new, members=("el", "ada", "di"))
    assert (await house.home.conv_new(house.deal, joined, actor=ACTOR)).label == "apart"
