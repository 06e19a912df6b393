"""Desired seats, drift and remedy, against an oracle that knows none of them."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import COMPARTMENTS, DAY, SECOND
from tests.tiers.seating import (
    CHANNELS,
    HELD,
    OURS,
    STANDBY,
    FarRoom,
    Member,
    Oracle,
    World,
    drifted,
    worlds,
)
from tiers import membership as memberships
from tiers import remedy as remedies
from tiers.conversation import Place
from tiers.guarantees import Guarantee
from tiers.ids import AccountId, PersonId
from tiers.membership import DriftKind, Intent, desired, drift
from tiers.people import Grant, Phase, Roster, Span, Wall
from tiers.policy import MembershipPolicy
from tiers.remedy import ActKind, Case, remedy
from tiers.tier import Tier

ODD = AccountId("@greta")


def seeded(seed: int, people: int, conversations: int = 3) -> World:
    return drifted(Random(seed), people, conversations)  # noqa: S311 - examples, not secrets


def settled_as_the_oracle_says(world: World) -> None:
    """Whoever is beyond his grants is gone, but for a last admin whom nobody can follow."""
    world.settle()
    oracle = Oracle(world)
    kept = {(h.act.place, h.act.account) for h in world.plan().held if h.reason == "last_owner"}
    assert set(oracle.beyond(world)) <= kept
    assert len(kept) <= len(world.rooms)
    assert not oracle.seatless(world)
    assert {who for _, who in oracle.twice(world)} <= {_owner(world, *where) for where in kept}
    for room in world.rooms.values():
        assert {OURS, STANDBY} <= room.members.keys()
        assert set(room.settings) == set(HELD)
    assert not world.plan().acts


def _owner(world: World, place: Place, account: AccountId | None) -> PersonId | None:
    found = [p for p in world.roster.people if (place[0], account) in p.accounts.items()]
    return found[0].person_id if found else None


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_after_apply_nobody_is_beyond_his_grants(world: World) -> None:
    settled_as_the_oracle_says(world)


@pytest.mark.parametrize("seed", range(3))
def test_a_deal_of_fifty(seed: int) -> None:
    settled_as_the_oracle_says(seeded(seed, 50))


@pytest.mark.long
@pytest.mark.parametrize(("people", "seed"), [(500, 1), (500, 2), (500, 3), (5_000, 4)])
def test_a_large_deal(people: int, seed: int) -> None:
    world = seeded(seed, people, 3 if people > 500 else 6)
    settled_as_the_oracle_says(replace(world, limits=MembershipPolicy(most=people)))


@settings(max_examples=40, deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_people_leave_and_walls_rise_between_crashes(world: World, rng: Random) -> None:
    """Each run is cut short somewhere; the next plan goes on from what is there."""
    for _ in range(3):
        world.note()
        acts = world.plan().acts
        for act in acts[: rng.randint(0, len(acts))]:
            world.do(act)
        gone = rng.choice(world.roster.people).person_id
        grants = tuple(g for g in world.adopted.grants if g.person_id != gone)
        one, other = rng.sample(COMPARTMENTS, 2)
        risen = Wall(one, other, Span(world.at))
        walls = (*world.adopted.walls, *([risen] if rng.random() < 0.3 else []))
        world.adopted = replace(world.adopted, grants=grants, walls=walls)
        world.phase = rng.choice([world.phase, *Phase])
        world.at += rng.choice((0, 1, DAY))
    settled_as_the_oracle_says(world)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_the_plan_of_an_unchanged_world_is_empty_and_the_same(world: World) -> None:
    assert world.plan() == world.plan()
    world.settle()
    rooms = {place: dict(room.members) for place, room in world.rooms.items()}
    assert world.settle() == 0
    assert {place: dict(room.members) for place, room in world.rooms.items()} == rooms


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_doing_a_plan_twice_is_doing_it_once(world: World) -> None:
    world.note()
    acts = world.plan().acts
    for act in acts:
        world.do(act)
    once = {place: dict(room.members) for place, room in world.rooms.items()}
    for act in acts:
        world.do(act)
    assert {place: dict(room.members) for place, room in world.rooms.items()} == once


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_removals_come_first_and_within_the_caps(world: World) -> None:
    world.note()
    acts = world.plan().acts
    kinds = [list(ActKind).index(a.kind) for a in acts]
    assert kinds == sorted(kinds)
    for place, room in world.rooms.items():
        out = [a for a in acts if a.kind is ActKind.REMOVE and a.place == place]
        people = len(room.members) - 2
        assert len(out) <= 3
        assert len(out) <= max(1, people / 4)


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_a_list_that_is_not_whole_or_not_fresh_moves_nobody(world: World) -> None:
    world.note()
    for n, room in enumerate(world.rooms.values()):
        if n % 2:
            room.complete = False
        else:
            room.read_at = world.at - 30 * SECOND - 1
    assert {a.kind for a in world.plan().acts} <= {ActKind.HARDEN}


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_no_plan_puts_our_accounts_out_or_leaves_a_room_without_its_last_admin(
    world: World,
) -> None:
    world.note()
    listed = {a for p in world.roster.people for a in p.accounts.values()}
    had = {place: _admins(room) & listed for place, room in world.rooms.items()}
    for act in world.plan().acts:
        assert act.kind is ActKind.INVITE or act.account not in {OURS, STANDBY}
        world.do(act)
    for place, room in world.rooms.items():
        assert not had[place] or _admins(room)


def _admins(room: FarRoom) -> set[AccountId]:
    return {a for a, m in room.members.items() if m.admin and a not in {OURS, STANDBY}}


# One planted violation for each rule.


def still() -> World:
    """A deal of twelve in one room, of which nothing differs."""
    world = seeded(1, 12, 1)
    deal, roster = world.intents[0], world.adopted
    conversation = replace(deal.conversation, side=None, floor=Tier.OPERATIONS)
    both = [
        replace(p, accounts={c: AccountId(p.person_id) for c in CHANNELS}) for p in roster.people
    ]
    grants = tuple(
        Grant(p.person_id, conversation.compartment, Tier.VALUATION, Span(0)) for p in both
    )
    world.adopted = replace(roster, people=tuple(both), grants=grants, walls=(), delegations=())
    binding = deal.rooms[0]
    owners = {binding.place: frozenset({both[0].person_id, both[1].person_id})}
    world.intents = (Intent(conversation, (binding,), owners=owners),)
    world.rooms = {binding.place: FarRoom({a: Member(admin=True) for a in (OURS, STANDBY)}, {})}
    world.settle()
    assert not world.differences()
    return world


def only_room(world: World) -> FarRoom:
    return next(iter(world.rooms.values()))


def kinds(world: World) -> list[DriftKind]:
    return [d.kind for d in world.differences()]


def somebody(world: World, *, admin: bool = False) -> AccountId:
    room = only_room(world)
    return next(a for a, m in room.members.items() if m.admin is admin and a != STANDBY)


def test_a_stranger_is_a_finding_first_and_goes_from_the_second_reading_on() -> None:
    world = still()
    only_room(world).members[ODD] = Member()
    assert kinds(world) == [DriftKind.UNKNOWN]
    assert [h.reason for h in world.plan().held] == ["first_seen"]
    assert not world.plan().acts
    world.note()
    acts = world.plan().acts
    assert [(a.kind, a.account) for a in acts] == [(ActKind.REMOVE, ODD), (ActKind.ROTATE, None)]


def test_who_is_cleared_no_more_goes() -> None:
    world = still()
    account = somebody(world)
    person = next(p for p in world.roster.people if account in p.accounts.values())
    grants = tuple(g for g in world.adopted.grants if g.person_id != person.person_id)
    world.adopted = replace(world.adopted, grants=grants)
    assert [(a.kind, a.because) for a in world.plan().acts] == [
        (ActKind.REMOVE, "not_cleared"),
        (ActKind.ROTATE, "removed"),
    ]


def test_who_is_paused_stays_where_he_is() -> None:
    world = still()
    account = somebody(world)
    person = next(p for p in world.roster.people if account in p.accounts.values())
    grants = tuple(g for g in world.adopted.grants if g.person_id != person.person_id)
    world.adopted = replace(world.adopted, grants=grants)
    world.paused = frozenset({person.person_id})
    assert not world.plan().acts
    assert [h.reason for h in world.plan().held] == ["paused"]


def test_who_is_missing_is_asked_in() -> None:
    world = still()
    account = somebody(world)
    del only_room(world).members[account]
    assert [(a.kind, a.account) for a in world.plan().acts] == [(ActKind.INVITE, account)]


def test_a_new_admin_is_one_no_more() -> None:
    world = still()
    account = somebody(world)
    only_room(world).members[account].admin = True
    assert [(a.kind, a.account) for a in world.plan().acts] == [(ActKind.DEMOTE, account)]


@pytest.mark.parametrize(
    ("guarantee", "value"),
    [
        *((g, "gone") for g in HELD),
        (Guarantee.TIMER, None),
        (Guarantee.TIMER, 7 * DAY + 1),
        (Guarantee.TIMER, 0),
    ],
)
def test_a_changed_setting_is_put_back(guarantee: Guarantee, value: int | str | None) -> None:
    world = still()
    room = only_room(world)
    room.settings.pop(guarantee)
    if not isinstance(value, str):
        room.settings[guarantee] = value
    assert [(a.kind, a.because) for a in world.plan().acts] == [(ActKind.HARDEN, guarantee.value)]
    room.settings.clear()
    assert [(a.kind, a.because) for a in world.plan().acts] == [(ActKind.HARDEN, "settings")]


def test_a_shorter_timer_is_no_drift() -> None:
    world = still()
    only_room(world).settings[Guarantee.TIMER] = DAY
    assert not world.differences()


def test_a_demoted_bot_a_missing_standby_and_a_bot_alone_are_found() -> None:
    world = still()
    room = only_room(world)
    room.members[OURS].admin = False
    del room.members[STANDBY]
    for member in room.members.values():
        member.admin = False
    found = set(kinds(world))
    assert found >= {DriftKind.BOT_DEMOTED, DriftKind.STANDBY_MISSING, DriftKind.SOLE_ADMIN_BOT}
    left = {d.kind for d in world.plan().left}
    assert left == {DriftKind.BOT_DEMOTED, DriftKind.SOLE_ADMIN_BOT}
    assert (ActKind.INVITE, STANDBY) in [(a.kind, a.account) for a in world.plan().acts]
    room.members[STANDBY] = Member()
    assert (ActKind.PROMOTE, STANDBY) in [(a.kind, a.account) for a in world.plan().acts]


def test_a_device_that_nobody_verified_is_found_where_the_tier_demands_it() -> None:
    world = still()
    world.verified = True
    assert not world.differences()
    case = world.cases()[0]
    members = tuple(replace(m, devices=None) for m in case.observed.members or ())
    unread = replace(case.observed, members=members)
    found = drift(case.standard, unread, world.roster, world.at).differences
    assert {d.kind for d in found} == {DriftKind.UNVERIFIED}
    assert len(found) == len(members) - 2


def test_what_could_not_be_read_is_never_as_it_should_be() -> None:
    world = still()
    case = world.cases()[0]
    unread = replace(case.observed, members=None, complete=False, members_at=None, holdings=None)
    found = drift(case.standard, unread, world.roster, world.at)
    assert [d.because for d in found.differences] == ["members", "settings"]
    assert found.right == 0


def test_the_last_admin_goes_only_once_another_is_one() -> None:
    world = still()
    room = only_room(world)
    stays, goes = [a for a in room.members if a not in {OURS, STANDBY}][:2]
    owner = {a: p.person_id for p in world.roster.people for a in p.accounts.values()}
    place = next(iter(world.rooms))
    intent = replace(world.intents[0], owners={place: frozenset({owner[stays]})})
    world.intents = (intent,)
    for account, member in room.members.items():
        member.admin = account in {OURS, STANDBY, goes}
    grants = tuple(g for g in world.adopted.grants if g.person_id != owner[goes])
    world.adopted = replace(world.adopted, grants=grants)
    first = world.plan()
    assert [(a.kind, a.account) for a in first.acts] == [(ActKind.PROMOTE, stays)]
    assert [(h.act.account, h.reason) for h in first.held] == [(goes, "last_owner")]
    for act in first.acts:
        world.do(act)
    assert (ActKind.REMOVE, goes) in [(a.kind, a.account) for a in world.plan().acts]


def test_a_stranger_who_made_himself_admin_is_no_owner_to_be_kept() -> None:
    world = still()
    room = only_room(world)
    for member in room.members.values():
        member.admin = False
    room.members[OURS].admin = room.members[STANDBY].admin = True
    room.members[ODD] = Member(admin=True)
    world.note()
    assert (ActKind.REMOVE, ODD) in [(a.kind, a.account) for a in world.plan().acts]


def test_an_account_of_ours_on_another_channel_is_never_put_out() -> None:
    world = still()
    only_room(world).members[ODD] = Member()
    world.note()
    (case,) = world.cases()
    found = remedy([replace(case, protected=frozenset({ODD}))], world.at)
    assert not found.acts
    assert [(h.act.account, h.reason) for h in found.held] == [(ODD, "protected")]


def test_a_channel_that_cannot_be_asked_is_told_of() -> None:
    world = still()
    only_room(world).members[ODD] = Member()
    only_room(world).settings.clear()
    world.note()
    (case,) = world.cases()
    able = replace(case.able, members=False, settings=False, keys=False)
    found = remedy([replace(case, able=able)], world.at)
    assert not found.acts
    assert {h.reason for h in found.held} == {"not_offered"}


def test_past_the_cap_the_rest_waits() -> None:
    world = still()
    room = only_room(world)
    for n in range(40):
        room.members[AccountId(f"@odd{n}")] = Member()
    world.note()
    plan = world.plan()
    assert sum(a.kind is ActKind.REMOVE for a in plan.acts) == 3
    assert [h.reason for h in plan.held] == ["cap"] * 37


def test_whoever_the_record_does_not_name_is_neither_added_nor_put_out() -> None:
    world = still()
    intent = replace(world.intents[0], open=False, sits={})
    world.intents = (intent,)
    assert not desired(intent, world.roster, (), (), world.at).of[intent.rooms[0].place]
    assert not world.plan().acts


def test_a_person_on_a_channel_of_single_rooms_needs_one_of_his_own() -> None:
    world = still()
    intent = replace(world.intents[0], sits={})
    single = {intent.rooms[0].connector}
    found = desired(intent, world.roster, (), single, world.at)
    assert not found.of[intent.rooms[0].place]
    assert {w.because for w in found.without} <= {"needs_a_room", "no_account"}
    assert any(w.because == "needs_a_room" for w in found.without)


# What each property is worth: a rule put wrong is noticed.


def anybody(*_: object) -> None:
    """Nothing is ever against anybody."""


def any_list(case: Case, wanted: remedies._Wanted, _at: int) -> str | None:
    return remedies._protected(case, wanted)


def all_go(_self: MembershipPolicy, _people: int) -> int:
    return 1_000_000


def not_walled(*_: object) -> bool:
    return False


def is_caught(check: Any, planted: pytest.MonkeyPatch) -> bool:
    """Whether a property fails for one of many deals."""
    for seed in range(150):
        try:
            check.hypothesis.inner_test(seeded(seed, 1 + seed % 9))
        except AssertionError:
            planted.undo()
            return True
    return False


@pytest.mark.parametrize(
    ("check", "where", "name", "wrong"),
    [
        (test_a_list_that_is_not_whole_or_not_fresh_moves_nobody, remedies, "_not_now", any_list),
        (test_removals_come_first_and_within_the_caps, MembershipPolicy, "removals", all_go),
        (
            test_no_plan_puts_our_accounts_out_or_leaves_a_room_without_its_last_admin,
            remedies,
            "_keeper",
            anybody,
        ),
        (test_after_apply_nobody_is_beyond_his_grants, memberships, "against", anybody),
        (test_after_apply_nobody_is_beyond_his_grants, Roster, "walled_off", not_walled),
    ],
)
def test_a_planted_violation_is_caught(
    check: Any, where: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, wrong, raising=False)
    assert is_caught(check, monkeypatch)


def test_a_list_is_as_fresh_as_when_its_room_was_looked_at() -> None:
    """A plan that reads forty rooms for a minute holds none back for that; acts read anew."""
    world = still()
    only_room(world).members[ODD] = Member()
    world.note()
    (case,) = world.cases()
    late = world.at + 60 * SECOND
    assert not remedy([case], late).acts
    assert remedy([replace(case, judged_at=world.at)], late).acts
