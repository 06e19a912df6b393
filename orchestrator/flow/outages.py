"""What a channel says of itself that could be a leak or a loss, as findings.

Rules kept here:

1. A window in which something may have been lost is one finding in each deal that has rooms on that
   channel, with its two instants and those rooms; each window stands by itself and is closed by a
   person who has asked the rooms what they wrote.
2. Posts that were not believed are one finding for each reason, however many there are: an attacker
   must not fill the store.
3. Another device on our own account reads everything that it reads: that is a finding. Of very many
   one finding stands for the rest.
"""

from collections.abc import Callable, Iterable

from connectors.port.events import Event, Forged, KeyChanged, Missed
from orchestrator.clock import Clock, iso
from orchestrator.deals.book import HOME, Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId

MISSED, FORGED, OWN_DEVICE = "missed", "forged", "own_device"
MOST_OPEN = 50
"""Findings about single devices of our own account on one channel that are open at a time."""
_OPEN = (
    "SELECT count(*), coalesce(sum(subject = ?), 0) FROM finding "
    "WHERE rule = ? AND closed_at IS NULL AND substr(subject, 1, ?) = ?"
)


def alarms(
    name: ConnectorName, ours: AccountId, events: Iterable[Event], book: Book, now: Clock
) -> Callable[[Tx], None]:
    """Writes the findings that a batch asks for.

    Args:
        name: the channel.
        ours: our account on it.
        events: the batch.
        book: deals in force.
        now: the clock.
    """
    at = now()
    raised = [
        *(
            one
            for event in events
            if isinstance(event, Missed)
            for one in _missed(name, event, book)
        ),
        *(_forged(name, event) for event in events if isinstance(event, Forged)),
        *(
            _own_device(name, event)
            for event in events
            if isinstance(event, KeyChanged) and event.account == ours
        ),
    ]

    def unit(tx: Tx) -> None:
        for deal_id, subject, finding in raised:
            many = finding.rule == OWN_DEVICE and _many(tx, name, subject)
            raise_finding(tx, deal_id, name if many else subject, finding, at)

    return unit


def _many(tx: Tx, name: ConnectorName, subject: str) -> bool:
    """Whether a device is one too many to have a finding of its own: one stands for the rest."""
    begins = f"{name}:"
    found = tx.one(_OPEN, (subject, OWN_DEVICE, len(begins), begins))
    return found is None or (found[0] >= MOST_OPEN and not found[1])


def _missed(
    name: ConnectorName, missed: Missed, book: Book
) -> Iterable[tuple[DealId, str, Raised]]:
    rooms: dict[DealId, set[str]] = {}
    for deal, binding in book.rooms():
        if binding.connector == name:
            rooms.setdefault(deal.deal_id, set()).add(binding.conversation_id)
    window = f"from {iso(missed.since)} until {iso(missed.until)}"
    for deal_id, concerned in rooms.items():
        why = (
            f"{name} may have lost what was written {window} ({missed.code})",
            f"conversations: {', '.join(sorted(concerned))}",
        )
        remedy = "ask in these rooms for what was written then"
        yield deal_id, f"{name}:{missed.since}-{missed.until}", Raised(MISSED, "high", why, remedy)


def _forged(name: ConnectorName, forged: Forged) -> tuple[DealId, str, Raised]:
    why = (
        f"somebody posts to {name} and is not the network ({forged.code}); nothing was taken in",
    )
    raised = Raised(FORGED, "high", why, "find who reaches the listener; give it another secret")
    return HOME, f"{name}:{forged.code}", raised


def _own_device(name: ConnectorName, changed: KeyChanged) -> tuple[DealId, str, Raised]:
    why = (f"our account on {name} has a device that was not known, and it reads all we read",)
    raised = Raised(OWN_DEVICE, "high", why, "unlink it, unless you linked it yourself")
    return HOME, f"{name}:{changed.device.device}", raised
