"""Leak risk: a score whose parts add up, causes by day, findings with what closes them."""

from orchestrator.clock import HOUR
from tests.dashboard.conftest import Look, words
from tests.scenarios.conftest import eventually
from tests.scenarios.test_risk_acts import overdue, public

OWNER = ("participant", "owner", "security_officer")


async def stranger(look: Look) -> None:
    """Somebody on no list comes into the room about the price."""
    house = look.house
    await house.far.add_member(house.room("price"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)


async def test_the_first_line_is_the_answer_and_the_score_says_what_it_falls_to(
    look: Look,
) -> None:
    await stranger(look)
    at = await look.page("leak_risk", look.as_(*OWNER))
    said = words(at)
    assert "You act from" in said
    assert "Falls to" in said
    assert "What moved it" in said


async def test_findings_that_need_him_come_first_with_what_closes_them(look: Look) -> None:
    await stranger(look)
    at = await look.page("leak_risk", look.as_(*OWNER))
    said = words(at)
    assert "on no list" in said
    assert "It closes when" in said
    assert "Needs you" in said
    answers = [b for b in at.button if (b.key or "").startswith("answer-")]
    assert answers


async def test_an_answer_is_given_from_the_card_and_its_outcome_is_said_there(
    look: Look,
) -> None:
    await stranger(look)
    at = await look.page("leak_risk", look.as_(*OWNER))
    button = next(b for b in at.button if "put_right" in (b.key or ""))
    button.click()
    await look.again(at)
    agree = next(b for b in at.button if (b.key or "").startswith("agree-"))
    agree.click()
    await look.again(at)

    async def gone() -> bool:
        return "unknown_member" not in await look.house.findings()

    await eventually(gone)
    await look.again(at)
    assert "on no list" not in words(at)


async def test_what_is_handed_in_whole_has_a_field_and_who_may_proves_himself_first(
    look: Look,
) -> None:
    finding = await overdue(look.house)
    may = (*OWNER, "counsel")
    at = await look.page("leak_risk", look.as_(*may))
    assert "once you prove again that it is you: Adopt a new journal key." in words(at)
    key = f"answer-{finding}-adopt_key"
    assert not any(b.key == key for b in at.button)
    at = await look.page("leak_risk", look.as_(*may, stepped_up=True))
    at.text_area(f"{key}-public").set_value(public("joint"))
    at.button(key).click()
    await look.again(at)
    assert "rotation_overdue" not in await look.house.findings()


async def test_a_participant_sees_no_score(look: Look) -> None:
    await stranger(look)
    said = words(await look.page("leak_risk", look.as_("participant", person="el")))
    assert "You act from" not in said
    assert "mallory" not in said


async def test_when_the_rules_have_not_run_lately_it_is_not_called_well(look: Look) -> None:
    look.house.clock.ahead = 2 * HOUR
    said = words(await look.page("leak_risk", look.as_(*OWNER)))
    assert "We cannot tell right now." in said
    assert "Last known" in said or "have not run" in said
    assert "Quiet" not in said
    assert "You act from" not in said
