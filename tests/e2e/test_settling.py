"""From hold to settled: what people wait for, who answer as soon as they are told, at real pages.

Three authors have twelve messages held. Each is told in his own line, opens Held, and moves, drops
or asks for release; a second person and counsel answer what is asked. No hold is nobody's.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import Browser

from orchestrator.client.api import Client
from orchestrator.client.views import Post
from tests.scenarios.conftest import eventually
from tests.scenarios.house import PRICE

from .people import Person, at_browser
from .presses import press
from .test_approvals import ADA, CY, DI, keys, says_yes
from .town import Town, town

pytestmark = pytest.mark.long
AUTHORS = ("ada", "bo", "cy")
ACTS = ("move", "drop", "move", "ask")
"""What each author does with his four, in turn."""
LONG_MS = 120_000
SETTLED = frozenset({"delivered", "dropped"})
P95_S = 120.0


async def test_every_hold_reaches_somebody_and_is_settled(
    browser: Browser, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with town(folder) as made:
        held = await holds(made)
        began = time.monotonic()
        ended: dict[str, float] = {}
        watching = asyncio.create_task(watches(made.client, [*held], ended))
        await asyncio.gather(*(settles(browser, made, name, held) for name in AUTHORS))
        await agreed(made)
        await asyncio.wait_for(watching, LONG_MS / 1000)
    took = sorted(at - began for at in ended.values())
    p50, p95 = statistics.median(took), statistics.quantiles(took, n=20, method="inclusive")[-1]
    with capsys.disabled():
        sys.stdout.write(
            f"\nhold to settled, {len(took)} holds: p50 {p50:.1f} s, p95 {p95:.1f} s\n"
        )
    assert len(took) == len(held) == len(AUTHORS) * len(ACTS)
    assert p95 < P95_S


async def holds(made: Town) -> Mapping[str, tuple[str, str]]:
    """Twelve messages are held, each with an owner and a deadline, each author told of his."""
    client, deal = made.client, made.deal
    await keys(client, deal, (ADA, CY, DI))
    founding = (await client.deal_found(deal)).request_id
    await says_yes(client, founding, (ADA, CY, DI))
    found = {}
    for number, (name, act) in enumerate((n, act) for act in ACTS for n in AUTHORS):
        price, total = f"{27 + number}.50 per share", f"{4 + number}.2 billion in all."
        text = f"{PRICE}: we raise our offer to {price}, {total}"
        sent = await client.send_text(deal, Post(person=name, conversation="lunch"), text)
        found[sent.message_id] = (name, act)

    async def all_told() -> bool:
        lines = [await told(made, name) for name in AUTHORS]
        return min(lines) >= len(ACTS)

    await eventually(all_told)
    items = {item.message_id: item for item in (await client.held_desk(deal)).items}
    assert items.keys() == found.keys()
    assert all(item.owner_name and item.deadline > item.held_at for item in items.values())
    return found


async def told(made: Town, name: str) -> int:
    """How many holds somebody's own client shows him."""
    return sum(
        "Held. Nobody has seen it." in (seen.text or "") for seen in await made.far.inbox(name)
    )


async def watches(client: Client, messages: list[str], ended: dict[str, float]) -> None:
    """Notes when each is settled."""
    while len(ended) < len(messages):
        for message in messages:
            if message not in ended and (await client.message_show(message)).state in SETTLED:
                ended[message] = time.monotonic()
        await asyncio.sleep(0.1)


async def settles(
    browser: Browser, made: Town, name: str, held: Mapping[str, tuple[str, str]]
) -> None:
    """An author opens Held and settles his own, one after the other."""
    async with at_browser(browser, made.origin, name) as author:
        await author.signs_in((await made.client.desk_link(made.deal, name)).url)
        await author.sees("held")
        for message in [message for message, (whose, _) in held.items() if whose == name]:
            await one(author, message, held[message][1])
        assert author.wrong == []


async def one(author: Person, message: str, act: str) -> None:
    """Presses what he decided, and sees that it was taken."""
    card = author.page.locator(f".st-key-held-{message}")
    if act == "move":
        await press(card.get_by_role("button", name="Move it to #price"))
    elif act == "drop":
        await press(card.get_by_role("button", name="Drop it"))
        await press(author.page.get_by_role("button", name="Drop it for good"))
    else:
        await press(card.get_by_role("button", name="Ask for its release"))
        await card.get_by_text("It waits for two people.").first.wait_for(timeout=LONG_MS)
        return
    await card.first.wait_for(state="detached", timeout=LONG_MS)


async def agreed(made: Town) -> None:
    """Two who may, and did not ask, agree to each release."""
    for request in await made.client.approval_list(made.deal, every=False):
        others = [one for one in (ADA, CY, DI) if one.name in request.may_agree]
        await says_yes(made.client, request.request_id, others[: request.needed])
