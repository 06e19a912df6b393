"""How one deal is shown to one viewer: what he is in, whom he may see, what things are called.

Rules kept here:

1. He is in a conversation when the roster in force clears him for it *and* he was read back in one
   of its rooms. Neither alone is enough; who is paused or left is in none.
2. The name of a VALUATION conversation is told to whoever may see all of them or is in that one.
   Everybody else reads ``V1``, ``V2`` … in the order in which the deal's chain made them.
3. Of people he sees himself, and whom his part in the deal shows him; of parties' names his own
   side's, and the others' only where his part includes them.
4. A query that answers about a deal cuts with this; nothing else decides what is cut.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from orchestrator.audit.body import named
from orchestrator.client.problems import Unready
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from tiers.conversation import Conversation, Place
from tiers.ids import ConversationId, DealId, PersonId, SideId
from tiers.people import Person, Roster
from tiers.rights import Right, Scope, Viewer
from tiers.tier import Tier

ANOTHER_SIDE = "another side"
_LETTER = {Tier.VALUATION: "V", Tier.OPERATIONS: "O", Tier.COORDINATION: "C"}


@dataclass(frozen=True)
class Cut:
    """One deal as one viewer may see it, at one instant.

    Args:
        deal: in force.
        viewer: whoever asks.
        inside: accounts that readings show in each room, as the audit's entries name them.
        at: now, microseconds UTC.
    """

    deal: DealView
    viewer: Viewer
    inside: Mapping[Place, frozenset[str]]
    at: int

    @property
    def person(self) -> PersonId | None:
        """Who of the roster he is."""
        return self.viewer.person(self.deal.deal_id)

    def scope(self, right: Right) -> Scope:
        """How much he sees in a row of the table."""
        return self.viewer.power(self.deal.deal_id, right).scope

    def shows(self, right: Right, scope: Scope) -> bool:
        """Whether he sees at least so much in a row of the table."""
        return self.viewer.sees(self.deal.deal_id, right, scope)

    @cached_property
    def whole(self) -> bool:
        """Nothing of who is where is cut for him."""
        return self.scope(Right.MATRIX) is Scope.ALL

    @cached_property
    def own(self) -> frozenset[ConversationId]:
        """Conversations that he is in."""
        found = None if self.person is None else self.deal.roster.person(self.person)
        if found is None:
            return frozenset()
        talks = self.deal.conversations.values()
        return frozenset(c.conversation_id for c in talks if self._is_in(c, found))

    def _is_in(self, c: Conversation, person: Person) -> bool:
        """Whether one person is cleared for a conversation and was read back in a room of it."""
        roster, own = self.deal.roster, person.accounts
        rooms = self.deal.rooms.get(c.conversation_id, ())
        there = any(
            b.connector in own and named(own[b.connector]) in self.inside.get(b.place, ())
            for b in rooms
        )
        return (
            there
            and c.side in {None, person.side}
            and roster.may_see(person.person_id, c.compartment, c.floor, self.at)
            and not roster.walled_off(person.person_id, c.compartment, self.at)
        )

    def members(self, conversation: Conversation) -> frozenset[PersonId]:
        """Who is cleared for a conversation and was read back in a room of it."""
        return self._within(conversation, self.deal.roster) & self._cleared(conversation)

    def present(self, conversation: Conversation) -> frozenset[PersonId]:
        """Who of the adopted roster was read back in a room of it, cleared or not."""
        return self._within(conversation, self.deal.adopted or self.deal.roster)

    def _cleared(self, conversation: Conversation) -> frozenset[PersonId]:
        c = conversation
        found = self.deal.roster.cleared(c.compartment, c.floor, c.side, self.at)
        return frozenset(p.person_id for p in found)

    def _within(self, conversation: Conversation, roster: Roster) -> frozenset[PersonId]:
        rooms = self.deal.rooms.get(conversation.conversation_id, ())
        seen = {(b.connector, a) for b in rooms for a in self.inside.get(b.place, ())}
        return frozenset(
            person.person_id
            for person in roster.people
            if any((name, named(a)) in seen for name, a in person.accounts.items())
        )

    def sees(self, conversation: ConversationId) -> bool:
        """Whether a conversation may be shown to him at all."""
        return self.whole or conversation in self.own

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """Those that may be shown to him."""
        return tuple(c for c in self.deal.conversations.values() if self.sees(c.conversation_id))

    def name(self, conversation: ConversationId) -> str:
        """What a conversation is called to him: its label, or a letter and a number."""
        found = self._ever(conversation)
        if found is None:
            return "a conversation"
        if self._knows(found):
            return found.label
        return self._numbers.get(conversation, "a closed conversation")

    def label(self, conversation: ConversationId) -> str | None:
        """Its label, where he may know it; else None."""
        found = self._ever(conversation)
        return found.label if found is not None and self._knows(found) else None

    def _ever(self, conversation: ConversationId) -> Conversation | None:
        found = self.deal.conversations.get(conversation)
        return found or self.deal.closed.get(conversation)

    def _knows(self, conversation: Conversation) -> bool:
        name = conversation.conversation_id
        if conversation.floor is Tier.VALUATION:
            scope = self.scope(Right.VALUATION_NAMES)
            return scope is Scope.ALL or (scope is Scope.IN and name in self.own)
        return self.whole or (self.shows(Right.MEMBERS, Scope.FIRM) and name in self.own)

    @cached_property
    def _numbers(self) -> dict[ConversationId, str]:
        made = [c for c in self.deal.meant if c in self.deal.conversations]
        order = [*made, *sorted(self.deal.conversations.keys() - set(made))]
        counts = dict.fromkeys(_LETTER.values(), 0)
        found = {}
        for cid in order:
            letter = _LETTER[self.deal.conversations[cid].floor]
            counts[letter] += 1
            found[cid] = f"{letter}{counts[letter]}"
        return found

    def called(self, name: str) -> Conversation | None:
        """The conversation that he calls so: by id, label or number; None where he may not."""
        word = name.removeprefix("#").casefold()
        closed = self.deal.closed.values() if self.whole else ()
        for among in (self.conversations, closed):
            found = [
                c
                for c in among
                if c.conversation_id == name or self.name(c.conversation_id).casefold() == word
            ]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    @cached_property
    def people(self) -> frozenset[PersonId]:
        """Whom he may see: himself, and whom his part in the deal shows him."""
        listed = self.deal.adopted or self.deal.roster
        if self.whole:
            return frozenset(p.person_id for p in listed.people)
        found = frozenset() if self.person is None else frozenset({self.person})
        scope = self.scope(Right.MEMBERS)
        if scope < Scope.FIRM:
            return found
        near = {p for c in self.own for p in self.members(self.deal.conversations[c])}
        if scope is Scope.FIRM:
            near = {p for p in near if self._side(p) == self.side}
        return found | near

    def sees_person(self, person: PersonId | str | None) -> bool:
        """Whether a person may be named to him."""
        return self.whole or person in self.people

    def only(self, people: Iterable[PersonId]) -> tuple[PersonId, ...]:
        """Those of some people whom he may see."""
        return tuple(p for p in people if self.sees_person(p))

    @property
    def side(self) -> SideId | None:
        """His own side."""
        return None if self.person is None else self._side(self.person)

    def _side(self, person: PersonId) -> SideId | None:
        found = (self.deal.adopted or self.deal.roster).person(person)
        return None if found is None else found.side

    def knows_side(self, side: SideId | None) -> bool:
        """Whether a side may be named to him: his own, or all where his part includes parties."""
        return side is not None and (side == self.side or self.scope(Right.PARTIES) is Scope.ALL)

    def side_name(self, side: SideId | None) -> str:
        """A side's name, or that it is another."""
        found = None if side is None else self.deal.roster.side(side)
        return found.name if found is not None and self.knows_side(side) else ANOTHER_SIDE


async def cut(runtime: Runtime, deal_id: DealId, viewer: Viewer) -> Cut:
    """A deal as a viewer may see it now.

    Raises:
        Unready: the deal has no adopted roster and policy.
    """
    deal = runtime.book.deals.get(deal_id)
    if deal is None:
        raise Unready("The deal has no adopted roster and policy", still="Nothing is sent for it")
    inside = {
        binding.place: await runtime.presences.inside(deal, binding.place)
        for rooms in deal.rooms.values()
        for binding in rooms
    }
    return Cut(deal, viewer, inside, runtime.now())
