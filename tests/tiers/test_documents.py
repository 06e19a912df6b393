"""A formal document reaches exactly the named readers whom every rule lets have it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiers.deals import DAY, SECOND, Case, sound
from tiers.documents import Copy, address, needs_second_person
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, DeviceId, PersonId, RoomId
from tiers.people import Grant, Span
from tiers.policy import DeviceFact, DocumentPolicy, Grade, RecipientFacts, RoomFacts, TierPolicy
from tiers.routing import Placed, RoomView
from tiers.tier import Tier
from tiers.trust import KeyState

FRESH = 30 * SECOND
KEPT = (
    Guarantee.END_TO_END_ENCRYPTED,
    Guarantee.INVITE_ONLY,
    Guarantee.MEMBERS_READABLE,
    Guarantee.DEVICES_VERIFIED,
)


def rules(case: Case) -> TierPolicy:
    return replace(
        case.policy.tiers[Tier.OPERATIONS],
        demands=tuple(Demand(g, Evidence.VERIFIED) for g in KEPT),
        fresh_for=FRESH,
        grade=Grade.FIELD,
        changed_key_holds=True,
    )


def own_room(case: Case, n: int, member: RecipientFacts) -> RoomView:
    """A room in which one reader alone reads, with everything that a document demands."""
    at = case.at
    holdings = tuple(Holding(g, Evidence.VERIFIED, Source.CRYPTOGRAPHY, at) for g in KEPT)
    first = case.rooms[0]
    binding = replace(first.binding, room=RoomId(f"!own-{n}"), alternate_of=None)
    facts = RoomFacts(
        holdings, at, at, complete=True, paused=None, grade=Grade.FIELD, journal_ready=True,
        host=binding.host,
    )  # fmt: skip
    key = (DeviceFact(DeviceId("openpgp"), KeyState.VERIFIED),)
    return RoomView(binding, facts, (replace(member, devices=key),))


def deal(rng: Random, people: int) -> Case:
    """A sound deal whose every seated person has a room of his own."""
    case = sound(rng, people)
    placed = case.placed
    if placed.as_tier is Tier.VALUATION and placed.conversation.floor is not Tier.VALUATION:
        placed = replace(placed, as_tier=placed.conversation.floor)
    seated = [member for view in case.rooms for member in view.recipients]
    rooms = tuple(own_room(case, n, member) for n, member in enumerate(seated))
    sides = frozenset(side.side_id for side in case.roster.sides)
    policy = replace(case.policy, documents=DocumentPolicy(rules(case), sides))
    return replace(case, rooms=rooms, placed=placed, policy=policy)


def readers(case: Case) -> list[PersonId]:
    people = [view.recipients[0].person for view in case.rooms]
    return [person.person_id for person in people if person is not None]


def copies(case: Case, who: list[PersonId] | None = None) -> tuple[Copy, ...]:
    return address(
        case.placed,
        readers(case) if who is None else who,
        case.rooms,
        case.roster,
        case.policy,
        at=case.at,
        clock_trusted=case.clock_trusted,
    )


deals = st.builds(deal, st.randoms(use_true_random=False), st.integers(2, 7))


@given(deals)
def test_in_order_each_named_reader_has_a_copy_and_nobody_else(case: Case) -> None:
    named = readers(case)[::2]
    found = copies(case, named)
    assert [c.reader for c in found] == named
    assert [c.number for c in found] == list(range(1, len(named) + 1))
    for copy in found:
        assert copy.decision, copy.decision.against
        assert copy.room is not None
        [alone] = copy.room.recipients
        assert alone.person is not None
        assert alone.person.person_id == copy.reader


@given(deals)
def test_a_name_said_twice_is_one_copy(case: Case) -> None:
    named = readers(case)
    assert len(copies(case, [*named, *named])) == len(named)


def room_wrong(change: Callable[[RoomView], RoomView]) -> Callable[[Case], Case]:
    return lambda case: replace(case, rooms=(change(case.rooms[0]), *case.rooms[1:]))


def facts_wrong(**change: object) -> Callable[[Case], Case]:
    return room_wrong(lambda v: replace(v, facts=replace(v.facts, **change)))  # type: ignore[arg-type]  # by name


def key_wrong(*states: KeyState | None) -> Callable[[Case], Case]:
    devices = tuple(DeviceFact(DeviceId(f"d{n}"), s) for n, s in enumerate(states))
    return room_wrong(lambda v: replace(v, recipients=(replace(v.recipients[0], devices=devices),)))


def stale(case: Case) -> Case:
    return facts_wrong(members_at=case.at - FRESH - 1)(case)


def uncleared(case: Case) -> Case:
    who = readers(case)[0]
    grants = tuple(g for g in case.roster.grants if g.person_id != who)
    return replace(case, roster=replace(case.roster, grants=grants))


def shared(case: Case) -> Case:
    """Somebody else, cleared as he may be, reads in the first reader's room."""
    other = case.rooms[-1].recipients[0] if len(case.rooms) > 1 else None
    stranger = RecipientFacts(case.rooms[0].binding.connector, AccountId("@x:x"), None, ())
    joined = other or stranger
    return room_wrong(lambda v: replace(v, recipients=(*v.recipients, joined)))(case)


def two_rooms(case: Case) -> Case:
    twin = case.rooms[0]
    again = replace(twin, binding=replace(twin.binding, room=RoomId("!again")))
    return replace(case, rooms=(*case.rooms, again))


def one_promise_less(case: Case) -> Case:
    held = case.rooms[0].facts.holdings
    return facts_wrong(holdings=held[1:])(case)


def only_attested(case: Case) -> Case:
    weak = tuple(Holding(g, Evidence.ATTESTED, Source.PERSON, case.at, by="person-0") for g in KEPT)
    return facts_wrong(holdings=weak)(case)


WRONGS: Mapping[str, Callable[[Case], Case]] = {
    "paused": facts_wrong(paused="a look first"),
    "incomplete": facts_wrong(complete=False),
    "unread": facts_wrong(posture_at=None),
    "stale": stale,
    "no journal": facts_wrong(journal_ready=False),
    "promise missing": one_promise_less,
    "only attested": only_attested,
    "key pinned, not verified": key_wrong(KeyState.PINNED),
    "key changed": key_wrong(KeyState.SUPERSEDED),
    "key revoked": key_wrong(KeyState.VERIFIED, KeyState.REVOKED),
    "no key": key_wrong(),
    "uncleared": uncleared,
    "shared room": shared,
    "two rooms": two_rooms,
    "rebound": room_wrong(lambda v: replace(v, binding=replace(v.binding, paused="since"))),
}


@pytest.mark.parametrize("name", WRONGS)
@settings(max_examples=30)
@given(case=deals)
def test_what_is_wrong_with_one_copy_refuses_it_and_no_other(name: str, case: Case) -> None:
    wrong = WRONGS[name](case)
    first, *others = copies(wrong, readers(case))
    assert not first.decision
    assert first.decision.against
    for copy in others:
        assert copy.decision, (name, copy.decision.against)


@given(deals)
def test_a_lab_channel_is_enough_only_for_a_made_up_deal(case: Case) -> None:
    lab = facts_wrong(grade=Grade.LAB)(case)
    real = replace(lab, policy=replace(lab.policy, lab_allowed=False))
    assert not copies(real)[0].decision
    made_up = replace(lab, policy=replace(lab.policy, lab_allowed=True))
    assert copies(made_up)[0].decision


@given(deals)
def test_without_a_word_in_the_policy_none_goes(case: Case) -> None:
    silent = replace(case, policy=replace(case.policy, documents=None))
    assert not any(copy.decision for copy in copies(silent))


@given(deals)
def test_while_the_clock_is_not_trusted_none_goes(case: Case) -> None:
    assert not any(copy.decision for copy in copies(replace(case, clock_trusted=False)))


@given(deals)
def test_valuation_goes_to_named_sides_alone_and_waits(case: Case) -> None:
    placed = Placed(case.placed.conversation, Tier.VALUATION)
    clear = tuple(
        Grant(who, placed.conversation.compartment, Tier.VALUATION, Span(case.at - DAY, None))
        for who in readers(case)
    )
    roster = replace(case.roster, grants=(*case.roster.grants, *clear))
    high = replace(case, placed=placed, roster=roster)
    assert needs_second_person(placed)
    assert all(copy.decision for copy in copies(high))
    documents = replace(
        high.policy.documents or DocumentPolicy(rules(case)), valuation_to=frozenset()
    )
    unnamed = replace(high, policy=replace(high.policy, documents=documents))
    assert not any(copy.decision for copy in copies(unnamed))


@given(deals)
def test_what_is_below_valuation_waits_for_nobody(case: Case) -> None:
    assert needs_second_person(case.placed) is (case.placed.as_tier is Tier.VALUATION)


@given(deals)
def test_somebody_without_a_room_of_his_own_is_refused_by_name(case: Case) -> None:
    nobody = replace(case, rooms=())
    for copy in copies(nobody, readers(case)):
        assert not copy.decision
        assert copy.room is None
        assert "room of his own" in copy.decision.against[0].because
