"""What needs one person, by page: the numbers in his navigation, and the items of his Overview.

Rules kept here:

1. Only what he may settle himself counts: findings that he may answer, requests that his signature
   would move, held messages that are his.
2. Everything is found through indexes over what is open, never by looking through what is done:
   a deal that is a year old costs what a new one does.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.approvals.standing import Request, Standing
from orchestrator.deals.book import DealView
from orchestrator.risk.record import Found, Reader, findings_since
from orchestrator.store.unit import Tx
from tiers.exposure import Owner
from tiers.ids import DealId, PersonId
from tiers.rights import Act, Right, Scope, Viewer

LEAK_RISK, APPROVALS, HELD, PEOPLE = "leak_risk", "approvals", "held", "people"
DRIFT = frozenset(
    {"unknown_member", "uncleared_member", "member_missing", "member_without_seat", "wrong_role"}
)
"""Rules of findings that say that somebody is not where he should be."""
ABOUT_HELD = frozenset({"held_overdue", "release_asked", "withdrawn", "unjudged", "not_carried"})
"""Rules of findings about a held message: whoever settles the message settles them."""
_ROLES: Mapping[Owner, str] = {
    Owner.OWNER: "deal owner",
    Owner.SECURITY_OFFICER: "deal security officer",
    Owner.COUNSEL: "counsel",
    Owner.OPERATOR: "operator",
}
_OWN_HELD = """
SELECT message_id, tier, reasons, deadline, held_at FROM held INDEXED BY held_open
WHERE deal_id = ? AND state = 'held' AND owner = ? ORDER BY deadline LIMIT ?"""
MOST = 500
"""Open things of one kind that are counted; more are told as so many."""


@dataclass(frozen=True, slots=True)
class OwnHeld:
    """A held message that is somebody's to settle."""

    message_id: str
    tier: str
    reasons: tuple[str, ...]
    deadline: int
    held_at: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What needs one person in one deal."""

    findings: tuple[Found, ...]
    requests: tuple[Request, ...]
    held: tuple[OwnHeld, ...]

    def counts(self) -> dict[str, int]:
        """By page of the dashboard; pages that need nothing are left out."""
        found = {
            LEAK_RISK: len(self.findings),
            APPROVALS: len(self.requests),
            HELD: len(self.held),
            PEOPLE: sum(f.named in DRIFT for f in self.findings),
        }
        return {page: count for page, count in found.items() if count}

    @property
    def total(self) -> int:
        """Things that need him; what two pages show counts once."""
        return len(self.findings) + len(self.requests) + len(self.held)


def needs(tx: Tx, deal: DealView, viewer: Viewer, found: Standing, at: int) -> Needs:
    """What needs a viewer in a deal.

    Args:
        tx: of the store.
        deal: in force.
        viewer: whoever asks; what needs others is not counted.
        found: where the deal's approvals stand.
        at: now, microseconds UTC.
    """
    person = viewer.person(deal.deal_id)
    held = _own_held(tx, deal.deal_id, person)
    return Needs(
        tuple(_findings(tx, deal, viewer, {h.message_id for h in held}, at)),
        tuple(may_sign(found, person, at)),
        held,
    )


def needs_by_deal(
    tx: Tx,
    viewer: Viewer,
    deals: Mapping[DealId, DealView],
    standings: Mapping[DealId, Standing],
    at: int,
) -> dict[DealId, Mapping[str, int]]:
    """How many things need a viewer, by deal and page: the numbers in his navigation.

    Args:
        tx: of the store.
        viewer: whoever asks.
        deals: those in force; of others nothing is counted.
        standings: of the deals that he is told of.
        at: now, microseconds UTC.
    """
    return {
        deal: needs(tx, deals[deal], viewer, known, at).counts() if deal in deals else {}
        for deal, known in standings.items()
    }


def may_sign(found: Standing, person: PersonId | None, at: int) -> Iterable[Request]:
    """Open requests that a person's signature would move; oldest first."""
    if person is None:
        return
    for request in sorted(found.requests.values(), key=lambda r: r.asked_at):
        waits = request.open(at) and person not in request.yes
        if waits and found.missing(request) and found.may_sign(request, person):
            yield request


def _findings(
    tx: Tx, deal: DealView, viewer: Viewer, own_held: set[str], at: int
) -> Iterable[Found]:
    """Open findings that he may answer and nobody accepted for now, the gravest first."""
    power, person = viewer.power(deal.deal_id, Right.FINDINGS), viewer.person(deal.deal_id)
    if power.scope < Scope.OWN:
        return
    listed = findings_since(tx, Reader(deal), deal.deal_id, at)
    for one in sorted(listed, key=lambda f: (-f.severity, f.first_seen)):
        if one.closed_at is not None or one.silent(at):
            continue
        if one.named in ABOUT_HELD and one.about.message in own_held:
            continue  # counted as his held message
        if power.act is Act.ALONE or (person is not None and person == owner_of(deal, one)):
            yield one


def owner_of(deal: DealView, found: Found) -> PersonId | None:
    """Whose work a finding is first, as far as he is on the roster; None: nobody's by name."""
    out = deal.persons.left | deal.persons.paused
    if found.owner is not None and found.owner not in out:
        return found.owner
    if found.rule.owner is Owner.SUBJECT and found.about.person not in {None, *out}:
        return found.about.person
    wanted = _ROLES.get(found.rule.owner, _ROLES[Owner.OWNER])
    those = (p for p in deal.roster.people if p.role == wanted and p.person_id not in out)
    return next((p.person_id for p in those), None)


def own_held(tx: Tx, deal: DealId, person: PersonId | None) -> frozenset[str]:
    """Held messages that are somebody's to settle."""
    return frozenset(held.message_id for held in _own_held(tx, deal, person))


def _own_held(tx: Tx, deal: DealId, person: PersonId | None) -> tuple[OwnHeld, ...]:
    if person is None:
        return ()
    rows = tx.all(_OWN_HELD, (deal, person, MOST))
    return tuple(OwnHeld(mid, tier, _because(why), end, at) for mid, tier, why, end, at in rows)


def _because(reasons: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(because) for _, because, _ in json.loads(reasons)))
