"""`bench dashboard`: what people wait for at the desk, by how many they are and how large it is.

How: two homes are made, a small deal and a large one, and each is served as it is for anybody:
API and workers in one process, the front in another, every page and call with a session of its
own. A page is asked for over the websocket as a browser does, and counts once the server says that
it is whole. First, each page of a security officer's is opened alone, by turns on the small and the
large deal, by one person each: whoever came before would be held against the small one. Then 50
people open the overview in the same instant; then each opens a page every ten seconds and asks the
API every two, at once. Beside it, in the same run, a bare page of the same framework, without a
gate, a session or an API, is asked for in the same way: the ratio is to that.

Rule kept here: a figure is made of pages that were shown whole and calls that were answered; one
that was not is counted and told.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import httpx

from orchestrator.bench.desk_home import CODE, Place, Size, make, network
from orchestrator.bench.home import OpensRuntime
from orchestrator.bench.visitor import NoPage, Visitor, figures
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.problems import Problem
from orchestrator.client.served import NotServing, Served
from orchestrator.client.wire import socket_transport
from orchestrator.hygiene import harden

PEOPLE = 50
CLICK_S, CALL_S = 10.0, 2.0
DESK = Path("run") / "desk.sock"
Progress = Callable[[str], None]
_BARE = "import streamlit as st\nst.title('Bare')\nfor n in range(12):\n    st.write(n)\n"
_START_S = 60.0
_OPENS_S = 600.0
"""A home reads its whole record when it opens."""


class BenchError(RuntimeError):
    """What was to be measured did not happen."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done.

    Attributes:
        seconds: for which people click.
        rounds: how often each page is opened on each deal.
    """

    small: Size
    large: Size
    people: int
    seconds: float
    rounds: int


FULL = Plan(Size(60, 1_000), Size(5_000, 1_000_000), PEOPLE, 60.0, 9)
QUICK = Plan(Size(60, 1_000), Size(300, 20_000), 10, 10.0, 3)


@dataclass(slots=True)
class Desk:
    """A home that serves.

    Attributes:
        cookies: sessions, one for each who is at the desk; the first sees all of the deal.
    """

    place: Place
    origin: str
    served: Served
    cookies: list[str] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Waits:
    """How long people waited, seconds; and how often in vain."""

    pages: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    failed: int = 0


def dashboard_report(
    opens: OpensRuntime,
    say: Progress,
    *,
    quick: bool = False,
    folder: Path | None = None,
    large: Size | None = None,
) -> dict[str, object]:
    """Measures and tells.

    Args:
        opens: the wiring.
        say: told what is being done.
        quick: small, in a minute; its figures mean little.
        folder: on the disk to be measured.
        large: how large the large deal is; None: as the plan has it.

    Raises:
        BenchError: what was to be measured did not happen.
    """
    harden()  # what the homes hold is made for this user alone, as any command makes it
    plan = QUICK if quick else FULL
    plan = plan if large is None else replace(plan, large=large)
    with tempfile.TemporaryDirectory(prefix="wx-bench-", dir=folder) as made:
        return asyncio.run(_report(Path(made), plan, opens, say))


async def _report(
    folder: Path, plan: Plan, opens: OpensRuntime, say: Progress
) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        near = [await stack.enter_async_context(network()) for _ in range(2)]
        small, large = [
            Place(folder / name, address, _port())
            for name, address in zip(("small", "large"), near, strict=True)
        ]
        for place, size in ((small, plan.small), (large, plan.large)):
            say(f"making a deal of {size.people} people and {size.audit:,} audit entries")
            await make(place, size, opens)
        little = await stack.enter_async_context(_desk(small, plan.people))
        much = await stack.enter_async_context(_desk(large, 1))
        bare = await stack.enter_async_context(_bare(folder))
        say("each page alone, on the small deal and the large one by turns")
        pages = await _by_size(little, much, plan.rounds)
        say(f"{plan.people} people open the overview at once")
        together = await _together(little, plan.people)
        floor = await _at_once(bare, [""] * plan.people)
        say(f"{plan.people} people click and ask for {plan.seconds:.0f} s")
        busy = await _busy(little, plan)
    return _told(plan, together, floor, busy, pages)


def _told(
    plan: Plan,
    together: Waits,
    floor: Waits,
    busy: Waits,
    pages: Mapping[str, tuple[float, float]],
) -> dict[str, object]:
    worst = max(pages, key=lambda name: pages[name][1] / pages[name][0])
    return {
        "people": plan.people,
        "small": f"{plan.small.people} people, {plan.small.audit:,} entries",
        "large": f"{plan.large.people:,} people, {plan.large.audit:,} entries",
        "at_once_page": dict(figures(together.pages)),
        "at_once_bare_page": dict(figures(floor.pages)),
        "at_once_ratio_to_bare": median(together.pages) / median(floor.pages),
        "busy_page": dict(figures(busy.pages)),
        "busy_api": dict(figures(busy.calls)),
        "busy_failed": busy.failed + together.failed + floor.failed,
        "page_ms": {name: ms[0] * 1000 for name, ms in pages.items()},
        "page_ms_large": {name: ms[1] * 1000 for name, ms in pages.items()},
        "page_large_to_small": {name: ms[1] / ms[0] for name, ms in pages.items()},
        "worst_page": f"{worst} {pages[worst][1] / pages[worst][0]:.2f}",
    }


# --- what serves ----------------------------------------------------------------------------------


@asynccontextmanager
async def _desk(place: Place, people: int) -> AsyncIterator[Desk]:
    log = place.folder / "serve.log"
    served = Served(place.config, place.home, log, patience=_OPENS_S)
    try:
        await _started(served)
        desk = Desk(place, f"http://localhost:{place.port}", served)
        await _listens(desk.origin)
        desk.cookies.append(await _session(desk, (await served.client.desk_home_link()).url))
        for n in range(1, people):
            link = await served.client.desk_link(CODE, f"person-{n}")
            desk.cookies.append(await _session(desk, link.url))
        yield desk
    finally:
        await served.stop()


async def _started(served: Served) -> None:
    try:
        await served.start()
    except NotServing as error:
        raise BenchError("; ".join((str(error), *error.said))) from None


async def _session(desk: Desk, url: str) -> str:
    """Opens a one-time link as a browser does; the cookie."""
    body = {"secret": url.partition("#")[2], "sure": True}
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.post(
            f"{desk.origin}/api/v1/session/link", json=body, headers={"Origin": desk.origin}
        )
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    if not answer.is_success or not cookie:
        raise BenchError(f"a one-time link was not taken ({answer.status_code})")
    return str(cookie)


@asynccontextmanager
async def _bare(folder: Path) -> AsyncIterator[str]:
    """A bare page of the same framework, in a process of its own; gives its origin."""
    script, port = folder / "bare.py", _port()
    script.write_text(_BARE)
    line = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    line += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    line += ["--server.address", "localhost", "--server.fileWatcherType", "none"]
    process = await asyncio.create_subprocess_exec(
        *line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await _listens(f"http://localhost:{port}")
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _listens(origin: str) -> None:
    ends = time.monotonic() + _START_S
    async with httpx.AsyncClient(trust_env=False) as asked:
        while time.monotonic() < ends:
            with suppress(httpx.HTTPError):
                await asked.get(origin)
                return
            await asyncio.sleep(0.1)
    raise BenchError(f"nothing answers at {origin}")


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


# --- what is measured -----------------------------------------------------------------------------


async def _together(desk: Desk, people: int) -> Waits:
    await _at_once(desk.origin, desk.cookies[:1])  # the first run of a process loads its modules
    return await _at_once(desk.origin, desk.cookies[:people])


async def _at_once(origin: str, cookies: Sequence[str]) -> Waits:
    """Everybody opens the first page in the same instant."""
    waits = Waits()

    async def come(cookie: str) -> None:
        began = time.perf_counter()
        async with Visitor(origin, cookie) as visitor:
            await visitor.see("")
        waits.pages.append(time.perf_counter() - began)

    await asyncio.gather(*(_counted(waits, come(cookie)) for cookie in cookies))
    if not waits.pages:
        raise BenchError("no page was shown")
    return waits


async def _busy(desk: Desk, plan: Plan) -> Waits:
    """Everybody clicks and asks, each in his own time."""
    waits = Waits()
    ends = time.monotonic() + plan.seconds
    with reachable(desk.place.home / DESK) as near:
        await asyncio.gather(
            *(_clicks(desk, n, waits, ends) for n in range(len(desk.cookies))),
            *(_asks(near, n, cookie, waits, ends) for n, cookie in enumerate(desk.cookies)),
        )
    return waits


async def _clicks(desk: Desk, n: int, waits: Waits, ends: float) -> None:
    async with Visitor(desk.origin, desk.cookies[n]) as visitor:
        pages = (await visitor.see("")).pages or ("",)
        await asyncio.sleep(n * CLICK_S / len(desk.cookies))
        turn = 0
        while time.monotonic() < ends:
            began = time.perf_counter()
            await _counted(waits, visitor.see(pages[(n + turn) % len(pages)]))
            waits.pages.append(time.perf_counter() - began)
            turn += 1
            await asyncio.sleep(CLICK_S)


async def _asks(near: str, n: int, cookie: str, waits: Waits, ends: float) -> None:
    headers = {"Cookie": cookie}
    async with Client(socket_transport(near), headers=headers) as client:
        await asyncio.sleep(n * CALL_S / PEOPLE)
        while time.monotonic() < ends:
            began = time.perf_counter()
            await _counted(waits, client.deal_overview(CODE))
            waits.calls.append(time.perf_counter() - began)
            await asyncio.sleep(CALL_S)


async def _counted(waits: Waits, work: Awaitable[object]) -> None:
    try:
        await work
    except (NoPage, Problem, OSError, httpx.HTTPError):
        waits.failed += 1


async def _by_size(little: Desk, much: Desk, rounds: int) -> dict[str, tuple[float, float]]:
    """Each page of whoever sees all of the deal: median seconds on the small and the large deal."""
    async with (
        Visitor(little.origin, little.cookies[0]) as one,
        Visitor(much.origin, much.cookies[0]) as other,
    ):
        pages = (await one.see("")).pages
        found: dict[str, tuple[float, float]] = {}
        for page in pages:
            took: tuple[list[float], list[float]] = ([], [])
            for visitor, seconds in ((one, took[0]), (other, took[1])) * (rounds + 1):
                seconds.append((await visitor.see(page)).whole_s)
            found[page] = (median(took[0][1:]), median(took[1][1:]))  # the first one warms
    return found
