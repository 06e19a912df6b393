"""Texts on a live home: a passage that re-appears lower, listed names, invitations elsewhere."""

import pytest

from connectors.memory.farside import Upload
from orchestrator.clock import DAY
from orchestrator.command.risk_look import RiskLook
from orchestrator.risk.prints import WEEK
from tiers import winnowing
from tiers.classify import Part
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR

pytestmark = pytest.mark.usefixtures("untold")
LONG = (
    "The board of the harbour company met twice this month and expects the tanker lease to be "
    "settled before autumn, provided that the northern pier is dredged at the seller's own cost. "
    "Their pension gap stays with the founder's trust, which nobody outside the committee knows."
)
PASTE = " ".join(LONG.split()[8:32])


async def written(house: House, who: str, label: str, text: str) -> str:
    remote = await house.far.write(who, house.room(label), text)
    message = await house.taken(remote)
    await house.ends(message)
    await house.quiet()
    return message


async def kept(house: House) -> int:
    [(count,)] = await house.rows("SELECT count(*) FROM fingerprint")
    return int(count)


@pytest.mark.parametrize(
    "how",
    [
        PASTE,
        PASTE.upper(),
        "\n> ".join(["fyi", *(PASTE[i : i + 40] for i in range(0, len(PASTE), 40))]),
        PASTE.replace(" ", "   \n"),
        " ".join([*PASTE.split()[:11], "well", "perhaps", *PASTE.split()[13:]]),
        f"Hello all, lunch is at noon. I found this: {PASTE}. See you there, and bring the menu.",
    ],
    ids=["plain", "capitals", "quoted", "spaced", "edited", "within"],
)
async def test_a_passage_of_a_stricter_room_is_taken_back_and_found(house: House, how: str) -> None:
    await written(house, "ada", "supply", LONG)
    leak = await written(house, "di", "lunch", how)
    assert await house.state(leak) == "held"
    assert "restricted_text" in await house.findings()
    assert await house.seen("el", "lunch") == []


async def test_words_that_everybody_writes_count_within_a_passage(house: House) -> None:
    """By themselves they are looked for nowhere, and stand in the lower room as anywhere."""
    chat = (
        "so we told them that the northern pier dredging is off and they will have to call us back"
    )
    usual = (
        "is off and they will have to call us back, and so we told them that the lunch is at noon"
    )
    await written(house, "el", "lunch", usual)
    await written(house, "ada", "supply", f"I spoke with the bank today: {chat}.")
    told = [r.words for r in winnowing.runs(chat) if not r.usual]
    assert len(told) == 5, "seven words, which are no passage"
    again = await written(house, "di", "lunch", usual)
    assert await house.state(again) == "delivered"
    leak = await written(house, "di", "lunch", f"Listen, {chat}")
    assert await house.state(leak) == "held"


async def test_the_same_among_those_who_have_it_is_no_leak(house: House) -> None:
    await written(house, "ada", "supply", LONG)
    again = await written(house, "di", "supply", f"Was it this? {PASTE}")
    up = await written(house, "cy", "price", PASTE)
    assert [await house.state(m) for m in (again, up)] == ["delivered", "delivered"]
    assert "restricted_text" not in await house.findings()


async def test_what_was_said_in_the_lower_room_before_is_not_restricted(house: House) -> None:
    await written(house, "el", "lunch", LONG)
    await written(house, "ada", "supply", f"They all know this by now: {LONG}")
    again = await written(house, "el", "lunch", PASTE)
    assert await house.state(again) == "delivered"
    assert "restricted_text" not in await house.findings()


async def test_courtesies_and_notices_are_nobodys(house: House) -> None:
    usual = (
        "Please let me know if you have any questions, and do not hesitate to call me at any time "
        "if you would like to discuss this further.\n\nThis message is confidential and intended "
        "only for the recipient named above; if you received it in error please notify the sender "
        "and delete it. Any disclosure, copying or distribution is strictly prohibited.\n\nBest"
    )
    await written(house, "ada", "supply", f"The pier is open again.\n{usual}")
    again = await written(house, "di", "lunch", f"The canteen is closed on Friday.\n{usual}")
    assert await house.state(again) == "delivered"


async def test_a_file_of_plain_text_is_read_too(house: House) -> None:
    await written(house, "ada", "supply", LONG)
    upload = Upload("notes.txt", PASTE.encode(), "text/plain")
    remote = await house.far.write("di", house.room("lunch"), "minutes", files=[upload])
    message = await house.taken(remote)
    assert await house.ends(message) == "held"
    assert "restricted_text" in await house.findings()


async def test_marks_end_with_their_texts_and_with_their_key(house: House) -> None:
    await written(house, "ada", "price", LONG)
    assert await kept(house) > 10
    house.clock.ahead += 8 * DAY  # the timer of the tier has run out on it
    texts = house.home.runtime.texts
    await texts.expire()
    assert await kept(house) == 0
    house.clock.ahead += WEEK
    await texts.expire()
    sealed = "SELECT count(*) FROM sealed WHERE owner LIKE '%.prints.%'"
    assert await house.rows(sealed) == [(0,)]


async def test_no_key_of_stricter_texts_outlives_them_beside_those_of_others(house: House) -> None:
    """In an old copy of the store their marks are noise, whatever else was written that week."""
    await written(house, "ada", "price", LONG)
    await written(house, "di", "lunch", "The canteen is closed on Friday, as everybody knows.")
    house.clock.ahead += 2 * WEEK
    await house.home.runtime.texts.expire()
    sealed = "SELECT owner FROM sealed WHERE owner LIKE '%.prints.%'"
    left = [owner.split(".")[-2] for (owner,) in await house.rows(sealed)]
    assert left == ["coordination"]


async def test_after_a_restart_keys_end_in_deals_in_which_nobody_writes(opens: Opens) -> None:
    house = await opens()
    await written(house, "ada", "price", LONG)
    await house.restart()
    house.clock.ahead += 3 * WEEK
    await house.home.runtime.texts.expire()
    sealed = "SELECT count(*) FROM sealed WHERE owner LIKE '%.prints.%'"
    assert await house.rows(sealed) == [(0,)]


async def test_one_text_has_other_marks_under_each_tiers_key(house: House) -> None:
    await written(house, "ada", "price", LONG)
    await written(
        house, "di", "lunch", "Bring the menu for the harbour festival in autumn, please."
    )
    await written(
        house, "el", "lunch", "Bring the menu for the harbour festival in autumn, please."
    )
    await written(
        house, "cy", "price", "Bring the menu for the harbour festival in autumn, please."
    )
    sql = "SELECT floor, mark FROM fingerprint JOIN fingerprinted USING (message_id)"
    marks: dict[str, set[int]] = {}
    for floor, mark in await house.rows(sql):
        marks.setdefault(floor, set()).add(mark)
    assert marks["coordination"].isdisjoint(marks["valuation"])


async def test_what_everybody_wrote_in_the_lower_room_costs_one_look(house: House) -> None:
    """However often it stands there, and however often above: it is nobody's, and is not listed."""
    for _ in range(3):
        await written(house, "ada", "supply", LONG)
        await written(house, "el", "lunch", "Lunch is at noon in the canteen by the northern pier.")
    texts, deal = house.home.runtime.texts, house.home.runtime.book.deals[house.deal]
    part = Part("body", "Lunch is at noon in the canteen by the northern pier.")
    found, _ = await texts.look(deal, Tier.COORDINATION, [part])
    assert found == ()
    found, _ = await texts.look(deal, Tier.COORDINATION, [Part("body", PASTE)])
    assert [e.tier for e in found] == [Tier.OPERATIONS]
    assert (await texts.look(deal, Tier.OPERATIONS, [Part("body", PASTE)]))[0] == ()


async def test_nobody_guesses_at_marks_without_the_key(house: House) -> None:
    from tiers.winnowing import digest, mark, runs  # noqa: PLC0415 - beside what it attacks

    await written(house, "ada", "supply", LONG)
    marks = {m for (m,) in await house.rows("SELECT mark FROM fingerprint")}
    for key in (b"\0" * 32, house.deal.encode()):
        assert marks.isdisjoint(mark(digest(run.words), key) for run in runs(LONG))


async def test_after_a_restart_passages_are_known_still(opens: Opens) -> None:
    house = await opens()
    await written(house, "ada", "supply", LONG)
    await house.restart()
    leak = await written(house, "di", "lunch", PASTE)
    assert await house.state(leak) == "held"


async def test_a_listed_name_is_found_and_closed_once_it_is_seen_gone(house: House) -> None:
    await house.home.watch_add(house.deal, ["Quill Feather"], [], actor=ACTOR)
    leak = await written(house, "di", "lunch", "Has anybody seen the quill-feather file?")
    assert "watch_name" in await house.findings()

    async def undone() -> bool:
        sql = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'undo' AND state = 'done'"
        return bool(await house.rows(sql, leak))

    await eventually(undone)
    await RiskLook(house.home.runtime).look()
    assert "watch_name" not in await house.findings()


async def test_an_invitation_elsewhere_is_found_and_ends_when_it_is_taken_back(
    house: House,
) -> None:
    remote = await house.far.write("el", house.room("lunch"), "Let us move to WhatsApp for this.")
    message = await house.taken(remote)
    assert await house.ends(message) == "delivered"
    assert "off_channel" in await house.findings()
    await RiskLook(house.home.runtime).look()
    assert "off_channel" in await house.findings()
    await house.far.delete("el", house.room("lunch"), remote)
    await house.quiet()

    async def taken_back() -> bool:
        sql = "SELECT 1 FROM message WHERE message_id = ? AND taken_back_at IS NOT NULL"
        return bool(await house.rows(sql, message))

    await eventually(taken_back)
    await RiskLook(house.home.runtime).look()
    assert "off_channel" not in await house.findings()
