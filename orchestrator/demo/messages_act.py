"""Messages on every tier: they flow, are held, are withdrawn, and find their own way."""

import asyncio
import re

from orchestrator.client.views import Post
from orchestrator.demo.script import (
    AFTER_IT,
    FLOWING,
    MISPLACED,
    TO_API,
    TO_INTAKE,
    TYPED,
    Line,
)
from orchestrator.demo.stage import CAST, NotSeen, Stage, name_of

_CODE = re.compile(r"^1 ([0-9a-f]{8})", re.MULTILINE)
_ENTRIES = 200
_TWO = 2
"""The author and our account: nobody else is in a private line."""


async def flow(stage: Stage) -> str:
    """One message on each tier, sent through our account, read on another member's phone."""
    for tier, line in FLOWING.items():
        sent = await send(stage, line, line.label)
        await stage.arrives(line.reader, line.label, line.text)
        why = await _why(stage, sent)
        await stage.say(f'"{line.text}"')
        await stage.say(
            f"  {tier.value}: to #{line.label} by Matrix, because {why}. "
            f"{name_of(line.reader)} reads it."
        )
    return "one on each of three tiers"


async def send(stage: Stage, line: Line, label: str | None) -> str:
    """Hands a line in through our account; returns the message's id."""
    post = Post(person=line.author, conversation=label)
    return (await stage.client.send_text(stage.deal, post, line.text)).message_id


async def _why(stage: Stage, message: str) -> str:
    """The reason that the audit gives for where a message went, in words."""
    for entry in await stage.client.audit_tail(stage.deal, _ENTRIES):
        if entry.kind == "message.routed" and entry.body.get("message") == message:
            rules = entry.body.get("rules")
            found = [_in_words(str(rule)) for rule in rules] if isinstance(rules, list) else []
            return " and ".join(found) or "nothing in it asks for more"
    return "its author chose it"


def _in_words(rule: str) -> str:
    """A rule's name as people say it, where it says no more than that the text reads like it."""
    like = rule.removeprefix("model.")
    return f"it reads like {like}" if like != rule else f"of the rule {rule}"


async def held(stage: Stage) -> str:
    """An offer price for #logistics is held; its author alone is told, and moves it to #price."""
    await send(stage, MISPLACED, "logistics")
    await stage.say(f'{name_of(MISPLACED.author)} sends to #logistics: "{MISPLACED.text}"')
    notice = await stage.told(MISPLACED.author, "Held. Nobody has seen it.")
    line = stage.lines[MISPLACED.author]
    if stage.people[MISPLACED.author].members(line) != _TWO:
        raise NotSeen("the line it was told in is not private")
    await send(stage, AFTER_IT, "logistics")
    await stage.arrives(AFTER_IT.reader, "logistics", AFTER_IT.text)
    await stage.nobody_has(MISPLACED.text)
    await stage.say("  Held. Nobody has seen it. A later message has arrived meanwhile.")
    why = [said for said in notice.splitlines() if said.startswith("Why: ")]
    await stage.say(f"  {name_of(MISPLACED.author)} alone is told. {' '.join(why)}")
    await answer(stage, MISPLACED.author, notice)
    await stage.arrives(MISPLACED.reader, MISPLACED.label, MISPLACED.text)
    await stage.only_in(MISPLACED.label, MISPLACED.text)
    await stage.say(f"  {name_of(MISPLACED.author)} answers 1: it is in #price, and only there.")
    return "held, told, moved by its author"


async def answer(stage: Stage, person: str, notice: str) -> None:
    """Answers a notice with its first way out: into the right room."""
    code = _CODE.search(notice)
    if code is None:
        raise NotSeen("the notice names no way out")
    await stage.people[person].say(stage.lines[person], f"1 {code[1]}")


async def withdrawn(stage: Stage) -> str:
    """The same typed straight into #logistics: everybody sees it, then sees it gone."""
    room = stage.rooms["logistics"]
    writer, reader = stage.people[TYPED.author], stage.people[TYPED.reader]
    event = await writer.say(room, TYPED.text)
    await stage.say(f'{name_of(TYPED.author)} types straight into the room: "{TYPED.text}"')
    others = [p for p in CAST if p != TYPED.author]
    if not all(await asyncio.gather(*(_sees_gone(stage, p, event) for p in others))):
        raise NotSeen("it is still there on a member's phone")
    left = await reader.held_by_server(room, event)
    if left["content"]:
        raise NotSeen("the homeserver still holds it")
    taken = left["unsigned"]["redacted_because"]["origin_server_ts"]
    visible = (taken - left["origin_server_ts"]) / 1000
    people = reader.members(room) - 2  # but for our account and the writer
    await stage.say(f"  Withdrawn after {visible:.1f} s. Up to {people} people may have seen it.")
    await stage.told(TYPED.author, "We asked for the removal of what you wrote.")
    return f"visible for {visible:.1f} s, gone on {len(others)} phones"


async def _sees_gone(stage: Stage, person: str, event: str) -> bool:
    phone = stage.people[person]
    return await phone.until(lambda: event in phone.redacted, stage.patience)


async def intake(stage: Stage) -> str:
    """What names no conversation finds it by its tier: from a private line, and from a program."""
    for line in TO_INTAKE:
        await stage.people[line.author].say(stage.lines[line.author], line.text)
        await _found(stage, line)
    await send(stage, TO_API, None)
    await _found(stage, TO_API)
    await stage.say("  None of them named a conversation. The text's tier decided.")
    return "three found their conversation"


async def _found(stage: Stage, line: Line) -> None:
    await stage.arrives(line.reader, line.label, line.text)
    await stage.only_in(line.label, line.text)
    await stage.say(f'"{line.text}" -> #{line.label}')
