"""Valuation on Signal: it disappears; a changed safety number stops it until two have called."""

import asyncio

from connectors.signal.standin.views import Message
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
    await make_board(stage)
    await board_read_back(stage)
    await stage.say("#board is on Signal: no link, only admins let in, messages go after 7 days.")
    return await board_carries(stage)


async def board_carries(stage: Stage) -> str:
    """A price goes to #board; a member's phone shows it, and for how long."""
    shown = await _reaches(stage, ON_SIGNAL, ON_SIGNAL.reader)
    if shown.timer != _WEEK_S or shown.expires_at is None:
        raise NotSeen("it does not disappear")
    await stage.nobody_has(ON_SIGNAL.text)
    await stage.say(f'"{ON_SIGNAL.text}"')
    await stage.say(
        f"  valuation: to #board by Signal. {name_of(ON_SIGNAL.reader)} reads it; "
        "in 7 days it is gone."
    )
    return f"{len(MEMBERS)} phones, timer of 7 days seen in traffic"


async def _reaches(stage: Stage, line: Line, person: str) -> Message:
    """Sends a line to #board; the message as a person's phone shows it. Raises: NotSeen."""
    before = await _timestamps(stage, person, line)
    await send(stage, line, line.label)
    return await _shown_anew(stage, line, person, before)


async def _timestamps(stage: Stage, person: str, line: Line) -> frozenset[int]:
    """Of the messages with this line that a phone shows already."""
    shown = await stage.signal.shown(person, stage.rooms["board"])
    return frozenset(m.timestamp for m in shown if line.text in (m.text or ""))


async def _shown_anew(
    stage: Stage, line: Line, person: str, before: frozenset[int] = frozenset()
) -> Message:
    shown = await stage.signal.until(
        person,
        stage.rooms["board"],
        lambda m: line.text in (m.text or "") and m.timestamp not in before,
        stage.patience,
    )
    if shown is None:
        raise NotSeen(f"{name_of(person)}'s phone does not show it")
    return shown


async def make_board(stage: Stage) -> None:
    """Makes #board, has its members' numbers compared and its timer seen."""
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


async def _until_held(stage: Stage, guarantee: str) -> RoomView:
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        [room] = (await stage.client.conv_show(stage.deal, "board")).rooms
        if any(g.guarantee == guarantee and g.evidence == "verified" for g in room.guarantees):
            return room
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen(f"{guarantee} of #board is not verified")


async def board_read_back(stage: Stage) -> str:
    """Holds what the far side says of the group against what was promised."""
    group = await stage.signal.hand.group(stage.rooms["board"])
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
    return "as promised"


async def safety_number(stage: Stage) -> str:
    """A member's safety number changes: #board stops until two have compared the new one."""
    before = {who: await _timestamps(stage, who, WITH_NEW_NUMBER) for who in MEMBERS}
    await stage.signal.hand.reinstall(_NEW_NUMBER, tell=True)
    await stage.say(f"{name_of(_NEW_NUMBER)}'s safety number on Signal has changed.")
    message = await send(stage, WITH_NEW_NUMBER, "board")
    await stage.told(WITH_NEW_NUMBER.author, "Held. Nobody has seen it.")
    for who, known in before.items():
        if await _timestamps(stage, who, WITH_NEW_NUMBER) - known:
            raise NotSeen(f"{name_of(who)} has it")
    await stage.say("  #board is paused: nobody has compared it yet. The message is held.")
    one, other = [person for person in MEMBERS if person != _NEW_NUMBER][:2]
    await stage.client.key_verify(stage.deal, _NEW_NUMBER, one, other)
    await stage.client.held_release(message)
    await _shown_anew(stage, WITH_NEW_NUMBER, _NEW_NUMBER, before[_NEW_NUMBER])
    await stage.say(f"  {name_of(one)} and {name_of(other)} called. It goes on, and is read.")
    return "stopped, verified by two, went on"
