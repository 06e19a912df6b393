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
    for name in ("ann", "bob"):
        await either.hand.person(name, receipts=False)
    room = await either.room(bot, "ann", "bob")
    accounts = {name: await either.account(name) for name in ("ann", "bob")}
    accepted = await bot.send(await either.delivery(bot, room))
    await bot.undo(room, accepted.remote_id)
    await either.hand.settle()
    await bot._open.watch.stop()  # its own looks would use the fault up
    await either.hand.partial_members("*")
    listed = (await bot._open.account.group(room)).members
    [left_out] = [name for name, account in accounts.items() if account not in listed]
    [there] = accounts.keys() - {left_out}
    rows = bot._open.ledger._db.execute("SELECT asked FROM removal").fetchall()
    stamps = [stamp for (stamp,) in rows]
    await either.hand.read(there, stamps, kind="delivery")
    await either.hand.settle()
    await either.hand.partial_members("*")
    assert not await bot.is_gone(room, accepted.remote_id)
    await either.hand.read(left_out, stamps, kind="delivery")
    await either.hand.settle()
    assert await bot.is_gone(room, accepted.remote_id)
