"""What a channel says of itself that could be a leak or a loss, as findings.

Rules kept here:

1. A window in which something may have been lost is one finding in each deal that has rooms on that
   channel, with its two instants and those rooms; each window stands by itself and is closed by a
   person who has asked the rooms what they wrote.
2. Posts that were not believed are one finding for each reason, however many there are: an attacker
   must not fill the store.
3. Another device on our own account reads everything that it reads: that is a finding.
"""

from collections.abc import Callable, Iterable

from connectors.port.events import Event, Forged, KeyChanged, Missed
from orchestrator.clock import Clock, iso
from orchestrator.deals.book import HOME, Book
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId

MISSED, FORGED, OWN_DEVICE = "missed", "forged", "own_device"


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
            raise_finding(tx, deal_id, subject, finding, at)

    return unit


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
