"""A deal is in the phase that its chain's newest word names; no row says anything of it."""

import pytest

from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.roster.deals import Deal
from orchestrator.roster.phase import phase_of, state_phase
from orchestrator.store.unit import Store, Tx
from tiers.people import Phase

ME = "local:ada"


async def test_a_deal_begins_with_planning(store: Store, deal: Deal) -> None:
    entries = await store.read(lambda tx: stated(tx, deal.deal_id))
    assert phase_of(entries) is Phase.PLANNING


@pytest.mark.parametrize("phase", Phase)
async def test_the_newest_word_counts(store: Store, deal: Deal, phase: Phase) -> None:
    def unit(tx: Tx) -> None:
        state_phase(tx, deal.deal_id, Phase.PLANNING, Phase.SIGNING, at=20, actor=ME)
        state_phase(tx, deal.deal_id, Phase.SIGNING, phase, at=21, actor=ME)

    await store.write(unit)
    entries = await store.read(lambda tx: stated(tx, deal.deal_id))
    assert phase_of(entries) is phase
    told = [e for e in entries if e.kind == Kind.DEAL_PHASE]
    assert [(e.body["before"], e.at) for e in told] == [("planning", 20), ("signing", 21)]


async def test_a_word_that_was_changed_counts_for_nothing(store: Store, deal: Deal) -> None:
    await store.write(
        lambda tx: state_phase(tx, deal.deal_id, Phase.PLANNING, Phase.SIGNING, at=20, actor=ME)
    )
    await store.write(
        lambda tx: tx.run(
            "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'signing', 'closed') AS BLOB)"
        )
    )
    entries = await store.read(lambda tx: stated(tx, deal.deal_id))
    assert phase_of(entries) is Phase.PLANNING
