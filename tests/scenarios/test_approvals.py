"""In a founded deal: what two people signed happens, once, and what they did not never does.

Looked at from the far side: what people's own clients show.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.approvals import requests
from orchestrator.approvals.errors import BadSignature, NotAllowed
from orchestrator.audit.kinds import Kind
from orchestrator.client.approvals import NewCredential, Refusal, RequestView
from orchestrator.client.problems import Missing, Problem, Refused, Unready, Waits
from orchestrator.command import adopting, approving
from orchestrator.command import deals as deals_module
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.persons import state_person
from orchestrator.flow import guard as guard_module
from orchestrator.roster.adoption import adopt
from orchestrator.roster.document import to_document
from orchestrator.roster.form import in_order
from orchestrator.store.unit import Tx
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.ids import AccountId, CompartmentId, MessageId, PersonId
from tiers.people import Party, Phase, Span, Wall

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, roster, without
from .test_documents import inbox, parties, send, states

TEXT = f"{PRICE}: we raise our offer to 27.50 per share."
ADA = Signer("ada", frozenset({Role.OWNER}))
BO = Signer("bo", frozenset({Role.APPROVER}))
CY = Signer("cy", frozenset({Role.COUNSEL}), Party.TARGET)
DI = Signer("di", frozenset({Role.APPROVER}), Party.TARGET)


async def found(house: House, *people: Signer) -> None:
    for person in people:
        new = NewCredential(
            person=person.name,
            way="ssh",
            public=person.public,
            roles=tuple(r.value for r in person.roles),
        )
        proof = await house.home.approver_proof(house.deal, new)
        await house.home.approver_enrol(house.deal, new, person.armoured(proof.text), actor=ACTOR)
    request = await house.home.deal_found(house.deal, actor=ACTOR)
    states = [(await say(house, request, person)).state for person in people]
    assert states == [*["waits"] * (len(people) - 1), "done"]


async def say(house: House, request: str, person: Signer, said: Any = "yes") -> RequestView:
    shown = await house.home.approval_show(request)
    why: Refusal | None = None if said == "yes" else "not-yet"
    signed = person.armoured(shown.yes if why is None else shown.no[why])
    return await house.home.approval_answer(
        request, said, person.person, signed, actor=ACTOR, reason=why
    )


async def asked(house: House) -> str:
    [request] = await house.home.approval_list(house.deal, every=False)
    return request.request_id


async def hold(house: House, person: str = "ada", to: str = "lunch") -> MessageId:
    message = await house.send(TEXT, person, to)
    assert await house.ends(message) == "held"
    return message


async def ask_release(house: House, message: MessageId, to: str = "lunch") -> str:
    with pytest.raises(Waits) as caught:
        await house.home.held_move(message, to, actor=ACTOR)
    request = await asked(house)
    assert caught.value.then == f"wallcross approve show {request}"
    return request


async def test_two_release_a_held_message_downwards_and_all_cleared_for_there_have_it(
    house: House,
) -> None:
    await found(house, ADA, BO, CY, DI)
    message = await hold(house)
    request = await ask_release(house, message)
    shown = await house.home.approval_show(request)
    assert "#lunch" in " ".join(shown.changes)
    assert "27.50" not in repr(shown)
    assert shown.may_agree == ("bo", "cy", "di"), "its author does not count"
    assert (await say(house, request, BO)).state == "waits"
    await house.quiet()
    assert await house.arrived() == []
    assert (await say(house, request, DI)).state == "done"
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [TEXT]
    kinds = [e.kind for e in await house.home.audit_tail(house.deal, 60)]
    at = kinds.index("message.moved")
    assert kinds[at - 1] == "approval.done"
    again = await house.home.approval_list(house.deal, every=True)
    assert [r.state for r in again] == ["done", "done"]


async def test_its_author_may_not_agree_nor_twice_one_person(house: House) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    with pytest.raises(NotAllowed, match="ada may not agree"):
        await say(house, request, ADA)
    await say(house, request, BO)
    assert (await say(house, request, BO)).state == "waits"
    assert await house.state(message) == "held"


async def test_what_was_looked_up_before_permits_nothing(house: House) -> None:
    """Each answer is held to the chain as it stands then, whoever was shown what before."""
    await found(house, ADA, BO, CY, DI)
    message = await hold(house)
    request = await ask_release(house, message)
    shown = await house.home.approval_show(request)
    assert shown.may_agree == ("bo", "cy", "di")
    await house.home.approver_withdraw(house.deal, PersonId("bo"), actor=ACTOR)
    with pytest.raises(NotAllowed, match="bo may not agree"):
        await say(house, request, BO)
    assert (await house.home.approval_show(request)).may_agree == ("cy", "di")
    with pytest.raises(BadSignature):
        await house.home.approval_answer(
            request, "yes", PersonId("cy"), DI.armoured(shown.yes), actor=ACTOR
        )
    assert (await say(house, request, CY, "no")).state == "refused"
    with pytest.raises(NotAllowed, match="refused"):
        await say(house, request, DI)
    with pytest.raises(NotAllowed, match="refused"):
        await house.home.approval_take_back(request, actor=ACTOR)
    unknown = "apr_" + "0" * 32
    with pytest.raises(Missing):
        await house.home.approval_show(unknown)
    with pytest.raises(Missing):
        await house.home.approval_take_back(unknown, actor=ACTOR)
    assert await house.state(message) == "held"
    assert await house.arrived() == []


async def test_agreement_goes_beyond_nobodys_clearance(house: House) -> None:
    """Somebody who is not cleared came into the room meanwhile: agreed to, and still not sent."""
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    await say(house, request, BO)
    await house.far.add_member(house.room("lunch"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    with pytest.raises(Refused) as caught:
        await say(house, request, CY)
    assert "could not be carried out" in caught.value.wrong
    shown = await house.home.approval_show(request)
    assert shown.state == "agreed"
    assert await house.state(message) == "held"
    assert await house.arrived() == []


async def test_at_the_wire_it_is_asked_again_whether_they_agreed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the desk takes one person's word. The guard reads no signature and holds it."""
    await found(house, ADA, BO, CY)
    message = await hold(house)

    class Forged:
        def finish(self, *_: Any) -> None:
            """Writes nothing: nobody agreed."""

    view = house.home.runtime.book.deals[house.deal]
    lunch = next(c for c in view.conversations.values() if c.label == "lunch")
    await house.home.runtime.desk.move(
        message,
        lunch.conversation_id,
        actor=ACTOR,
        agreed=Forged(),  # type: ignore[arg-type]
    )
    assert await house.ends(message) == "held"
    assert "two people must agree" in await house.reasons(message)
    assert await house.arrived() == []

    async def believed(*_: Any) -> bool:
        return True

    monkeypatch.setattr(guard_module, "may_go_down", believed)
    await house.home.runtime.desk.move(
        message,
        lunch.conversation_id,
        actor=ACTOR,
        agreed=Forged(),  # type: ignore[arg-type]
    )
    assert await house.ends(message) == "delivered", "the guard's question was what held it"


async def test_an_author_who_asks_in_his_line_asks_people(house: House) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    [told] = await house.told("ada")
    await house.ends(await house.taken(await house.far.write("ada", told.room, "3")))
    request = await asked(house)
    shown = await house.home.approval_show(request)
    assert shown.asked_by == "person:ada"
    await say(house, request, BO)
    await say(house, request, CY)
    assert await house.ends(message) == "delivered"


async def valuation_document(opens: Opens, *people: Signer) -> tuple[House, MessageId]:
    house = await parties(opens)
    named = default_text().replace("valuation_to = []", 'valuation_to = ["kestrel"]')
    await house.home.adopt(house.deal, "policy", read_policy(named), actor=ACTOR)
    await found(house, *people)
    sent = await send(house, f"{PRICE}: our offer is 27.50 per share.", ("bo",))
    assert (sent.state, sent.second_person) == ("held", True)
    return house, MessageId(sent.message_id)


async def test_two_send_a_valuation_document_one_of_them_from_beyond(opens: Opens) -> None:
    el = Signer("el")
    house, message = await valuation_document(opens, ADA, el, CY, DI)
    with pytest.raises(Waits):
        await house.home.held_release(message, actor=ACTOR)
    request = await asked(house)
    shown = await house.home.approval_show(request)
    assert "bo has a copy that does not expire" in shown.sees
    assert shown.may_agree == ("cy", "di", "el"), "neither its sender nor its reader"
    assert (await say(house, request, el)).state == "waits"
    assert await inbox(house, "bo") == []
    assert (await say(house, request, DI)).state == "done"

    async def there() -> bool:
        return states(await house.home.document_show(message)) == {"bo": "sent"}

    await eventually(there)
    assert len(await inbox(house, "bo")) == 1


async def test_a_valuation_document_that_nobody_agreed_to_stops_at_the_wire(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, message = await valuation_document(opens, ADA, CY, DI)
    monkeypatch.setattr(requests, "finish", lambda *_, **__: None)
    approved = requests.Approved(house.deal, "apr_" + "0" * 32, (), ACTOR)
    await house.home.runtime.desk.send_document(message, actor=ACTOR, agreed=approved)

    async def over() -> bool:
        return states(await house.home.document_show(message)) == {"bo": "not_sent"}

    await eventually(over)
    assert await inbox(house, "bo") == []


async def signed_but_not_done(
    house: House, request: str, people: Sequence[Signer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program ends between the last signature and what it lets happen."""

    async def ends(*_: Any) -> bool:
        raise Unready("the program ends here")

    with monkeypatch.context() as planted:
        planted.setattr(approving, "carry_out", ends)
        for person in people:
            with pytest.raises(Problem):
                await say(house, request, person)
    assert (await house.home.approval_show(request)).state == "agreed"


async def test_what_was_agreed_to_happens_once_after_a_crash(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens()
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    await signed_but_not_done(house, request, (BO, CY), monkeypatch)
    assert await house.state(message) == "held"
    assert await approving.carry_out_all(house.home.runtime) == 1
    assert await approving.carry_out_all(house.home.runtime) == 0
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [TEXT]


async def test_what_was_agreed_to_waits_for_a_clock_that_is_believed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    await say(house, request, BO)
    with monkeypatch.context() as turned:
        turned.setattr(house.home.runtime, "clock_trusted", lambda: False)
        with pytest.raises(Unready, match="could not be carried out"):
            await say(house, request, CY)
    assert await house.state(message) == "held"
    assert (await say(house, request, CY)).state == "done"
    assert await house.ends(message) == "delivered"


async def test_answers_at_the_same_moment_let_it_happen_once(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    message = await hold(house)
    request = await ask_release(house, message)
    text = (await house.home.approval_show(request)).yes
    answers = (
        house.home.approval_answer(request, "yes", p.person, p.armoured(text), actor=ACTOR)
        for p in (BO, CY, DI)
    )
    said = await asyncio.gather(*answers, return_exceptions=True)
    done = [s for s in said if isinstance(s, RequestView) and s.state == "done"]
    late = [s for s in said if isinstance(s, BaseException)]
    assert len(done) >= 1
    assert all("was carried out" in str(s) for s in late), "signed after it was done"
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [TEXT]
    kinds = [e.kind for e in await house.home.audit_tail(house.deal, 99)]
    assert kinds.count("message.moved") == 1


async def test_one_person_takes_away_and_two_give_back(
    house: House,
) -> None:
    await found(house, ADA, BO, CY, DI)
    runtime = house.home.runtime
    book_before = runtime.book.deals[house.deal].roster_hash
    narrowed = without(roster(), "el")
    await house.home.adopt(house.deal, "roster", to_document(narrowed), actor=ACTOR)
    assert runtime.book.deals[house.deal].roster_hash != book_before, "one person takes away"
    with pytest.raises(Waits):
        await house.home.adopt(house.deal, "roster", to_document(roster()), actor=ACTOR)
    request = await asked(house)
    with pytest.raises(NotAllowed, match="may not agree"):
        await say(house, request, Signer("el"))
    await say(house, request, BO)
    await say(house, request, CY)
    assert runtime.book.deals[house.deal].roster_hash == book_before


async def test_an_adoption_that_nobody_signed_is_not_loaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a command that adopts what widens at one person's word, as it was before."""
    narrowed = without(roster(), "el")
    await house.home.adopt(house.deal, "roster", to_document(narrowed), actor=ACTOR)
    await found(house, ADA, BO, CY)
    monkeypatch.setattr(deals_module, "adopt_or_ask", adopt)
    await house.home.adopt(house.deal, "roster", to_document(roster()), actor=ACTOR)
    book = house.home.runtime.book
    assert house.deal not in book.deals, "nothing is sent on its strength"
    assert "without the people who must agree" in book.refused[house.deal]


async def test_a_policy_that_nobody_signed_is_not_loaded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found(house, ADA, BO, CY)
    weaker = read_policy(default_text().replace('held_for = "24 h"', 'held_for = "12 h"'))
    with pytest.raises(Waits):
        await house.home.adopt(house.deal, "policy", weaker, actor=ACTOR)
    monkeypatch.setattr(deals_module, "adopt_or_ask", adopt)
    await house.home.adopt(house.deal, "policy", weaker, actor=ACTOR)
    book = house.home.runtime.book
    assert house.deal not in book.deals, "nothing is sent on its strength"
    assert "without the people who must agree" in book.refused[house.deal]


async def test_a_founding_is_of_what_was_shown(house: House) -> None:
    await found_asked(house, ADA, BO)
    request = await house.home.deal_found(house.deal, actor=ACTOR)
    await say(house, request, ADA)
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "el")), actor=ACTOR)
    with pytest.raises(NotAllowed, match="changed since it was asked for"):
        await say(house, request, BO)
    shown = await house.home.approval_show(request)
    assert shown.state == "agreed"


async def found_asked(house: House, *people: Signer) -> None:
    for person in people:
        new = NewCredential(
            person=person.name, way="ssh", public=person.public, roles=("approver",)
        )
        proof = await house.home.approver_proof(house.deal, new)
        await house.home.approver_enrol(house.deal, new, person.armoured(proof.text), actor=ACTOR)


async def test_whoever_signs_for_a_roster_is_shown_all_that_it_changes(house: House) -> None:
    """What nobody gains by at once protects as well: a notice, a control room, a wall."""
    before = roster()
    kestrel, marlow = before.sides
    asks = replace(marlow, notice="Tell nobody.", control_room=(PersonId("di"),))
    wall = Wall(CompartmentId("deal"), CompartmentId("tax"), Span(0))
    before = replace(before, sides=(kestrel, asks), walls=(wall,))
    await house.home.adopt(house.deal, "roster", to_document(before), actor=ACTOR)
    await found(house, ADA, BO, CY)
    el = next(p for p in before.people if p.person_id == "el")
    other = replace(
        el, name="Robin El", accounts={CHANNEL: AccountId("\N{CYRILLIC SMALL LETTER IE}l")}
    )
    people = tuple(other if p is el else p for p in before.people)
    after = replace(before, sides=(kestrel, marlow), people=people, walls=())
    with pytest.raises(Waits):
        await house.home.adopt(house.deal, "roster", to_document(after), actor=ACTOR)
    shown = "\n".join((await house.home.approval_show(await asked(house))).changes)
    assert "side marlow: no insider notice any more; no control room any more" in shown
    assert "wall deal | tax: stands no longer" in shown
    assert f"el: name {el.name} → Robin El; {CHANNEL} account el → " in shown
    assert "(\\u0435l)" in shown, "letters that look like others are told by their numbers"


async def test_a_founding_names_what_was_said_before_it_and_what_is_said_meanwhile_ends_it(
    house: House,
) -> None:
    """One person says it in a draft: that whoever founds the deal believes it from then on."""
    await house.home.deal_phase(house.deal, Phase.SIGNING, actor=ACTOR)
    account = {"channel": "signal", "account": "mallory", "by": "cy", "graded": "attested"}

    def vouch(tx: Tx) -> None:
        at = house.home.runtime.now()
        state_person(tx, house.deal, Kind.ACCOUNT_BOUND, DI.person, at=at, actor=ACTOR, **account)

    await found_asked(house, ADA, BO)
    await house.home.runtime.store.write(vouch)
    request = await house.home.deal_found(house.deal, actor=ACTOR)
    shown = "\n".join((await house.home.approval_show(request)).changes)
    assert "it begins in signing" in shown
    assert "mallory on signal counts as the account of di, as cy says" in shown
    await say(house, request, ADA)
    await house.home.deal_phase(house.deal, Phase.CLOSED, actor=ACTOR)
    with pytest.raises(NotAllowed, match="changed since it was asked for"):
        await say(house, request, BO)


async def test_nobody_founds_a_deal_as_one_of_a_party_that_the_roster_says_he_is_not_of(
    house: House,
) -> None:
    """A key enrolled under another draft of the roster would vouch for VALUATION from beyond."""
    sides = {p.person_id: p.side for p in roster().people}
    people = tuple(
        replace(p, side=sides[PersonId("cy")]) if p.person_id == "ada" else p
        for p in roster().people
    )
    draft = replace(roster(), people=people)
    await house.home.adopt(house.deal, "roster", to_document(draft), actor=ACTOR)
    await found_asked(house, ADA, BO)
    await house.home.adopt(house.deal, "roster", to_document(roster()), actor=ACTOR)
    with pytest.raises(Unready, match="ada"):
        await house.home.deal_found(house.deal, actor=ACTOR)


async def test_a_real_deal_with_rooms_is_no_draft_that_one_person_widens(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a build before this one left it: rooms, and nobody who could agree."""
    home, deal = house.home, house.deal
    narrowed, text = without(roster(), "el"), to_document(roster())
    monkeypatch.setattr(adopting, "is_made_up", lambda _tx, _deal: False)
    await home.adopt(deal, "roster", to_document(narrowed), actor=ACTOR)
    with pytest.raises(NotAllowed, match="found it first"):
        await home.adopt(deal, "roster", text, actor=ACTOR)
    assert home.runtime.book.deals[deal].adopted == in_order(narrowed)
