"""Whether the phase that a founded deal is in was agreed to, wherever it gave anybody anything.

Rules kept here:

1. Once a deal is founded, a phase that widens what its roster lets people read counts only with the
   request under which people agreed to exactly that step, their signatures checked again.
2. What a step takes is computed anew, from the roster that was in force before it.
3. Whoever gains agrees to nothing of it, be it by his own grant or for somebody else, or because
   his side demands no notice any more.
"""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.approvals.standing import Standing
from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from orchestrator.roster.adoption import AdoptionRefused, Step, document_of
from orchestrator.roster.document import from_document
from orchestrator.roster.phase import FIRST
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, PersonId
from tiers.people import Phase, Roster
from tiers.roster_change import Gain, gains, widens
from tiers.tier import Tier

PHASE = "deal.phase"
"""Of a plan that puts a deal into another phase."""


def roster_rule(before: Roster | None, after: Roster) -> Rule:
    """What it takes to let people read what another roster lets them: nobody of those who gain."""
    gained = gained_by(before, after)
    raised = {g.person_id for g in gained if g.tier is Tier.VALUATION}
    sides = (after.side(who.side) for p in raised if (who := after.person(p)) is not None)
    return Rule(
        barred=frozenset(g.person_id for g in gained),
        valuation_raise=bool(raised),
        gaining=frozenset(side.party for side in sides if side is not None),
    )


def gained_by(before: Roster | None, after: Roster) -> tuple[Gain, ...]:
    """All that people gain; whose side demands no notice any more may have read nothing before."""
    if before is None:
        return gains(before, after)
    asked = {side.side_id for side in before.sides if side.notice is not None}
    freed = asked & {side.side_id for side in after.sides if side.notice is None}
    return gains(before.without({p.person_id for p in before.people if p.side in freed}), after)


def back_rule(adopted: Roster, person: PersonId) -> Rule:
    """What it takes to let somebody read again what a roster lets him, and others for him."""
    rule = roster_rule(adopted.without({person}), adopted)
    return replace(rule, barred=rule.barred | {person})


def check_phases(
    tx: Tx, found: Standing, entries: Iterable[Stated], rosters: tuple[Step, ...]
) -> None:
    """Checks every phase of a founded deal since its founding.

    Args:
        tx: a unit of work.
        found: the deal's approvals.
        entries: what its chain grants, in order.
        rosters: every adoption of its roster, newest first.

    Raises:
        AdoptionRefused: one gave people what nobody had agreed to.
    """
    used, phase = set[str](), FIRST
    for entry in (e for e in entries if e.kind == Kind.DEAL_PHASE):
        before, phase = phase, Phase(entry.body["phase"])
        step = next((s for s in rosters if s.entry < entry.n), None)
        if step is None or not _since(found, entry.n):
            continue
        if entry.body["before"] != before.value or not _fine(tx, found, entry, step, used):
            raise AdoptionRefused("the phase in the audit was set without those who must agree")
        used.add(str(entry.body.get("request")))


def _since(found: Standing, n: int) -> bool:
    return found.founding is not None and n > found.founding.done_n


def _fine(tx: Tx, found: Standing, entry: Stated, step: Step, used: set[str]) -> bool:
    roster = from_document(document_of(tx, DealId(found.deal_id), "roster", step.hash))
    then, now = (roster.in_phase(Phase(entry.body[name])) for name in ("before", "phase"))
    if not widens(then, now):
        return True
    request = found.requests.get(str(entry.body.get("request")))
    if request is None or request.request_id in used:
        return False
    said = request.plan.body
    seen = tuple(said.get(name) for name in ("before", "phase", "roster"))
    exactly = (entry.body["before"], entry.body["phase"], step.hash)
    return (
        (request.plan.verb, request.done_at) == (PHASE, entry.body["at"])
        and seen == exactly
        and request.agreed_under(roster_rule(then, now))
    )
