"""A removal is seen to be done only by everybody, also where a listing leaves somebody out."""

import pytest

from .conftest import Lab


@pytest.fixture(params=["lab", "stream_lab"])
def either(request: pytest.FixtureRequest) -> Lab:
    """Through either program."""
    found: Lab = request.getfixturevalue(request.param)
    return found


async def test_who_is_missing_from_one_listing_must_have_acknowledged_it_too(either: Lab) -> None:
    bot = await either.bot()
    await either.hand.person("bob", receipts=False)
    room = await either.room(bot, "ann", "bob")
    bob = await either.account("bob")
    accepted = await bot.send(await either.delivery(bot, room))
    await bot.undo(room, accepted.remote_id)
    await either.hand.settle()
    await bot._open.watch.stop()  # its own looks would use the fault up
    await either.hand.partial_members("*")
    listed = await bot._open.account.group(room)
    assert bob not in listed.members  # he is whom a listing leaves out
    await either.hand.partial_members("*")
    assert not await bot.is_gone(room, accepted.remote_id)
    rows = bot._open.ledger._db.execute("SELECT asked FROM removal").fetchall()
    await either.hand.read("bob", [stamp for (stamp,) in rows], kind="delivery")
    await either.hand.settle()
    assert await bot.is_gone(room, accepted.remote_id)
