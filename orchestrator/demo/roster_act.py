"""Rooms follow the roster: who was added from a phone is put out, who leaves is out everywhere."""

import asyncio
import io
import tarfile
import tempfile
from pathlib import Path

from orchestrator.client.leave_words import CHAIN, PAGE
from orchestrator.client.leaves import LeaveView
from orchestrator.client.plans import DoneLine, PlanView
from orchestrator.demo.audit_act import verified
from orchestrator.demo.messages_act import send
from orchestrator.demo.script import AFTER_REMOVAL, AFTER_THE_LEAVE
from orchestrator.demo.stage import CHANNEL, NotSeen, Stage, name_of, user_of

_ADDS, _ADDED = "idris-costa", "greta-bergmann"
_WHERE = "drafting on matrix"
_LEAVES = "hana-ferri"
_LOOK_EVERY_S = 0.2
_REMOVE = "remove"


async def added(stage: Stage) -> str:
    """Somebody who is not on a conversation's list is added from a phone; a plan puts her out."""
    room, phone = stage.rooms[_WHERE], stage.people[_ADDED]
    await stage.people[_ADDS].invite(room, user_of(_ADDED))
    await phone.join(room)
    await stage.say(f"{name_of(_ADDS)} adds {name_of(_ADDED)} to #drafting from his phone.")
    plan = await _planned(stage)
    await stage.say(f"  wallcross plan: {name_of(_ADDED)} is there and not on its list.")
    done = await _applied(stage, plan)
    if room in await phone.joined():
        raise NotSeen(f"{name_of(_ADDED)} is still in #drafting")
    took = f"{done.took_us / 1e6:.1f} s"
    await stage.say(f"  wallcross apply: asked, and seen gone after {took}.")
    await _reaches_who_is_left(stage, room)
    return f"put out, seen gone in {took}"


async def _planned(stage: Stage) -> PlanView:
    """A plan that puts her out, once a reading has shown her there. Raises: NotSeen."""
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        plan = await stage.client.plan(stage.deal)
        if any(a.kind == _REMOVE and a.person == _ADDED for a in plan.acts):
            return plan
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("no plan puts her out")


async def _applied(stage: Stage, plan: PlanView) -> DoneLine:
    """Carries exactly that plan out; what became of her removal. Raises: NotSeen."""
    done = [each async for each in stage.client.plan_apply(stage.deal, plan.hash, None)]
    hers = [each for each in done if each.act.kind == _REMOVE and each.act.person == _ADDED]
    if [each.outcome for each in hers] != ["seen"]:
        raise NotSeen("her removal was not seen")
    return hers[0]


async def _reaches_who_is_left(stage: Stage, room: str) -> None:
    """#drafting goes on, and what is said there does not reach her. Raises: NotSeen."""
    await _goes_on(stage, "drafting")
    reader = stage.people[AFTER_REMOVAL.reader]
    await send(stage, AFTER_REMOVAL, AFTER_REMOVAL.label)
    if not await reader.until(lambda: AFTER_REMOVAL.text in reader.texts(room), stage.patience):
        raise NotSeen(f"{name_of(AFTER_REMOVAL.reader)} did not get it in #drafting")
    await stage.nobody_has(AFTER_REMOVAL.text, [_ADDED])


async def _goes_on(stage: Stage, label: str) -> None:
    end = asyncio.get_running_loop().time() + stage.patience
    while any(r.paused for r in (await stage.client.conv_show(stage.deal, label)).rooms):
        if asyncio.get_running_loop().time() > end:
            raise NotSeen(f"#{label} does not go on")
        await asyncio.sleep(_LOOK_EVERY_S)


async def leaves(stage: Stage) -> str:
    """Somebody leaves everything by one command; each network shows it, and the proof holds."""
    await stage.say(f"{name_of(_LEAVES)} leaves the deal: wallcross leave {_LEAVES}.")
    await stage.client.leave(stage.deal, _LEAVES, "left")
    left = await _gone(stage)
    rooms = sum(step.kind == "room" for step in left.steps)
    await _out_on_matrix(stage)
    await _out_on_signal(stage)
    took = f"{(left.took or 0) / 1e6:.1f} s"
    await stage.say(f"  Out of {rooms} rooms on two networks, the last seen after {took}.")
    await _nothing_reaches_her(stage)
    entries = await _proven(stage)
    await stage.say("  What is sent now does not reach her. The proof is checked without us.")
    return f"out of {rooms} rooms in {took}, {entries} entries prove it"


async def _gone(stage: Stage) -> LeaveView:
    end = asyncio.get_running_loop().time() + stage.patience
    while asyncio.get_running_loop().time() < end:
        left = await stage.client.leave_show(stage.deal, _LEAVES)
        if left.state == "gone":
            return left
        await asyncio.sleep(_LOOK_EVERY_S)
    raise NotSeen("she is not seen gone everywhere")


async def _out_on_matrix(stage: Stage) -> None:
    """Her own phone is in none of the deal's rooms. Raises: NotSeen."""
    phone, ours = stage.people[_LEAVES], set(stage.rooms.values())
    if await phone.joined() & ours:
        raise NotSeen(f"{name_of(_LEAVES)} is still in a room on {CHANNEL}")


async def _out_on_signal(stage: Stage) -> None:
    group = await stage.signal.hand.group(stage.rooms["board"])
    if _LEAVES in group.members:
        raise NotSeen(f"{name_of(_LEAVES)} is still in #board on Signal")


async def _nothing_reaches_her(stage: Stage) -> None:
    for line in AFTER_THE_LEAVE:
        await send(stage, line, line.label)
        await stage.arrives(line.reader, line.label, line.text)
        await stage.nobody_has(line.text, [_LEAVES])


async def _proven(stage: Stage) -> int:
    """Fetches the proof and has the program in it check the chain; how many entries it has."""
    folder = Path(tempfile.mkdtemp(prefix="leave-", dir=stage.folder))
    pieces = [piece async for piece in stage.client.leave_proof(stage.deal, _LEAVES)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        await asyncio.to_thread(archive.extractall, folder, filter="data")
    report = await asyncio.to_thread(verified, folder / CHAIN, stage.folder / "anchor")
    page = await asyncio.to_thread((folder / PAGE).read_text, encoding="utf-8")
    if not report["ok"] or name_of(_LEAVES) not in page or "NOT CONFIRMED" in page:
        raise NotSeen("the proof of her leaving does not hold")
    return int(report["entries"])
