"""Verification: by words, for a span, and paused at once when a key is another."""

import pytest

from connectors.memory.network import Options
from connectors.port.words import words_for
from orchestrator.client.problems import Refused
from orchestrator.clock import DAY
from orchestrator.deals.lapsing import RULE
from tiers.ids import PersonId
from tiers.tier import Tier
from tiers.trust import VERIFIED_FOR

from .conftest import House, Opens, eventually
from .house import ACTOR, PRICE, Talk, verify_all

BO, ADA, CY = PersonId("bo"), PersonId("ada"), PersonId("cy")
TALKS = (Talk("price", Tier.VALUATION),)


async def paused(house: House, label: str = "price") -> bool:
    [(why,)] = await house.rows("SELECT paused FROM room WHERE room = ?", house.room(label))
    return why is not None


async def first_device(house: House) -> str:
    return next(iter(await house.far.register("bo")))


async def new_key(house: House) -> str:
    """Bo's phone shows another key."""
    await house.far.change_key("bo", await first_device(house), "another-key")

    async def stopped() -> bool:
        return await paused(house)

    await eventually(stopped)
    return "another-key"


async def test_a_changed_key_pauses_at_once_and_its_words_open_it_again(opens: Opens) -> None:
    house = await opens(TALKS)
    key = await new_key(house)
    told = await house.told("ada")
    assert "never on one that came with it" in told[-1].text
    with pytest.raises(Refused, match="reads so"):
        await house.home.key_verify(house.deal, BO, ADA, CY, words="adroitness Zulu", actor=ACTOR)
    assert await paused(house)
    said = " ".join(words_for(key)).upper()
    found = await house.home.key_verify(house.deal, BO, ADA, CY, words=said, actor=ACTOR)
    assert {(k.key, k.state) for k in found} == {(key, "verified")}
    assert found[0].words == words_for(key)
    assert not await paused(house)


async def test_what_was_not_read_out_is_not_verified(opens: Opens) -> None:
    house = await opens(TALKS)
    key = await new_key(house)
    await house.far.add_device("bo", "PHONE2", "a-second-key")
    await house.quiet()

    async def seen() -> bool:
        keys = await house.home.key_list(house.deal, BO)
        return any(k.device == "PHONE2" for k in keys)

    await eventually(seen)
    said = " ".join(words_for(key))
    found = await house.home.key_verify(house.deal, BO, ADA, CY, words=said, actor=ACTOR)
    assert {k.key: k.state for k in found} == {key: "verified", "a-second-key": "seen"}
    assert await paused(house), "the other device still reads what goes in"


async def test_a_ceremony_lapses_is_told_before_and_is_renewed(opens: Opens) -> None:
    house = await opens(TALKS, options=Options())
    runtime = house.home.runtime
    house.clock.ahead = VERIFIED_FOR - 13 * DAY
    await runtime.watcher.look_at_all()
    assert RULE in await house.findings()
    house.clock.ahead = VERIFIED_FOR + DAY
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"pinned"}
    [account] = (await house.home.person_show(house.deal, BO)).accounts
    assert account.keys == {"pinned": 1}
    assert "(pinned)" in (await house.home.person_call_back(house.deal, BO)).ask[0]
    binding = next(b for _, b in runtime.book.rooms())
    view = await runtime.observer.view(runtime.book.deals[house.deal], binding, not_before=0)
    states = {d.state.value for r in view.recipients for d in r.devices or () if d.state}
    assert states == {"pinned"}, "nothing that was kept in memory says verified"
    message = await house.send(f"{PRICE} again", to="price")
    assert await house.ends(message) == "held"
    await verify_all(house.home, house.deal)
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"verified"}
    await runtime.watcher.look_at_all()
    assert RULE not in await house.findings()
