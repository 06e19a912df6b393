"""The frame around the pages: for whoever is signed in, and for nobody else."""

import pytest

from dashboard import nav
from tests.dashboard.conftest import Look, words
from tiers.rights import Right, Scope

ROLES = ["participant", "adviser", "owner", "security_officer", "approver", "counsel", "operator"]


async def test_whoever_is_on_the_deal_is_told_what_he_is_to_it(look: Look) -> None:
    at = await look.whole(look.as_("participant", "owner"))
    assert "Signed in as **Ada**" in words(at)
    assert "Deal owner" in words(at)
    assert "Made-up deal" in words(at)


async def test_nobody_is_shown_nothing_but_that_he_is_signed_out(look: Look) -> None:
    at = await look.whole(None)
    assert "You are signed out." in words(at)
    assert "HERON" not in words(at)


async def test_whoever_is_on_no_deal_is_told_how_one_begins(look: Look) -> None:
    viewer = look.as_("participant")
    at = await look.whole(type(viewer)(viewer.actor))
    assert "Start with a list of people." in words(at)


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_without_its_right_is_not_in_the_navigation(look: Look, role: str) -> None:
    person = None if role == "operator" else "ada"
    viewer = look.as_(role, person=person)
    at = await look.whole(viewer)
    shown = {str(info["url_pathname"]) for info in at._registered_pages.values()}
    for page in nav.PAGES[1:]:  # the first page has the root for its address
        scope = viewer.seats[look.house.deal].power(Right(page.right or "deal")).scope
        sees = page.right is None or (scope is Scope.ALL if page.whole else bool(scope))
        assert (page.key in shown) == (sees and not (page.people and person is None)), page.key
