"""Alternates: the same people and all that was promised, or nothing; never both, never twice.

The oracle says in the constitution's words who is sent a message; the product must agree, in deals
where several things are wrong at once, and each planted violation must be found.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import CHANNELS, DAY, Case, sound
from tests.tiers.oracle import who_is_sent
from tests.tiers.planted import caught, counterexample
from tests.tiers.wrongs import WRONGS, put_wrong
from tiers import routing
from tiers.conversation import Place
from tiers.decision import Decision, Effect, Reason
from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, RoomId, RuleId
from tiers.policy import RecipientFacts
from tiers.routing import Held, RoomView, Route

ALLOWED = Decision((Reason(RuleId("planted"), Effect.ALLOW, "checked"),))


@dataclass(frozen=True)
class Mirrored:
    """A deal with alternate rooms, and where a message went before."""

    case: Case
    had: frozenset[Place]

    def answer(self) -> Route | Held:
        case = self.case
        return routing.route(
            case.placed,
            case.rooms,
            case.roster,
            case.policy,
            at=case.at,
            clock_trusted=case.clock_trusted,
            had=self.had,
        )


Change = Callable[[Random, Case, RoomView], RoomView]


def _alternate(rng: Random, case: Case, primary: RoomView) -> RoomView:
    """A room of the same people on any channel that promises the same or more."""
    channel = rng.choice(CHANNELS)
    binding = replace(
        primary.binding,
        connector=channel,
        room=RoomId(f"{primary.binding.room}-alternate"),
        alternate_of=primary.binding.place,
    )
    readers = tuple(
        replace(m, connector=channel, account=m.person.accounts[channel])
        for m in primary.recipients
        if m.person is not None
    )
    sure = tuple(_surer(rng, case, h) for h in primary.facts.holdings)
    facts = replace(primary.facts, holdings=sure)
    return replace(primary, binding=binding, facts=facts, recipients=readers, origin=False)


def _surer(rng: Random, case: Case, holding: Holding) -> Holding:
    value = None if holding.value is None else rng.randint(1, holding.value)
    better = replace(holding, evidence=Evidence.VERIFIED, at=case.at - rng.randint(0, DAY))
    return replace(better if rng.random() < 0.5 else holding, value=value)


def _as_it_is(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    return view


def _without_one(rng: Random, _case: Case, view: RoomView) -> RoomView:
    gone = rng.choice(view.recipients)
    return replace(view, recipients=tuple(m for m in view.recipients if m is not gone))


def _with_one_more(rng: Random, case: Case, view: RoomView) -> RoomView:
    person = rng.choice(case.roster.people)
    name, devices = view.binding.connector, view.recipients[0].devices
    more = RecipientFacts(name, person.accounts[name], person, devices)
    return replace(view, recipients=(*view.recipients, more))


def _of_less(rng: Random, case: Case, view: RoomView) -> RoomView:
    """It promises one thing less, less surely, or for longer; demanded or not."""
    held = view.facts.holdings
    if not held:
        return view
    chosen = rng.choice(held)
    less = rng.choice(
        (
            None,
            replace(chosen, evidence=Evidence.REQUESTED),
            replace(chosen, evidence=Evidence.ATTESTED, by="person-0", at=case.at),
            replace(chosen, at=case.at - 31 * DAY),
            replace(chosen, value=400 * DAY if chosen.value else None),
        )
    )
    kept = tuple(less if h is chosen else h for h in held)
    return replace(view, facts=replace(view.facts, holdings=tuple(h for h in kept if h)))


def _orphan(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    nowhere = (view.binding.connector, RoomId("!nowhere"))
    return replace(view, binding=replace(view.binding, alternate_of=nowhere))


def _paused(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    why = "a person"
    binding, facts = replace(view.binding, paused=why), replace(view.facts, paused=why)
    return replace(view, binding=binding, facts=facts)


def _standing_still(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    return replace(view, still=True)


def _origin(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    return replace(view, origin=True)


def _unreadable(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    facts = replace(view.facts, holdings=(), posture_at=None, members_at=None, complete=False)
    return replace(view, facts=facts, recipients=())


def _never_read(rng: Random, case: Case, view: RoomView) -> RoomView:
    return replace(_unreadable(rng, case, view), known=None)


def _promises_more(_rng: Random, case: Case, view: RoomView) -> RoomView:
    """The primary room was seen to promise what its tier does not demand."""
    more = Holding(Guarantee.TIMER, Evidence.VERIFIED, Source.SERVER, case.at, 3_600_000_000)
    known = replace(view.known, holdings=(*view.known.holdings, more)) if view.known else None
    return replace(view, known=known)


def _stranger_then(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    accounts = frozenset({AccountId("@stranger:elsewhere")})
    known = replace(view.known, accounts=view.known.accounts | accounts) if view.known else None
    return replace(_unreadable(_rng, _case, view), known=known)


PRIMARY: tuple[Change, ...] = (
    *(_as_it_is, _paused, _paused, _standing_still, _unreadable, _unreadable, _never_read),
    *(_promises_more, _stranger_then, _origin),
)
SPARE: tuple[Change, ...] = (
    *(_as_it_is, _as_it_is, _as_it_is, _without_one, _with_one_more, _of_less, _of_less),
    *(_orphan, _paused, _standing_still, _origin),
)


def draw(rng: Random) -> Mirrored:
    case = sound(rng, rng.randint(2, 6))
    rooms: list[RoomView] = []
    for view in case.rooms:
        spares = [_alternate(rng, case, view) for _ in range(rng.choice((0, 1, 1, 2)))]
        changed = [rng.choice(SPARE)(rng, case, s) for s in spares if s.recipients]
        names = [replace(c, binding=_named(c, n)) for n, c in enumerate(changed)]
        primary = rng.choice(PRIMARY)(rng, case, view)
        if rng.random() < 0.4:  # both of what stands against it and of what it was known for
            primary = rng.choice((_paused, _unreadable))(rng, case, primary)
        rooms += [primary, *names]
    rng.shuffle(rooms)
    case = replace(case, rooms=tuple(rooms))
    if rng.random() < 0.3:
        case = put_wrong(rng, case, [rng.choice(sorted(WRONGS))])
    had = (v.binding.place for v in case.rooms if rng.random() < 0.15)
    return Mirrored(case, frozenset(had))


def _named(view: RoomView, n: int) -> Any:
    return replace(view.binding, room=RoomId(f"{view.binding.room}-{n}"))


def check_as_the_constitution_says(mirrored: Mirrored) -> None:
    against, places = who_is_sent(mirrored.case, mirrored.had)
    answer = mirrored.answer()
    if isinstance(answer, Held):
        assert {r.rule for r in answer.decision.against} == against
        assert against
    else:
        assert not against
        assert [leg.binding.place for leg in answer.legs] == places


def check_never_both(mirrored: Mirrored) -> None:
    answer = mirrored.answer()
    if isinstance(answer, Held):
        return
    groups = [leg.binding.alternate_of or leg.binding.place for leg in answer.legs]
    assert len(set(groups)) == len(groups)
    given = {leg.binding.place for leg in answer.legs}
    for view in mirrored.case.rooms:
        group = view.binding.alternate_of or view.binding.place
        if view.binding.place in mirrored.had and not view.origin and group in groups:
            others = given - mirrored.had
            assert group not in {
                v.binding.alternate_of or v.binding.place
                for v in mirrored.case.rooms
                if v.binding.place in others
            }


def check_each_person_once(mirrored: Mirrored) -> None:
    answer = mirrored.answer()
    if isinstance(answer, Held):
        return
    roster = mirrored.case.roster
    read = [
        owner.person_id
        for leg in answer.legs
        for account in leg.readers
        if (owner := roster.owner(leg.binding.connector, account)) is not None
    ]
    assert len(set(read)) == len(read)
    assert len(read) == sum(len(leg.readers) for leg in answer.legs)


CHECKS = (check_as_the_constitution_says, check_never_both, check_each_person_once)


@pytest.mark.parametrize("check", CHECKS)
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_mirrored_as_the_constitution_says(check: Callable[[Mirrored], None], rng: Random) -> None:
    check(draw(rng))


@pytest.mark.parametrize("check", CHECKS)
def test_the_search_finds_nothing(check: Callable[[Mirrored], None]) -> None:
    assert counterexample(check, draw) is None


def test_the_search_tries_what_it_is_about() -> None:
    rng = Random(7)  # noqa: S311 - examples, not secrets
    seen = {"alternate": 0, "primary": 0, "held": 0, "several": 0}
    for _ in range(1_500):
        answer = draw(rng).answer()
        if isinstance(answer, Held):
            seen["held"] += 1
            continue
        spare = any(leg.binding.alternate_of is not None for leg in answer.legs)
        seen["alternate" if spare else "primary"] += 1
        seen["several"] += len(answer.legs) > 1
    assert min(seen.values()) > 20, seen


def _any_alternate(*_: object, **__: object) -> Decision:
    return ALLOWED


def _whoever(_spare: RoomView, _primary: RoomView, _roster: object) -> Decision:
    return ALLOWED


def _nobody_missing(spare: RoomView, primary: RoomView, roster: Any) -> Decision:
    """Everybody of the primary room is there; whoever else is, is not asked."""
    here = routing._people(spare, spare.accounts(), roster)
    there = routing._people(primary, primary.accounts(), roster)
    return ALLOWED if there <= here else SAME(spare, primary, roster)


def _nobody_new(spare: RoomView, primary: RoomView, roster: Any) -> Decision:
    here = routing._people(spare, spare.accounts(), roster)
    there = routing._people(primary, primary.accounts(), roster)
    return ALLOWED if here and here <= there else SAME(spare, primary, roster)


def _both(*args: Any, **kwargs: Any) -> Route | Held:
    answer = ROUTE(*args, **kwargs)
    if isinstance(answer, Held):
        return answer
    spare = [v for v in args[1] if v.binding.alternate_of and not v.facts.paused]
    legs = tuple(routing.Leg(v.binding, v.accounts()) for v in spare)
    return replace(answer, legs=(*answer.legs, *legs))


def _whatever_had(*args: Any, had: object, **kwargs: Any) -> Route | Held:
    assert had is not None
    return ROUTE(*args, had=frozenset(), **kwargs)


def _forgotten(*args: Any, **kwargs: Any) -> Decision:
    spare, primary, *rest = args
    known = routing.Known(primary.facts.holdings, primary.accounts())
    return STANDS(spare, replace(primary, known=known), *rest, **kwargs)


ROUTE, SAME, STANDS = routing.route, routing._same_people, routing.stands_in
PLANTED: dict[str, tuple[str, object]] = {
    "any alternate will do": ("stands_in", _any_alternate),
    "its people are not asked": ("_same_people", _whoever),
    "somebody new may read": ("_same_people", _nobody_missing),
    "somebody may be missing": ("_same_people", _nobody_new),
    "the room and its alternate": ("route", _both),
    "what may have arrived is sent elsewhere too": ("route", _whatever_had),
    "what cannot be read promised nothing": ("stands_in", _forgotten),
    "what was only asked for is all that counts": ("_counts", lambda h: h.evidence is None),
    "an alternate of nothing": ("_loose", lambda *_: ()),
    "two seats": ("_twice_seated", lambda *_: ()),
    "mirrored against the policy": ("_unmirrored", lambda *_: ()),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, broken = PLANTED[name]
    monkeypatch.setattr(routing, rule, broken)
    assert any(caught(check, draw) for check in CHECKS)
