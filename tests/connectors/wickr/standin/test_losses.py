"""Every message is handed out once or lost once, in order, whatever is away and whenever."""

from itertools import pairwise

import pytest

from .conftest import Far, Hook

AWAY = "http://127.0.0.1:9/"


async def _write_through(far: Far, hook: Hook, room: str, text: str, away: str) -> str:
    """Writes while the endpoint or the host is away; all is there again afterwards."""
    if away == "endpoint":
        await far.hand.settle()
        await far.hand.callback(AWAY)
    elif away == "host":
        await far.hand.go_down()
    message = await far.hand.write("ann", text, room=room)
    if away == "endpoint":
        await far.hand.settle()
        await far.hand.callback(hook.url)
    elif away == "host":
        await far.hand.come_back()
    return message


@pytest.mark.parametrize("seed", range(4))
async def test_each_message_is_handed_out_once_or_lost_once(
    far: Far, hook: Hook, seed: int
) -> None:
    room, written, outages = await far.create(), [], []
    for number in range(40):
        away = ("endpoint", "host", "", "", "")[(number * 7 + seed * 3) % 20 // 4]
        began = await far.hand.advance(0)
        written.append(await _write_through(far, hook, room, str(number), away))
        if away:
            outages.append((began, await far.hand.advance(0)))
    await far.hand.settle()
    lost, handed = await far.hand.losses(), await far.hand.handed()
    posted = [each["message_id"] for each in hook.bodies]
    assert [each.message for each in handed] == posted
    assert sorted([*posted, *(each.message for each in lost)]) == sorted(written)
    places = [written.index(each) for each in posted]
    assert all(one < other for one, other in pairwise(places))
    for each in lost:
        assert any(began <= each.at <= ended for began, ended in outages)
    assert 0 < len(lost) < len(posted)
