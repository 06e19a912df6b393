"""What stands in the way of a message by the invariants, told again without the rules under test.

Rule kept here: no rule of ``tiers.policy`` or ``tiers.routing``, and no method of a roster, demand
or holding, is called. Every answer is a plain search over the facts, in the constitution's words.
"""

from collections import defaultdict
from collections.abc import Iterator

from tests.tiers.deals import DAY, SECOND, Case
from tiers.conversation import Place
from tiers.guarantees import Demand, Evidence, Guarantee, Holding
from tiers.ids import AccountId, CompartmentId, ConnectorName, PersonId
from tiers.people import Grant, Person, Span
from tiers.policy import Grade, RecipientFacts, RoomFacts
from tiers.routing import RoomView
from tiers.tier import Tier
from tiers.trust import KeyState

ORDER = {"coordination": 0, "operations": 1, "valuation": 2}
_Owners = defaultdict[tuple[ConnectorName, AccountId], list[Person]]
_Grants = defaultdict[PersonId, list[Grant]]
KNOWS = {"requested": 0, "attested": 1, "verified": 2}
PROVEN = {"none": 0, "lab": 1, "field": 2, "fit": 3}


def in_the_way(case: Case) -> set[str]:
    """The rules that forbid this message, by name; empty when it may go."""
    if not case.rooms:
        return {"room"}
    found = set(_of_all_rooms(case))
    for view in case.away:
        found |= of_one_room(case, view)
    return found


def of_one_room(case: Case, view: RoomView) -> set[str]:
    """The rules that forbid that a room is sent this message."""
    found = set() if case.clock_trusted else {"clock"}
    owners, grants = _lists(case)
    found |= set(_of_room(case, view))
    for member in view.recipients:
        listed = owners[member.connector, member.account]
        found |= set(_of_member(case, member, listed, grants))
    return found


def _of_all_rooms(case: Case) -> Iterator[str]:
    """Nobody twice; several rooms only where the policy says so. A room and its alternate: one."""
    one_with = {v.binding.place: v.binding.alternate_of or v.binding.place for v in case.rooms}
    primaries = {place for place, primary in one_with.items() if place == primary}
    if len(primaries) >= 2 and not case.policy.tiers[case.placed.as_tier].mirrored:
        yield "mirrored"
    if set(one_with.values()) != primaries:
        yield "alternate"
    for person in case.roster.people:
        seats = {
            one_with[view.binding.place]
            for view in case.rooms
            if person.accounts.get(view.binding.connector) in _in_it(view)
        }
        if len(seats) >= 2:
            yield "seat"


def _in_it(view: RoomView) -> set[AccountId]:
    """Who is in a room as far as is known."""
    if view.known is not None and view.facts.members_at is None:
        return set(view.known.accounts)
    return {member.account for member in view.recipients}


def who_is_sent(case: Case, had: frozenset[Place]) -> tuple[set[str], list[Place]]:
    """The rules in the way, and where the message goes when there are none; with alternates."""
    found, places = set(_of_all_rooms(case)), []
    if not any(view.binding.alternate_of is None for view in case.rooms):
        return {"room"}, []
    for primary in case.rooms:
        here = primary.binding.place
        if primary.binding.alternate_of is not None:
            continue
        group = [v for v in case.rooms if here in {v.binding.place, v.binding.alternate_of}]
        against, place = _sent_in(case, primary, group, had)
        found |= against
        places += [place] if place is not None else []
    return found, places


def _sent_in(
    case: Case, primary: RoomView, group: list[RoomView], had: frozenset[Place]
) -> tuple[set[str], Place | None]:
    written = next((v for v in (primary, *group) if v.origin), None)
    if written is not None:
        same = written is primary or _same_people(case, written, primary)
        return (set() if same else {"alternate"}), None
    begun = next((v for v in (primary, *group) if v.binding.place in had), None)
    if begun is not None:
        return of_one_room(case, begun), begun.binding.place
    own = of_one_room(case, primary)
    if not own and not primary.still:
        return own, primary.binding.place
    every = set(own)
    for spare in group:
        if spare is not primary:
            against = of_one_room(case, spare) | _not_standing_in(case, spare, primary)
            if not against and not spare.still:
                return against, spare.binding.place
            every |= against
    return (every if own else own), primary.binding.place


def _not_standing_in(case: Case, spare: RoomView, primary: RoomView) -> set[str]:
    if primary.known is None or not _same_people(case, spare, primary):
        return {"alternate"}
    for promise in (*primary.known.holdings, *primary.facts.holdings):
        if promise.evidence.name == "REQUESTED":
            continue
        same = [h for h in spare.facts.holdings if h.guarantee is promise.guarantee]
        longer = promise.value is not None and any(
            h.value is not None and not 1 <= h.value <= promise.value for h in same
        )
        demand = Demand(promise.guarantee, promise.evidence, promise.value)
        if longer or not any(_counts(h, demand, case.at) for h in same):
            return {"alternate"}
    return set()


def _same_people(case: Case, spare: RoomView, primary: RoomView) -> bool:
    owner = {(c, a): p.person_id for p in case.roster.people for c, a in p.accounts.items()}

    def people(view: RoomView, accounts: set[AccountId]) -> set[str]:
        return {owner.get((view.binding.connector, a), "") for a in accounts}

    here = people(spare, _in_it(spare))
    lists = [_in_it(primary), *([set(primary.known.accounts)] if primary.known else [])]
    return bool(here) and "" not in here and all(people(primary, a) == here for a in lists)


def _of_room(case: Case, view: RoomView) -> Iterator[str]:
    facts, conversation, tier = (
        view.facts,
        case.conversation,
        case.policy.tiers[case.placed.as_tier],
    )
    least = "lab" if case.policy.lab_allowed else _grade(tier.grade)
    yield from ["paused"] * (facts.paused is not None)
    yield from ["complete"] * (facts.complete is not True)
    yield from ["grade"] * (PROVEN[_grade(facts.grade)] < PROVEN[least])
    yield from ["journal"] * (facts.journal_ready is not True)
    yield from ["host"] * (conversation.side not in {None, facts.host})
    yield from ["posture"] * (not _fresh(facts.posture_at, tier.fresh_for, case.at))
    yield from ["members"] * (not _fresh(facts.members_at, tier.fresh_for, case.at))
    yield from ["readers"] * (len(view.recipients) == 0)
    for demand in tier.demands:
        if demand.guarantee is not Guarantee.DEVICES_VERIFIED and not _held(demand, facts, case.at):
            yield "guarantee"
    bound = view.binding
    another = bound.conversation_id != conversation.conversation_id
    if another or bound.host != facts.host or bound.paused != facts.paused:
        yield "binding"


def _lists(case: Case) -> tuple[_Owners, _Grants]:
    """Who owns each account, and each person's grants that are valid now."""
    owners: _Owners = defaultdict(list)
    for person in case.roster.people:
        for key in person.accounts.items():
            owners[key].append(person)
    grants: _Grants = defaultdict(list)
    for grant in case.roster.grants:
        if _in(grant.span, case.at):
            grants[grant.person_id].append(grant)
    return owners, grants


def _of_member(
    case: Case, member: RecipientFacts, owners: list[Person], grants: _Grants
) -> Iterator[str]:
    if member.person is None or [p.person_id for p in owners] != [member.person.person_id]:
        yield "known"
        return
    yield from _of_person(case, owners[0], grants[owners[0].person_id])
    yield from ["devices"] * (not _devices_fit(case, member))


def _of_person(case: Case, person: Person, now: list[Grant]) -> Iterator[str]:
    here, at = case.conversation.compartment, case.at
    if not any(g.compartment == here and _reaches(g.highest, case.placed.as_tier) for g in now):
        yield "cleared"
    for wall in case.roster.walls:
        if _in(wall.span, at) and any(
            g.compartment == _beyond(wall.one, wall.other, here) for g in now
        ):
            yield "wall"
    if case.conversation.side is not None and person.side != case.conversation.side:
        yield "side"


def _devices_fit(case: Case, member: RecipientFacts) -> bool:
    tier = case.policy.tiers[case.placed.as_tier]
    demanded = Guarantee.DEVICES_VERIFIED in {d.guarantee for d in tier.demands}
    if member.devices is None:
        return not demanded and not tier.changed_key_holds
    states = [d.state for d in member.devices]
    if KeyState.REVOKED in states or KeyState.COMPROMISED in states:
        return False
    if demanded:
        return bool(states) and all(s is KeyState.VERIFIED for s in states)
    if tier.changed_key_holds:
        return all(s is KeyState.PINNED or s is KeyState.VERIFIED for s in states)
    return True


def _held(demand: Demand, facts: RoomFacts, at: int) -> bool:
    same = [h for h in facts.holdings if h.guarantee is demand.guarantee]
    if demand.at_most is not None and any(
        h.value is not None and not 1 <= h.value <= demand.at_most for h in same
    ):
        return False
    return any(_counts(h, demand, at) for h in same)


def _counts(holding: Holding, demand: Demand, at: int) -> bool:
    how = holding.evidence.name.lower()
    if how == "requested" or KNOWS[how] < KNOWS[_evidence(demand.least)]:
        return False
    if how == "attested" and not (holding.by and at - 30 * DAY <= holding.at <= at):
        return False
    if how == "verified" and not at - 24 * 3600 * SECOND <= holding.at <= at:
        return False
    return demand.at_most is None or holding.value is not None


def _fresh(read_at: int | None, fresh_for: int, at: int) -> bool:
    return read_at is not None and at - fresh_for <= read_at <= at


def _in(span: Span, at: int) -> bool:
    return not (at < span.start or (span.end is not None and at >= span.end))


def _reaches(highest: Tier, wanted: Tier) -> bool:
    return ORDER[highest.value] >= ORDER[wanted.value]


def _beyond(one: CompartmentId, other: CompartmentId, here: CompartmentId) -> CompartmentId | None:
    return {one: other, other: one}.get(here)


def _grade(grade: Grade) -> str:
    return grade.name.lower()


def _evidence(evidence: Evidence) -> str:
    return evidence.name.lower()
