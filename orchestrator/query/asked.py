"""Whom the requests are about that wait for somebody's signature: what an approver is asked.

Rule kept here: a request that he may not sign, or that is not open any more, shows him nobody.
"""

from collections.abc import Iterator, Mapping

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import standing
from orchestrator.audit.body import Json
from orchestrator.deals.agreed import VERBS
from orchestrator.deals.book import DealView
from orchestrator.roster.adoption import AdoptionRefused, proposed
from orchestrator.roster.document import from_document
from orchestrator.store.unit import Tx
from tiers.ids import PersonId
from tiers.people import Roster
from tiers.roster_change import gains

_ROSTER = VERBS["roster"]


def asked_about(tx: Tx, deal: DealView, person: PersonId, at: int) -> frozenset[PersonId]:
    """The people of open requests that ``person`` may sign.

    Args:
        tx: a snapshot.
        deal: in force.
        person: an approver.
        at: microseconds UTC.
    """
    found = standing(tx, deal.deal_id)
    return frozenset(
        about
        for request in found.requests.values()
        if request.open(at) and found.may_sign(request, person)
        for about in _people(tx, deal, request.plan)
    )


def _people(tx: Tx, deal: DealView, plan: Plan) -> Iterator[PersonId]:
    body: Mapping[str, Json] = plan.body
    if isinstance(named := body.get("person"), str):
        yield PersonId(named)
    if plan.verb == _ROSTER:
        after = _proposed(tx, deal, str(body.get("hash")))
        yield from () if after is None else _changed(deal.adopted or deal.roster, after)


def _proposed(tx: Tx, deal: DealView, digest: str) -> Roster | None:
    try:
        return from_document(proposed(tx, deal.deal_id, "roster", digest))
    except AdoptionRefused:
        return None


def _changed(before: Roster, after: Roster) -> Iterator[PersonId]:
    """Who gains by it, is new, or is listed otherwise."""
    yield from {gain.person_id for gain in gains(before, after)}
    for person in after.people:
        if before.person(person.person_id) != person:
            yield person.person_id
