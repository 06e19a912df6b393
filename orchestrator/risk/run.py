"""Writes what rules came to: findings opened, worsened, and closed by what the signals showed.

Rules kept here:

1. Rules over signals, findings, and the instant of the look are one unit.
2. A finding is closed where a signal shows it over, where the room that it is about is a room of
   the deal no more, or where a rule was turned off. Nothing else closes one.
3. Closed findings are kept for as long as their rule says; the record keeps their entries.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from orchestrator.deals.findings import Raised, close_findings, raise_finding, worsen
from orchestrator.risk.rules import Key, Ruling
from orchestrator.risk.signals import Signals
from orchestrator.store.unit import Tx
from tiers.exposure_rules import REGISTRY
from tiers.ids import PersonId

_OPEN = "SELECT rule, subject FROM finding WHERE deal_id = ? AND closed_at IS NULL"
_LOOKED = (
    "INSERT INTO risk_look (deal_id, at) VALUES (?, ?) "
    "ON CONFLICT (deal_id) DO UPDATE SET at = excluded.at"
)
_ROOM_RULES: Final = frozenset(
    {
        *("timer_off", "timer_long", "link_on", "open_door", "history_visible", "encryption_off"),
        *("posture_unreadable", "members_unreadable", "unverified_device", "devices_unreadable"),
        *("changed_key", "unknown_member", "uncleared_member", "new_device", "setting_drift"),
        *("wrong_role", "member_missing", "member_without_seat", "sole_admin_bot", "bot_demoted"),
        *("standby_missing", "paused_by_person", "attestation_lapses", "attestation_lapsed"),
    }
)


def write(tx: Tx, signals: Signals, ruling: Ruling, owner: PersonId | None = None) -> None:
    """Writes what the rules came to.

    Args:
        tx: writes.
        signals: of one deal.
        ruling: of these signals.
        owner: whose work a finding is that names nobody.
    """
    at = signals.at
    for (_, subject), raised in ruling.raised.items():
        told = raised if raised.owner is not None else _owned(raised, owner)
        if not raise_finding(tx, signals.deal, subject, told, at):
            worsen(tx, signals.deal, subject, told, at)
    for rule, subject in _over(tx, signals, ruling):
        close_findings(tx, signals.deal, rule, subject, at)
    tx.run(_LOOKED, (signals.deal, at))


def _owned(raised: Raised, owner: PersonId | None) -> Raised:
    return replace(raised, owner=owner)


def _over(tx: Tx, signals: Signals, ruling: Ruling) -> Iterable[Key]:
    rooms = {room.place for room in signals.rooms}
    for rule, subject in tx.all(_OPEN, (signals.deal,)):
        gone = rule in _ROOM_RULES and subject.partition(" ")[0] not in rooms
        if gone or ruling.over(rule, subject):
            yield rule, subject


def forget(tx: Tx, at: int) -> int:
    """Drops closed findings that are kept no longer; returns how many.

    Args:
        tx: writes.
        at: now, microseconds UTC.
    """
    dropped = 0
    for name, rule in REGISTRY.items():
        old = (name, at - rule.keep)
        where = "rule = ? AND closed_at IS NOT NULL AND closed_at < ?"
        for table in ("finding_accepted", "finding_stated"):
            tx.run(
                f"DELETE FROM {table} WHERE finding_id IN "  # noqa: S608 - our own names
                f"(SELECT finding_id FROM finding WHERE {where})",
                old,
            )
        dropped += tx.run(f"DELETE FROM finding WHERE {where}", old)  # noqa: S608 - our own text
    return dropped
