"""Which conversation a message belongs to (docs/product.md section 3): never guessed from content.

Rules kept here:

1. Room, else what it replies to, else the conversation that its sender named, else the intake of
   the sender's only deal and compartment. Otherwise it is held and the sender is told the names
   that he may use, of all his deals. A name that two deals of his have names neither.
2. Whose deal it is, is settled by the same words before anything of it is written, so that seals,
   audit and journal are that deal's from the first.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.deals.book import API, Book, DealView
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, RemoteId, RoomId
from tiers.people import Person

Door = tuple[ConnectorName, AccountId]
CLOSED = "that conversation was closed"
_PREFIX = re.compile(r"\s*#([\w-]{1,80})(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a message before its content is looked at."""

    deal_id: DealId
    connector: ConnectorName
    room: RoomId | None
    sender: AccountId
    named: ConversationId | None
    answered: ConversationId | None
    """The conversation of the message that it answers."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where it belongs.

    Attributes:
        deal: None when the sender is on no deal or on several and named none.
        person: the author; None when nobody on the list owns the account.
        bound: the conversation; None for the intake.
        choices: conversations that the author may send it to instead; for the intake, those
            among which the tier decides.
        witness: it was written in the conversation's own room, where its members saw it.
        ambiguous: why the intake cannot place it, in words for its author; else empty.
    """

    deal: DealView | None
    person: Person | None
    bound: Conversation | None
    choices: tuple[Conversation, ...]
    witness: bool = False
    ambiguous: str = ""
    elsewhere: tuple[tuple[DealView, Person], ...] = ()
    """The author's other deals, and who he is there."""

    def names(self, at: int) -> tuple[str, ...]:
        """Labels that the author may use and be told: each names one conversation of his deals."""
        own = [(self.deal, self.person)] if self.deal is not None and self.person else []
        found = [
            c.label
            for view, who in (*own, *self.elsewhere)
            for c in view.open_to(who, at)
            if view.roster.may_see(who.person_id, c.compartment, c.floor, at)
        ]
        count = Counter(label.casefold() for label in found)
        return tuple(label for label in found if count[label.casefold()] == 1)


def deal_named(book: Book, door: Door, text: str, at: int) -> DealId | None:
    """The one deal of a sender of which his leading ``#name`` names a conversation, or None.

    Args:
        book: the deals in force.
        door: channel and account of the sender.
        text: only its first word is looked at.
        at: now, microseconds UTC.
    """
    match = _PREFIX.match(text)
    if match is None:
        return None
    deals = book.deals_of(*door)
    found = [v.deal_id for v, who in deals if _of_name(match[1], v.open_to(who, at))]
    return found[0] if len(found) == 1 else None


def deal_answered(tx: Tx, connector: ConnectorName, reply_to: RemoteId) -> DealId | None:
    """The deal of the conversation of the message that is answered, or None."""
    row = tx.one(
        "SELECT deal_id FROM delivery WHERE connector = ?1 AND remote_id = ?2 "
        "AND conversation_id IS NOT NULL UNION "
        "SELECT deal_id FROM message WHERE connector = ?1 AND remote_id = ?2 "
        "AND conversation_id IS NOT NULL LIMIT 1",
        (connector, reply_to),
    )
    return DealId(row[0]) if row is not None else None


def resolve(book: Book, asked: Asked, text: str, at: int) -> Resolved:
    """Finds deal, author and conversation of a message.

    Args:
        book: the deals in force.
        asked: what is known beside the content.
        text: only its first word is looked at, for a ``#conversation``.
        at: now, microseconds UTC.
    """
    deal = book.deals.get(asked.deal_id)
    if deal is None:
        return Resolved(None, None, None, (), ambiguous="the sender's deal cannot be told")
    person = deal.author(asked.connector, asked.sender)
    choices = deal.open_to(person, at) if person is not None else ()
    found = book.room(asked.connector, asked.room) if asked.room is not None else None
    if found is not None:
        bound = deal.conversations.get(found[1].conversation_id)
        return Resolved(deal, person, bound, choices, witness=True)
    if person is None:
        return Resolved(deal, None, None, (), ambiguous="nobody on the list owns this account")
    if asked.room is not None and (asked.connector, asked.room) in deal.ended:
        return Resolved(deal, person, None, choices, witness=True, ambiguous=CLOSED)
    return _by_word(book, deal, person, asked, text, choices, at)


def _by_word(
    book: Book,
    deal: DealView,
    person: Person,
    asked: Asked,
    text: str,
    choices: tuple[Conversation, ...],
    at: int,
) -> Resolved:
    open_ids = {c.conversation_id: c for c in choices}
    for cid in (asked.named, asked.answered):
        if cid is not None:
            bound = open_ids.get(cid)
            why = CLOSED if cid in deal.closed else "that conversation is not open to its author"
            why = "" if bound else why
            return Resolved(deal, person, bound, choices, ambiguous=why)
    elsewhere = () if asked.connector == API else _elsewhere(book, deal, asked)
    others = [c for view, who in elsewhere for c in view.open_to(who, at)]
    match = _PREFIX.match(text)
    if match is not None:
        named, taken = _of_name(match[1], choices), _of_name(match[1], others)
        if len(named) == 1 and not taken:
            return Resolved(deal, person, named[0], choices)
        was = CLOSED if _of_name(match[1], deal.closed_to(person, at)) else ""
        why = "another deal has it" if taken else was or "no conversation has that name"
        return Resolved(deal, person, None, choices, ambiguous=why, elsewhere=elsewhere)
    if elsewhere:
        why = "its author is on several deals and named no conversation"
        return Resolved(deal, person, None, choices, ambiguous=why, elsewhere=elsewhere)
    return _intake(deal, person, choices)


def _elsewhere(book: Book, deal: DealView, asked: Asked) -> tuple[tuple[DealView, Person], ...]:
    """The author's other deals."""
    deals = book.deals_of(asked.connector, asked.sender)
    return tuple((view, who) for view, who in deals if view is not deal)


def _of_name(name: str, among: Iterable[Conversation]) -> list[Conversation]:
    return [c for c in among if c.label.casefold() == name.casefold()]


def _intake(deal: DealView, person: Person, choices: tuple[Conversation, ...]) -> Resolved:
    if deal.doubted:  # which of them takes a tier cannot be told
        why = "a conversation of its deal is not as the audit states it"
        return Resolved(deal, person, None, choices, ambiguous=why)
    if len({c.compartment for c in choices}) > 1:
        why = "its author is in several compartments and named none"
        return Resolved(deal, person, None, choices, ambiguous=why)
    return Resolved(deal, person, None, choices)
