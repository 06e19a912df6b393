"""Whether what is in force in a founded deal was agreed to, and what it takes to change it.

Rules kept here:

1. Once a deal is founded, a roster that widens and any policy are in force only while the chain
   holds the request under which people agreed to exactly that document, their signatures checked
   again. An entry that names no such request puts nothing in force.
2. A roster that only takes away is adopted by one person, at once.
3. What a change takes is computed anew from the two documents, never read from the request.
"""

from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import Standing
from orchestrator.audit.granted import stated
from orchestrator.config.policy import to_policy
from orchestrator.deals.agreed_phase import check_phases, roster_rule
from orchestrator.roster.adoption import (
    Adopted,
    AdoptionRefused,
    Step,
    document_of,
    in_force,
    load_adopted,
    steps,
)
from orchestrator.roster.document import from_document
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, SideId
from tiers.people import Party, Roster
from tiers.policy import Policy
from tiers.roster_change import widens

VERBS: dict[Adopted, str] = {"policy": "policy.adopt", "roster": "roster.adopt"}


def load_agreed(tx: Tx, deal_id: DealId) -> tuple[Roster, str, Policy] | None:
    """A deal's roster in force with its hash, and its policy; None while one is missing.

    Raises:
        AdoptionRefused: the table and the audit do not agree, or nobody agreed to what is there.
    """
    found = load_adopted(tx, deal_id)
    if found is not None:
        check_agreed(tx, deal_id)
    return found


def check_agreed(tx: Tx, deal_id: DealId) -> None:
    """Checks that a founded deal's policy, roster and phase were agreed to.

    Raises:
        AdoptionRefused: one was not.
    """
    found = standing(tx, deal_id)
    if found.founding is None:
        return
    _check(tx, found, "policy", tuple(steps(tx, deal_id, "policy")))
    rosters = tuple(steps(tx, deal_id, "roster"))
    _check(tx, found, "roster", rosters)
    check_phases(tx, found, stated(tx, deal_id), rosters)


def _check(tx: Tx, found: Standing, kind: Adopted, newest_first: tuple[Step, ...]) -> None:
    """Goes back from what is in force to the last adoption that people agreed to."""
    for place, step in enumerate(newest_first):
        older = newest_first[place + 1 :]
        if _agreed(tx, found, kind, step, older):
            return
        if kind == "policy" or not older or not _narrows(tx, found, older[0], step):
            told = f"the {kind} in the audit was adopted without the people who must agree"
            raise AdoptionRefused(told)


def _narrows(tx: Tx, found: Standing, earlier: Step, step: Step) -> bool:
    if earlier.hash != step.before:
        return False
    return not widens(_roster(tx, found, earlier.hash), _roster(tx, found, step.hash))


def _agreed(tx: Tx, found: Standing, kind: Adopted, step: Step, older: tuple[Step, ...]) -> bool:
    founding = found.founding
    if founding is not None and step.request is None:
        return founding.plan.body.get(kind) == step.hash and step.entry < founding.done_n
    request = found.requests.get(step.request or "")
    if request is None or any(s.request == step.request for s in older):
        return False
    said = request.plan.body
    exactly = (request.plan.verb, said.get("hash"), said.get("before"), request.done_at)
    if exactly != (VERBS[kind], step.hash, step.before, step.at):
        return False
    return request.agreed_under(_rule(tx, found, kind, step))


def _rule(tx: Tx, found: Standing, kind: Adopted, step: Step) -> Rule:
    deal_id = DealId(found.deal_id)
    after = document_of(tx, deal_id, kind, step.hash)
    before = None if step.before is None else document_of(tx, deal_id, kind, step.before)
    if kind == "roster":
        return roster_rule(None if before is None else from_document(before), from_document(after))
    at_that_time = in_force(tx, deal_id, "roster", step.at)
    people = None if at_that_time is None else from_document(at_that_time.document)
    return policy_rule(before, after, people)


def policy_rule(before: str | None, after: str, roster: Roster | None) -> Rule:
    """What it takes to put a policy document in force in place of another.

    Sides that may be sent VALUATION documents for the first time are raised to it.
    """
    had = _sent_valuation(before) if before is not None else frozenset[SideId]()
    new = _sent_valuation(after) - had
    parties = {_party(roster, side) for side in new} if roster is not None else set()
    known = frozenset(p for p in parties if p is not None)
    return Rule(valuation_raise=bool(new), gaining=known if len(known) == len(parties) else _NONE)


_NONE: frozenset[Party] = frozenset()


def _sent_valuation(document: str) -> frozenset[SideId]:
    documents = to_policy(document, made_up=False).documents
    return documents.valuation_to if documents is not None else frozenset()


def _party(roster: Roster, side_id: SideId) -> Party | None:
    side = roster.side(side_id)
    return None if side is None else side.party


def _roster(tx: Tx, found: Standing, digest: str) -> Roster:
    return from_document(document_of(tx, DealId(found.deal_id), "roster", digest))
