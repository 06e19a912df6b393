"""When a deal is to be signed, and its signing windows, as its chain states them.

Rules kept here:

1. There is no table. The date is the newest entry about it; one person sets it, since it opens
   nothing: a window names its own instants, and a date that is moved ends it.
2. A window is a plan to which two people agreed. One person withdraws it, at once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.approvals.plan import Plan
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx
from tiers.ids import ConversationId, PersonId
from tiers.signing import Window

WINDOW = "signing.window"
"""Of a plan that opens a signing window."""
RELEASE = "held.release"
"""Of a plan that releases a held message downwards: the one thing that a window is for."""


def window_plan(window: Window) -> Plan:
    """The plan that people agree to when they open a window."""
    body: dict[str, Json] = {
        "signing": window.signing,
        "opens": window.opens,
        "closes": window.closes,
        "members": sorted(window.people),
        "conversations": sorted(window.conversations),
    }
    return Plan(WINDOW, body)


def window_of(body: Mapping[str, Any]) -> Window:
    """The window that a plan means. Raises: KeyError, TypeError, ValueError: it is none."""
    return Window(
        int(body["signing"]),
        int(body["opens"]),
        int(body["closes"]),
        frozenset(PersonId(str(p)) for p in body["members"]),
        frozenset(ConversationId(str(c)) for c in body["conversations"]),
    )


def state_signing(tx: Tx, deal_id: str, signing: int | None, *, at: int, actor: str) -> None:
    """States when a deal is to be signed, microseconds UTC; None: nobody knows any more."""
    row = commitment("signing", deal_id, signing, at)
    body: dict[str, Json] = {"signing": signing, "at": at, "row": row}
    append(tx, deal_id, Kind.DEAL_SIGNING, body, at=at, actor=actor)


def signing_of(entries: Iterable[Stated]) -> int | None:
    """When a deal is to be signed, as its entries, in their order, come to; None: nobody said."""
    named = [entry.body["signing"] for entry in entries if entry.kind == Kind.DEAL_SIGNING]
    return None if not named or named[-1] is None else int(named[-1])


def withdraw_window(tx: Tx, deal_id: str, request_id: str, *, at: int, actor: str) -> None:
    """Ends a window at once."""
    row = commitment("window", deal_id, request_id, at)
    body: dict[str, Json] = {"request": request_id, "at": at, "row": row}
    append(tx, deal_id, Kind.WINDOW_CLOSED, body, at=at, actor=actor)
