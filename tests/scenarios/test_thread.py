"""Answers and corrections carried where both networks have them, and else said; by the far side."""

import pytest

from connectors.memory.farside import Seen
from tiers.ids import ConnectorName

from .conftest import OURS, House, Opens
from .house import PRICE
from .test_flow_legs import BOTH, SITS, mirrored

FIRST, SECOND = BOTH
SAID = "Lunch is at noon in room four."
NEW = "Lunch is at one in room five."


class Nothing:
    """What no connector can do."""


async def copies(house: House, channel: str) -> list[Seen]:
    """What of people's words we brought to a room."""
    inbox = await house.others[channel].inbox(SITS[channel][-1], house.room("lunch", channel))
    return [m for m in inbox if m.sender == OURS and m.author_line is not None]


async def written(house: House, channel: str, who: str, text: str, **more: str) -> str:
    """Somebody writes, and what follows of it is done."""
    remote = await house.others[channel].write(who, house.room("lunch", channel), text, **more)  # type: ignore[arg-type]  # what it answers or replaces
    await house.ends(await house.taken(remote, ConnectorName(channel)))
    return remote


async def test_an_answer_to_our_copy_answers_the_message_itself(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    [copy] = await copies(house, SECOND)
    await written(house, SECOND, "el", "I come.", reply_to=copy.id)
    [answer] = await copies(house, FIRST)
    assert (answer.reply_to, answer.author_line) == (said, "El")


async def test_an_answer_to_the_message_answers_each_copy(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    await written(house, FIRST, "di", "I come.", reply_to=said)
    first, answer = await copies(house, SECOND)
    assert (answer.reply_to, answer.author_line) == (first.id, "Di")


async def test_an_answer_to_what_the_room_has_not_names_its_author_alone(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    sql = "UPDATE delivery SET remote_id = NULL WHERE conversation_id IS NOT NULL"
    await house.home.runtime.store.write(lambda tx: tx.run(sql))
    await written(house, FIRST, "di", "I come.", reply_to=said)
    answer = (await copies(house, SECOND))[-1]
    assert (answer.reply_to, answer.author_line) == (None, "Di (in answer to Ada)")
    assert SAID not in answer.text


async def test_a_correction_replaces_our_copy_and_a_second_one_too(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    await written(house, FIRST, "ada", NEW, edits=said)
    await written(house, FIRST, "ada", f"{NEW} Sorry.", edits=said)
    first, second, third = await copies(house, SECOND)
    assert (second.edits, second.text, second.author_line) == (first.id, NEW, "Ada")
    assert (third.edits, third.text) == (first.id, f"{NEW} Sorry.")


async def test_where_a_network_changes_nothing_a_correction_is_said(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.wiring.live.EditsMessages", Nothing)
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    await written(house, FIRST, "ada", NEW, edits=said)
    first, second = await copies(house, SECOND)
    assert (second.edits, second.reply_to) == (None, first.id)
    assert second.author_line == "Ada (corrected)"


async def test_nobody_corrects_what_another_wrote(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    await written(house, FIRST, "di", NEW, edits=said)
    _, second = await copies(house, SECOND)
    assert (second.edits, second.author_line) == (None, "Di")


async def test_a_correction_above_the_room_is_held_and_the_copy_stays(opens: Opens) -> None:
    house = await mirrored(opens)
    said = await written(house, FIRST, "ada", SAID)
    above = f"{PRICE}: we raise our offer to 27.50 per share."
    remote = await house.far.write("ada", house.room("lunch"), above, edits=said)
    assert await house.ends(await house.taken(remote)) == "held"
    assert [m.text for m in await copies(house, SECOND)] == [SAID]
