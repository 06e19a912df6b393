"""Asked, signed, carried out once: and each way in which that must not work."""

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.approvals import requests
from orchestrator.approvals.credentials import Signed, login_tie, tie
from orchestrator.approvals.errors import ApprovalError, BadSignature, NotAllowed
from orchestrator.approvals.plan import Plan, statement
from orchestrator.client.problems import Missing, Wrong
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role, Rule
from tiers.ids import DealId, PersonId

People = Callable[..., tuple[Any, ...]]
PLAN = Plan("roster.adopt", {"hash": "a" * 64})
DEAL = DealId("deal_" + "d" * 32)


async def test_two_who_enrolled_and_both_signed_found_a_deal(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.enrol(ada, ben)
    request = await deal.ask(deal.founding(ada, ben))
    await deal.say(request, ada)
    with pytest.raises(NotAllowed, match="not yet: ben"):
        await deal.finish(request)
    assert (await deal.standing()).founded_at is None
    await deal.say(request, ben)
    await deal.finish(request)
    found = await deal.standing()
    assert found.founded_at is not None
    assert set(found.credentials) == {ada.credential.hash, ben.credential.hash}
    assert await deal.store.read(lambda tx: requests.founded(tx, DEAL))


async def test_one_person_founds_nothing(deal: Any, people: People) -> None:
    (ada,) = people("ada")
    await deal.enrol(ada)
    request = await deal.ask(deal.founding(ada))
    await deal.say(request, ada)
    with pytest.raises(NotAllowed, match="2 different people"):
        await deal.finish(request)


async def test_nothing_but_its_founding_is_asked_of_a_draft(deal: Any, people: People) -> None:
    await deal.enrol(*people("ada", "ben"))
    with pytest.raises(NotAllowed, match="not founded"):
        await deal.ask(PLAN)


async def test_a_plan_is_carried_out_once_after_two_have_signed(deal: Any, people: People) -> None:
    ada, ben, cy = people("ada", "ben", "cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN)
    await deal.say(request, ada)
    await deal.say(request, ada)
    with pytest.raises(NotAllowed, match="one more person"):
        await deal.finish(request)
    await deal.say(request, cy)
    await deal.finish(request)
    done = (await deal.standing()).requests[request]
    assert set(done.yes) == {"ada", "cy"}
    assert done.agreed_under(Rule())
    assert not done.agreed_under(Rule(barred=frozenset({PersonId("ada")})))
    with pytest.raises(NotAllowed, match="carried out"):
        await deal.finish(request)


async def test_the_same_plan_is_the_same_open_request(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    first = await deal.ask(PLAN)
    assert await deal.ask(PLAN) == first
    assert await deal.ask(Plan("roster.adopt", {"hash": "b" * 64})) != first
    deal.at += requests.LASTS
    assert await deal.ask(PLAN) != first


async def test_a_request_lapses(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    request = await deal.ask(PLAN)
    await deal.say(request, ada)
    await deal.say(request, ben)
    deal.at += requests.LASTS
    with pytest.raises(NotAllowed, match="lapsed"):
        await deal.finish(request)


async def test_a_signed_no_ends_it(deal: Any, people: People) -> None:
    ada, ben, cy = people("ada", "ben", "cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN)
    await deal.say(request, cy, "no", reason="too-much")
    with pytest.raises(NotAllowed, match="refused"):
        await deal.say(request, ada)
    ended = (await deal.standing()).requests[request]
    assert (ended.no_by, ended.no_why) == ("cy", "too-much")


@pytest.mark.parametrize("reason", [None, "", "none", "the price is 40", "too-much "])
async def test_a_no_has_a_reason_of_those_that_there_are(
    deal: Any, people: People, reason: str | None
) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    request = await deal.ask(PLAN)
    with pytest.raises(Wrong):
        await deal.say(request, ada, "no", reason=reason)
    with pytest.raises(Wrong):
        await deal.say(request, ada, reason="too-much")
    assert (await deal.standing()).requests[request].no_by is None


async def test_nobody_says_another_reason_for_him(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    request = await deal.ask(PLAN)
    found = (await deal.standing()).requests[request]
    of = (DEAL, found.plan.hash, found.expires_at)
    for signed in (ada.sign(statement(*of, "no", "too-much")), ada.sign(statement(*of, "no"))):
        with pytest.raises(BadSignature):
            await deal.say(request, ada, "no", signed, "not-yet")
    assert (await deal.standing()).requests[request].no_by is None


async def test_its_asker_takes_it_back_and_nobody_else(deal: Any, people: People) -> None:
    await deal.found(*people("ada", "ben"))
    request = await deal.ask(PLAN)

    def back(actor: str) -> Any:
        at = deal.tick()
        return deal.store.write(
            lambda tx: requests.take_back(tx, DEAL, request, at=at, actor=actor)
        )

    with pytest.raises(NotAllowed, match="only whoever asked"):
        await back("local:eve")
    await back("local:ops")
    assert not (await deal.standing()).requests[request].open(deal.at)


async def test_whoever_asked_never_agrees(deal: Any, people: People) -> None:
    ada, ben, cy = people("ada", "ben", "cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN, actor="person:ada")
    with pytest.raises(NotAllowed, match="ada may not agree"):
        await deal.say(request, ada)


async def test_whoever_asked_from_his_own_login_never_agrees(deal: Any) -> None:
    ada = Signer("ada", ties=frozenset({login_tie("local:ops")}))
    ben, cy = Signer("ben"), Signer("cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN)
    with pytest.raises(NotAllowed, match="ada may not agree"):
        await deal.say(request, ada)


async def test_two_names_of_one_person_are_one(deal: Any) -> None:
    same = frozenset({tie("subject", "uid=ada")})
    ada, alias = Signer("ada", ties=same), Signer("alias", ties=same)
    ben, cy = Signer("ben"), Signer("cy")
    await deal.found(ada, alias, ben, cy)
    request = await deal.ask(PLAN)
    await deal.say(request, ada)
    await deal.say(request, alias)
    with pytest.raises(NotAllowed, match="one more person"):
        await deal.finish(request)
    barred = await deal.ask(PLAN, Rule(barred=frozenset({PersonId("alias")})))
    with pytest.raises(NotAllowed, match="ada may not agree"):
        await deal.say(barred, ada)


async def test_duties_that_check_each_other_do_not_meet_in_two_names(deal: Any) -> None:
    same = frozenset({tie("device", "serial-1")})
    await deal.enrol(Signer("ada", frozenset({Role.OWNER}), ties=same))
    with pytest.raises(NotAllowed, match="one of them checks the other"):
        await deal.enrol(Signer("alias", frozenset({Role.COUNSEL}), ties=same))


async def test_whoever_gains_never_agrees(deal: Any, people: People) -> None:
    ada, ben, cy = people("ada", "ben", "cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN, Rule(barred=frozenset({PersonId("ben")})))
    with pytest.raises(NotAllowed, match="he gains"):
        await deal.say(request, ben)


async def test_it_is_not_asked_where_too_few_may_agree(deal: Any, people: People) -> None:
    await deal.found(*people("ada", "ben"))
    with pytest.raises(NotAllowed, match="one more person must sign"):
        await deal.ask(PLAN, Rule(barred=frozenset({PersonId("ben")})))


async def test_a_signature_is_for_one_answer_one_request_and_one_deal(
    deal: Any, people: People
) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    request = await deal.ask(PLAN)
    found = (await deal.standing()).requests[request]
    expires, plan = found.expires_at, found.plan.hash
    wrong = (
        statement(DEAL, plan, expires, "no"),
        statement(DEAL, plan, expires + 1, "yes"),
        statement("deal_" + "e" * 32, plan, expires, "yes"),
        statement(DEAL, "b" * 64, expires, "yes"),
    )
    for message in wrong:
        with pytest.raises(BadSignature):
            await deal.say(request, ada, signed=ada.sign(message))
    right = statement(DEAL, plan, expires, "yes")
    for signed in (ben.sign(right), ada.sign(right, b"file"), Signed(b"SSHSIG")):
        with pytest.raises(BadSignature):
            await deal.say(request, ada, signed=signed)
    assert (await deal.standing()).requests[request].yes == {}


async def test_a_stranger_signs_nothing(deal: Any, people: People) -> None:
    ada, ben, eve = people("ada", "ben", "eve")
    await deal.found(ada, ben)
    request = await deal.ask(PLAN)
    with pytest.raises(ApprovalError, match="eve may not agree"):
        await deal.say(request, eve)


async def test_an_unknown_request_is_missing(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)
    with pytest.raises(Missing):
        await deal.finish("apr_" + "0" * 32)


async def test_keys_of_a_person_go_at_once_but_never_the_last(deal: Any, people: People) -> None:
    ada, ben = people("ada", "ben")
    await deal.found(ada, ben)

    def withdraw(person: str) -> Any:
        at = deal.tick()
        return deal.store.write(
            lambda tx: requests.withdraw(tx, DEAL, PersonId(person), at=at, actor="local:ops")
        )

    assert await withdraw("ada") == 1
    with pytest.raises(NotAllowed, match="last"):
        await withdraw("ben")
    with pytest.raises(Missing):
        await withdraw("ada")


async def test_what_was_signed_with_a_key_that_was_taken_away_does_not_count(
    deal: Any, people: People
) -> None:
    ada, ben, cy = people("ada", "ben", "cy")
    await deal.found(ada, ben, cy)
    request = await deal.ask(PLAN)
    await deal.say(request, ada)
    at = deal.tick()
    await deal.store.write(
        lambda tx: requests.withdraw(tx, DEAL, PersonId("ada"), at=at, actor="local:ops")
    )
    await deal.say(request, ben)
    with pytest.raises(NotAllowed, match="one more person"):
        await deal.finish(request)
