"""One thing put wrong in a deal that was in order; each wrong is named after the rule it breaks.

Rule kept here: a wrong changes facts only, as a network, a person or the passing of time would.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from tests.tiers.deals import DAY, SECOND, START, Case, covering, elsewhere, sound
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import AccountId, CompartmentId, ConversationId, DeviceId, PersonId, SideId
from tiers.people import DEAL, Grant, Roster, Span, Wall
from tiers.policy import DeviceFact, Grade, RecipientFacts, RoomFacts
from tiers.routing import RoomView
from tiers.tier import Tier
from tiers.trust import KeyState

Wrong = Callable[[Random, Case], Case]
LONG = 10_000 * DAY


def in_a_room(change: Callable[[Random, Case, RoomView], RoomView]) -> Wrong:
    """Changes one of the rooms that would be sent to."""

    def wrong(rng: Random, case: Case) -> Case:
        if not case.away:
            return case
        chosen = rng.choice(case.away)
        changed = change(rng, case, chosen)
        return replace(case, rooms=tuple(changed if v is chosen else v for v in case.rooms))

    return wrong


def in_facts(change: Callable[[Random, Case, RoomFacts], RoomFacts]) -> Wrong:
    """Changes what was read back of a room."""
    return in_a_room(lambda rng, case, view: replace(view, facts=change(rng, case, view.facts)))


def in_a_member(change: Callable[[Random, Case, RecipientFacts], RecipientFacts]) -> Wrong:
    """Changes one member of a room."""

    def of(rng: Random, case: Case, view: RoomView) -> RoomView:
        if not view.recipients:
            return view
        chosen = rng.choice(view.recipients)
        changed = change(rng, case, chosen)
        members = tuple(changed if m is chosen else m for m in view.recipients)
        return replace(view, recipients=members)

    return in_a_room(of)


def in_the_roster(change: Callable[[Random, Case, PersonId], Roster]) -> Wrong:
    """Changes the roster where it speaks of somebody who sits in a room."""

    def wrong(rng: Random, case: Case) -> Case:
        known = [m.person for v in case.away for m in v.recipients if m.person is not None]
        if not known:
            return case
        return replace(case, roster=change(rng, case, rng.choice(known).person_id))

    return wrong


def regranted(
    change: Callable[[Random, Case, Grant], Grant | None],
) -> Callable[[Random, Case, PersonId], Roster]:
    """Changes every grant of a person for the compartment in question."""

    def changed(rng: Random, case: Case, who: PersonId) -> Roster:
        here = case.conversation.compartment
        new = (
            change(rng, case, g) if (g.person_id, g.compartment) == (who, here) else g
            for g in case.roster.grants
        )
        return replace(case.roster, grants=tuple(g for g in new if g is not None))

    return changed


def _lower(_rng: Random, case: Case, grant: Grant) -> Grant | None:
    tiers = list(Tier)
    below = tiers[: tiers.index(case.placed.as_tier)]
    return replace(grant, highest=below[-1]) if below else None


def _walled(rng: Random, case: Case, who: PersonId) -> Roster:
    here, far = case.conversation.compartment, CompartmentId("other-bidder")
    ends = (here, far) if rng.random() < 0.5 else (far, here)
    grant = Grant(who, far, Tier.COORDINATION, covering(rng, case.at))
    wall = Wall(*ends, covering(rng, case.at))
    return replace(
        case.roster, grants=(*case.roster.grants, grant), walls=(*case.roster.walls, wall)
    )


def _other_side(rng: Random, case: Case, who: PersonId) -> Roster:
    others = [s.side_id for s in case.roster.sides if s.side_id != case.conversation.side]
    people = tuple(
        replace(p, side=rng.choice(others)) if p.person_id == who else p for p in case.roster.people
    )
    return replace(case.roster, people=people)


def _one_holding(rng: Random, facts: RoomFacts, **change: object) -> RoomFacts:
    """Changes the holding of one promise that is demanded, devices aside."""
    counted = [h for h in facts.holdings if h.guarantee is not Guarantee.DEVICES_VERIFIED]
    if not counted:
        return facts
    chosen = rng.choice(counted)
    changed = replace(chosen, **change)  # type: ignore[arg-type]  # the field is named by the caller
    return replace(facts, holdings=tuple(changed if h is chosen else h for h in facts.holdings))


def _too_long(_rng: Random, _case: Case, facts: RoomFacts) -> RoomFacts:
    return replace(
        facts,
        holdings=tuple(
            replace(h, value=LONG) if h.guarantee is Guarantee.TIMER else h for h in facts.holdings
        ),
    )


def _told_longer(rng: Random, _case: Case, facts: RoomFacts) -> RoomFacts:
    timers = [h for h in facts.holdings if h.guarantee is Guarantee.TIMER]
    evidence = rng.choice(list(Evidence))
    longer = tuple(replace(h, evidence=evidence, value=LONG) for h in timers)
    return replace(facts, holdings=(*facts.holdings, *longer))


def _device(*states: KeyState | None) -> Wrong:
    def changed(rng: Random, _case: Case, member: RecipientFacts) -> RecipientFacts:
        device = DeviceFact(DeviceId("device-new"), rng.choice(states))
        return replace(member, devices=(*(member.devices or ()), device))

    return in_a_member(changed)


def _instant(rng: Random, case: Case) -> int | None:
    tier = case.policy.tiers[case.placed.as_tier]
    return rng.choice((None, 0, START, case.at - tier.fresh_for - 1, case.at + 1, case.at + DAY))


def _to_another(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    return replace(view, binding=replace(view.binding, conversation_id=ConversationId("conv-2")))


def _paused_since(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    return replace(view, binding=replace(view.binding, paused="an unknown member"))


def _other_host(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    host = SideId("a-stranger")
    binding, facts = replace(view.binding, host=host), replace(view.facts, host=host)
    return replace(view, binding=binding, facts=facts)


def _stranger(_rng: Random, _case: Case, view: RoomView) -> RoomView:
    account = AccountId("@stranger:elsewhere")
    stranger = RecipientFacts(view.binding.connector, account, None, None)
    return replace(view, recipients=(*view.recipients, stranger))


def _mistaken(rng: Random, case: Case, member: RecipientFacts) -> RecipientFacts:
    return replace(member, person=rng.choice(case.roster.people))


def _in_two_rooms(rng: Random, case: Case) -> Case:
    if len(case.rooms) < 2:
        return case
    one, other = rng.sample(case.rooms, 2)
    people = [m.person for m in one.recipients if m.person is not None]
    if not people:
        return case
    name, person = other.binding.connector, rng.choice(people)
    devices = (DeviceFact(DeviceId("device-0"), KeyState.VERIFIED),)
    again = RecipientFacts(name, person.accounts[name], person, devices)
    changed = replace(other, recipients=(*other.recipients, again))
    return replace(case, rooms=tuple(changed if v is other else v for v in case.rooms))


def _not_to_be_mirrored(_rng: Random, case: Case) -> Case:
    tiers = {t: replace(p, mirrored=False) for t, p in case.policy.tiers.items()}
    return replace(case, policy=replace(case.policy, tiers=tiers))


WRONGS: Mapping[str, Wrong] = {
    "cleared: no grant": in_the_roster(regranted(lambda _r, _c, _g: None)),
    "cleared: grant ended or not begun": in_the_roster(
        regranted(lambda r, c, g: replace(g, span=elsewhere(r, c.at)))
    ),
    "cleared: grant of a lower tier": in_the_roster(regranted(_lower)),
    "cleared: grant for another compartment": in_the_roster(
        regranted(lambda _r, _c, g: replace(g, compartment=CompartmentId("unrelated")))
    ),
    "wall: grants on both sides of it": in_the_roster(_walled),
    "side: of another side": in_the_roster(_other_side),
    "known: unknown account": in_a_room(_stranger),
    "known: the account is somebody else's now": in_a_member(_mistaken),
    "devices: revoked or compromised": _device(KeyState.REVOKED, KeyState.COMPROMISED),
    "devices: new, changed or never seen": _device(KeyState.SEEN, KeyState.SUPERSEDED, None),
    "devices: only pinned": _device(KeyState.PINNED),
    "devices: cannot be read": in_a_member(lambda _r, _c, m: replace(m, devices=None)),
    "devices: none at all": in_a_member(lambda _r, _c, m: replace(m, devices=())),
    "paused": in_a_room(
        lambda _r, _c, v: replace(
            v,
            binding=replace(v.binding, paused="a new device"),
            facts=replace(v.facts, paused="a new device"),
        )
    ),
    "complete: the list is not whole": in_facts(lambda _r, _c, f: replace(f, complete=False)),
    "readers: the list is empty": in_a_room(lambda _r, _c, v: replace(v, recipients=())),
    "grade: channel not proven": in_facts(lambda _r, _c, f: replace(f, grade=Grade.NONE)),
    "journal: no key": in_facts(lambda _r, _c, f: replace(f, journal_ready=False)),
    "host: another side's": in_a_room(_other_host),
    "posture: unread, stale or from the future": in_facts(
        lambda r, c, f: replace(f, posture_at=_instant(r, c))
    ),
    "members: unread, stale or from the future": in_facts(
        lambda r, c, f: replace(f, members_at=_instant(r, c))
    ),
    "guarantee: not held": in_facts(lambda _r, _c, f: replace(f, holdings=())),
    "guarantee: only requested": in_facts(
        lambda r, _c, f: _one_holding(r, f, evidence=Evidence.REQUESTED)
    ),
    "guarantee: attested where it must be verified": in_facts(
        lambda r, _c, f: _one_holding(r, f, evidence=Evidence.ATTESTED, by="person-0")
    ),
    "guarantee: seen by nobody named": in_facts(
        lambda r, _c, f: _one_holding(r, f, evidence=Evidence.ATTESTED, by=None)
    ),
    "guarantee: lapsed": in_facts(lambda r, c, f: _one_holding(r, f, at=c.at - 31 * DAY)),
    "guarantee: dated later than now": in_facts(
        lambda r, c, f: _one_holding(r, f, at=c.at + SECOND)
    ),
    "guarantee: timer too long": in_facts(_too_long),
    "guarantee: something tells of a longer timer": in_facts(_told_longer),
    "binding: a room of another conversation": in_a_room(_to_another),
    "binding: paused since it was read": in_a_room(_paused_since),
    "seat: somebody is in two rooms": _in_two_rooms,
    "mirrored: the policy does not allow it": _not_to_be_mirrored,
    "room: the conversation has none": lambda _r, c: replace(c, rooms=()),
    "clock: not to be trusted": lambda _r, c: replace(c, clock_trusted=False),
    "none: what changes nothing": lambda _r, c: replace(
        c,
        roster=replace(
            c.roster, walls=(*c.roster.walls, Wall(DEAL, CompartmentId("empty"), Span(0)))
        ),
    ),
}


def put_wrong(rng: Random, case: Case, names: list[str]) -> Case:
    """Applies the named wrongs one after the other."""
    for name in names:
        case = WRONGS[name](rng, case)
    return case


def some_wrong(rng: Random) -> Case:
    """A deal of 2 to 7 people with up to three things wrong, one as a rule."""
    names = rng.sample(sorted(WRONGS), rng.choice((0, 1, 1, 1, 1, 2, 3)))
    return put_wrong(rng, sound(rng, rng.randint(2, 7)), names)


def troubled() -> st.SearchStrategy[Case]:
    """The same for hypothesis, which shrinks them."""
    return st.builds(some_wrong, st.randoms(use_true_random=False))
