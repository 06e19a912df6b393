"""No seat before the notice: crossing through the real home, answered in the person's own line."""

from dataclasses import replace

import pytest

from orchestrator.client.problems import Refused, Waits
from orchestrator.clock import DAY, MINUTE
from orchestrator.command.crossing_look import CrossingLook
from orchestrator.flow.acknowledging import read_acknowledgement
from orchestrator.roster.document import to_document
from tiers.ids import PersonId, SideId
from tiers.people import Roster
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, CHANNEL, Talk, make_talk, roster

NOTICE = "You will be told inside information. Dealing and tipping are offences."
NEWER = NOTICE + " So is recommending."
ADA, BO, CY, DI = (PersonId(n) for n in ("ada", "bo", "cy", "di"))


def with_notice(text: str = NOTICE, room: tuple[PersonId, ...] = ()) -> Roster:
    """The made-up roster, whose target demands a notice."""
    listed = roster()
    sides = tuple(
        replace(s, notice=text, control_room=room) if s.side_id == SideId("marlow") else s
        for s in listed.sides
    )
    return replace(listed, sides=sides)


def sees(house: House, person: PersonId, later: int = 0) -> bool:
    view = house.home.runtime.book.deals[house.deal]
    at = house.home.runtime.now() + later
    return any(
        view.roster.may_see(person, g.compartment, Tier.COORDINATION, at)
        for g in view.roster.grants_of(person, at)
    )


async def members(house: House, label: str) -> set[str]:
    shown = await house.home.conv_show(house.deal, label)
    return {m for room in shown.rooms for m in room.members or ()}


async def asked(house: House, person: PersonId, count: int = 1) -> str:
    """The line that a person is to answer with, out of his newest notice."""
    text = (await house.told(person, count))[-1].text
    return text.split("this line alone: ")[1].splitlines()[0]


async def answers(house: House, person: PersonId, text: str) -> None:
    line = house.home.runtime.book.line_room(CHANNEL, person)  # type: ignore[arg-type]  # his account bears his name
    assert line is not None
    await house.far.write(person, line, text)


async def acknowledged(house: House, person: PersonId) -> None:
    async def counts() -> bool:
        return sees(house, person)

    await eventually(counts)


async def adopt(house: House, listed: Roster) -> None:
    await house.home.adopt(house.deal, "roster", to_document(listed), actor=ACTOR)


@pytest.fixture
async def house(opens: Opens) -> House:
    return await opens(people=with_notice())


async def test_nobody_is_let_in_before_he_acknowledged_and_then_he_is(house: House) -> None:
    assert "cy" not in await members(house, "supply")
    shown = await house.home.person_show(house.deal, CY)
    assert shown.notice.stands == "to_cross"
    assert shown.barred == ("he was not crossed yet",)
    crossed = await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    assert crossed.told
    assert not sees(house, CY)
    line = await asked(house, CY)
    assert NOTICE in (await house.told(CY))[-1].text
    assert read_acknowledgement(line, 0) is not None
    await answers(house, CY, line)
    await acknowledged(house, CY)
    assert "is recorded" in (await house.told(CY, 2))[-1].text
    found = await house.home.person_show(house.deal, CY)
    assert found.notice.stands == "acknowledged"
    assert found.notice.acknowledged_at is not None
    await make_talk(house.home, house.deal, Talk("after", Tier.OPERATIONS))
    assert {"ada", "cy"} <= await members(house, "after")
    assert "di" not in await members(house, "after")


@pytest.mark.parametrize("words", ["I acknowledge", "yes", "I acknowledge 00000000"])
async def test_other_words_acknowledge_nothing(house: House, words: str) -> None:
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await asked(house, CY)
    await answers(house, CY, words)
    await house.told(CY, 2)
    assert not sees(house, CY)


async def test_the_words_count_from_his_own_account_alone(house: House) -> None:
    """Somebody else's line, our own door, and the right line with more around it."""
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    line = await asked(house, CY)
    await house.home.person_cross(house.deal, DI, ADA, "needed", actor=ACTOR)
    await asked(house, DI)
    await answers(house, DI, line)
    await house.told(DI, 2)
    await house.ends(await house.send(line, "cy"))
    await answers(house, CY, f"Somebody wrote: {line}")
    await house.told(CY, 2)
    assert not sees(house, CY)
    assert not sees(house, DI)


async def test_a_paper_needs_another_who_holds_it_and_a_crossing(house: House) -> None:
    with pytest.raises(Refused):
        await house.home.person_ack(house.deal, DI, ADA, actor=ACTOR)
    await house.home.person_cross(house.deal, DI, ADA, "needed", actor=ACTOR)
    with pytest.raises(Refused):
        await house.home.person_ack(house.deal, DI, DI, actor=ACTOR)
    await house.home.person_ack(house.deal, DI, ADA, actor=ACTOR)
    assert sees(house, DI)


async def test_the_control_room_agrees_before(opens: Opens) -> None:
    house = await opens(people=with_notice(room=(DI,)))
    with pytest.raises(Waits):
        await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    with pytest.raises(Refused):
        await house.home.person_agree(house.deal, CY, ADA, actor=ACTOR)
    with pytest.raises(Refused):
        await house.home.person_agree(house.deal, DI, DI, actor=ACTOR)
    agreed = await house.home.person_agree(house.deal, CY, DI, actor=ACTOR)
    assert (agreed.notice.stands, agreed.notice.agreed_by) == ("to_cross", "di")
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await house.home.person_ack(house.deal, CY, ADA, actor=ACTOR)
    assert sees(house, CY)


async def test_who_is_cleansed_reads_nothing_until_he_is_crossed_and_acknowledges_anew(
    house: House,
) -> None:
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    line = await asked(house, CY)
    await answers(house, CY, line)
    await acknowledged(house, CY)
    gone = await house.home.person_cleanse(house.deal, CY, BO, "deal-public", actor=ACTOR)
    assert (gone.notice.stands, gone.notice.cleansed_because) == ("cleansed", "deal-public")
    assert not sees(house, CY)
    await answers(house, CY, line)
    await house.told(CY, 3)
    assert not sees(house, CY)
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    assert not sees(house, CY)
    await answers(house, CY, await asked(house, CY, 4))
    await acknowledged(house, CY)


async def test_another_wording_is_asked_for_again_and_the_old_one_counts_for_a_week(
    house: House,
) -> None:
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    await adopt(house, with_notice(NEWER))
    found = await house.home.person_show(house.deal, CY)
    assert found.notice.stands == "asked_again"
    assert found.notice.counts_until is not None
    assert sees(house, CY)
    assert sees(house, CY, 7 * DAY - MINUTE)
    assert not sees(house, CY, 7 * DAY)
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY, 3))

    async def again() -> bool:
        shown = await house.home.person_show(house.deal, CY)
        return shown.notice.stands == "acknowledged"

    await eventually(again)
    assert sees(house, CY, 7 * DAY)


async def test_what_was_acknowledged_outlives_a_restart_and_no_row_can_say_it(
    house: House,
) -> None:
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    await house.restart()
    assert sees(house, CY)
    assert not sees(house, DI)


async def test_the_insider_list_is_what_the_rooms_showed(house: House) -> None:
    """Obtained is a reading; nobody stands on the list for being on the roster."""

    async def stays() -> dict[str | None, tuple[int, int | None]]:
        rows = await house.home.person_insiders(house.deal)
        return {r.person: (r.obtained_at, r.ceased_at) for r in rows}

    async def seen() -> bool:
        return {"ada", "bo", "el"} <= set(await stays())

    await eventually(seen)
    assert not {"cy", "di"} & set(await stays())
    before = house.home.runtime.now()
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    assert "cy" not in await stays()
    await make_talk(house.home, house.deal, Talk("after", Tier.OPERATIONS))

    async def obtained() -> bool:
        return "cy" in await stays()

    await eventually(obtained)
    began, ended = (await stays())[str(CY)]
    assert began > before
    assert ended is None
    await house.home.person_cleanse(house.deal, CY, BO, "deal-public", actor=ACTOR)
    assert (await stays())[str(CY)][1] is None
    await house.far.remove_member(house.room("after"), "cy", by="ada")

    async def ceased() -> bool:
        return (await stays())[str(CY)][1] is not None

    await eventually(ceased)


async def test_a_changed_wording_is_shown_once_to_whoever_was_crossed_and_is_a_finding(
    house: House,
) -> None:
    look = CrossingLook(house.home.runtime).look
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    await adopt(house, with_notice(NEWER))
    await look()
    await look()
    assert "notice_changed" in await house.findings()
    shown = (await house.told(CY, 3))[-1].text
    assert NEWER in shown
    assert sees(house, CY)
    await answers(house, CY, shown.split("this line alone: ")[1].splitlines()[0])
    assert "is recorded" in (await house.told(CY, 4))[-1].text
    await look()
    assert "notice_changed" not in await house.findings()
    assert len(await house.told(CY, 4)) == 4
    assert await house.rows("SELECT 1 FROM finding WHERE rule = 'no_notice'") == []


async def test_a_plan_lets_him_in_once_he_acknowledged_and_out_when_he_is_cleansed(
    house: House,
) -> None:
    async def acts(person: str) -> set[tuple[str, str]]:
        plan = await house.home.plan(house.deal)
        return {(a.kind, a.room) for a in plan.acts if a.person == person}

    assert await acts("cy") == set()
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    assert await acts("cy") == set()
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    rooms = {("invite", house.room(label)) for label in ("price", "supply", "lunch")}
    assert await acts("cy") == rooms
    plan = await house.home.plan(house.deal)
    async for done in house.home.plan_apply(house.deal, plan.hash, None, actor=ACTOR):
        assert done.outcome == "seen"
    assert await acts("cy") == set()
    rows = [r for r in await house.home.person_insiders(house.deal) if r.person == "cy"]
    assert [r.ceased_at for r in rows] == [None]
    seats = (await house.home.person_show(house.deal, CY)).seats
    assert {s.label for s in seats if s.obtained_at is not None} == {"price", "supply", "lunch"}
    await house.home.person_cleanse(house.deal, CY, BO, "deal-public", actor=ACTOR)
    assert {kind for kind, _ in await acts("cy")} == {"remove"}
    plan = await house.home.plan(house.deal)
    async for _ in house.home.plan_apply(house.deal, plan.hash, None, actor=ACTOR):
        pass
    [row] = [r for r in await house.home.person_insiders(house.deal) if r.person == "cy"]
    assert row.ceased_at is not None
    assert row.obtained_at < row.ceased_at


async def test_a_line_that_waited_for_the_journal_acknowledges_no_later_crossing(
    opens: Opens,
) -> None:
    """Without a journal key what he wrote is looked at again and again; it counts once."""
    house = await opens((), people=with_notice(), journal=False)
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await answers(house, CY, await asked(house, CY))
    await acknowledged(house, CY)
    [(waiting,)] = await house.rows("SELECT count(*) FROM message WHERE state = 'accepted'")
    assert waiting == 1
    await house.home.person_cleanse(house.deal, CY, BO, "deal-public", actor=ACTOR)
    await house.home.person_cross(house.deal, CY, ADA, "needed", actor=ACTOR)
    await house.home.runtime.router.drain(f"@route/{house.deal}")
    assert not sees(house, CY)


LINE = "I acknowledge 0a1b2c3d"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (f"  {LINE.lower()}. ", True),
        (f"{LINE}\n\nOn Monday the bot wrote:\n> answer here: {LINE}\n> and so on", True),
        (f"{LINE}\n\nOn Monday, at nine,\nthe bot wrote:\n> {LINE}", True),
        (f"{LINE}\n-- \nCyril, Partner\nMarlow LLP", True),
        (f"> {LINE}", False),
        (f"No.\n\nOn Monday the bot wrote:\n> {LINE}", False),
        (f"I do not.\n{LINE}", False),
        (f"{LINE}\nbut only for the logistics:\nnot the rest\nOn Monday he wrote:\n> x", False),
        (f"{LINE}\n> quoted\nbut I am not sure", False),
        (f"{LINE}\nthough not for this:\n> the price", False),
        (f"{LINE}\n\nAm Montag schrieb der Bot:\n> {LINE}", True),
        (f"{LINE} and {LINE}", False),
        ("I acknowledge", False),
        ("", False),
    ],
)
def test_a_line_is_an_acknowledgement_or_it_is_not(text: str, is_one: bool) -> None:
    assert (read_acknowledgement(text, 0) is not None) == is_one
