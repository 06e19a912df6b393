"""Every message is posted once or lost once, in order, whatever is away and whenever."""

from itertools import pairwise

import pytest

from .conftest import Far, Hook

AWAY = "http://127.0.0.1:9/"


async def _write_through(far: Far, hook: Hook, group: str, text: str, away: str) -> int:
    """Writes while the endpoint or the server is away; all is there again afterwards."""
    if away == "endpoint":
        await far.hand.settle()
        await far.hand.webhook(AWAY)
    elif away == "server":
        await far.hand.go_down()
    stamp = await far.hand.write("ann", text, group=group)
    if away == "endpoint":
        await far.hand.settle()
        await far.hand.webhook(hook.url)
    elif away == "server":
        await far.hand.come_back()
    return stamp


@pytest.mark.parametrize("seed", range(4))
async def test_each_message_is_posted_once_or_lost_once(far: Far, hook: Hook, seed: int) -> None:
    group, written, outages = await far.group(), [], []
    for number in range(40):
        away = ("endpoint", "server", "", "", "")[(number * 7 + seed * 3) % 20 // 4]
        began = await far.hand.advance(0)
        written.append(await _write_through(far, hook, group, str(number), away))
        if away:
            outages.append((began, await far.hand.advance(0)))
    await far.hand.settle()
    posted = [each["timestamp"] for each in hook.envelopes()]
    lost = await far.hand.losses()
    assert sorted(posted + [each.timestamp for each in lost]) == written
    assert all(one < other for one, other in pairwise(posted))
    for each in lost:
        assert any(began <= each.at <= ended for began, ended in outages)
    assert 0 < len(lost) < len(posted)
