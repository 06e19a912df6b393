"""What was prevented is told as the chain has it: held is not withdrawn, and nobody is named."""

from hashlib import sha256

import pytest

from orchestrator.client.prevented import PreventedView
from orchestrator.client.problems import Missing, Waits
from orchestrator.clock import HOUR
from orchestrator.command.prevented import AtClose
from orchestrator.command.prevented_page import MADE_UP
from tiers.people import Phase

from .conftest import House, eventually
from .house import ACTOR
from .test_approvals import ADA, BO, CY, TEXT, asked, found, hold, say

NAMES = ("ada", "Ada", "Kestrel", "Marlow", "27.50", "#price", "#lunch")


async def shown(house: House) -> PreventedView:
    return await house.home.prevented_show(house.deal, None, None)


async def test_held_through_us_and_withdrawn_from_a_room_are_told_apart(house: House) -> None:
    assert sum((await shown(house)).counts.values()) == 0
    message = await hold(house)
    await house.far.write("bo", house.room("lunch"), TEXT)

    async def gone() -> bool:
        return (await shown(house)).counts["withdrawn"] == 1

    await eventually(gone)
    view = await shown(house)
    assert (view.counts["held"], view.counts["withdrawn"], view.counts["stood"]) == (1, 1, 0)
    by_kind = {row.kind: row for row in view.rows}
    assert by_kind["held"].subject == message
    assert by_kind["held"].seen == 0
    assert by_kind["held"].grade == "record"
    assert by_kind["withdrawn"].seen == 4, "ada, cy, di and el"
    assert by_kind["withdrawn"].grade == "network"
    assert by_kind["withdrawn"].ended_at is not None
    entries = await house.rows(
        "SELECT n FROM audit WHERE deal_id = ? AND instr(body, CAST(? AS BLOB)) > 0",
        house.deal,
        message,
    )
    assert set(by_kind["held"].entries) <= {n for (n,) in entries}


async def test_what_two_let_go_stays_listed_as_let_go(house: House) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    with pytest.raises(Waits):
        await house.home.held_move(message, "lunch", actor=ACTOR)
    request = await asked(house)
    await say(house, request, BO)
    await say(house, request, CY)
    view = await shown(house)
    assert [(row.kind, row.became) for row in view.rows if row.what == "message"] == [
        ("held", "let_go")
    ]


async def test_a_report_names_nobody_is_recorded_and_the_same_again(house: House) -> None:
    await hold(house)
    data = await house.home.prevented_report(house.deal, None, None, actor=ACTOR)
    text = data.decode()
    assert MADE_UP in text
    assert "local:test" in text
    assert "1 message was held before anybody saw them" in text
    for name in NAMES:
        assert name not in text
    for active in ("<script", "http:", "https:", "src=", "href=", "url("):
        assert active not in text
    [line, *_] = [
        e for e in await house.home.audit_tail(house.deal, 20) if e.kind == "prevented.reported"
    ]
    assert sha256(data).hexdigest() in str(line)


async def test_the_filter_is_on_the_first_page_and_holds(house: House) -> None:
    await hold(house)
    at = house.home.runtime.now()
    later = await house.home.prevented_show(house.deal, at + HOUR, None)
    assert sum(later.counts.values()) == 0
    data = await house.home.prevented_report(house.deal, at + HOUR, at + 2 * HOUR, actor=ACTOR)
    assert b"Nothing had to be stopped." in data
    assert b"covers</td><td>from 20" in data


async def test_at_its_close_one_is_made_once_and_can_be_made_anew(house: House) -> None:
    await hold(house)
    with pytest.raises(Missing):
        await house.home.prevented_closing(house.deal)
    await house.home.deal_phase(house.deal, Phase.CLOSED, actor=ACTOR)
    look = AtClose(house.home.runtime)
    await look.look()
    await look.look()
    closing = await house.home.prevented_closing(house.deal)
    assert closing.same
    sql = "SELECT count(*) FROM audit WHERE deal_id = ? AND instr(entry, ?) > 0"
    made = await house.rows(sql, house.deal, b'"prevented.reported"')
    assert made == [(1,)]
    await house.home.prevented_report(house.deal, None, None, actor=ACTOR)
    assert (await house.home.prevented_closing(house.deal)).hash == closing.hash
