"""Findings: something that could leak, found by a rule, closed only by a new fact.

Rule kept here: one open finding for each rule and subject; seen again it is the same one.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.ids import new_id
from orchestrator.store.unit import Store, Tx

ACTOR = "wallcross"


@dataclass(frozen=True, slots=True)
class Raised:
    """A finding to open: something that could leak, without content."""

    rule: str
    severity: str
    reasons: tuple[str, ...]
    remedy: str
    owner: str | None = None


Found = Mapping[tuple[str, str, str], Raised]
"""What there is to tell, by deal, rule and subject."""


async def keep(store: Store, rules: Collection[str], found: Found, at: int) -> None:
    """Has the open findings of some rules be exactly what was found.

    Args:
        store: the home's.
        rules: those that were looked at.
        found: what they found, in every deal.
        at: now, microseconds UTC.
    """
    marks = ", ".join("?" * len(rules))
    there = (
        "SELECT deal_id, rule, subject FROM finding "  # noqa: S608 - the marks of parameters
        f"WHERE rule IN ({marks}) AND closed_at IS NULL"
    )

    def unit(tx: Tx) -> None:
        for (deal_id, _, subject), raised in found.items():
            raise_finding(tx, deal_id, subject, raised, at)
        for deal_id, rule, subject in tx.all(there, tuple(rules)):
            if (deal_id, rule, subject) not in found:
                close_findings(tx, deal_id, rule, subject, at)

    open_now = await store.read(lambda tx: tx.one(there + " LIMIT 1", tuple(rules)))
    if found or open_now is not None:  # nothing is written where nothing changes
        await store.write(unit)


def raise_finding(tx: Tx, deal_id: str, subject: str, raised: Raised, at: int) -> bool:
    """Opens a finding, or sees it once more; returns whether it is a new one."""
    there = tx.one(
        "UPDATE finding SET last_seen = ? WHERE deal_id = ? AND rule = ? AND subject = ? "
        "AND closed_at IS NULL RETURNING finding_id",
        (at, deal_id, raised.rule, subject),
    )
    if there is not None:
        return False
    finding_id = new_id("fnd")
    tx.run(
        "INSERT INTO finding (finding_id, deal_id, rule, subject, severity, reasons, remedy,"
        " owner, first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(finding_id, deal_id, raised.rule, subject, raised.severity),
            *(json.dumps(raised.reasons), raised.remedy, raised.owner, at, at),
        ),
    )
    body: dict[str, Json] = {
        "finding": finding_id,
        "rule": raised.rule,
        "severity": raised.severity,
    }
    append(tx, deal_id, Kind.FINDING_OPENED, body, at=at, actor=ACTOR)
    return True


def worsen(tx: Tx, deal_id: str, subject: str, raised: Raised, at: int) -> bool:
    """Has an open finding be of another severity and another person's; returns whether it was not.

    The same finding is opened once more in the audit, with the severity that it has from now on.
    """
    row = tx.one(
        "UPDATE finding SET severity = ?1, reasons = ?2, remedy = ?3, owner = ?4, last_seen = ?5 "
        "WHERE deal_id = ?6 AND rule = ?7 AND subject = ?8 AND closed_at IS NULL "
        "AND severity <> ?1 RETURNING finding_id",
        (
            *(raised.severity, json.dumps(raised.reasons), raised.remedy, raised.owner, at),
            *(deal_id, raised.rule, subject),
        ),
    )
    if row is None:
        return False
    body: dict[str, Json] = {
        "finding": row[0],
        "rule": raised.rule,
        "severity": raised.severity,
    }
    append(tx, deal_id, Kind.FINDING_OPENED, body, at=at, actor=ACTOR)
    return True


def close_findings(tx: Tx, deal_id: str, rule: str, subject: str, at: int) -> None:
    """Closes what a new fact settled."""
    found = tx.all(
        "UPDATE finding SET closed_at = ? WHERE deal_id = ? AND rule = ? AND subject = ? "
        "AND closed_at IS NULL RETURNING finding_id",
        (at, deal_id, rule, subject),
    )
    for (finding_id,) in found:
        body: dict[str, Json] = {"finding": finding_id, "rule": rule}
        append(tx, deal_id, Kind.FINDING_CLOSED, body, at=at, actor=ACTOR)
