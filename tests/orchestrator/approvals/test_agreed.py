"""What is in force in a founded deal: what people agreed to, less what one person took away."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from orchestrator.approvals import requests
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.standing import FOUND
from orchestrator.command.adopting import adopt_or_ask
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.agreed import VERBS, load_agreed, policy_rule
from orchestrator.deals.agreed_phase import roster_rule
from orchestrator.roster.adoption import (
    Adopted,
    AdoptionRefused,
    adopt,
    in_force,
)
from orchestrator.roster.document import document_hash, to_document
from orchestrator.store.unit import Tx
from tests.orchestrator.approvals.signers import Signer
from tests.scenarios.house import roster, without
from tiers.approval import Role, Rule
from tiers.ids import AccountId, ConnectorName, DealId, SideId
from tiers.people import Party

DEAL = DealId("deal_" + "d" * 32)
ADA = Signer("ada", frozenset({Role.OWNER}))
CY = Signer("cy", frozenset({Role.COUNSEL}), Party.TARGET)
DI = Signer("di", frozenset({Role.APPROVER}), Party.TARGET)
POLICY = read_policy(default_text())
WHOLE, LESS, LEAST = (
    to_document(roster()),
    to_document(without(roster(), "el")),
    to_document(without(without(roster(), "el"), "bo")),
)


@dataclass
class Ground:
    """A deal with a policy and a roster in force, founded by three."""

    deal: Any

    async def put(
        self, kind: Adopted, document: str, request: str | None = None, at: int | None = None
    ) -> None:
        """Adopts as somebody would who asks nobody."""
        when = self.deal.tick() if at is None else at
        await self.deal.store.write(
            lambda tx: adopt(tx, DEAL, kind, document, at=when, actor="local:ops", request=request)
        )

    async def agreed(self, kind: Adopted, document: str, *people: Signer) -> str:
        """Asks for a document and has people sign it; whoever asks is the rule's own concern."""
        at = self.deal.tick()
        found = await self.deal.store.write(
            lambda tx: adopt_or_ask(tx, DEAL, kind, document, at=at, actor="local:ops")
        )
        assert isinstance(found, str)
        for person in people:
            await self.deal.say(found, person)
        done = self.deal.tick()

        def unit(tx: Tx) -> None:
            requests.finish(tx, DEAL, found, at=done, actor="local:ops")
            adopt(tx, DEAL, kind, document, at=done, actor="local:ops", request=found)

        await self.deal.store.write(unit)
        return found

    async def load(self) -> str:
        loaded = await self.deal.store.read(lambda tx: load_agreed(tx, DEAL))
        assert loaded is not None
        return str(loaded[1])

    async def hash(self) -> str:
        found = await self.deal.store.read(lambda tx: in_force(tx, DEAL, "roster"))
        return str(found.hash)


@pytest.fixture
async def ground(deal: Any) -> Ground:
    made = Ground(deal)

    def unit(tx: Tx) -> None:
        tx.run(
            "INSERT INTO deal (deal_id, code, made_up, created_at) VALUES (?, 'D', 0, 1)", (DEAL,)
        )

    await deal.store.write(unit)
    await made.put("policy", POLICY)
    await made.put("roster", LESS)

    def founding(*people: Signer) -> Plan:
        hashes = sorted(p.credential.hash for p in people)
        return Plan(FOUND, {**adopted, "credentials": hashes})

    def read(tx: Tx) -> dict[str, str]:
        kinds: tuple[Adopted, ...] = ("policy", "roster")
        return {k: found.hash for k in kinds if (found := in_force(tx, DEAL, k)) is not None}

    adopted = await deal.store.read(read)
    deal.founding = founding
    await deal.found(ADA, CY, DI)
    return made


async def test_what_it_was_founded_with_is_in_force(ground: Ground) -> None:
    assert await ground.load() == await ground.hash()


async def test_what_two_agreed_to_and_one_took_away_from_is_in_force(ground: Ground) -> None:
    await ground.agreed("roster", WHOLE, ADA, CY)
    assert await ground.load() == await ground.hash()
    for document in (LESS, LEAST):
        await ground.put("roster", document)
        assert await ground.load() == await ground.hash()


async def test_what_widens_without_a_request_is_not(ground: Ground) -> None:
    await ground.put("roster", WHOLE)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


async def test_nor_is_what_one_took_away_from_that(ground: Ground) -> None:
    """A narrowing step does not wash a widening one."""
    await ground.put("roster", LEAST)
    await ground.put("roster", WHOLE)
    await ground.put("roster", LESS)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


async def test_one_agreement_is_for_one_adoption(ground: Ground) -> None:
    request = await ground.agreed("roster", WHOLE, ADA, CY)
    await ground.put("roster", LESS)
    await ground.put("roster", WHOLE, request)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


async def test_what_it_was_founded_with_is_not_brought_back_by_one(ground: Ground) -> None:
    await ground.put("roster", LEAST)
    await ground.put("roster", LESS)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


async def test_an_agreement_to_something_else_is_none(ground: Ground) -> None:
    other = await ground.agreed(
        "policy", read_policy(default_text().replace("24 h", "12 h")), ADA, CY
    )
    await ground.put("roster", WHOLE, other)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


async def test_a_rule_that_was_asked_for_too_low_is_not_believed(ground: Ground) -> None:
    """The request bars nobody; he who gains signed it. What it takes is computed anew."""
    before = await ground.hash()
    raised = to_document(
        replace(
            without(roster(), "el"),
            grants=tuple(
                replace(g, highest=roster().grants[0].highest) if g.person_id == "di" else g
                for g in without(roster(), "el").grants
            ),
        )
    )
    plan = Plan(
        VERBS["roster"], {"kind": "roster", "hash": document_hash(raised), "before": before}
    )
    request = await ground.deal.ask(plan, Rule())
    for person in (ADA, DI):
        await ground.deal.say(request, person)
    done = ground.deal.tick()

    def unit(tx: Tx) -> None:
        requests.finish(tx, DEAL, request, at=done, actor="local:ops")
        adopt(tx, DEAL, "roster", raised, at=done, actor="local:ops", request=request)

    await ground.deal.store.write(unit)
    with pytest.raises(AdoptionRefused, match="without the people"):
        await ground.load()


def test_what_a_roster_takes_is_by_who_gains_and_how_much() -> None:
    nothing = roster_rule(roster(), without(roster(), "el"))
    assert nothing == Rule()
    el = roster_rule(without(roster(), "el"), roster())
    assert (set(el.barred), el.valuation_raise, set(el.gaining)) == ({"el"}, False, set())
    cy = roster_rule(without(roster(), "cy"), roster())
    assert (set(cy.barred), cy.valuation_raise, set(cy.gaining)) == ({"cy"}, True, {Party.TARGET})
    phone = replace(
        roster(),
        people=tuple(
            replace(p, accounts={ConnectorName("memory"): AccountId("new")})
            if p.person_id == "ada"
            else p
            for p in roster().people
        ),
    )
    ada = roster_rule(roster(), phone)
    assert (set(ada.barred), ada.valuation_raise) == ({"ada"}, True)
    assert set(ada.gaining) == {Party.ACQUIRER}


def test_whose_side_demands_no_notice_any_more_gains_all_that_he_then_reads() -> None:
    """He may not have acknowledged it: then he read nothing, and agrees to nothing of this."""
    kestrel, marlow = roster().sides
    asked = replace(roster(), sides=(kestrel, replace(marlow, notice="Tell nobody.")))
    rule = roster_rule(asked, roster())
    assert (set(rule.barred), set(rule.gaining)) == ({"cy", "di"}, {Party.TARGET})
    assert rule.valuation_raise
    assert roster_rule(roster(), asked) == Rule()


def test_a_policy_that_names_another_side_for_valuation_raises_it() -> None:
    named = read_policy(default_text().replace("valuation_to = []", 'valuation_to = ["marlow"]'))
    rule = policy_rule(POLICY, named, roster())
    assert (rule.valuation_raise, set(rule.gaining)) == (True, {Party.TARGET})
    assert not policy_rule(named, POLICY, roster()).valuation_raise
    nowhere = read_policy(default_text().replace("valuation_to = []", 'valuation_to = ["nowhere"]'))
    unknown = policy_rule(POLICY, nowhere, roster())
    assert (unknown.valuation_raise, unknown.gaining) == (True, frozenset()), "only counsel will do"
    assert roster().side(SideId("nowhere")) is None
