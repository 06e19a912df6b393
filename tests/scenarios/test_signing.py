"""In a signing window one settles a release that another asked for; what is decided stays so.

Looked at from the far side: what people's own clients show.
"""

import pytest

from orchestrator.approvals.errors import NotAllowed
from orchestrator.client.problems import Missing, Refused, Unready, Waits, Wrong
from orchestrator.client.signing import NewWindow
from orchestrator.clock import DAY, HOUR
from orchestrator.command.held_desk import HeldActs
from tiers.ids import MessageId, PersonId
from tiers.rights import DeskRole, Seat, Viewer
from tiers.signing import LONGEST

from .conftest import House, eventually
from .house import ACTOR
from .test_approvals import ADA, BO, CY, DI, TEXT, asked, found, hold, say

BY_BO = "person:bo"


async def opened(house: House, into: str = "lunch", people: str = "ada bo di") -> str:
    """A window from now until the signing in two days."""
    await found(house, ADA, BO, CY, DI)
    signing = house.home.runtime.now() + 2 * DAY
    await house.home.signing_set(house.deal, signing, actor=ACTOR)
    new = NewWindow(people=tuple(people.split()), conversations=(into,))
    with pytest.raises(Waits):
        await house.home.window_new(house.deal, new, actor=ACTOR)
    request = await asked(house)
    shown = await house.home.approval_show(request)
    assert "#lunch" in " ".join(shown.changes)
    assert (await say(house, request, ADA)).state == "waits", "one opens no window"
    assert (await say(house, request, CY)).state == "done"
    [window] = await house.home.window_list(house.deal)
    assert (window.window, window.state) == (request, "open")
    return request


def showed(house: House, person: str, *roles: DeskRole) -> Viewer:
    """Somebody at the desk whose session showed the key that gives him these roles."""
    seat = Seat(house.deal, PersonId(person), frozenset({DeskRole.PARTICIPANT, *roles}))
    return Viewer(f"person:{person}", seats={house.deal: seat}, session="ses_1")


async def ask(
    house: House,
    message: MessageId,
    actor: str,
    to: str = "lunch",
    roles: tuple[DeskRole, ...] = (DeskRole.APPROVER,),
) -> int:
    """Asks for a release; how many signatures it takes."""
    viewer = showed(house, actor.removeprefix("person:"), *roles)
    with pytest.raises(Waits):
        await house.home.held_move(message, to, actor=actor, viewer=viewer)
    shown = await house.home.approval_show(await asked(house))
    return shown.needed


async def test_one_settles_what_another_asked_for(house: House) -> None:
    await opened(house)
    message = await hold(house)
    assert await ask(house, message, BY_BO) == 1
    request = await asked(house)
    assert (await house.home.approval_show(request)).may_agree == ("di",)
    for person in (ADA, BO, CY):  # its author, whoever asked, and one who is not on its list
        with pytest.raises(NotAllowed, match="may not agree"):
            await say(house, request, person)
    assert await house.state(message) == "held"
    assert (await say(house, request, DI)).state == "done"
    assert await house.ends(message) == "delivered"
    assert await house.seen("el", "lunch") == [TEXT]


async def test_whoever_came_by_a_link_alone_asks_for_two(house: House) -> None:
    """The home's own user makes links: as Bo by one, and as Di by his key, he would be both."""
    await opened(house)
    message = await hold(house, "bo")
    assert await ask(house, message, BY_BO, roles=()) == 2
    request = await asked(house)
    assert (await say(house, request, DI)).state == "waits"
    assert await house.state(message) == "held"


async def test_at_the_desk_a_key_that_was_shown_makes_the_difference(house: House) -> None:
    await opened(house)
    message = await hold(house, "bo")
    acts = HeldActs(house.home.runtime)
    [by_link, by_key] = [
        (await acts.ask(house.deal, message, showed(house, "bo", *roles))).request
        for roles in ((), (DeskRole.APPROVER,))
    ]
    assert by_link is not None
    assert by_key is not None
    needed = {r.needed for r in await house.home.approval_list(house.deal, every=False)}
    assert needed == {1, 2}


async def test_whoever_is_not_known_to_be_anybody_asks_for_two(house: House) -> None:
    await opened(house)
    assert await ask(house, await hold(house), ACTOR) == 2


async def test_somebody_without_a_key_asks_for_two(house: House) -> None:
    await opened(house)
    assert await ask(house, await hold(house), "person:el") == 2


async def test_a_room_that_is_not_listed_takes_two(house: House) -> None:
    await opened(house)
    assert await ask(house, await hold(house, to="supply"), BY_BO, "supply") == 2


async def test_before_it_opens_and_once_it_is_over_it_takes_two(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    signing = house.home.runtime.now() + 9 * DAY
    await house.home.signing_set(house.deal, signing, actor=ACTOR)
    new = NewWindow(people=("bo", "di"), conversations=("lunch",))
    with pytest.raises(Waits):
        await house.home.window_new(house.deal, new, actor=ACTOR)
    request = await asked(house)
    await say(house, request, ADA)
    await say(house, request, CY)
    [window] = await house.home.window_list(house.deal)
    assert (window.state, window.opens) == ("later", signing - LONGEST)
    assert await ask(house, await hold(house), BY_BO) == 2


@pytest.mark.parametrize("how", ["withdrawn", "moved", "left"])
async def test_what_ends_a_window_ends_what_waits_under_it(house: House, how: str) -> None:
    window = await opened(house)
    message = await hold(house)
    assert await ask(house, message, BY_BO) == 1
    request = await asked(house)
    if how == "withdrawn":
        await house.home.window_close(house.deal, window, actor=ACTOR)
    elif how == "moved":
        later = house.home.runtime.now() + 2 * DAY + HOUR
        await house.home.signing_set(house.deal, later, actor=ACTOR)
    else:
        await house.home.approver_withdraw(house.deal, BO.person, actor=ACTOR)
    assert (await say(house, request, DI)).state == "waits"
    assert await house.state(message) == "held"
    await house.quiet()
    assert await house.arrived() == []


async def test_it_lapses_with_the_window(house: House) -> None:
    await opened(house)
    message = await hold(house)
    assert await ask(house, message, BY_BO) == 1
    shown = await house.home.approval_show(await asked(house))
    [window] = await house.home.window_list(house.deal)
    assert shown.expires_at == window.closes


async def test_no_guarantee_is_lowered_in_a_window(house: House) -> None:
    """Somebody whom nobody cleared came into the room: agreed to, and still not sent."""
    await opened(house)
    message = await hold(house)
    assert await ask(house, message, BY_BO) == 1
    request = await asked(house)
    await house.far.add_member(house.room("lunch"), "mallory", by="ada")

    async def noticed() -> bool:
        return "unknown_member" in await house.findings()

    await eventually(noticed)
    with pytest.raises(Refused, match="could not be carried out"):
        await say(house, request, DI)
    assert await house.state(message) == "held"
    assert await house.arrived() == []


async def test_what_no_window_is_asked_for_with(house: House) -> None:
    home, deal = house.home, house.deal
    new = NewWindow(people=("bo", "di"), conversations=("lunch",))
    with pytest.raises(Unready, match="founded"):
        await home.window_new(deal, new, actor=ACTOR)
    await found(house, ADA, BO, CY, DI)
    with pytest.raises(Unready, match="when the deal is to be signed"):
        await home.window_new(deal, new, actor=ACTOR)
    at = home.runtime.now()
    with pytest.raises(Wrong, match="past"):
        await home.signing_set(deal, at - HOUR, actor=ACTOR)
    await home.signing_set(deal, at + 2 * DAY, actor=ACTOR)
    assert (await home.signing_show(deal)).signing == at + 2 * DAY
    with pytest.raises(Refused, match="No key of el"):
        await home.window_new(
            deal, NewWindow(people=("bo", "el"), conversations=("lunch",)), actor=ACTOR
        )
    with pytest.raises(Missing):
        await home.window_new(
            deal, NewWindow(people=("bo", "di"), conversations=("nowhere",)), actor=ACTOR
        )
    for wrong in (
        NewWindow(people=("bo",), conversations=("lunch",)),
        NewWindow(people=("bo", "di"), conversations=("lunch",), opens=at - 2 * DAY),
        NewWindow(people=("bo", "di"), conversations=("lunch",), closes=at + 3 * DAY),
    ):
        with pytest.raises(Wrong, match="signing window"):
            await home.window_new(deal, wrong, actor=ACTOR)
