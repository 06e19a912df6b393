"""Random deals on a live home: whatever phones, rosters, faults and restarts did, plans end it.

The oracle searches the lines of the adopted roster by itself; who sits where says the network.
"""

from dataclasses import replace
from random import Random

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.client.problems import Refused
from orchestrator.clock import SECOND, now
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, ConnectorName, PersonId, SideId
from tiers.people import DEAL, Grant, Person, Profile, Roster, Span
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, BEGINS, CHANNEL, Talk, roster

TALKS = (
    Talk("lunch", Tier.COORDINATION),
    Talk("supply", Tier.OPERATIONS),
    Talk("own", Tier.OPERATIONS, side="kestrel"),
)
RANK = {"coordination": 0, "operations": 1, "valuation": 2}
FAULTS = (
    FaultKind.ANSWER_NOTHING,
    FaultKind.CUT_AFTER,
    FaultKind.CUT_LOST,
    FaultKind.UNAVAILABLE,
    FaultKind.PARTIAL_MEMBERS,
)
RUNS = 60


def listed(rng: Random, count: int) -> Roster:
    """Everybody of the house, and many more."""
    known = roster()
    more = tuple(
        Person(
            *(PersonId(f"p{n}"), f"Person {n}", SideId(rng.choice(("kestrel", "marlow")))),
            *("member", Profile.ORGANISATIONAL, {ConnectorName(CHANNEL): AccountId(f"p{n}")}),
        )
        for n in range(count)
    )
    grants = tuple(_grant(rng, p.person_id) for p in more for _ in range(rng.randint(0, 2)))
    return replace(known, people=(*known.people, *more), grants=(*known.grants, *grants))


def _grant(rng: Random, person: PersonId) -> Grant:
    ends = rng.choice((None, None, BEGINS + SECOND, now() + 10**6 * SECOND))
    return Grant(person, DEAL, rng.choice(list(Tier)), Span(BEGINS, ends))


def allowed(people: Roster, talk: Talk) -> set[str]:
    """Who may sit in a conversation, by a search over the roster's lines."""
    at, needed = now(), RANK[talk.floor.value]
    found = set()
    for grant in people.grants:
        counts = grant.span.start <= at and (grant.span.end is None or at < grant.span.end)
        side = next(p.side for p in people.people if p.person_id == grant.person_id)
        own = talk.side is None or side == talk.side
        if counts and own and RANK[grant.highest.value] >= needed:
            found.add(str(grant.person_id))
    return found


async def disturb(house: House, rng: Random, people: Roster) -> Roster:
    """Phones add, put out and promote; somebody's clearance ends, or comes back."""
    names = [p.person_id for p in people.people if p.person_id != "ada"]
    for _ in range(rng.randint(1, 5)):
        room = house.room(rng.choice(TALKS).label)
        seats = (await house.far.state(room))["seats"]
        name = rng.choice([*names, f"odd{rng.randint(0, 3)}"])
        if name not in seats:
            await house.far.add_member(room, name, by="ada")
        elif rng.random() < 0.5:
            await house.far.remove_member(room, name)
        else:
            await house.far.set_admin(room, name, admin=True)
    who = rng.choice(names)
    kept = tuple(g for g in people.grants if g.person_id != who)
    new = () if rng.random() < 0.7 else (_grant(rng, who),)
    people = replace(people, grants=(*kept, *new))
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)
    return people


async def run(house: House) -> int:
    """One plan and what becomes of it; how many acts it had."""
    shown = await house.home.plan(house.deal)
    try:
        acts = house.home.plan_apply(house.deal, shown.hash, None, actor=ACTOR)
        ended = [line async for line in acts]
    except Refused:
        return 1  # a list was not whole, or the world moved: another plan
    return len(ended)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_in_the_end_everybody_sits_where_the_roster_says(opens: Opens, seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - examples, not secrets
    people = listed(rng, 45)
    house = await opens(TALKS, people=people)
    for _ in range(4):
        house.home.runtime.hands._patience = SECOND // 2
        people = await disturb(house, rng, people)
        verb = "members" if (fault := rng.choice(FAULTS)) is FAULTS[-1] else "*"
        kinds = ("remove", "invite", "role") if verb == "*" else (verb,)
        for kind in kinds:
            await house.far.inject(fault, verb=kind, times=rng.randint(1, 3))
        await run(house)
        if rng.random() < 0.5:
            await house.restart()
    await house.far.clear_faults()
    house.home.runtime.hands._patience = 5 * SECOND
    await house.home.runtime.reconciler.look()
    runs = 0
    while await run(house):
        runs += 1
        assert runs < RUNS, "the plans do not come to an end"
    for talk in TALKS:
        seats = {*(await house.far.state(house.room(talk.label)))["seats"]}
        assert seats - {"wallcross"} == allowed(people, talk), talk.label
    last = await house.home.plan(house.deal)
    assert (last.acts, last.held, last.unread) == ((), (), 0)
    assert last.hash == (await house.home.plan(house.deal)).hash
