"""What is not as the audit states it, told to people as findings.

Rule kept here: a doubt is over when the rows are read again and agree, never because it was shown.
"""

from orchestrator.audit.body import named
from orchestrator.audit.chain import HOME
from orchestrator.deals.book import Book
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.keys.keyring import Keyring
from orchestrator.store.unit import Store, Tx

RULE = "not_as_stated"
_OPEN = "SELECT 1 FROM finding WHERE rule = ? AND closed_at IS NULL LIMIT 1"
_THEN = "wallcross audit verify --state; then restore the store, or have the thing made anew"
_KEY = "a key: its row in the store is not the one that the audit states; it counts as changed"
FLAWS = {
    "gap": "an entry of the record is missing; every room stands still",
    "altered": "an entry of the record is not the one that was written; every room stands still",
    "foreign": "an entry of the record was not written by this home; every room stands still",
    "cut": "the record ends before an entry that stood in it; every room stands still",
}
"""What is wrong with an entry, in words."""
Found = dict[tuple[str, str], tuple[str, ...]]
"""By deal and subject what is wrong, in words."""


def doubts_of(book: Book, keyring: Keyring) -> Found:
    """Everything that permits nothing now because its row is not as stated."""
    found: dict[tuple[str, str], list[str]] = {}
    for view in book.deals.values():
        for doubt in view.doubts:
            found.setdefault((view.deal_id, doubt.subject), []).append(doubt.because)
    for refused, because in book.refused.items():
        found.setdefault((refused, "adopted"), []).append(f"{because}; the deal is not in force")
    for flaw in (flaw for flaws in book.record.flaws.values() for flaw in flaws):
        deal_id = flaw.deal_id if flaw.deal_id in book.deals else HOME
        found.setdefault((deal_id, f"{flaw.deal_id}:{flaw.n}"), []).append(FLAWS[flaw.code])
    for doubt in book.line_doubts:
        found.setdefault((HOME, doubt.subject), []).append(doubt.because)
    for connector, account in keyring.doubts():
        for deal_id in _deals(book, connector, account):
            found.setdefault((deal_id, f"{connector}:{account}"), []).append(_KEY)
    return {key: tuple(dict.fromkeys(because)) for key, because in found.items()}


def _deals(book: Book, connector: str, account: str) -> list[str]:
    """The deals of whoever owns an account, as entries name it; the home where nobody does."""
    owners = [
        view.deal_id
        for view in book.deals.values()
        for person in view.roster.people
        for name, own in person.accounts.items()
        if (name, named(own)) == (connector, account)
    ]
    return list(owners) or [HOME]


async def tell_doubts(store: Store, found: Found, at: int, rule: str = RULE) -> None:
    """Opens a finding for each doubt, and closes those that are over.

    Args:
        store: the home's.
        found: as ``doubts_of`` gives it.
        at: now, microseconds UTC.
        rule: of the findings.
    """

    def unit(tx: Tx) -> None:
        for (deal_id, subject), because in found.items():
            raise_finding(tx, deal_id, subject, Raised(rule, "high", because, _THEN), at)
        rows = tx.all(
            "SELECT deal_id, subject FROM finding WHERE rule = ? AND closed_at IS NULL", (rule,)
        )
        for deal_id, subject in rows:
            if (deal_id, subject) not in found:
                close_findings(tx, deal_id, rule, subject, at)

    open_now = await store.read(lambda tx: tx.one(_OPEN, (rule,)))
    if found or open_now is not None:
        await store.write(unit)
