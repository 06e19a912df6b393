"""Who can read a room changes behind our back: it stops, says so, and goes on once put right."""

import asyncio

from connectors.port.words import words_for
from orchestrator.demo import halcyon
from orchestrator.demo.messages_act import send
from orchestrator.demo.script import WHILE_PAUSED, WITH_NEW_DEVICE, Line
from orchestrator.demo.stage import CAST, NotSeen, Stage, name_of, user_of

_STRANGER = "idris-costa"
_NEW_PHONE = "ximena-park"
_PAUSED = "#price is paused"


async def stranger(stage: Stage) -> str:
    """The owner adds somebody who is not cleared, from his own phone: #price stops."""
    room, owner = stage.rooms["price"], stage.people[halcyon.OWNER]
    await owner.invite(room, user_of(_STRANGER))
    await stage.people[_STRANGER].join(room)
    await stage.say(f"{name_of(halcyon.OWNER)} adds {name_of(_STRANGER)} to #price from his phone.")
    message = await _stopped(stage, WHILE_PAUSED)
    await stage.say("  #price is paused. Its members are told, each in the private line.")
    await owner.kick(room, user_of(_STRANGER))
    await _goes_on(stage, WHILE_PAUSED, message)
    await stage.nobody_has(WHILE_PAUSED.text, [_STRANGER])
    await stage.say(f"  {name_of(_STRANGER)} is out again. The message goes on, and is read.")
    return "stopped, told to nine, went on"


async def new_device(stage: Stage) -> str:
    """Somebody signs in on a new phone that nobody has compared: #price stops until two have."""
    phone = stage.phone(_NEW_PHONE, "second")
    await phone.open()
    stage.people[f"{_NEW_PHONE}-second"] = phone
    await stage.say(f"{name_of(_NEW_PHONE)} signs in on a new phone.")
    message = await _stopped(stage, WITH_NEW_DEVICE)
    await stage.say("  #price is paused: nobody has compared its words yet.")
    one, other = sorted(halcyon.VALUATION - {_NEW_PHONE})[:2]
    words = " ".join(words_for(phone.device[1]))  # as she reads them out: of her own phone's key
    await stage.client.key_verify(stage.deal, _NEW_PHONE, one, other, words=words)
    await _goes_on(stage, WITH_NEW_DEVICE, message)
    if not await phone.until(
        lambda: WITH_NEW_DEVICE.text in phone.texts(stage.rooms["price"]), stage.patience
    ):
        raise NotSeen("the new phone cannot read it")
    await stage.say(f"  {name_of(one)} and {name_of(other)} called; she read out its words.")
    await stage.say("  They are the words that we have. It is read on both phones.")
    return "stopped, verified by two, went on"


async def _stopped(stage: Stage, line: Line) -> str:
    """Sends into #price, and sees that members are told and nobody gets it; returns its id."""
    message = await send(stage, line, line.label)
    members = sorted(halcyon.VALUATION)
    await asyncio.gather(*(stage.told(person, _PAUSED) for person in members))
    await stage.told(line.author, "Held. Nobody has seen it.")
    await stage.nobody_has(line.text, CAST)
    return message


async def _goes_on(stage: Stage, line: Line, message: str) -> None:
    """Waits until the room goes on, and has the message go where it was meant to."""
    loop = asyncio.get_running_loop()
    end = loop.time() + stage.patience
    while (await stage.client.conv_show(stage.deal, line.label)).rooms[0].paused:
        if loop.time() > end:
            raise NotSeen(f"#{line.label} does not go on")
        await asyncio.sleep(0.1)
    await stage.client.held_move(message, line.label)
    await stage.arrives(line.reader, line.label, line.text)
