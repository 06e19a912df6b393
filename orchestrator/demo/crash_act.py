"""The process is killed with deliveries under way; afterwards each is there exactly once."""

import asyncio
from collections.abc import Sequence

from orchestrator.client.views import Post
from orchestrator.demo.script import BURST
from orchestrator.demo.stage import NotSeen, Stage, name_of

BURST_SIZE = 16
"""Messages in each of the conversations."""


async def crash(stage: Stage) -> str:
    """Kills `serve` in the middle of a burst and starts it again."""
    numbers = range(stage.handed_in, stage.handed_in + BURST_SIZE)
    stage.handed_in += BURST_SIZE
    texts = {label: [t.format(n=n) for n in numbers] for _, label, _, t in BURST}
    await asyncio.gather(
        *(_hand_in(stage, author, label, texts[label]) for author, label, _, _ in BURST)
    )
    count = sum(map(len, texts.values()))
    await _some_arrived(stage, texts)
    await stage.served.kill()
    before = sum([await _count(stage, r, label, texts[label]) for _, label, r, _ in BURST])
    await stage.say(f"{count} messages are accepted. The process is killed after {before} arrived.")
    await stage.served.start()
    for _, label, reader, _ in BURST:
        await stage.arrives(reader, label, texts[label][-1])
        await _each_once(stage, reader, label, texts[label])
    if before >= count:
        raise NotSeen("it was killed too late: everything had arrived")
    await stage.say(f"  Started again: {count} of {count} are there, each once, in order.")
    return f"{count} accepted, {before} before the kill, none lost, none twice"


async def _hand_in(stage: Stage, author: str, label: str, texts: Sequence[str]) -> None:
    for text in texts:
        await stage.client.send_text(stage.deal, Post(person=author, conversation=label), text)


async def _some_arrived(stage: Stage, texts: dict[str, list[str]]) -> None:
    """Waits for the first message of the burst on each watched phone."""
    for _, label, reader, _ in BURST:
        await stage.arrives(reader, label, texts[label][0])


async def _count(stage: Stage, reader: str, label: str, texts: Sequence[str]) -> int:
    phone = stage.people[reader]
    await phone.sync()
    return sum(text in texts for text in phone.texts(stage.rooms[label]))


async def _each_once(stage: Stage, reader: str, label: str, texts: Sequence[str]) -> None:
    """Holds the phone's own list against what was accepted: none lost, none twice, in order."""
    await stage.people[reader].sync()
    room = stage.rooms[label]
    got = [s for s in stage.people[reader].seen if s.room == room and s.said in set(texts)]
    keys = {s.delivery_key for s in got}
    if [s.said for s in got] != list(texts) or None in keys or len(keys) != len(texts):
        raise NotSeen(f"{name_of(reader)} has {len(got)} of {len(texts)}, or in another order")
