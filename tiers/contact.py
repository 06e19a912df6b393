"""Who may begin to talk with whom: the graph of a deal's conversations and delegates. Pure.

Rules kept here:

1. Whoever shares a conversation with somebody may begin: both are cleared for it, on the right
   side of every wall, and of the side that it is private to.
2. Somebody of high value who has delegates is begun with by those, and by his delegates; everybody
   else of the deal reaches him through a delegate, who is named.
3. Nobody begins with, or as, somebody who is unknown or cleared for nothing. Nothing here gives a
   right: who may read what is decided elsewhere, and this only takes away.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tiers.conversation import Conversation
from tiers.ids import ConversationId, PersonId
from tiers.people import Person, Roster
from tiers.profiles import MANNERS


@dataclass(frozen=True, slots=True)
class Contact:
    """Whether somebody may begin to talk with somebody.

    Attributes:
        because: a code: ``shared``, ``delegate``, ``open``, ``through_delegates`` or ``apart``.
        shared: conversations that both read.
        through: delegates by whom he may be reached instead; empty where he may be directly.
    """

    because: str
    shared: tuple[ConversationId, ...] = ()
    through: tuple[PersonId, ...] = ()

    def __bool__(self) -> bool:
        return self.because in {"shared", "delegate", "open"}


def may_begin(
    one: PersonId, other: PersonId, roster: Roster, conversations: Iterable[Conversation], at: int
) -> Contact:
    """Whether ``one`` may begin to talk with ``other``.

    Args:
        one: who begins.
        other: with whom.
        roster: in force.
        conversations: of the deal.
        at: now, microseconds UTC.
    """
    who, whom = roster.person(one), roster.person(other)
    grants = (roster.grants_of(one, at), roster.grants_of(other, at))
    if who is None or whom is None or not all(grants):
        return Contact("apart")
    shared = tuple(
        c.conversation_id
        for c in conversations
        if reads(roster, who, c, at) and reads(roster, whom, c, at)
    )
    if shared:
        return Contact("shared", shared)
    delegates = delegates_of(roster, other, at)
    if one in delegates:
        return Contact("delegate")
    if delegates and MANNERS[whom.profile].through_delegates:
        return Contact("through_delegates", through=delegates)
    return Contact("open")


def reads(roster: Roster, person: Person, conversation: Conversation, at: int) -> bool:
    """Whether somebody may read a conversation at its floor."""
    name, compartment = person.person_id, conversation.compartment
    return (
        roster.may_see(name, compartment, conversation.floor, at)
        and not roster.walled_off(name, compartment, at)
        and conversation.side in {None, person.side}
    )


def delegates_of(roster: Roster, principal: PersonId, at: int) -> tuple[PersonId, ...]:
    """Who reads for somebody now."""
    return tuple(
        d.delegate for d in roster.delegations if d.principal == principal and d.span.holds(at)
    )
