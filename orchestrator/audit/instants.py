"""The latest instant that the audit holds: the clock may not be earlier than that and permit.

Rule kept here: the latest instant only grows. When a clock ran ahead and was set right, it is
taken back by a recorded act, which stands in every chain that holds a later instant.
"""

from collections.abc import Iterator

from orchestrator.audit import chain
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx

_LATEST = "audit_latest_at"


def latest_instant(tx: Tx) -> int:
    """Returns the latest instant (microseconds UTC) known to be in the audit; 0 when it is empty.

    Kept once a minute with the signed heads; the last entry of each chain counts in between.
    """
    row = tx.one("SELECT value FROM home WHERE key = ?", (_LATEST,))
    known = [int(row[0])] if row else []
    return max([*known, *(at for _, at in _last_instants(tx))], default=0)


def keep_latest(tx: Tx, at: int) -> None:
    """Keeps the larger of ``at`` and what is known."""
    _set(tx, max(at, latest_instant(tx)))


def reset_latest(tx: Tx, *, at: int, actor: str) -> int:
    """Takes the latest instant back to ``at``: a person says that an earlier clock ran ahead.

    Returns:
        in how many chains an entry says so.
    """
    ahead = [(deal, last) for deal, last in _last_instants(tx) if last > at]
    for deal, last in ahead:
        chain.append(tx, deal, Kind.CLOCK_RESET, {"from": last}, at=at, actor=actor)
    if not ahead:
        body = {"from": latest_instant(tx)}
        chain.append(tx, chain.HOME, Kind.CLOCK_RESET, body, at=at, actor=actor)
    _set(tx, at)
    return max(len(ahead), 1)


def entry_instant(entry: bytes) -> int:
    """Returns the instant in an entry's canonical bytes."""
    start = entry.index(b'"at":') + 5
    return int(entry[start : entry.index(b",", start)])


def _last_instants(tx: Tx) -> Iterator[tuple[str, int]]:
    for deal, (n, _) in chain.heads(tx):
        row = tx.one("SELECT entry FROM audit WHERE deal_id = ? AND n = ?", (deal, n))
        if row:
            yield deal, entry_instant(row[0])


def _set(tx: Tx, at: int) -> None:
    tx.run(
        "INSERT INTO home VALUES (?, ?) ON CONFLICT DO UPDATE SET value = ?2", (_LATEST, str(at))
    )
