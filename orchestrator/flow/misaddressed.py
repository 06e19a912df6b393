"""A mail to us that also names somebody of no deal among its readers.

Rules kept here:

1. It is told and nothing is stopped by it: what was sent was sent by its author's own mail program.
2. It is one finding for each author and deal; the addresses stand nowhere, only how many they are.
3. Everybody of any of the author's deals is one of ours, whichever of them the mail is about.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from connectors.port.events import Event, InboundMessage
from orchestrator.clock import Clock
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName

RULE: Final = "misaddressed"


def misaddressed(
    name: ConnectorName, events: Iterable[Event], book: Book, now: Clock
) -> Callable[[Tx], None]:
    """Writes the findings that a batch asks for.

    Args:
        name: the channel.
        events: the batch.
        book: deals in force.
        now: the clock.
    """
    found = [
        partial(_tell, deal.deal_id, f"{name}:{event.sender}", person.name, outside, now())
        for event in events
        if isinstance(event, InboundMessage) and event.also_to
        for outside in [_outside(name, event, book)]
        if outside
        for deal, person in book.deals_of(name, event.sender)
    ]

    def unit(tx: Tx) -> None:
        for tell in found:
            tell(tx)

    return unit


def _outside(name: ConnectorName, event: InboundMessage, book: Book) -> int:
    """How many of its readers are nobody of any deal of its author."""
    ours = {
        account.lower()
        for deal, _ in book.deals_of(name, event.sender)
        for person in deal.roster.people
        for account in (person.accounts.get(name, AccountId("")),)
    }
    return sum(one.lower() not in ours for one in event.also_to)


def _tell(deal: str, subject: str, who: str, outside: int, at: int, tx: Tx) -> None:
    count = "an address" if outside == 1 else f"{outside} addresses"
    why = f"{who} wrote to us and to {count} of nobody of the deal in one mail"
    then = "ask him who they are; call back by another way"
    raise_finding(tx, deal, subject, Raised("misaddressed", "medium", (why,), then), at)
