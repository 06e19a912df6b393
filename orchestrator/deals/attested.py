"""Attestations whose thirty days are nearly over, or are, told to people as findings.

Rules kept here:

1. It is told seven days before, while the room still runs, and again when it counts no longer.
2. Only what the room's tier demands is told; a newer attestation, or a demand that fell, ends it.
"""

from collections.abc import Iterator

from orchestrator.clock import DAY, iso
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Found, Raised, keep
from orchestrator.store.unit import Store
from tiers.conversation import RoomBinding
from tiers.guarantees import LAPSES, Evidence, Holding

SOON, OVER = "attestation_lapses", "attestation_lapsed"
WARNED_BEFORE = 7 * DAY


def lapsing_attestations(book: Book, at: int) -> Found:
    """Every attestation that a room needs and that lapses soon, or has.

    Args:
        book: deals in force.
        at: now, microseconds UTC.
    """
    return {
        (deal.deal_id, raised.rule, f"{':'.join(binding.place)} {held.guarantee.value}"): raised
        for deal in book.deals.values()
        for bindings in deal.rooms.values()
        for binding in bindings
        for held in deal.attested.get(binding.place, ())
        for raised in _of(deal, binding, held, at)
    }


def _of(deal: DealView, binding: RoomBinding, held: Holding, at: int) -> Iterator[Raised]:
    floor = deal.conversations[binding.conversation_id].floor
    if held.guarantee not in {demand.guarantee for demand in deal.policy.tiers[floor].demands}:
        return
    ends = held.at + LAPSES[Evidence.ATTESTED]
    if at <= ends - WARNED_BEFORE:
        return
    what = f"{held.by} saw {held.guarantee.value} of a room on {binding.connector}"
    what_to_name = f"{binding.room} {held.guarantee.value}{' VALUE' if held.value else ''}"
    then = f"look again, then wallcross conv attest {what_to_name} --by {held.by}"
    if at > ends:
        why = f"what {what} counts no longer since {iso(ends)[:10]}; what needs it is held"
        yield Raised(OVER, "high", (why,), then, held.by)
    else:
        yield Raised(
            SOON, "medium", (f"what {what} counts until {iso(ends)[:10]} only",), then, held.by
        )


async def tell_attestations(store: Store, found: Found, at: int) -> None:
    """Opens a finding for each that lapses, and closes those that are over; see ``keep``."""
    await keep(store, (SOON, OVER), found, at)
