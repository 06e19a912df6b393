"""Ceremonies whose span is nearly over, told to people as findings.

Rule kept here: it is told 14 days before, and it is over when two people have compared the key
again or it is out, never because somebody saw it.
"""

from collections.abc import Iterator, Mapping

from orchestrator.clock import iso
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.keys.keyring import Account, Keyring
from orchestrator.store.unit import Store, Tx
from tiers.people import Person
from tiers.policy import Policy
from tiers.trust import lapses_soon

RULE = "verification_lapses"
_OPEN = "SELECT deal_id, subject FROM finding WHERE rule = ? AND closed_at IS NULL"
Found = Mapping[tuple[str, str], Raised]
"""By deal and subject."""


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
        (deal.deal_id, f"{account[0]}:{account[1]}"): raised
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
    """Opens a finding for each key that lapses soon, and closes those that are over.

    Args:
        store: the home's.
        found: as ``lapsing`` gives it.
        at: now, microseconds UTC.
    """

    def unit(tx: Tx) -> None:
        for (deal_id, subject), raised in found.items():
            raise_finding(tx, deal_id, subject, raised, at)
        for deal_id, subject in tx.all(_OPEN, (RULE,)):
            if (deal_id, subject) not in found:
                close_findings(tx, deal_id, RULE, subject, at)

    open_now = await store.read(lambda tx: tx.one(_OPEN + " LIMIT 1", (RULE,)))
    if found or open_now is not None:
        await store.write(unit)
