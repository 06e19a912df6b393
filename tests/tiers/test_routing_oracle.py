"""Invariants 1, 3, 13 and 14: what goes out was allowed by the constitution, told again apart.

Each planted violation takes one rule out of the product; the checker that holds must then fail.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import Case, cases, seeded
from tests.tiers.oracle import in_the_way
from tests.tiers.planted import caught, counterexample
from tests.tiers.wrongs import WRONGS, put_wrong, some_wrong, troubled
from tiers import decision, policy, routing
from tiers.decision import Decision, Effect, Reason
from tiers.guarantees import Demand, Holding
from tiers.ids import RuleId
from tiers.people import Person, Roster
from tiers.policy import RoomFacts
from tiers.routing import Held, Route
from tiers.tier import Tier
from tiers.trust import KeyState

Plant = Callable[[pytest.MonkeyPatch], None]
ALLOWED = Decision((Reason(RuleId("planted"), Effect.ALLOW, "checked"),))
DECIDE_ROOM, ALL_OF = policy.decide_room, decision.all_of
ROUTE = routing.route


def decided(case: Case) -> Route | Held:
    return routing.route(
        case.placed,
        case.rooms,
        case.roster,
        case.policy,
        at=case.at,
        clock_trusted=case.clock_trusted,
    )


def check_nothing_goes_unallowed(case: Case) -> None:
    answer = decided(case)
    if isinstance(answer, Route):
        assert in_the_way(case) == set()
        assert [leg.binding for leg in answer.legs] == [v.binding for v in case.away]
        for leg, view in zip(answer.legs, case.away, strict=True):
            assert leg.readers == {m.account for m in view.recipients}


def check_every_reason_is_told(case: Case) -> None:
    answer = decided(case)
    found = in_the_way(case)
    assert isinstance(answer, Held) == bool(found)
    if isinstance(answer, Held):
        assert {r.rule for r in answer.decision.against} == found
        assert (answer.tier, answer.conversation) == (case.placed.as_tier, case.conversation)


@given(troubled())
@settings(max_examples=200)
def test_a_route_has_nothing_against_it(case: Case) -> None:
    check_nothing_goes_unallowed(case)


@given(troubled())
@settings(max_examples=200)
def test_a_held_message_tells_every_reason_and_no_other(case: Case) -> None:
    check_every_reason_is_told(case)


@pytest.mark.parametrize("check", [check_nothing_goes_unallowed, check_every_reason_is_told])
def test_the_search_finds_nothing(check: Callable[[Case], None]) -> None:
    assert counterexample(check, some_wrong) is None


@given(cases())
def test_what_is_in_order_goes(case: Case) -> None:
    assert isinstance(decided(case), Route)


@pytest.mark.parametrize("name", [name for name in WRONGS if not name.startswith("none")])
def test_each_wrong_holds_by_its_own_rule(name: str) -> None:
    rule = name.partition(":")[0]
    wrong = [put_wrong(rng, seeded(n, 5), [name]) for n, rng in _randoms(80)]
    for case in wrong:
        check_every_reason_is_told(case)
    held = [answer for answer in map(decided, wrong) if isinstance(answer, Held)]
    assert len(held) >= 10, "this wrong was hardly ever tried"
    assert all(rule in {r.rule for r in answer.decision.against} for answer in held)


@pytest.mark.parametrize("people", [200, 1_000, pytest.param(5_000, marks=pytest.mark.long)])
def test_large_deals_are_decided_alike(people: int) -> None:
    for seed in range(3):
        case = seeded(seed, people)
        check_nothing_goes_unallowed(case)
        check_every_reason_is_told(case)
        for name in (
            "known: unknown account",
            "cleared: no grant",
            "wall: grants on both sides of it",
        ):
            worse = put_wrong(Random(seed), case, [name])  # noqa: S311 - examples, not secrets
            assert isinstance(decided(worse), Held) == bool(case.away)
            check_every_reason_is_told(worse)


def _randoms(count: int) -> list[tuple[int, Random]]:
    return [(n, Random(n)) for n in range(count)]  # noqa: S311 - examples, not secrets


def forgets(**fine: Any) -> Plant:
    """A room decision that takes some facts for granted."""

    def blind(room: RoomFacts, *args: Any, at: int, **kwargs: Any) -> Decision:
        known: dict[str, Any] = {k: at if v == "now" else v for k, v in fine.items()}
        return DECIDE_ROOM(replace(room, **known), *args, at=at, **kwargs)

    return lambda patch: patch.setattr(routing, "decide_room", blind)


def never(module: object, name: str, answer: object) -> Plant:
    """A rule that always gives the permitting answer."""
    return lambda patch: patch.setattr(module, name, lambda *_a, **_k: answer)


def _only_first_room(*args: Any, **kwargs: Any) -> Route | Held:
    placed, rooms, *rest = args
    fitting = [v for v in rooms if isinstance(ROUTE(placed, [v], *rest, **kwargs), Route)]
    return ROUTE(placed, fitting or rooms, *rest, **kwargs)


def _grants_for_ever(
    self: Roster, person_id: object, compartment: object, tier: Tier, _at: int
) -> bool:
    return any(
        (g.person_id, g.compartment) == (person_id, compartment) and g.highest >= tier
        for g in self.grants
    )


def _whatever_tier(
    self: Roster, person_id: object, compartment: object, _tier: object, at: int
) -> bool:
    return any(
        (g.person_id, g.compartment) == (person_id, compartment) and g.span.holds(at)
        for g in self.grants
    )


def _any_evidence(self: Demand, holdings: tuple[Holding, ...], _at: int) -> bool:
    return any(h.guarantee is self.guarantee and self._within(h) for h in holdings)


def _any_value(self: Demand, holdings: tuple[Holding, ...], at: int) -> bool:
    return any(
        h.guarantee is self.guarantee and h.evidence >= self.least and h.stands(at)
        for h in holdings
    )


def _first_that_fits(self: Demand, holdings: tuple[Holding, ...], at: int) -> bool:
    return any(
        h.guarantee is self.guarantee
        and h.evidence >= self.least
        and h.stands(at)
        and self._within(h)
        for h in holdings
    )


def _without_strangers(*args: Any, **kwargs: Any) -> Decision:
    members, *rest = args
    known = [m for m in members if m.person is not None]
    return policy.decide_members(known, *rest, **kwargs)


def _any_of(decisions: Iterable[Decision]) -> Decision:
    parts = tuple(decisions)
    return next((d for d in parts if d), ALL_OF(parts))


PLANTED: dict[str, Plant] = {
    "the clock is not asked": never(routing, "clock_decision", ALLOWED),
    "any reading is fresh": lambda p: p.setattr(
        policy, "_fresh", lambda *_: Reason(RuleId("fresh"), Effect.ALLOW, "checked")
    ),
    "a stale posture counts": forgets(posture_at="now"),
    "stale members count": forgets(members_at="now"),
    "an incomplete list counts": forgets(complete=True),
    "a paused room is sent to": lambda p: (
        forgets(paused=None)(p),
        never(routing, "_same_room", ALLOWED)(p),
    )[-1],
    "an unproven channel is used": forgets(grade=policy.Grade.FIT),
    "a missing journal key is overlooked": forgets(journal_ready=True),
    "a private message goes over any host": lambda p: p.setattr(
        routing,
        "decide_room",
        lambda room, conversation, *a, **k: DECIDE_ROOM(
            room, replace(conversation, side=None), *a, **k
        ),
    ),
    "a room of another conversation is sent to": never(routing, "_same_room", ALLOWED),
    "no guarantee is demanded": never(Demand, "met_by", answer=True),
    "what was requested counts": lambda p: p.setattr(Demand, "met_by", _any_evidence),
    "any timer will do": lambda p: p.setattr(Demand, "met_by", _any_value),
    "the kindest holding wins": lambda p: p.setattr(Demand, "met_by", _first_that_fits),
    "evidence never lapses": never(Holding, "stands", answer=True),
    "members are not asked": never(routing, "decide_members", ALLOWED),
    "strangers are passed over": lambda p: p.setattr(routing, "decide_members", _without_strangers),
    "everybody is cleared": never(Roster, "may_see", answer=True),
    "grants never end": lambda p: p.setattr(Roster, "may_see", _grants_for_ever),
    "a grant reaches every tier": lambda p: p.setattr(Roster, "may_see", _whatever_tier),
    "no wall stands": never(Roster, "walled_off", answer=False),
    "devices are not looked at": never(policy, "_devices", ()),
    "a revoked device is one like others": lambda p: p.setattr(policy, "_NEVER", frozenset()),
    "a device never seen counts as known": lambda p: p.setattr(
        policy, "_KNOWN", frozenset({None, *KeyState})
    ),
    "nobody asks who sits where": never(routing, "_twice_seated", ()),
    "anything is mirrored": never(routing, "_unmirrored", ()),
    "one allowed part is enough": lambda p: p.setattr(routing, "all_of", _any_of),
    "rooms that do not fit are left out": lambda p: p.setattr(routing, "route", _only_first_room),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[name](monkeypatch)
    assert caught(check_nothing_goes_unallowed, some_wrong)


def test_a_readers_own_side_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    against = policy._against

    def any_side(person: Person, *rest: Any) -> list[tuple[str, str]]:
        return [f for f in against(person, *rest) if f[0] != "side"]

    monkeypatch.setattr(policy, "_against", any_side)
    assert caught(check_nothing_goes_unallowed, some_wrong)


@given(st.data(), cases())
def test_the_guard_decides_as_the_route_did(data: st.DataObject, case: Case) -> None:
    """Invariant 3: the same facts allow again, and each wrong in between stops that leg."""
    name = data.draw(st.sampled_from(sorted(WRONGS)))
    later = put_wrong(data.draw(st.randoms(use_true_random=False)), case, [name])
    for view in later.away:
        again = routing.decide_leg(
            view,
            later.placed,
            later.roster,
            later.policy,
            at=later.at,
            clock_trusted=later.clock_trusted,
        )
        assert bool(again) == (not in_the_way(replace(later, rooms=(view,))))
