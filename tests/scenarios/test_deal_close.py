"""A deal that was closed takes nothing, sends nothing, lets nobody in, and does not open again."""

from typing import Any

import pytest

from connectors.port.errors import Unavailable
from orchestrator.approvals.errors import NotAllowed
from orchestrator.client.bots import TokenWanted
from orchestrator.client.closing import ClosingView
from orchestrator.client.legal_holds import NewLegalHold
from orchestrator.client.problems import Problem, Refused, Waits, Wrong
from orchestrator.clock import DAY
from orchestrator.rooms.provision import Provisioner
from tiers.ids import ConnectorName, PersonId
from tiers.people import Phase
from tiers.tier import Tier

from .conftest import House, eventually
from .house import ACTOR, CHANNEL, TALKS, Talk, make_talk
from .test_approvals import ADA, BO, CY, DI, asked, found, hold, say
from .test_conv_close import members

PEOPLE = {"ada", "bo", "cy", "di", "el"}


async def close(house: House, *, even_waiting: bool = False, code: str = "HERON") -> ClosingView:
    return await house.home.deal_close(house.deal, code, even_waiting=even_waiting, actor=ACTOR)


async def kinds(house: House, count: int = 99) -> list[str]:
    return [e.kind for e in await house.home.audit_tail(house.deal, count)]


async def empty(house: House) -> None:
    """Every room of the deal was given up."""
    view = house.home.runtime.book.deals[house.deal]
    await eventually(lambda: _gone(house))
    assert view.deal_id == house.deal


async def _gone(house: House) -> bool:
    await house.home.runtime.closing.turn()
    return not house.home.runtime.book.deals[house.deal].closing


async def test_a_closed_deal_takes_nothing_and_everybody_is_out(house: House) -> None:
    assert await house.ends(await house.send("Lunch is at one.", to="lunch")) == "delivered"
    rooms = {name: house.room(name) for name in ("price", "supply", "lunch")}
    looked = await house.home.deal_closing(house.deal)
    assert (looked.closed_at, looked.two_people, looked.conversations) == (None, False, 3)
    done = await close(house)
    assert (done.phase, done.dropped, done.conversations) == ("closed", 0, 0)
    assert done.closed_at is not None
    assert done.report is not None
    await empty(house)
    for room in rooms.values():
        assert not (await members(house, room)) & PEOPLE
    assert "#lunch was closed." in (await house.told("el"))[-1].text
    with pytest.raises(Refused, match="closed for good"):
        await house.send("Is anybody here?", to=None)
    with pytest.raises(Problem):
        await house.send("Is anybody here?", to="lunch")
    assert (await house.home.prevented_closing(house.deal)).same
    assert (await house.home.audit_verify(house.deal)).ok
    assert (await house.home.audit_state(house.deal)).ok


async def test_what_is_written_on_a_network_afterwards_is_refused_and_stated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = house.room("lunch")

    async def away(_: object, __: object) -> object:
        raise Unavailable("away", "it does not answer")

    monkeypatch.setattr(type(house.home.runtime.connectors[CHANNEL]), "members", away)
    assert (await close(house)).rooms == 3, "nobody could be put out yet"
    before = await house.rows("SELECT count(*) FROM message WHERE deal_id = ?", house.deal)
    await house.far.write("ada", room, "Still here.")

    async def stated() -> bool:
        return "message.refused" in await kinds(house, 9)

    await eventually(stated)
    tail = await house.home.audit_tail(house.deal, 9)
    [entry] = [e for e in tail if e.kind == "message.refused"]
    assert entry.body["reason"] == "deal_closed"
    assert await house.rows("SELECT count(*) FROM message WHERE deal_id = ?", house.deal) == before


async def test_what_waits_is_told_first_and_dropped_only_on_a_word(house: House) -> None:
    held = await hold(house)
    with pytest.raises(Refused, match="waits") as caught:
        await close(house)
    assert caught.value.details == ("1 held",)
    assert await house.state(held) == "held"
    done = await close(house, even_waiting=True)
    assert (done.dropped, done.held) == (1, 0)
    assert await house.state(held) == "dropped"
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", held) == []
    assert (await house.home.journal_verify(house.deal)).ok


async def test_what_is_under_way_ends_as_it_is_known(house: House) -> None:
    await house.home.channel_pause(ConnectorName(CHANNEL), "test", actor=ACTOR)
    message = await house.send("Lunch is at one.", to="lunch")

    async def queued() -> bool:
        return await house.state(message) == "delivering"

    await eventually(queued)
    with pytest.raises(Refused) as caught:
        await close(house)
    assert caught.value.details == ("1 under way",)
    sql = "UPDATE delivery SET state = 'started', attempts = 1, started_at = ? WHERE message_id = ?"
    at = house.clock()
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (at, message)))
    with pytest.raises(Refused, match="just now"):
        await close(house, even_waiting=True)
    late = at - DAY
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (late, message)))
    assert (await close(house, even_waiting=True)).dropped == 1
    assert await house.state(message) == "possibly", "it may have arrived"


async def test_two_close_a_founded_deal_and_it_does_not_open_again(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    with pytest.raises(Waits):
        await close(house)
    request = await asked(house)
    shown = " ".join((await house.home.approval_show(request)).changes)
    assert "closed for good" in shown
    assert "#lunch" in shown
    assert (await say(house, request, BO)).state == "waits"
    assert house.home.runtime.book.deals[house.deal].closed_at is None
    assert (await say(house, request, CY)).state == "done"
    assert house.home.runtime.book.deals[house.deal].closed_at is not None
    with pytest.raises(Refused, match="does not open again"):
        await house.home.deal_phase(house.deal, Phase.DILIGENCE, actor=ACTOR)
    with pytest.raises(Refused, match="does not open again"):
        await close(house)
    await empty(house)


async def test_what_was_agreed_to_is_not_done_for_other_conversations(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    with pytest.raises(Waits):
        await close(house)
    request = await asked(house)
    await house.home.conv_close(
        house.deal, "lunch", even_waiting=False, only_look=False, actor=ACTOR
    )
    await say(house, request, BO)
    with pytest.raises(NotAllowed, match="ask again"):
        await say(house, request, CY)
    assert house.home.runtime.book.deals[house.deal].closed_at is None


async def test_a_phase_that_was_asked_for_before_opens_nothing(house: House) -> None:
    """Its grants count in diligence alone; what two sign after the close gives nobody anything."""
    await close(house)
    view = house.home.runtime.book.deals[house.deal]
    at = house.clock()
    for person in view.roster.people:
        assert view.roster.grants_of(person.person_id, at) == ()
    with pytest.raises(Problem):
        await make_talk(house.home, house.deal, TALKS[2])
    assert "conversation.created" not in (await kinds(house, 1))


async def test_tokens_end_with_it(house: House) -> None:
    wanted = TokenWanted(
        label="ci", highest="coordination", conversations=("lunch",), persons=("ada",)
    )
    made = await house.home.token_new(house.deal, wanted, actor=ACTOR)
    assert await house.home.bot_of(made.secret) is not None
    assert (await house.home.deal_closing(house.deal)).tokens == 1
    await close(house)
    assert await house.home.bot_of(made.secret) is None
    assert "token.revoked" in await kinds(house)


async def test_a_legal_hold_stays_and_lets_nothing_unjournaled_be_dropped(house: House) -> None:
    held = await hold(house)
    new = NewLegalHold(matter="m-1", by="cy")
    await house.home.legal_hold_new(house.deal, new, actor=ACTOR)
    sql = "UPDATE journal SET key_id = NULL, exemption = 1 WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (held,)))
    with pytest.raises(Refused, match="legal hold"):
        await close(house, even_waiting=True)
    assert await house.state(held) == "held"


async def test_another_code_name_closes_nothing(house: House) -> None:
    with pytest.raises(Wrong):
        await close(house, code="KESTREL")
    assert "deal.closed" not in await kinds(house)


async def test_people_are_known_still_and_cleared_for_nothing(house: House) -> None:
    await close(house)
    view = house.home.runtime.book.deals[house.deal]
    assert view.roster.person(PersonId("ada")) is not None
    assert view.roster.grants == ()


async def test_the_close_is_one_unit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    held = await hold(house)
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.command.closing.state_closed", _fails)
        with pytest.raises(RuntimeError):
            await close(house, even_waiting=True)
    assert await house.state(held) == "held"
    assert "conversation.closed" not in await kinds(house)


def _fails(*_: object, **__: object) -> None:
    raise RuntimeError("the power went")


@pytest.mark.parametrize(
    ("step", "told"), [("_record", "closed for good meanwhile"), ("_bind", "was closed while")]
)
async def test_nobody_stays_in_a_room_that_was_being_made_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str, told: str
) -> None:
    """Making a room takes seconds, in which the deal may end."""
    real, before = getattr(Provisioner, step), await house.rows("SELECT room FROM room")

    async def meanwhile(self: Provisioner, *given: Any, **named: Any) -> Any:
        await close(house)
        return await real(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Provisioner, step, meanwhile)
        with pytest.raises(Refused, match=told):
            await make_talk(house.home, house.deal, Talk("late", Tier.COORDINATION))
    await empty(house)
    assert await house.rows("SELECT label FROM conversation WHERE state = 'open'") == []
    for (room,) in set(await house.rows("SELECT room FROM room")) - set(before):
        assert not (await members(house, room)) & PEOPLE
    assert (await house.home.audit_verify(house.deal)).ok
