"""Every answer that a card offers does what it says, by whom the table lets, and closes nothing."""

import pytest

from orchestrator.client.api import Client
from orchestrator.client.problems import Problem, Refused, Wrong
from orchestrator.client.risk import FindingAnsweredView
from orchestrator.clock import DAY
from orchestrator.deals.findings import Raised, raise_finding
from tiers.exposure_rules import REGISTRY
from tiers.rights import DeskRole

from .conftest import House
from .house import ACTOR, CHANNEL
from .test_risk import desk, looked, one

pytestmark = pytest.mark.usefixtures("untold")


async def raised(house: House, rule: str, subject: str, deal: str | None = None) -> str:
    """Opens a finding of a rule; returns its id."""
    grave = REGISTRY[rule].severity.name.lower()
    what, at = Raised(rule, grave, ("for a test",), ""), house.clock()
    deal_id = deal or str(house.deal)
    await house.home.runtime.store.write(lambda tx: raise_finding(tx, deal_id, subject, what, at))
    sql = "SELECT finding_id FROM finding WHERE rule = ? AND subject = ? AND closed_at IS NULL"
    [(finding,)] = await house.rows(sql, rule, subject)
    return str(finding)


async def answers(house: House, finding: str, answer: str, **given: str) -> FindingAnsweredView:
    """As the deal's owner and security officer answers it."""
    async with officer(house) as client:
        return await client.finding_answer(house.deal, finding, answer, given)


def officer(house: House) -> Client:
    return desk(house, DeskRole.SECURITY_OFFICER, DeskRole.OWNER, person="bo")


async def audited(house: House, finding: str) -> int:
    sql = (
        "SELECT count(*) FROM audit WHERE CAST(body AS TEXT) LIKE ? "
        "AND CAST(entry AS TEXT) LIKE '%finding.answered%'"
    )
    [(count,)] = await house.rows(sql, f"%{finding}%")
    return int(count)


async def test_a_conversation_is_paused_and_goes_on_again(house: House) -> None:
    place = f"{CHANNEL}:{house.room('supply')}"
    sql = "SELECT paused IS NOT NULL FROM room WHERE room = ?"
    found = await raised(house, "bot_demoted", place)
    await answers(house, found, "pause_room")
    assert await house.rows(sql, house.room("supply")) == [(1,)]
    assert await audited(house, found) == 1
    paused = one(await looked(house), "paused_by_person")
    assert paused.conversation is not None
    await answers(house, paused.finding_id, "resume_room")
    assert await house.rows(sql, house.room("supply")) == [(0,)]


async def test_a_person_is_paused_at_once_and_only_two_let_him_go_on(house: House) -> None:
    finding = await raised(house, "stale_clearance", "di")
    await answers(house, finding, "pause_person")
    assert "di" in house.home.runtime.book.deals[house.deal].persons.paused


async def test_who_looked_through_the_list_says_so_himself(house: House) -> None:
    finding = await raised(house, "review_overdue", house.deal)
    async with officer(house) as client:
        with pytest.raises(Refused):
            await client.finding_answer(house.deal, finding, "review", {"by": "ada"})
    came = await answers(house, finding, "review")
    assert came.closed  # that somebody looked through it is the new fact


async def test_how_to_call_back_is_shown_and_nothing_else_is_done(house: House) -> None:
    finding = await raised(house, "verification_lapses", f"{CHANNEL}:cy")
    came = await answers(house, finding, "call_back")
    assert not came.closed
    assert came.shown


async def test_an_author_is_told_in_his_own_line_without_a_word_of_his(house: House) -> None:
    remote = await house.far.write("el", house.room("lunch"), "marmalade on WhatsApp me please")
    message = await house.taken(remote)
    await house.ends(message)
    finding = one(await looked(house), "off_channel")
    await answers(house, finding.finding_id, "ask_author")
    [told] = await house.told("el")
    assert "marmalade" not in told.text
    assert "delete" in told.text


async def test_an_owner_is_told_that_something_waits(house: House) -> None:
    finding = await raised(house, "sole_admin_bot", f"{CHANNEL}:{house.room('supply')}")
    await answers(house, finding, "tell_person")
    [told] = await house.told("ada")
    assert "HERON" in told.text


async def test_what_was_asked_in_the_rooms_is_a_named_persons_word(house: House) -> None:
    finding = await raised(house, "missed", f"{CHANNEL}:1-2")
    came = await answers(house, finding, "heard")
    assert came.closed
    assert await house.rows("SELECT person_id FROM finding_stated") == [("bo",)]


async def test_the_anchors_are_asked(house: House) -> None:
    finding = await raised(house, "unanchored", house.deal)
    came = await answers(house, finding, "anchor")
    assert came.done


async def test_a_held_message_is_dropped_by_its_author_alone(house: House) -> None:
    await house.home.watch_add(house.deal, ["Quill Feather"], [], actor=ACTOR)
    held = await house.send("All about Quill Feather", person="di", to="lunch")
    assert await house.ends(held) == "held"
    finding = await raised(house, "held_overdue", held)
    async with desk(house, DeskRole.PARTICIPANT, person="el") as client:
        with pytest.raises(Problem):
            await client.finding_answer(house.deal, finding, "drop")
    async with desk(house, DeskRole.PARTICIPANT, person="di") as client:
        await client.finding_answer(house.deal, finding, "drop")
    assert await house.state(held) == "dropped"


async def test_what_a_card_does_not_offer_is_not_done(house: House) -> None:
    finding = await raised(house, "review_overdue", house.deal)
    async with officer(house) as client:
        for answer in ("pause_person", "drop", "no_such_thing"):
            with pytest.raises(Wrong):
                await client.finding_answer(house.deal, finding, answer)


async def test_channels_and_quarantine_are_for_who_runs_them(house: House) -> None:
    finding = await raised(house, "channel_closed", str(CHANNEL), deal="home")
    async with officer(house) as client:
        shown = await client.finding_show(house.deal, finding)
        assert shown.reasons == ()
        assert not any(a.may for a in shown.answers)
        with pytest.raises(Refused):
            await client.finding_answer(house.deal, finding, "pause_channel")


async def test_a_closed_finding_is_done_with_and_dropped_in_time(house: House) -> None:
    finding = await raised(house, "review_overdue", house.deal)
    await answers(house, finding, "review")
    async with officer(house) as client:
        with pytest.raises(Refused):
            await client.finding_answer(house.deal, finding, "review")
        every = await client.finding_list(house.deal, every=True)
        assert finding in {f.finding_id for f in every.items}
    house.clock.ahead += 91 * DAY
    await looked(house)
    assert await house.rows("SELECT 1 FROM finding WHERE finding_id = ?", finding) == []


async def test_pages_of_findings_hold_each_once(house: House) -> None:
    made = {await raised(house, "stale_clearance", who) for who in ("ada", "bo", "cy", "di", "el")}
    async with officer(house) as client:
        seen, cursor = list[str](), None
        while True:
            page = await client.finding_list(house.deal, cursor=cursor, limit=2)
            seen += [f.finding_id for f in page.items]
            if page.next is None:
                break
            cursor = page.next
    assert sorted(seen) == sorted(made)
