"""`wallcross serve`: checks, opens the home, answers on its socket until it is told to stop.

Rules kept here:

1. Nothing is sent before the checks are through: the home is opened still first, then live.
2. A red check stops it, unless `--allow CHECK` is given, which goes into the audit first.
3. A channel that is red starts paused; the others run.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.api.app import make_app
from orchestrator.api.door import SOCKET as DOOR
from orchestrator.api.door import at_desk
from orchestrator.api.lineage import adopt_orphans
from orchestrator.api.operator import for_operators
from orchestrator.api.server import listening
from orchestrator.api.who import actor_of, here
from orchestrator.cli.checking import home_checks, red, still_checks
from orchestrator.cli.front import begins, front
from orchestrator.cli.out import Out
from orchestrator.cli.session import SOCKET, arun, make_home, turn
from orchestrator.client.api import Client
from orchestrator.client.problems import Unready
from orchestrator.client.views import Check
from orchestrator.client.wire import app_transport
from orchestrator.clock import now
from orchestrator.config import Settings
from orchestrator.hygiene import harden, private_tmp
from orchestrator.logs import configured

if TYPE_CHECKING:
    from orchestrator.api.port import Home, OpensHome

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    ctx: typer.Context,
    *,
    allow: Annotated[
        list[str] | None, typer.Option(help="Go past this red check; recorded.")
    ] = None,
    dashboard: Annotated[bool, typer.Option(help="Start the dashboard too.")] = True,
) -> None:
    """Starts the API, the workers and the dashboard; ends on SIGTERM or Ctrl-C."""
    harden()
    settings: Settings = ctx.obj.settings()
    out = Out(ctx.obj, settings.config.home.time_zone)
    make_home(settings.state)
    debug = ctx.obj.verbose or settings.config.log.level == "debug"
    with configured(debug=debug):
        arun(_alone(settings, out, tuple(allow or ()), pages=dashboard))


async def _alone(settings: Settings, out: Out, allowed: Sequence[str], *, pages: bool) -> None:
    async with AsyncExitStack() as stack:
        if await turn(stack, settings.state) is not None:
            raise Unready("A serve runs for this home already", then="wallcross status")
        private_tmp(settings.state)
        await _serve(settings, out, allowed, pages=pages)


async def _serve(settings: Settings, out: Out, allowed: Sequence[str], *, pages: bool) -> None:
    open_home: OpensHome = import_module("orchestrator.wiring").open_home
    async with open_home(settings, live=False, now=now) as still:
        await _pass(settings, still, out, allowed)
    async with open_home(settings, live=True, now=now) as home:
        client = Client(app_transport(make_app(home), here()))
        async with client:
            await _pause_red(out, client)
        path = settings.state / SOCKET
        adopt_orphans()
        own = listening(make_app(home), path, strangers=True)
        async with own, _desk(settings, home, out, pages=pages):
            out.note(f"serving on {path}")
            if not await home.deal_list():
                out.note(f"there is no deal in {settings.state} yet: wallcross deal new CODE")
            await _told_to_stop()
            out.note("stopping; what was accepted is on disk")


@asynccontextmanager
async def _desk(settings: Settings, home: "Home", out: Out, *, pages: bool) -> AsyncIterator[None]:
    """The desk's door, the dashboard that stands before it, and what tells operators."""
    async with AsyncExitStack() as stack:
        if settings.config.web.enabled:
            await stack.enter_async_context(at_desk(home, settings))
        if settings.config.web.operator is not None:
            await stack.enter_async_context(for_operators(home, settings.config.web.operator))
        if settings.config.web.enabled and pages:
            how = begins(settings, settings.state / DOOR)
            ready = await stack.enter_async_context(front(how, out.note))
            telling = asyncio.create_task(_tell_address(home, out, ready))
            stack.callback(telling.cancel)
        yield


async def _tell_address(home: "Home", out: Out, ready: asyncio.Event) -> None:
    """Says where the dashboard is, once it answers, with a link that signs in once."""
    await ready.wait()
    made = await home.home_link(actor=actor_of(here()))
    out.note(f"the dashboard answers; sign in once, within ten minutes: {made.url}")


async def _pass(settings: Settings, home: "Home", out: Out, allowed: Sequence[str]) -> None:
    async with Client(app_transport(make_app(home), here())) as client:
        found = [*still_checks(settings), *await home_checks(settings, client)]
        bad = red(found)
        refused = [check for check in bad if _named(check) not in allowed]
        if refused:
            raise _refusal(refused)
        for check in bad:
            await client.allowed(_named(check))
            out.note(f"going past a red check, on the record: {check.name}: {check.text}")


def _named(check: Check) -> str:
    """A check's name as `--allow` takes it: without the deal."""
    return check.name.partition(" ")[0]


def _refusal(refused: Sequence[Check]) -> Unready:
    told = [f"{c.name}: {c.text}" + (f" -> {c.then}" if c.then else "") for c in refused]
    then = "wallcross doctor"
    return Unready(
        "Red checks: nothing is started", still="Nothing was sent", then=then, details=told
    )


async def _pause_red(out: Out, client: Client) -> None:
    found = [c for c in await client.checks() if c.group == "channel" and c.state == "fix"]
    for name in dict.fromkeys(_named(check) for check in found):
        await client.channel_pause(name, "its check was red when serve started")
    for check in found:
        out.note(f"{_named(check)} starts paused: {check.name}: {check.text}")


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
