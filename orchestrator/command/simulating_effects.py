"""What other rules would do to a deal as it stands: rooms, people, messages that wait.

Rules kept here:

1. All of it is worked out by the rules that decide (``tiers``), on the deal in force and on the
   same deal under the other policy. Nothing is asked of a network: a room counts by its kept
   reading, as of the instant of that reading, and one without a reading is counted as unread.
2. The same rules on both sides differ in nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.client.tiers import PersonMove, RoomMove, SettingMove
from orchestrator.config.layers import flat
from orchestrator.deals.book import DealView
from orchestrator.deals.persons import effective
from orchestrator.rooms.observe import Observer
from tiers.contact import reads
from tiers.conversation import Conversation, Place
from tiers.decision import Decision, all_of
from tiers.ids import ConversationId, PersonId
from tiers.policy import Policy, RoomFacts, decide_members, decide_room
from tiers.routing import Placed, RoomView, decide_together
from tiers.tier import Tier

Held = tuple[ConversationId | None, Tier]
"""A message that waits: the conversation it was put in, and what it is held as."""


def under(deal: DealView, policy: Policy) -> DealView:
    """A deal in force, as it would be under another policy."""
    adopted = deal.adopted or deal.roster
    grace = policy.notice_grace
    roster = effective(adopted.in_phase(deal.phase), deal.persons, deal.demands, grace)
    return replace(deal, policy=policy, roster=roster)


@dataclass(frozen=True, slots=True)
class Standing:
    """A deal's conversations under one policy.

    Attributes:
        rooms: by place of each room that was read, what its decision is.
        unread: rooms without a reading.
        open: by conversation, whether all of its rooms are fit, alternates aside; None where one
            was not read.
    """

    rooms: Mapping[Place, Decision]
    unread: int
    open: Mapping[ConversationId, bool | None]

    def way(self, deal: DealView, tier: Tier) -> bool | None:
        """Whether a conversation of a tier is open; None: none was read whole."""
        found = [self.open[c] for c, held in deal.conversations.items() if held.floor is tier]
        known = [o for o in found if o is not None]
        return True if any(known) else (False if known and len(known) == len(found) else None)

    def carries(self, deal: DealView, held: Held) -> bool | None:
        """Whether there is a room for a message that waits; None where nobody knows."""
        where, tier = held
        conversation = None if where is None else deal.conversations.get(where)
        if conversation is not None and conversation.floor >= tier:
            return self.open.get(conversation.conversation_id)
        return self.way(deal, tier)


def stand(deal: DealView, observer: Observer, at: int) -> Standing:
    """How a deal's conversations stand under its policy.

    Args:
        deal: in force, or as it would be.
        observer: keeps readings.
        at: now, microseconds UTC.
    """
    rooms: dict[Place, Decision] = {}
    whole: dict[ConversationId, bool | None] = {}
    unread = 0
    for cid, conversation in deal.conversations.items():
        views = [observer.seen(deal, binding) for binding in deal.rooms.get(cid, ())]
        read = [view for view in views if view is not None]
        unread += len(views) - len(read)
        together = _together(deal, conversation, read)
        own = {v.binding.place: all_of((_room(deal, conversation, v, at), together)) for v in read}
        rooms |= own
        first = [own[v.binding.place] for v in read if v.binding.alternate_of is None]
        whole[cid] = all(first) if first and len(read) == len(views) else None
    return Standing(rooms, unread, whole)


def room_moves(deal: DealView, before: Standing, after: Standing) -> Iterator[RoomMove]:
    """Rooms that would be fit, or would be no more."""
    for cid, conversation in deal.conversations.items():
        for binding in deal.rooms.get(cid, ()):
            was, now = before.rooms.get(binding.place), after.rooms.get(binding.place)
            if was is not None and now is not None and bool(was) != bool(now):
                against = was if now else now
                yield RoomMove(
                    conversation=conversation.label,
                    channel=binding.connector,
                    open=bool(now),
                    because=tuple(dict.fromkeys(r.because for r in against.against)),
                )


def person_moves(before: DealView, after: DealView, at: int) -> Iterator[PersonMove]:
    """People who would read a conversation at ``at`` (microseconds UTC), or would no more."""
    for conversation in before.conversations.values():
        was = frozenset(_readers(before, conversation, at))
        now = was if after is before else frozenset(_readers(after, conversation, at))
        for person in sorted(was ^ now):
            yield PersonMove(person=person, conversation=conversation.label, gains=person in now)


def setting_moves(
    before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[SettingMove]:
    """Settings of two policies' documents that differ."""
    was, now = dict(flat(before)), dict(flat(after))
    for place in sorted(was.keys() | now.keys()):
        if was.get(place) != now.get(place):
            told = [None if place not in doc else str(doc[place]) for doc in (was, now)]
            yield SettingMove(place=".".join(place), before=told[0], after=told[1])


def _room(deal: DealView, conversation: Conversation, view: RoomView, at: int) -> Decision:
    """One room, its facts as if read at the instant of the newest of them, its people as of now."""
    tier = deal.policy.tiers[conversation.floor]
    facts, read = _as_read(view.facts, at)
    room = decide_room(facts, conversation, tier, lab_allowed=deal.policy.lab_allowed, at=read)
    members = decide_members(
        view.recipients, deal.roster, conversation, tier, as_tier=conversation.floor, at=at
    )
    return all_of((room, members))


def _as_read(facts: RoomFacts, at: int) -> tuple[RoomFacts, int]:
    told = (facts.posture_at, facts.members_at, *(h.at for h in facts.holdings))
    read = min(at, max((instant for instant in told if instant is not None), default=at))
    posture = None if facts.posture_at is None else read
    members = None if facts.members_at is None else read
    return replace(facts, posture_at=posture, members_at=members), read


def _together(deal: DealView, conversation: Conversation, read: Iterable[RoomView]) -> Decision:
    return decide_together(read, Placed(conversation, conversation.floor), deal.roster, deal.policy)


def _readers(deal: DealView, conversation: Conversation, at: int) -> Iterator[PersonId]:
    """Who may read a conversation and has an account that counts on one of its channels."""
    roster = deal.seating(conversation.floor, at)
    channels = {b.connector for b in deal.rooms.get(conversation.conversation_id, ())}
    for person in roster.people:
        here = not channels or channels & person.accounts.keys()
        if here and reads(roster, person, conversation, at):
            yield person.person_id
