"""Random rooms, random leavers, and a network that lies, breaks off and hides: nobody stays.

Judged by the network's own record of who sits where, and by what each leaver's own client has.
"""

import random

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.clock import SECOND
from orchestrator.command import leaving
from orchestrator.rooms import acts
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, HIGHEST, Talk

FAULTS = (
    (FaultKind.LIE, "remove"),
    (FaultKind.PARTIAL_MEMBERS, "members"),
    (FaultKind.UNREADABLE, "members"),
    (FaultKind.CUT_AFTER, "remove"),
    (FaultKind.CUT_BEFORE, "remove"),
)
SEEDS = (*range(3), *(pytest.param(n, marks=pytest.mark.long) for n in range(3, 20)))
LYING = 1
"""A course in which the network says of a removal that it did it, and did not."""
LEAVERS = ("cy", "di", "el")


def talks(dice: random.Random) -> tuple[Talk, ...]:
    """Conversations of the lowest tier, each with an owner and some others."""
    return tuple(
        Talk(
            f"room{n}",
            Tier.COORDINATION,
            members=("ada", *dice.sample([p for p in HIGHEST if p != "ada"], dice.randint(1, 4))),
        )
        for n in range(dice.randint(4, 9))
    )


async def seats(house: House, labels: list[str]) -> dict[str, set[str]]:
    return {label: set((await house.far.state(house.room(label)))["seats"]) for label in labels}


@pytest.mark.parametrize("seed", SEEDS)
async def test_whoever_left_is_in_no_room_and_has_nothing_more(
    opens: Opens, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await course(opens, seed, monkeypatch)


async def test_a_planted_violation_is_caught(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a network answers is believed: some of those who left stay where they are."""
    monkeypatch.setattr(acts, "_is_so", lambda *_: True)
    with pytest.raises(AssertionError):
        await course(opens, LYING, monkeypatch)


async def course(opens: Opens, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One course of rooms, faults and leavers, and what must hold after it."""
    dice = random.Random(seed)  # noqa: S311 - a course that can be played again
    made = talks(dice)
    house = await opens(made)
    labels = [talk.label for talk in made]
    monkeypatch.setattr(leaving, "PATIENCE", SECOND)
    monkeypatch.setattr(house.home.runtime.hands, "_patience", SECOND // 5)
    for label in dice.sample(labels, 2):  # let in from a phone: the roster explains it no more
        for name in LEAVERS:
            if name not in (await seats(house, [label]))[label]:
                await house.far.add_member(house.room(label), name, by="ada")
    before = await seats(house, labels)
    for kind, verb in dice.choices(FAULTS, k=6):
        room = house.room(dice.choice(labels))
        await house.far.inject(kind, verb=verb, times=dice.randint(1, 2), room=room)
    leavers = dice.sample(LEAVERS, dice.randint(1, 3))
    for name in leavers:
        await house.home.leave(house.deal, PersonId(name), "left", actor=ACTOR)

    async def gone() -> bool:
        await house.home.runtime.leaving.turn()
        found = await house.home.leave_list(house.deal)
        return all(f.state == "gone" for f in found)

    await eventually(gone)
    after = await seats(house, labels)
    assert after == {label: had - set(leavers) for label, had in before.items()}
    had = {name: len(await house.far.inbox(name)) for name in leavers}
    for label in labels:
        await house.ends(await house.send(f"later, into {label}", to=label))
        for name in leavers:
            opened = await house.far.opened(name, house.room(label), by="wallcross")
            assert not any("later" in text for text in opened)
    assert had == {name: len(await house.far.inbox(name)) for name in leavers}
    for found in await house.home.leave_list(house.deal):
        been = {s.what for s in found.steps if s.kind == "room" and s.was_in}
        assert been == {label for label, there in before.items() if found.person in there}
