"""Ceremonies whose span is nearly over, told to people as findings.

Rule kept here: it is told 14 days before, and it is over when two people have compared the key
again or it is out, never because somebody saw it.
"""

from collections.abc import Iterator

from orchestrator.clock import iso
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Found, Raised, keep
from orchestrator.keys.keyring import Account, Keyring
from orchestrator.store.unit import Store
from tiers.people import Person
from tiers.policy import Policy
from tiers.trust import lapses_soon

RULE = "verification_lapses"


def span_of(policy: Policy) -> int:
    """For how long a ceremony speaks at most, where every device must be verified."""
    spans = [rules.verified_for for rules in policy.tiers.values() if rules.devices_verified]
    return min(spans, default=min(rules.verified_for for rules in policy.tiers.values()))


def lapsing(book: Book, keyring: Keyring, at: int) -> Found:
    """Everybody whose verified key lapses soon, or has.

    Args:
        book: deals in force.
        keyring: states of keys.
        at: now, microseconds UTC.
    """
    return {
        (deal.deal_id, RULE, f"{account[0]}:{account[1]}"): raised
        for deal in book.deals.values()
        for person in deal.roster.people
        for account in person.accounts.items()
        for raised in _of(deal, person, account, keyring, at)
    }


def _of(
    deal: DealView, person: Person, account: Account, keyring: Keyring, at: int
) -> Iterator[Raised]:
    lasts = span_of(deal.policy)
    ends = [
        known.at + lasts
        for known in keyring.known(account)
        if lapses_soon(known.state, known.at, at, lasts)
    ]
    if ends:
        until = iso(min(ends))[:10]
        why = f"the key of {person.name} on {account[0]} counts as verified until {until} only"
        then = f"wallcross person verify {person.person_id} --by A --by B"
        yield Raised(RULE, "medium", (why,), then)


async def tell_lapsing(store: Store, found: Found, at: int) -> None:
    """Opens a finding for each key that lapses soon, and closes those that are over."""
    await keep(store, (RULE,), found, at)
