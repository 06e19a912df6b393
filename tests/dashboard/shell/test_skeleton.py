"""A page is run for whoever is signed in, and for nobody else."""

from tests.dashboard.conftest import Look, words


async def test_whoever_is_on_the_deal_is_told_what_he_is_to_it(look: Look) -> None:
    at = await look.page("you", look.as_("participant", "owner"))
    assert "You are on HERON" in words(at)
    assert "Deal owner" in words(at)


async def test_nobody_is_shown_nothing_but_that_he_is_signed_out(look: Look) -> None:
    at = await look.whole(None)
    assert "You are signed out." in words(at)
    assert "HERON" not in words(at)
