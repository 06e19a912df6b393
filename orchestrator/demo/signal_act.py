"""Valuation on Signal: it disappears; a changed safety number stops it until two have called."""

import asyncio

from orchestrator.client.views import NewConversation, RoomView
from orchestrator.demo import halcyon
from orchestrator.demo.messages_act import send
from orchestrator.demo.phones import OURS
from orchestrator.demo.script import ON_SIGNAL, WITH_NEW_NUMBER, Line
from orchestrator.demo.stage import ON_SIGNAL as MEMBERS
from orchestrator.demo.stage import SIGNAL, NotSeen, Stage, name_of
from tiers.tier import Tier

_OWNER = "ximena-park"
_NEW_NUMBER = "yara-nassar"
_WEEK_S = 7 * 24 * 3600
_HELLO = "Good morning."
_LOOK_EVERY_S = 0.1


async def board(stage: Stage) -> str:
    """#board is made on Signal, read back by its members' phones, and carries a price."""
    room = await _make(stage)
    await _read_back(stage, room)
    await stage.say("#board is on Signal: no link, only admins let in, messages go after 7 days.")
    await send(stage, ON_SIGNAL, ON_SIGNAL.label)
    shown = await stage.signal.until(
        ON_SIGNAL.reader, room, lambda m: ON_SIGNAL.text in (m.text or ""), stage.patience
    )
    if shown is None:
        raise NotSeen(f"{name_of(ON_SIGNAL.reader)}'s phone does not show it")
    if shown.timer != _WEEK_S or shown.expires_at is None:
        raise NotSeen("it does not disappear")
    await stage.nobody_has(ON_SIGNAL.text)
    await stage.say(f'"{ON_SIGNAL.text}"')
    await stage.say(
        f"  valuation: to #board by signal. {name_of(ON_SIGNAL.reader)} reads it; it disappears."
    )
    return f"{len(MEMBERS)} phones, timer of 7 days seen in traffic"


async def _make(stage: Stage) -> str:
    await stage.client.channel_list()
    new = NewConversation(
        label="board",
        floor=Tier.VALUATION.value,
        channel=SIGNAL,
        owner=_OWNER,
        compartment=halcyon.BOARD,
    )
    made = await stage.client.conv_new(stage.deal, new)
    room = stage.rooms["board"] = made.rooms[0].room
    for who in MEMBERS:
        one, other = [person for person in MEMBERS if person != who][:2]
        await stage.client.key_verify(stage.deal, who, one, other)
    # the server tells no timer: we believe it once a member's message has brought it
    await stage.signal.hand.write(ON_SIGNAL.reader, _HELLO, group=room)
    await _until_held(stage, "timer")
    return room


async def _until_held(stage: Stage, guarantee: str) -> RoomView:
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        [room] = (await stage.client.conv_show(stage.deal, "board")).rooms
        if any(g.guarantee == guarantee and g.evidence == "verified" for g in room.guarantees):
            return room
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen(f"{guarantee} of #board is not verified")


async def _read_back(stage: Stage, room: str) -> None:
    """Holds what the far side says of the group against what was promised."""
    group = await stage.signal.hand.group(room)
    wrong = [
        *([] if set(group.members) == {*MEMBERS, OURS} else ["members differ from the list"]),
        *([] if group.timer == _WEEK_S else ["no timer of seven days"]),
        *([] if group.link == "disabled" else ["a link lets people in"]),
        *([] if group.add_members == "only-admins" else ["every member may let people in"]),
        *([] if {_OWNER, OURS} <= set(group.admins) else ["the owner is no admin"]),
        *(word for word in ("halcyon", "board", "valuation") if word in group.name.casefold()),
    ]
    if wrong:
        raise NotSeen(f"#board: {', '.join(wrong)}")


async def safety_number(stage: Stage) -> str:
    """A member's safety number changes: #board stops until two have compared the new one."""
    room = stage.rooms["board"]
    await stage.signal.hand.reinstall(_NEW_NUMBER, tell=True)
    await stage.say(f"{name_of(_NEW_NUMBER)}'s safety number on Signal has changed.")
    message = await send(stage, WITH_NEW_NUMBER, "board")
    await stage.told(WITH_NEW_NUMBER.author, "Held. Nobody has seen it.")
    await _nobody_shows(stage, WITH_NEW_NUMBER)
    await stage.say("  #board is paused: nobody has compared it. The message is held.")
    one, other = [person for person in MEMBERS if person != _NEW_NUMBER][:2]
    await stage.client.key_verify(stage.deal, _NEW_NUMBER, one, other)
    await stage.client.held_release(message)
    shown = await stage.signal.until(
        _NEW_NUMBER, room, lambda m: WITH_NEW_NUMBER.text in (m.text or ""), stage.patience
    )
    if shown is None:
        raise NotSeen(f"{name_of(_NEW_NUMBER)}'s phone does not show it")
    await stage.say(f"  {name_of(one)} and {name_of(other)} called. It goes on, and is read.")
    return "stopped, verified by two, went on"


async def _nobody_shows(stage: Stage, line: Line) -> None:
    for person in MEMBERS:
        shown = await stage.signal.shown(person, stage.rooms["board"])
        if any(line.text in (m.text or "") for m in shown):
            raise NotSeen(f"{name_of(person)} has it")
