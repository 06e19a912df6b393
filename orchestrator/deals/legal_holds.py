"""Legal holds of a deal, as its chain states them: placed at once by one, released by two.

Rules kept here:

1. There is no table. A hold stands from the entry that placed it until one that releases it; in a
   founded deal that one counts by the request under which people agreed to exactly this, and a
   person whose messages the hold keeps agrees to nothing of it.
2. An entry about a hold that cannot be understood is none that is left out: nobody knows then
   what is to be kept, and whoever asks is told so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from orchestrator.approvals.standing import Standing
from orchestrator.audit.body import Json
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from tiers.approval import Rule
from tiers.ids import ConversationId, HoldId, PersonId
from tiers.retention import LegalHold

RELEASE = "legalhold.release"
"""The verb by which people agree that a legal hold ends."""


class HoldsUnreadable(Exception):
    """What is to be preserved cannot be told: nothing may be destroyed."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A legal hold that was placed.

    Attributes:
        matter: number or code of the matter that it is for.
        by: who placed it.
        placed_at: microseconds UTC.
        released_at: likewise; None: it stands.
    """

    hold: LegalHold
    matter: str
    by: PersonId
    placed_at: int
    released_at: int | None = None


def placed_body(placed: Placed) -> dict[str, Json]:
    """The body that states a legal hold."""
    hold = placed.hold
    talks, people = sorted(hold.conversations), sorted(hold.people)
    return {
        "legal_hold": hold.hold_id,
        "matter": placed.matter,
        "by": placed.by,
        "conversations": list(talks),
        "members": list(people),
        "at": placed.placed_at,
        "row": commitment("legal_hold", hold.hold_id, placed.matter, placed.by, talks, people),
    }


def released_body(hold: HoldId, at: int, request: str | None) -> dict[str, Json]:
    """The body that states that a legal hold ended."""
    row = commitment("legal_hold", hold, None)
    return {"legal_hold": hold, "request": request, "at": at, "row": row}


def release_rule(hold: LegalHold) -> Rule:
    """What it takes to end a legal hold: two, and nobody whose messages it keeps."""
    return Rule(barred=hold.people)


def read_holds(entries: Iterable[Stated], standing: Standing) -> Mapping[HoldId, Placed]:
    """Every legal hold that was placed in a deal, in the order in which they were.

    Args:
        entries: what the deal's chain grants, in its order.
        standing: what its approvals come to.

    Raises:
        HoldsUnreadable: an entry about one cannot be understood.
    """
    found: dict[HoldId, Placed] = {}
    for entry in entries:
        try:
            if entry.kind == Kind.LEGAL_HOLD_PLACED:
                placed = _placed(entry)
                found[placed.hold.hold_id] = placed
            elif entry.kind == Kind.LEGAL_HOLD_RELEASED:
                _release(found, entry, standing)
        except (KeyError, TypeError, ValueError):
            raise HoldsUnreadable(f"entry {entry.n} about a legal hold cannot be read") from None
    return found


def standing_holds(found: Mapping[HoldId, Placed]) -> tuple[LegalHold, ...]:
    """Those that stand."""
    return tuple(one.hold for one in found.values() if one.released_at is None)


def _placed(entry: Stated) -> Placed:
    body = entry.body
    hold = LegalHold(
        HoldId(str(body["legal_hold"])),
        frozenset(ConversationId(str(c)) for c in body["conversations"]),
        frozenset(PersonId(str(p)) for p in body["members"]),
    )
    placed = Placed(hold, str(body["matter"]), PersonId(str(body["by"])), int(body["at"]))
    if placed_body(placed)["row"] != body["row"]:
        raise ValueError("another hold than the entry commits to")
    return placed


def _release(found: dict[HoldId, Placed], entry: Stated, standing: Standing) -> None:
    """Ends a hold, where the entry may; else it stands."""
    hold = HoldId(str(entry.body["legal_hold"]))
    placed = found.get(hold)
    if placed is not None and _may_end(placed.hold, entry, standing):
        found[hold] = replace(placed, released_at=int(entry.body["at"]))


def _may_end(hold: LegalHold, entry: Stated, standing: Standing) -> bool:
    """Whether people agreed to it, where a deal has people who can."""
    if standing.founding is None or entry.n < standing.founding.done_n:
        return True
    request = standing.requests.get(str(entry.body["request"]))
    return (
        request is not None
        and (request.plan.verb, request.plan.body.get("legal_hold")) == (RELEASE, hold.hold_id)
        and request.agreed_under(release_rule(hold))
    )
