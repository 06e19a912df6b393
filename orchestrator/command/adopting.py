"""Adopts policies and rosters: by one person what only takes away, by two all else.

Rule kept here: one person adopts what gives access only in a draft: a real deal that has rooms and
is not founded, as one made by an older build, is none.
"""

from collections.abc import Mapping

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded
from orchestrator.audit.body import Json
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.clock import DAY
from orchestrator.command.runtime import Runtime
from orchestrator.deals.agreed import VERBS, policy_rule
from orchestrator.deals.agreed_phase import roster_rule
from orchestrator.roster.adoption import (
    Adopted,
    Adoption,
    adopt,
    checked_document,
    in_force,
    is_made_up,
    propose,
    proposed,
)
from orchestrator.roster.document import document_hash, from_document
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId
from tiers.roster_change import widens

KEPT = 7 * DAY
"""How long a document that waits is kept at least: longer than any request is open."""


def adopt_or_ask(
    tx: Tx, deal: DealId, kind: Adopted, document: str, *, at: int, actor: str
) -> Adoption | str:
    """Puts a document in force, or asks for it where that takes two; then the request's id.

    Raises:
        PolicyInvalid, RosterInvalid, AdoptionRefused: as for ``adopt``.
        NotAllowed: too few people may agree to it.
    """
    checked = checked_document(kind, document)
    before = in_force(tx, deal, kind)
    if before is not None and before.hash == document_hash(checked):
        return before
    if before is None or not _takes_two(kind, before.document, checked):
        return adopt(tx, deal, kind, checked, at=at, actor=actor)
    if not founded(tx, deal):
        check_draft(tx, deal)
        return adopt(tx, deal, kind, checked, at=at, actor=actor)
    digest = propose(tx, deal, kind, checked, at=at, lasts=KEPT)
    plan = Plan(VERBS[kind], {"kind": kind, "hash": digest, "before": before.hash})
    rule = _rule(tx, deal, kind, before.document, checked)
    return ask(tx, deal, plan, rule=rule, at=at, actor=actor)


def check_draft(tx: Tx, deal: DealId) -> None:
    """Whether one person may give access in a deal that is not founded.

    Raises:
        NotAllowed: it is a real one, and has rooms.
    """
    rooms = any(entry.kind == Kind.ROOM_CREATED for entry in stated(tx, deal))
    if rooms and not is_made_up(tx, deal):
        raise NotAllowed(
            "this deal has rooms and is not founded: nobody gives access in it alone; "
            "found it first: wallcross deal found"
        )


def _takes_two(kind: Adopted, before: str, after: str) -> bool:
    return kind == "policy" or widens(from_document(before), from_document(after))


def _rule(tx: Tx, deal: DealId, kind: Adopted, before: str, after: str) -> Rule:
    if kind == "roster":
        return roster_rule(from_document(before), from_document(after))
    roster = in_force(tx, deal, "roster")
    return policy_rule(before, after, None if roster is None else from_document(roster.document))


async def adopt_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Puts the document in force that people agreed to, in place of the one that they saw."""
    at, kind = runtime.now(), _kind(body)

    def unit(tx: Tx) -> None:
        before = in_force(tx, deal, kind)
        if before is None or before.hash != body["before"]:
            raise NotAllowed(f"another {kind} is in force than when this was asked for: ask again")
        document = proposed(tx, deal, kind, str(body["hash"]))
        approved.finish(tx, at)
        adopt(tx, deal, kind, document, at=at, actor=approved.actor, request=approved.request_id)

    await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)


def _kind(body: Mapping[str, Json]) -> Adopted:
    return "policy" if body["kind"] == "policy" else "roster"
