"""In a founded deal a leave is undone by two, and nobody takes out those who agree to things."""

import pytest

from orchestrator.approvals import requests
from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import enrolment, statement
from orchestrator.approvals.standing import RETURN
from orchestrator.client.problems import Refused, Waits
from orchestrator.clock import MINUTE
from orchestrator.command.approving import HANDLERS, carry_out
from orchestrator.command.leaving import LEAVE
from orchestrator.store.unit import Tx
from tests.orchestrator.approvals.signers import Signer
from tiers.ids import PersonId
from tiers.people import Party

from .conftest import House, Opens
from .house import ACTOR, TALKS, roster

DI = PersonId("di")


class Founded:
    """A house whose deal some of its people founded with keys of their own."""

    def __init__(self, house: House, *names: str) -> None:
        self.house = house
        self.signers = {name: Signer(name, party=party_of(name)) for name in names}

    async def found(self) -> None:
        home, deal = self.house.home, self.house.deal
        for signer in self.signers.values():
            await home.runtime.store.write(lambda tx, s=signer: self._enrol(tx, s))  # type: ignore[misc]
        request = await home.deal_found(deal, actor=ACTOR)
        await self.sign(request, *self.signers)

    def _enrol(self, tx: Tx, signer: Signer) -> None:
        deal, credential = self.house.deal, signer.credential
        proof = signer.sign(enrolment(deal, credential.hash))
        requests.check_enrolment(requests.standing(tx, deal), credential, proof)
        at = self.house.clock()
        requests.enrol(tx, deal, credential, None, at=at, actor=ACTOR)

    async def sign(self, request: str, *names: str) -> None:
        """Each says yes; what is agreed to is carried out."""
        runtime, deal = self.house.home.runtime, self.house.deal
        for name in names:
            signer, at = self.signers[name], self.house.clock()
            found = await runtime.store.read(
                lambda tx: requests.standing(tx, deal).requests[request]
            )
            said = signer.sign(statement(deal, found.plan.hash, found.expires_at, "yes"))
            await runtime.store.write(
                lambda tx, s=signer, w=said, t=at: requests.answer(  # type: ignore[misc]
                    tx, deal, request, "yes", s.person, w, at=t, actor=ACTOR
                )
            )
            await carry_out(runtime, deal, request, ACTOR)

    async def leave(self, person: str, reason: str = "left", actor: str = ACTOR) -> str:
        found = await self.house.home.leave(self.house.deal, PersonId(person), reason, actor=actor)
        return found.state

    def out(self) -> set[str]:
        return set(self.house.home.runtime.book.deals[self.house.deal].persons.left)


def party_of(name: str) -> Party:
    """The party that the made-up roster says."""
    made = roster()
    side = next(p.side for p in made.people if p.person_id == name)
    return next(s.party for s in made.sides if s.side_id == side)


def asked(problem: Waits) -> str:
    """The id of the request that somebody must sign."""
    return problem.then.split()[-1]


@pytest.fixture
async def founded(opens: Opens) -> Founded:
    found = Founded(await opens(TALKS), "ada", "bo", "cy")
    await found.found()
    return found


def test_both_verbs_have_somebody_who_carries_them_out() -> None:
    assert {LEAVE, RETURN} <= HANDLERS.keys()


async def test_a_leave_is_undone_by_two_others(founded: Founded) -> None:
    assert await founded.leave("di") == "gone"
    home, deal = founded.house.home, founded.house.deal
    with pytest.raises(Waits) as waits:
        await home.leave_undo(deal, DI, actor=ACTOR)
    assert founded.out() == {"di"}
    await founded.sign(asked(waits.value), "ada")
    assert founded.out() == {"di"}
    await founded.sign(asked(waits.value), "cy")
    assert founded.out() == set()
    assert (await home.leave_show(deal, DI)).state == "undone"


async def test_what_was_signed_for_one_leave_undoes_no_later_one(founded: Founded) -> None:
    await founded.leave("di")
    home, deal = founded.house.home, founded.house.deal
    with pytest.raises(Waits) as first:
        await home.leave_undo(deal, DI, actor=ACTOR)
    with pytest.raises(Waits) as again:
        await home.leave_undo(deal, DI, actor=ACTOR)
    assert asked(first.value) == asked(again.value)
    await founded.sign(asked(first.value), "ada", "bo")
    await founded.leave("di")
    with pytest.raises(Waits) as second:
        await home.leave_undo(deal, DI, actor=ACTOR)
    assert asked(second.value) != asked(first.value)
    assert founded.out() == {"di"}


async def test_agreed_to_too_late_it_brings_nobody_back(founded: Founded) -> None:
    await founded.leave("di")
    with pytest.raises(Waits) as waits:
        await founded.house.home.leave_undo(founded.house.deal, DI, actor=ACTOR)
    await founded.sign(asked(waits.value), "ada")
    founded.house.clock.ahead += 31 * MINUTE
    with pytest.raises(NotAllowed):
        await founded.sign(asked(waits.value), "bo")
    assert founded.out() == {"di"}


async def test_whoever_leaves_signs_nothing_any_more(founded: Founded) -> None:
    assert await founded.leave("cy") == "gone"
    store, deal = founded.house.home.runtime.store, founded.house.deal
    standing = await store.read(lambda tx: requests.standing(tx, deal))
    assert {c.person for c in standing.signing.values()} == {"ada", "bo"}


async def test_nobody_takes_out_those_without_whom_nothing_is_agreed_to(founded: Founded) -> None:
    await founded.leave("cy")
    with pytest.raises(Refused, match="agree to anything"):
        await founded.leave("bo")
    assert founded.out() == {"cy"}


async def test_the_fourth_within_the_hour_waits_for_others(founded: Founded) -> None:
    house = founded.house
    for _ in range(2):  # somebody who was brought back was taken out all the same
        await founded.leave("di")
        with pytest.raises(Waits) as back:
            await house.home.leave_undo(house.deal, DI, actor=ACTOR)
        await founded.sign(asked(back.value), "ada", "cy")
    await founded.leave("di")
    with pytest.raises(Waits) as waits:
        await founded.leave("el")
    assert founded.out() == {"di"}
    await founded.sign(asked(waits.value), "ada", "bo")
    assert founded.out() == {"di", "el"}
    await house.home.runtime.leaving.turn()
    assert (await house.home.leave_show(house.deal, PersonId("el"))).state == "gone"


async def test_a_second_person_takes_out_whom_the_first_may_not(founded: Founded) -> None:
    house = founded.house
    for _ in range(2):
        await founded.leave("di")
        with pytest.raises(Waits) as back:
            await house.home.leave_undo(house.deal, DI, actor=ACTOR)
        await founded.sign(asked(back.value), "ada", "cy")
    await founded.leave("di")
    assert await founded.leave("el", actor="local:other") == "gone"
