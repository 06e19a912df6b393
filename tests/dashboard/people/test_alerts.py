"""What needs somebody, on his own page and on the page of who is told; over a live home."""

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator.client.notify import NewOnCall
from tests.dashboard.conftest import Look, words
from tests.scenarios.conftest import eventually
from tests.scenarios.house import ACTOR
from tests.scenarios.test_approvals import TEXT, hold
from tiers.rights import Viewer

WHOLE = Viewer(ACTOR, whole=True)


def said(at: AppTest) -> str:
    blocks = (at.markdown, at.caption, at.success, at.text, at.subheader)
    return "\n".join([words(at), *(str(e.value) for block in blocks for e in block)])


async def listed(look: Look, *people: str) -> None:
    new = [NewOnCall(person=p, ways=("line",)) for p in people]
    await look.house.home.on_call_set(look.house.deal, new, actor=ACTOR)


async def told(look: Look) -> None:
    async def is_told() -> bool:
        found = await look.house.home.alert_list(look.house.deal, WHOLE, every=False)
        return any(send.person == "ada" for alert in found for send in alert.sends)

    await eventually(is_told)


async def press(look: Look, at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return await look.again(at)


async def test_whoever_is_told_sees_what_waits_and_says_that_he_has_seen_it(look: Look) -> None:
    await listed(look, "ada", "bo")
    await hold(look.house)
    await told(look)
    at = await look.page("own", look.as_("participant", person="ada"))
    assert "A message is held." in said(at)
    assert TEXT not in said(at)
    [alert] = await look.house.home.alert_list(look.house.deal, WHOLE, every=False)
    at = await press(look, at, "alert." + alert.alert)
    assert "Noted. Nobody else is told of it." in said(at)
    [alert] = await look.house.home.alert_list(look.house.deal, WHOLE, every=False)
    assert alert.answered_by == "person:ada"
    at = await look.page("own", look.as_("participant", person="ada"))
    assert "Nothing waits for you." in said(at)


async def test_who_was_not_told_sees_nothing_of_it(look: Look) -> None:
    await listed(look, "ada", "bo")
    await hold(look.house)
    await told(look)
    at = await look.page("own", look.as_("participant", person="bo"))
    assert "A message is held." not in said(at)
    at = await look.page("own", look.as_("participant", person="el"))
    assert "You are not among those who are told." in said(at)


async def test_an_owner_writes_the_list_and_it_is_in_force_when_he_saves_it(look: Look) -> None:
    owner = look.as_("participant", "owner", person="ada")
    at = await look.page("on_call", owner)
    assert "Nobody is told when something needs somebody." in said(at)
    for person in ("bo", "cy"):
        at.text_input(key="on_call.who").set_value(person)
        at = await press(look, await look.again(at), "on_call.add." + person)
    assert "A draft." in said(at)
    assert await look.house.home.on_call_show(look.house.deal, WHOLE) == []
    at = await press(look, at, "on_call.cy.up")
    at.multiselect(key="on_call.cy.ways").set_value(["push", "mail"])
    at.text_input(key="on_call.cy.mail").set_value("cy@marlow.example")
    at.text_input(key="on_call.cy.quiet").set_value("22:00-07:00")
    at.text_input(key="on_call.cy.zone").set_value("Europe/Berlin")
    at = await press(look, at, "on_call.save")
    assert "The list is in force." in said(at)
    found = await look.house.home.on_call_show(look.house.deal, WHOLE)
    assert [(p.person, p.ways) for p in found] == [("cy", ("push", "mail")), ("bo", ("line",))]
    assert (found[0].quiet, found[0].zone) == ("22:00-07:00", "Europe/Berlin")
    assert found[0].mail == "cy@marlow.example"


async def test_a_list_that_is_wrong_is_refused_and_stays_a_draft(look: Look) -> None:
    await listed(look, "ada")
    at = await look.page("on_call", look.as_("security_officer", person="bo"))
    at.text_input(key="on_call.ada.quiet").set_value("late")
    at = await press(look, at, "on_call.save")
    assert "Quiet hours are written" in said(at)
    [one] = await look.house.home.on_call_show(look.house.deal, WHOLE)
    assert one.quiet is None


async def test_counsel_reads_the_list_and_changes_nothing(look: Look) -> None:
    await listed(look, "ada")
    at = await look.page("on_call", look.as_("counsel", person="cy"))
    assert "1. **Ada** · by private line" in said(at)
    with pytest.raises(KeyError):
        at.button(key="on_call.save")


@pytest.mark.parametrize(
    ("role", "shown"),
    [("owner", True), ("security_officer", True), ("counsel", True), ("participant", False)],
)
async def test_the_page_is_in_the_menu_of_whoever_sees_the_list(
    look: Look, role: str, shown: bool
) -> None:
    from dashboard.desk import Desk  # noqa: PLC0415 - for this test alone
    from dashboard.nav import may_see  # noqa: PLC0415 - as above

    viewer = look.as_(role, person="ada")
    me = await look.house.home.me(viewer)
    assert any(p.key == "on_call" for p in may_see(Desk(me, me.deals[0]))) is shown
