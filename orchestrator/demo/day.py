"""A day of the reference case: 52 people, three networks, judged by what stands on their screens.

Rules kept here:

1. Whether something arrived is asked of the screens alone. Our own API is asked for two things:
   what it told an author is held, and whether anything is under way, so as to know when to look.
2. Times are the networks' own: when a homeserver, a phone or a mailbox had it.
3. What is found is told in figures and in references, never in text.
"""

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import httpx

from orchestrator.client.views import Post
from orchestrator.clock import now
from orchestrator.demo.day_judge import Sight, Verdict, Written, judge
from orchestrator.demo.day_plan import API, MAIL, MATRIX, SIGNAL, Planned, plan
from orchestrator.demo.day_stage import DayStage, people
from orchestrator.demo.farside import Refused
from orchestrator.demo.mailside import OURS

A_SECOND = 3.0
"""Messages that are due in one second: 400 of them pass in two minutes and a quarter."""
_PROBES = 5
_QUIET_S = 1.0
_STUCK_S = 8.0
_LOOK_EVERY_S = 0.2
_PATIENCE_S = 90.0
_MS = 1000
Progress = Callable[[str], None]


@dataclass(slots=True)
class Played:
    """What was done.

    Attributes:
        at: when a message was handed in, microseconds, by reference.
        ids: our ids of what was handed in at our door, by reference.
        events: Matrix events of what was typed there, by reference.
        network_us: what a mail takes without us, from handing it in to the mailbox.
    """

    stage: DayStage
    planned: Sequence[Planned]
    at: dict[str, int] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    network_us: int = 0


def day_report(seed: int, messages: int, progress: Progress) -> dict[str, object]:
    """Plays a day and judges it.

    Args:
        seed: the same gives the same day.
        messages: how many are written.
        progress: told what is done now.

    Returns:
        one flat object of figures; ``ok`` says that no invariant is broken.

    Raises:
        NoSynapse: there is none here.
        NotSeen: the deal could not be set up.
    """
    with tempfile.TemporaryDirectory(prefix="wallcross-day-") as folder:
        return asyncio.run(_day(Path(folder), seed, messages, progress))


async def _day(folder: Path, seed: int, messages: int, progress: Progress) -> dict[str, object]:
    began = time.monotonic()

    async def say(text: str) -> None:
        progress(text)

    planned = plan(seed, messages)
    async with DayStage(folder, say) as stage:
        await stage.found()
        progress(f"Everybody is in. {len(planned)} messages are written now.")
        played = Played(stage, planned)
        await _write_all(played)
        progress("All is written. We wait until nothing is under way, and look at the screens.")
        verdict, sights = await _judged(played)
    for wrong in verdict.wrong:
        progress(wrong)
    return {
        **_figures(verdict),
        **_delays(played, sights),
        "people": len(stage.with_phone),
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
    }


# --- writing ------------------------------------------------------------------------------------


async def _write_all(played: Played) -> None:
    played.network_us = await _mails_own_time(played.stage)
    lanes: dict[str, list[Planned]] = defaultdict(list)
    for message in played.planned:
        lanes[message.lane].append(message)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(_write_lane(played, lane, began) for lane in lanes.values()))


async def _write_lane(played: Played, lane: Sequence[Planned], began: float) -> None:
    """One after the other; each once it is due and the one before was taken."""
    loop, lasts = asyncio.get_running_loop(), len(played.planned) / A_SECOND
    for message in lane:
        await asyncio.sleep(max(0.0, began + message.due * lasts - loop.time()))
        await _WAYS[message.way](played, message)


async def _by_api(played: Played, message: Planned) -> None:
    stage = played.stage
    post = Post(person=message.author, conversation=message.label, key=message.reference)
    played.at[message.reference] = now()
    while message.reference not in played.ids:
        try:
            sent = await stage.client.send_text(stage.deal, post, message.text)
        except httpx.TransportError:  # an idle connection that is closed as it is used
            continue  # under its own key: handed in twice it is taken once
        played.ids[message.reference] = sent.message_id


async def _on_matrix(played: Played, message: Planned) -> None:
    room = played.stage.room(message.label, MATRIX)
    event = await played.stage.people[message.author].say(room, message.text)
    played.events[message.reference] = event
    played.at[message.reference] = now()


async def _on_signal(played: Played, message: Planned) -> None:
    room = played.stage.room(message.label, SIGNAL)
    stamp = await played.stage.signal.hand.write(message.author, message.text, group=room)
    played.at[message.reference] = stamp * _MS


async def _by_mail(played: Played, message: Planned) -> None:
    """An answer to a mail of ours; there is one once anybody wrote in that conversation."""
    mail = played.stage.mail
    adviser = mail.advisers[message.author]
    first = await adviser.until(lambda m: bool(m.message_id), _PATIENCE_S)
    answers = first.message_id if first is not None else ""
    key = await asyncio.to_thread(adviser.key_of, OURS)
    raw = await asyncio.to_thread(adviser.answer, OURS, key, message.text, answers)
    played.at[message.reference] = now()
    await asyncio.to_thread(mail.post.send, adviser.address, OURS, raw)


_WAYS: Mapping[str, Callable[[Played, Planned], Awaitable[None]]] = {
    API: _by_api,
    MATRIX: _on_matrix,
    SIGNAL: _on_signal,
    MAIL: _by_mail,
}


async def _mails_own_time(stage: DayStage) -> int:
    """What a mail takes without us, from handing it in to the mailbox: the median of some."""
    one, other = list(stage.mail.advisers.values())[:2]
    before = len(stage.mails_of(other.person))  # of the rooms that he was let into
    took = []
    for n in range(before, before + _PROBES):
        raw = f"From: {one.address}\r\nTo: {other.address}\r\nSubject: probe {n}\r\n\r\n.\r\n"
        sent = now()
        await asyncio.to_thread(stage.mail.post.send, one.address, other.address, raw.encode())
        while len(found := await asyncio.to_thread(stage.mails_of, other.person)) <= n:  # noqa: ASYNC110 (a folder tells nobody)
            await asyncio.sleep(0.01)
        took.append(max(0, max(path.stat().st_ctime_ns for path in found) // 1000 - sent))
    return int(median(took))


# --- judging ------------------------------------------------------------------------------------


async def _judged(played: Played) -> tuple[Verdict, list[Sight]]:
    """Looks until all is there; what is missing when patience ends, is missing."""
    written = _written(played.planned)
    end = time.monotonic() + _PATIENCE_S
    await played.stage.catch_up_all()
    while True:
        await _quiet(played.stage)
        sights = [*await played.stage.sights(), *await _taken_back(played)]
        verdict = judge(written, sights, people(), await _held(played))
        if not verdict.lost or time.monotonic() > end:
            return verdict, sights
        await asyncio.sleep(_QUIET_S)


async def _quiet(stage: DayStage) -> None:
    """Until nothing waits for a channel, or what waits has not become less for a while."""
    least, since = -1, time.monotonic()
    while time.monotonic() < since + (_QUIET_S if least == 0 else _STUCK_S):
        waiting = sum(channel.queued for channel in await stage.client.channel_list())
        if least < 0 or waiting < least or least == 0 < waiting:
            least, since = waiting, time.monotonic()
        await asyncio.sleep(_LOOK_EVERY_S)


def _written(planned: Sequence[Planned]) -> list[Written]:
    numbers: Counter[str] = Counter()
    found = []
    for m in planned:
        numbers[m.lane] += 1
        typed = None if m.way == API else m.way
        number = numbers[m.lane]
        found.append(
            Written(m.reference, m.label, m.lane, number, m.author, m.tier, m.misplaced, typed)
        )
    return found


async def _held(played: Played) -> set[str]:
    """What its author was told is held; of mails, whose ids nobody outside knows, by author."""
    stage = played.stage
    waits = {h.message_id: h for h in await stage.client.held_list(stage.deal)}
    held = {ref for ref, message in played.ids.items() if message in waits}
    ours = set(played.ids.values())
    others = Counter(h.author for i, h in waits.items() if i not in ours and h.seen == "nobody")
    for message in sorted(played.planned, key=lambda m: not m.misplaced):
        if message.way == MAIL and others[message.author] > 0 and message.misplaced:
            others[message.author] -= 1
            held.add(message.reference)
    return held


async def _taken_back(played: Played) -> list[Sight]:
    """What was typed and the homeserver holds no more, whether or not a phone had shown it."""
    found = []
    for message in played.planned:
        if message.misplaced and message.way == MATRIX:
            phone = played.stage.people[message.author]
            room = played.stage.room(message.label, MATRIX)
            try:
                kept = await phone.held_by_server(room, played.events[message.reference])
            except Refused:
                continue
            if not kept["content"]:
                at = played.at[message.reference]
                found.append(Sight(message.reference, message.author, MATRIX, 0, at, gone=True))
    return found


# --- figures ------------------------------------------------------------------------------------


def _figures(verdict: Verdict) -> dict[str, object]:
    return {
        "ok": verdict.ok,
        "messages": verdict.messages,
        "delivered": verdict.delivered,
        "held": verdict.held,
        "withdrawn": verdict.withdrawn,
        "false_holds": verdict.false_holds,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "repeated": verdict.repeated,
        "out_of_order": verdict.out_of_order,
        "beyond_clearance": verdict.beyond_clearance,
    }


def _delays(played: Played, sights: Sequence[Sight]) -> dict[str, object]:
    """Of each arrival that went through us, what we added; see docs/performance.md."""
    typed = {m.reference: m.way for m in played.planned}
    stamps = {(s.reference, s.network): s.at for s in sights}
    added: dict[str, list[float]] = defaultdict(list)
    arrived: dict[tuple[str, str], int] = defaultdict(int)
    for s in sights:
        if not s.gone:
            arrived[s.reference, s.network] = max(s.at, arrived[s.reference, s.network])
    for (reference, network), at in arrived.items():
        way = typed[reference]
        if way == network:
            continue  # its author's own network brought it
        began = stamps.get((reference, MATRIX), at) if way == MATRIX else played.at[reference]
        own = played.network_us * ((way == MAIL) + (network == MAIL))
        added[network].append(max(0, at - began - own) / _MS)
    everything = [each for of_one in added.values() for each in of_one]
    return {
        **_spread(everything),
        "by_network": {
            network: {"arrivals": len(of_one), **_spread(of_one)}
            for network, of_one in sorted(added.items())
        },
        "mail_own_ms": round(played.network_us / _MS, 1),
    }


def _spread(took: Sequence[float]) -> dict[str, object]:
    if len(took) < 2:  # noqa: PLR2004 (a spread needs two)
        return {"p50_ms": None, "p95_ms": None}
    return {
        "p50_ms": round(median(took), 1),
        "p95_ms": round(quantiles(took, n=20, method="inclusive")[-1], 1),
    }
