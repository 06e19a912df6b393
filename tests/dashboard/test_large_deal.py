"""Every page has a shape while it is asked for, and stays usable with more people than it shows."""

from dataclasses import replace

import pytest

from dashboard.nav import PAGES
from dashboard.widgets.loading import KEY, LINE
from dashboard.widgets.somebody import FIRST
from orchestrator.roster.document import to_document
from tests.scenarios.house import ACTOR, roster
from tiers.ids import PersonId, SideId
from tiers.people import Person, Profile

from .conftest import Look, words

EVERYTHING = ("participant", "owner", "security_officer", "operator")
GUESTS = 60
ALL = len(roster().people) + GUESTS


@pytest.fixture
async def crowd(look: Look) -> Look:
    """The deal with more people on its list than a page names at once."""
    listed, side = roster(), SideId("marlow")
    guests = (
        Person(PersonId(f"guest-{n}"), f"Guest {n:02}", side, "member", Profile.ORGANISATIONAL, {})
        for n in range(GUESTS)
    )
    larger = to_document(replace(listed, people=(*listed.people, *guests)))
    await look.house.home.adopt(look.house.deal, "roster", larger, actor=ACTOR)
    return look


@pytest.mark.parametrize("key", [page.key for page in PAGES])
async def test_a_page_has_a_shape_until_it_is_there(look: Look, key: str) -> None:
    at = await look.page(key, look.as_(*EVERYTHING, person="ada"))
    assert at.session_state[KEY] == key, "its shape was drawn first"
    assert not [m.value for m in at.markdown if m.value == LINE], "nothing of it is left"


async def test_the_audit_trail_of_anybody_is_found_by_his_name(crowd: Look) -> None:
    at = await crowd.page("audit", crowd.as_(*EVERYTHING, person="ada"))
    assert len(at.selectbox(key="audit-person").options) == 1 + FIRST
    assert f"The first {FIRST} of {ALL}." in words(at)
    at.text_input(key="audit-person.sought").set_value("guest 59")
    await crowd.again(at)
    assert at.selectbox(key="audit-person").options == ["Everybody", "Guest 59, Marlow Systems"]
    at.selectbox(key="audit-person").set_value("guest-59")
    await crowd.again(at)
    assert "Nothing of that kind is on the record." in words(at)
    at.text_input(key="audit-person.sought").set_value("")
    await crowd.again(at)
    assert at.selectbox(key="audit-person").value == "guest-59", "who is chosen stays so"
    at.text_input(key="audit-person.sought").set_value("nobody of that name")
    await crowd.again(at)
    assert "Nobody by that name is on this deal." in words(at)


async def test_anybody_can_be_asked_for_a_key(crowd: Look) -> None:
    at = await crowd.page("approvals", crowd.as_(*EVERYTHING, person="ada"))
    assert f"The first {FIRST} of {ALL}." in words(at)
    at.text_input(key="offer-who.sought").set_value("guest 57")
    await crowd.again(at)
    assert at.selectbox(key="offer-who").options[1:] == ["Guest 57, Marlow Systems"]
    at.selectbox(key="offer-who").set_value("guest-57")
    await crowd.again(at)
    at.button(key="offer").click()
    await crowd.again(at)
    assert "Asked to make a key: Guest 57" in words(at)


async def test_readers_who_are_chosen_stay_while_others_are_looked_for(crowd: Look) -> None:
    at = await crowd.page("documents", crowd.as_(*EVERYTHING, person="ada"))
    at.multiselect(key="document-readers").set_value(["bo"])
    at.text_input(key="document-readers.sought").set_value("guest 41")
    await crowd.again(at)
    readers = at.multiselect(key="document-readers")
    assert readers.options == ["Bo, Kestrel Industries", "Guest 41, Marlow Systems"]
    assert readers.value == ["bo"]


async def test_nobody_is_offered_whom_the_viewer_does_not_see(crowd: Look) -> None:
    """A participant is offered whom he sees, not whoever is on the list."""
    at = await crowd.page("documents", crowd.as_("participant", person="ada"))
    named = at.multiselect(key="document-readers").options
    assert named
    assert not [n for n in named if n.startswith("Guest")]
