"""Invariants 1 and 3: less knowledge, less right or more people never turns *held* into *route*.

What takes something away is applied to deals in any state. The wall is the one rule by which less
can be more: whoever loses a grant beyond a wall may read on this side of it again, so grants are
taken away in the compartment in question only. An empty list holds, so nobody is added to one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiers.deals import COMPARTMENTS, DAY, SECOND, Case, covering
from tests.tiers.planted import caught, counterexample
from tests.tiers.wrongs import in_a_room, in_facts, some_wrong, troubled
from tiers import policy, routing
from tiers.decision import Decision, Effect, Reason
from tiers.guarantees import Demand, Evidence, Holding
from tiers.ids import AccountId, RuleId
from tiers.people import Roster, Wall
from tiers.policy import Grade, RecipientFacts, RoomFacts
from tiers.routing import RoomView, Route
from tiers.tier import Tier
from tiers.trust import KeyState

Loss = Callable[[Random, Case], Case]


def _fewer_grants(rng: Random, case: Case) -> Case:
    here = case.conversation.compartment
    kept = tuple(g for g in case.roster.grants if g.compartment != here or rng.random() < 0.7)
    return replace(case, roster=replace(case.roster, grants=kept))


def _shorter_grants(rng: Random, case: Case) -> Case:
    here = case.conversation.compartment
    cut = tuple(
        replace(g, span=replace(g.span, end=case.at))
        if g.compartment == here and rng.random() < 0.3
        else g
        for g in case.roster.grants
    )
    return replace(case, roster=replace(case.roster, grants=cut))


def _lower_grants(rng: Random, case: Case) -> Case:
    lower = tuple(
        replace(g, highest=Tier.COORDINATION) if rng.random() < 0.3 else g
        for g in case.roster.grants
    )
    return replace(case, roster=replace(case.roster, grants=lower))


def _another_wall(rng: Random, case: Case) -> Case:
    one, other = rng.sample(COMPARTMENTS, 2)
    wall = Wall(one, other, covering(rng, case.at))
    return replace(case, roster=replace(case.roster, walls=(*case.roster.walls, wall)))


def _somebody_unknown(rng: Random, _case: Case, view: RoomView) -> RoomView:
    who = RecipientFacts(view.binding.connector, AccountId("@nobody"), None, None)
    members = list(view.recipients)
    members.insert(rng.randint(0, len(members)), who)
    return replace(view, recipients=tuple(members))


def _somebody_uncleared(rng: Random, case: Case, view: RoomView) -> RoomView:
    if not view.recipients:
        return view
    person = rng.choice(case.roster.people)
    account = person.accounts[view.binding.connector]
    devices = rng.choice(((), None))
    who = RecipientFacts(view.binding.connector, account, person, devices)
    return replace(view, recipients=(*view.recipients, who))


def _worse_device(rng: Random, _case: Case, view: RoomView) -> RoomView:
    def worse(member: RecipientFacts) -> RecipientFacts:
        state = rng.choice((None, KeyState.SEEN, KeyState.SUPERSEDED, KeyState.REVOKED))
        return replace(
            member, devices=tuple(replace(d, state=state) for d in member.devices or ()) or None
        )

    return replace(
        view, recipients=tuple(worse(m) if rng.random() < 0.3 else m for m in view.recipients)
    )


def _aged(rng: Random, case: Case, facts: RoomFacts) -> RoomFacts:
    by = rng.choice((1, SECOND, DAY))
    return replace(
        facts,
        posture_at=_before(facts.posture_at, by, case.at),
        members_at=_before(facts.members_at, by, case.at),
    )


def _before(read_at: int | None, by: int, at: int) -> int | None:
    """Older by so much; what is from the future stays there."""
    return read_at if read_at is None or read_at > at else read_at - by


def _surer_no_more(rng: Random, _case: Case, facts: RoomFacts) -> RoomFacts:
    lower = tuple(replace(h, evidence=Evidence(rng.randint(0, h.evidence))) for h in facts.holdings)
    return replace(facts, holdings=lower)


def _longer_timer(rng: Random, _case: Case, facts: RoomFacts) -> RoomFacts:
    longer = tuple(
        replace(h, value=h.value * rng.choice((1, 2, 1_000))) if h.value else h
        for h in facts.holdings
    )
    return replace(facts, holdings=longer)


def _paused(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    why = "somebody unknown"
    binding, facts = replace(view.binding, paused=why), replace(view.facts, paused=why)
    return replace(view, binding=binding, facts=facts)


def _another_room(rng: Random, case: Case) -> Case:
    extra = rng.choice(some_wrong(rng).rooms or (None,))
    return case if extra is None or not case.rooms else replace(case, rooms=(*case.rooms, extra))


LOSSES: Mapping[str, Loss] = {
    "grants taken away": _fewer_grants,
    "grants ended": _shorter_grants,
    "grants lowered": _lower_grants,
    "a wall raised": _another_wall,
    "a member nobody knows": in_a_room(_somebody_unknown),
    "one more of the roster": in_a_room(_somebody_uncleared),
    "devices less trusted": in_a_room(_worse_device),
    "readings aged": in_facts(_aged),
    "evidence lowered": in_facts(_surer_no_more),
    "timer made longer": in_facts(_longer_timer),
    "paused": in_a_room(_paused),
    "list not whole": in_facts(lambda _r, _c, f: replace(f, complete=False)),
    "channel less proven": in_facts(
        lambda r, _c, f: replace(f, grade=Grade(r.randint(0, f.grade)))
    ),
    "journal key gone": in_facts(lambda _r, _c, f: replace(f, journal_ready=False)),
    "clock in doubt": lambda _r, c: replace(c, clock_trusted=False),
    "one more room": _another_room,
}


def goes(case: Case) -> bool:
    answer = routing.route(
        case.placed,
        case.rooms,
        case.roster,
        case.policy,
        at=case.at,
        clock_trusted=case.clock_trusted,
    )
    return isinstance(answer, Route)


def check_less_is_never_more(pair: tuple[Case, Case]) -> None:
    before, after = pair
    assert goes(before) or not goes(after)


def taken_from(rng: Random, name: str) -> tuple[Case, Case]:
    case = some_wrong(rng)
    return case, LOSSES[name](rng, case)


@given(troubled(), st.sampled_from(sorted(LOSSES)), st.randoms(use_true_random=False))
def test_less_is_never_more(case: Case, name: str, rng: Random) -> None:
    check_less_is_never_more((case, LOSSES[name](rng, case)))


def test_the_search_finds_nothing() -> None:
    names = sorted(LOSSES)
    found = counterexample(check_less_is_never_more, lambda rng: taken_from(rng, rng.choice(names)))
    assert found is None


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_holds_some_and_frees_none(name: str) -> None:
    rng = Random(3)  # noqa: S311 - examples, not secrets
    pairs = [taken_from(rng, name) for _ in range(300)]
    for pair in pairs:
        check_less_is_never_more(pair)
    assert any(goes(before) and not goes(after) for before, after in pairs)


def _young_is_stale(what: str, read_at: int | None, fresh_for: int, at: int) -> Reason:
    fine = read_at is not None and at - read_at > fresh_for
    return Reason(RuleId(what), Effect.ALLOW if fine else Effect.HOLD, "planted")


def _unsure_is_sure(self: Demand, holdings: tuple[Holding, ...], _at: int) -> bool:
    return any(h.guarantee is self.guarantee and h.evidence < self.least for h in holdings)


def _strangers_vouch(members: tuple[RecipientFacts, ...], *_a: object, **_k: object) -> Decision:
    fine = any(m.person is None for m in members)
    return Decision((Reason(RuleId("readers"), Effect.ALLOW if fine else Effect.HOLD, "planted"),))


def _no_grant_no_limit(self: Roster, person_id: object, *_: object) -> bool:
    return not any(g.person_id == person_id for g in self.grants)


def _walls_open(self: Roster, *_: object) -> bool:
    return not self.walls


def _last_room_counts(decisions: list[Decision]) -> Decision:
    return tuple(decisions)[-1]


PLANTED = {
    "readings aged": (policy, "_fresh", _young_is_stale),
    "evidence lowered": (Demand, "met_by", _unsure_is_sure),
    "a member nobody knows": (routing, "decide_members", _strangers_vouch),
    "grants taken away": (Roster, "may_see", _no_grant_no_limit),
    "a wall raised": (Roster, "walled_off", _walls_open),
    "one more room": (routing, "all_of", _last_room_counts),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_reversal_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTED[name])
    assert caught(check_less_is_never_more, lambda rng: taken_from(rng, name))
