"""Every scenario's home is held against its chains as it closes: a row of nobody's is noticed."""

from pathlib import Path

import pytest

from tiers.tier import Tier

from .conftest import House, opening
from .house import Talk

LUNCH = Talk("lunch", Tier.COORDINATION)


async def tampered(house: House) -> None:
    """Journal keys that are stated are in the store no more."""
    await house.home.runtime.store.write(lambda tx: tx.run("DELETE FROM journal_key"))


async def test_a_row_that_was_taken_out_is_noticed_at_the_end(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
) -> None:
    with pytest.raises(AssertionError, match="journal key"):
        async with opening(tmp_path) as opens:
            await tampered(await opens((LUNCH,)))


async def test_a_test_that_tampers_says_so(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
) -> None:
    async with opening(tmp_path) as opens:
        opens.tampers = "the test of the test"
        await tampered(await opens((LUNCH,)))
