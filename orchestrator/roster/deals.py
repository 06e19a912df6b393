"""Deals of a home: made, found, listed.

Rule kept here: a deal begins with its audit's first entry, which says whether it is made up, and
with a policy in force; both in one unit.
"""

from dataclasses import dataclass

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.ids import new_id
from orchestrator.roster.adoption import adopt
from orchestrator.store.unit import StoreError, Tx
from tiers.ids import DealId

_ROWS = "SELECT deal_id, code, made_up, created_at FROM deal"


class CodeTaken(StoreError):
    """Another deal of this home has that code."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as its row says."""

    deal_id: DealId
    code: str
    made_up: bool
    created_at: int


def create_deal(tx: Tx, code: str, *, made_up: bool, policy: str, at: int, actor: str) -> Deal:
    """Makes a deal and adopts its policy, in one unit.

    Args:
        tx: the unit of work.
        code: its code name, capitals (``config.model.CODE``).
        made_up: demo or sample: a channel proven in a lab is enough.
        policy: canonical document.
        at: microseconds UTC.
        actor: who makes it.

    Raises:
        CodeTaken: a deal has that code.
        PolicyInvalid: the policy is none.
    """
    if find_deal(tx, code) is not None:
        raise CodeTaken(f"there is a deal {code} already")
    deal = Deal(DealId(new_id("deal")), code, made_up, at)
    tx.run(
        "INSERT INTO deal (deal_id, code, made_up, created_at) VALUES (?, ?, ?, ?)",
        (deal.deal_id, code, made_up, at),
    )
    body: dict[str, Json] = {"code": code, "made_up": made_up}
    append(tx, deal.deal_id, Kind.DEAL_CREATED, body, at=at, actor=actor)
    adopt(tx, deal.deal_id, "policy", policy, at=at, actor=actor)
    return deal


def find_deal(tx: Tx, name: str) -> Deal | None:
    """The deal of that code or id."""
    row = tx.one(f"{_ROWS} WHERE code = ? OR deal_id = ?", (name, name))
    return None if row is None else _deal(row)


def list_deals(tx: Tx) -> list[Deal]:
    """Every deal, oldest first."""
    return [_deal(row) for row in tx.all(f"{_ROWS} ORDER BY created_at, code")]


def _deal(row: tuple[object, ...]) -> Deal:
    deal_id, code, made_up, created_at = row
    return Deal(DealId(str(deal_id)), str(code), bool(made_up), int(str(created_at)))
