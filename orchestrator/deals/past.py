"""A deal as its records say it was: what somebody might read at an instant, and by what.

Rules kept here:

1. Two instants: ``at``, of which is asked, and ``known_at``, from when what was known is used. The
   list is the one that was in force then (adopted at ``known_at`` or before, as the audit names
   it); what its people did (left, paused, acknowledged) and the phase count from their entries on.
2. Nothing is typed in and no row is believed: the same reading that decisions rest on, of fewer
   entries.
3. What the list allows and who was in a room are two answers, and are never mixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from orchestrator.audit.granted import Stated, stated
from orchestrator.audit.kinds import Kind
from orchestrator.clock import iso
from orchestrator.config.policy import to_policy
from orchestrator.deals.crossing import NEVER, Demand, Stand, counts_until, stand
from orchestrator.deals.demands import demands
from orchestrator.deals.persons import Persons, effective, read_persons
from orchestrator.deals.stated import read_chain
from orchestrator.roster.adoption import Adoption, in_force, is_made_up
from orchestrator.roster.document import from_document
from orchestrator.roster.form import date, in_words
from orchestrator.roster.phase import phase_of
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, PersonId, SideId
from tiers.people import Held, Person, Phase, Roster
from tiers.policy import Policy
from tiers.tier import Tier

Bar = Literal["phase", "standing", "wall"]
"""What keeps a line of the list from counting: the deal's phase, where people stand, a wall."""


@dataclass(frozen=True, slots=True)
class Past:
    """A deal at an instant, as it was known.

    Attributes:
        at: of which is asked, microseconds UTC.
        known_at: from when what was known is used.
        adoption: of the list that was in force.
        adopted: that list, of all phases.
        roster: what phase and standing left of it.
        made: when each conversation was made, of those that were there.
        floors: what each of them counted as then.
    """

    at: int
    known_at: int
    adoption: Adoption
    phase: Phase
    adopted: Roster
    roster: Roster
    persons: Persons
    demands: dict[SideId, Demand]
    policy: Policy
    made: dict[ConversationId, int]
    floors: dict[ConversationId, Tier]

    def might(self, person: PersonId, conversation: Conversation) -> bool:
        """Whether the list let a person read a conversation that was there."""
        who = self.roster.person(person)
        place = conversation.compartment
        return (
            who is not None
            and conversation.conversation_id in self.made
            and conversation.side in {None, who.side}
            and self.roster.may_see(person, place, self._floor(conversation), self.at)
            and not self.roster.walled_off(person, place, self.at)
        )

    def _floor(self, conversation: Conversation) -> Tier:
        return self.floors.get(conversation.conversation_id, conversation.floor)

    def why(self, person: PersonId, conversation: Conversation) -> tuple[str, ...]:
        """By what, or what stood against it, in words."""
        if conversation.conversation_id not in self.made:
            return ("the conversation was not there",)
        who = self.adopted.person(person)
        if who is None:
            return ("was not on the list",)
        place = conversation.compartment, self._floor(conversation)
        if self.might(person, conversation):
            return tuple(self._by(h) for h in self._holding(person) if _covers(h, *place))
        return tuple(self._against(who, conversation)) or ("no grant of the list covers it",)

    def standing(self, person: Person) -> tuple[str, ...]:
        """What bars a person from everything, in words."""
        return tuple(self._standing(person))

    def holding(self, person: PersonId) -> tuple[tuple[Held, Bar | None, str], ...]:
        """What the list named for a person at the instant: each line, what bars it, in words."""
        named = (h for h in self.adopted.held_by(person) if h.grant.span.holds(self.at))
        return tuple((h, self._bar(h), self._by(h)) for h in named)

    def _bar(self, held: Held) -> Bar | None:
        grant = held.grant
        if grant.phases is not None and self.phase not in grant.phases:
            return "phase"
        if _line(held) not in map(_line, self._holding(grant.person_id)):
            return "standing"
        walled = self.roster.walled_off(grant.person_id, grant.compartment, self.at)
        return "wall" if walled else None

    def _holding(self, person: PersonId) -> Iterator[Held]:
        return (h for h in self.roster.held_by(person) if h.grant.span.holds(self.at))

    def _by(self, held: Held) -> str:
        told = f"{held.grant.compartment} up to {held.grant.highest.value} {_time(held)}"
        if held.through is None:
            return f"direct grant: {told}"
        return f"as delegate of {held.through.principal}: {told}"

    def _against(self, who: Person, conversation: Conversation) -> Iterator[str]:
        yield from self._standing(who)
        if conversation.side is not None and conversation.side != who.side:
            yield f"it is private to {conversation.side}"
        compartment, person = conversation.compartment, who.person_id
        if self.roster.walled_off(person, compartment, self.at):
            yield f"a wall stands between {compartment} and what else this person reads"
        for held in self.adopted.held_by(person):
            if held.grant.compartment == compartment:
                yield from self._short(held, self._floor(conversation))

    def _short(self, held: Held, tier: Tier) -> Iterator[str]:
        """What one line of the list lacked."""
        grant, told = held.grant, self._by(held)
        if not grant.span.holds(self.at):
            yield f"not at that instant: {told}"
        elif grant.phases is not None and self.phase not in grant.phases:
            phases = " and ".join(in_words(grant.phases) or ())
            yield f"only in {phases}, and the deal was in {self.phase.value}: {told}"
        elif grant.highest < tier:
            yield f"not up to {tier.value}: {told}"

    def _standing(self, who: Person) -> Iterator[str]:
        if who.person_id in self.persons.left:
            yield "had left the deal"
        if who.person_id in self.persons.paused:
            yield "was paused"
        crossing, demand = self.persons.crossings.get(who.person_id, NEVER), self.demands[who.side]
        where = stand(crossing, demand)
        if where in _BARS:
            yield _BARS[where]
        until = counts_until(crossing, demand, self.policy.notice_grace)
        if until is not None and until <= self.at:
            yield f"had not acknowledged the notice's new wording by {iso(until)}"


_BARS = {
    Stand.TO_AGREE: "the control room had not agreed",
    Stand.TO_CROSS: "had not been crossed",
    Stand.CROSSED: "had not acknowledged the notice of the side",
    Stand.CLEANSED: "had been cleansed",
}


def read_past(tx: Tx, deal_id: DealId, at: int, known_at: int) -> Past | None:
    """A deal at an instant, as it was known; None: no list or no policy was in force.

    Args:
        tx: a unit of work.
        deal_id: the deal.
        at: of which is asked, microseconds UTC.
        known_at: from when what was known is used.

    Raises:
        AdoptionRefused: the table and the audit do not agree.
    """
    roster = in_force(tx, deal_id, "roster", known_at)
    rules = in_force(tx, deal_id, "policy", known_at)
    if roster is None or rules is None:
        return None
    entries = [e for e in stated(tx, deal_id) if e.at <= min(at, known_at)]
    policy = to_policy(rules.document, made_up=is_made_up(tx, deal_id))
    adopted, persons, phase = (
        from_document(roster.document),
        read_persons(entries),
        phase_of(entries),
    )
    asked = demands(tx, deal_id, adopted, persons.crossings, known_at)
    left = effective(adopted.in_phase(phase), persons, asked, policy.notice_grace)
    return Past(
        *(at, known_at, roster, phase, adopted, left, persons, asked, policy),
        *_made(deal_id, entries),
    )


def _made(
    deal_id: DealId, entries: list[Stated]
) -> tuple[dict[ConversationId, int], dict[ConversationId, Tier]]:
    """When each conversation that was there was made, and what each counted as."""
    chain = read_chain(deal_id, entries)
    made = {
        ConversationId(e.body["conversation"]): e.at
        for e in entries
        if e.kind == Kind.CONVERSATION_CREATED and e.body["conversation"] not in chain.closed
    }
    return made, {cid: Tier(chain.conversations[cid]["floor"]) for cid in made}


def _line(held: Held) -> tuple[str, Tier, str | None]:
    """What a line says, however long it counts."""
    principal = None if held.through is None else held.through.principal
    return held.grant.compartment, held.grant.highest, principal


def _covers(held: Held, compartment: str, tier: Tier) -> bool:
    return held.grant.compartment == compartment and held.grant.highest >= tier


def _time(held: Held) -> str:
    span = held.grant.span
    return f"from {date(span.start)}" + ("" if span.end is None else f" until {date(span.end)}")
