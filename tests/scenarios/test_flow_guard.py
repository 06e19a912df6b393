"""What changes between routing and sending stops a delivery: the guard decides on facts read then.

The channel stands still while a message is routed; then something changes; then the channel goes
on. What the far side saw tells whether anything went out.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from connectors.memory.faults import FaultKind
from orchestrator.clock import HOUR
from orchestrator.roster.document import to_document
from tiers.ids import CompartmentId, MessageId, PersonId
from tiers.people import DEAL, Grant, Span, Wall
from tiers.tier import Tier

from .conftest import House, eventually
from .house import ACTOR, BEGINS, CHANNEL, roster, without

Change = Callable[[House], Awaitable[object]]
SAID = "The room is open again and the list was read."


async def adopt(house: House, people: object) -> None:
    await house.home.adopt(house.deal, "roster", to_document(people), actor=ACTOR)  # type: ignore[arg-type]  # one shape for all changes


async def clearance_ends(house: House) -> None:
    await adopt(house, without(roster(), "cy"))


async def clearance_expires(house: House) -> None:
    soon = house.clock() + HOUR
    grants = tuple(replace(g, span=Span(BEGINS, soon)) for g in roster().grants)
    await adopt(house, replace(roster(), grants=grants))
    house.clock.ahead += 2 * HOUR


async def wall_goes_up(house: House) -> None:
    """The reader is on its other side from now on; the room's list still has him."""
    clean = CompartmentId("clean")
    kept = tuple(g for g in roster().grants if g.person_id != "bo")
    grants = (*kept, Grant(PersonId("bo"), clean, Tier.VALUATION, Span(BEGINS)))
    walls = (Wall(DEAL, clean, Span(BEGINS)),)
    await adopt(house, replace(roster(), grants=grants, walls=walls))


async def key_changes(house: House) -> None:
    device = next(iter((await house.far.directory())["accounts"]["bo"]))
    await house.far.change_key("bo", device, "another key")


async def new_device(house: House) -> None:
    await house.far.add_device("bo", "PHONE2", "a key")


async def timer_goes_off(house: House) -> None:
    await house.far.change(house.room("price"), timer=None)


async def link_is_made(house: House) -> None:
    await house.far.change(house.room("price"), by="ada", no_public_link=False)


async def stranger_comes_in(house: House) -> None:
    await house.far.add_member(house.room("price"), "mallory", by="ada")


async def hidden_reader(house: House) -> None:
    await house.far.hide_member(house.room("price"), "mallory")


async def posture_is_not_told(house: House) -> None:
    await house.far.inject(FaultKind.UNREADABLE, verb="posture", times=None)


async def members_are_not_told(house: House) -> None:
    await house.far.inject(FaultKind.UNREADABLE, verb="members", times=None)


async def half_of_the_members_are_told(house: House) -> None:
    await house.far.inject(FaultKind.PARTIAL_MEMBERS, times=None)


async def room_is_gone(house: House) -> None:
    await house.far.vanish(house.room("price"))


async def clock_goes_back(house: House) -> None:
    house.clock.ahead -= HOUR


async def network_disagrees_on_time(house: House) -> None:
    await house.far.skew(10 * 60 * 1_000_000)


CHANGES: tuple[Change, ...] = (
    clearance_ends,
    clearance_expires,
    wall_goes_up,
    key_changes,
    new_device,
    timer_goes_off,
    link_is_made,
    stranger_comes_in,
    hidden_reader,
    posture_is_not_told,
    members_are_not_told,
    half_of_the_members_are_told,
    room_is_gone,
    network_disagrees_on_time,
)


async def routed(house: House, label: str, text: str = SAID) -> MessageId:
    """A message that is routed and not sent: its channel stands still."""
    await house.home.channel_pause(CHANNEL, "test", actor=ACTOR)
    message = await house.send(text, to=label)

    async def waits() -> bool:
        return await house.state(message) == "delivering"

    await eventually(waits)
    return message


async def goes_on(house: House) -> None:
    await house.home.channel_resume(CHANNEL, actor=ACTOR)


async def test_unchanged_it_is_sent(house: House) -> None:
    message = await routed(house, "price")
    assert await house.arrived() == []
    await goes_on(house)
    assert await house.ends(message) == "delivered"
    assert await house.seen("cy", "price") == [SAID]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_what_changes_in_between_holds_it(house: House, change: Change) -> None:
    message = await routed(house, "price")
    await change(house)
    await goes_on(house)
    assert await house.ends(message) == "held"
    assert await house.arrived() == [], await house.reasons(message)
    assert await house.reasons(message)


# Of a hidden reader only the network knows, in the step that sends.
AT_ONCE = [change for change in CHANGES if change is not hidden_reader]


@pytest.mark.parametrize("change", [*AT_ONCE, clock_goes_back], ids=lambda change: change.__name__)
async def test_what_is_so_already_holds_it_at_once(house: House, change: Change) -> None:
    await change(house)
    message = await house.send(SAID, to="price")
    assert await house.ends(message) == "held"
    assert await house.arrived() == []


async def test_what_was_stopped_is_its_authors_again(house: House) -> None:
    message = await routed(house, "price")
    await timer_goes_off(house)
    await goes_on(house)
    await house.ends(message)
    [held] = await house.home.held_list(house.deal)
    assert (held.message_id, held.author, held.owner) == (message, "ada", "ada")
    assert held.seen == "nobody"
    told = await house.told("ada")
    assert told[-1].text.startswith("Held. Nobody has seen it.")


async def test_what_was_stopped_goes_once_it_is_right_again(house: House) -> None:
    timer = (await house.far.state(house.room("price")))["timer"]
    message = await routed(house, "price")
    await timer_goes_off(house)
    await goes_on(house)
    assert await house.ends(message) == "held"
    await house.far.change(house.room("price"), timer=timer)
    await house.quiet()
    house.home.runtime.observer.forget(CHANNEL)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await house.seen("cy", "price") == [SAID]
    assert await house.rows("SELECT 1 FROM sealed WHERE owner = ?", message) == []


async def test_what_waits_when_the_clock_goes_back_waits_until_it_is_right(house: House) -> None:
    message = await routed(house, "lunch")
    await clock_goes_back(house)
    await goes_on(house)
    await house.quiet()
    assert await house.arrived() == []
    house.clock.ahead = 0
    await goes_on(house)
    assert await house.ends(message) == "delivered"


async def test_nothing_goes_while_the_clock_is_back_and_it_goes_once_it_is_right(
    house: House,
) -> None:
    await clock_goes_back(house)
    message = await house.send(SAID, to="lunch")
    assert await house.ends(message) == "held"
    assert "clock" in await house.reasons(message)
    house.clock.ahead = 0
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
