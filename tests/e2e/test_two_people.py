"""People in browsers of their own: nothing of what is one's alone ever reaches another's machine.

What counts is not what a page shows but what the server sent: each answer and each frame of the
websocket is searched. Each page that there is is asked for, also those that are in nobody's menu.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from dashboard.nav import PAGES
from orchestrator.client.views import Post
from tests.orchestrator.approvals.signers import Signer
from tests.scenarios.conftest import eventually
from tests.scenarios.house import CHANNEL, PRICE, Talk, roster
from tiers.approval import Role
from tiers.ids import AccountId, PersonId
from tiers.people import Roster
from tiers.tier import Tier

from .people import Person, at_browser
from .test_approvals import keys
from .town import Town, new_deal, town

pytestmark = pytest.mark.long
HERS, HIS, STRANGE = "zebrafish", "quokkatree", "yakfield"
"""Names of conversations: of hers, of his, and of a deal that is neither's."""
INTRUDER, NAMESAKE = "ibexstranger", "Narwhal Ostrich"
"""An account in her room that is nobody's, and a person of the other deal."""
TALKS = (
    Talk(HERS, Tier.VALUATION, members=("ada", "bo", "cy")),
    Talk("lunch", Tier.COORDINATION),
    Talk(HIS, Tier.COORDINATION, members=("di", "el")),
)
FAY = PersonId("fay")
OWNER = Signer("ada", frozenset({Role.OWNER}))
WORDS = f"{PRICE}: our offer is 27.50 per share, gnuantler, 4.2 billion in all."
OF_WORDS = (b"gnuantler", b"27.50", b"4.2 billion")


async def test_nobody_is_ever_sent_a_byte_of_another(browser: Browser, folder: Path) -> None:
    async with (
        town(folder, talks=TALKS, people=people()) as home,
        at_browser(browser, home.origin, "ada") as ada,
        at_browser(browser, home.origin, "el") as el,
        at_browser(browser, home.origin, "fay") as fay,
        at_browser(browser, home.origin, "stranger") as stranger,
    ):
        message = await something_of_everybody(home)
        other = await another_deal(home)
        for person, deal in ((ada, home.deal), (el, home.deal), (fay, home.deal)):
            await person.signs_in((await home.client.desk_link(deal, person.name)).url)
        await stranger.signs_in((await home.client.desk_link(other, "ada")).url)
        everybody = (ada, el, fay, stranger)
        await asyncio.gather(*(at_every_page(person) for person in everybody))
        hers, his, advisers, others = [await person.all_read() for person in everybody]
    for sent in (hers, his, advisers, others):
        nothing_of(sent, *OF_WORDS)
    for own in (HERS, INTRUDER, message):
        assert own.encode() in hers, "what is her own is shown to her, or nothing was tested"
    assert HIS.encode() in his
    assert STRANGE.encode() in others
    nothing_of(hers, STRANGE, NAMESAKE, other)
    nothing_of(his, HERS, INTRUDER, message, STRANGE, NAMESAKE, other, "person:ada")
    nothing_of(advisers, HERS, HIS, INTRUDER, message, STRANGE, NAMESAKE, other, "person:ada")
    nothing_of(others, HERS, HIS, INTRUDER, message, home.deal, "person:el")


def people() -> Roster:
    """The small roster, and an adviser."""
    listed = roster((CHANNEL,), ("ada", "bo", "cy", "di", "el"))
    el = next(p for p in listed.people if p.person_id == "el")
    fay = replace(el, person_id=FAY, name="Fay", role="adviser", accounts={CHANNEL: AccountId(FAY)})
    grant = next(g for g in listed.grants if g.person_id == "el")
    return replace(
        listed,
        people=(*listed.people, fay),
        grants=(*listed.grants, replace(grant, person_id=FAY)),
    )


async def something_of_everybody(home: Town) -> str:
    """Her key counts as an owner's; in her room stands a stranger, and a message of hers waits."""
    await keys(home.client, home.deal, (OWNER,))
    await home.far.add_member(home.rooms[HERS], INTRUDER)
    post = Post(person="bo", conversation="lunch")
    sent = await home.client.send_text(home.deal, post, WORDS)

    async def held() -> bool:
        return (await home.client.message_show(sent.message_id)).state == "held"

    async def differs() -> bool:
        return (await home.client.memberships(home.deal)).counts.remove > 0

    await eventually(held)
    await eventually(differs)
    await home.far.write("el", home.rooms[HIS], "a word of el")
    return sent.message_id


async def another_deal(home: Town) -> str:
    """A deal of others, in which one bears a name that is told apart."""
    listed = roster((CHANNEL,))
    named = tuple(replace(p, name=NAMESAKE) if p.person_id == "ada" else p for p in listed.people)
    other = await new_deal(home.client, "OTTER", replace(listed, people=named))
    beside = Town(home.folder, home.origin, home.served, home.far, other)
    await beside.talk(Talk(STRANGE, Tier.COORDINATION, members=("ada", "bo")))
    return other


async def at_every_page(person: Person) -> None:
    for page in ("", *(page.key for page in PAGES)):
        await person.sees(page)


def nothing_of(sent: bytes, *markers: str | bytes) -> None:
    """Nothing of these was sent."""
    found: Sequence[bytes] = [m.encode() if isinstance(m, str) else m for m in markers]
    assert [marker for marker in found if marker in sent] == []
