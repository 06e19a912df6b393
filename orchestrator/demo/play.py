"""The demo: eighteen steps on one stage, each true only if the far side saw it.

Rules kept here:

1. A step that was not seen ends the play: the rest stands as not tried, never as ok.
2. All data lie in a temporary folder that goes at the end, unless a person asked to keep it.
3. Nothing of an error's own words is shown: they may come from outside.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from orchestrator.client.problems import Failed, Problem, Refused, Unready
from orchestrator.client.served import NotServing
from orchestrator.client.views import Step
from orchestrator.demo.adviser import PROGRAMS
from orchestrator.demo.audit_act import audit
from orchestrator.demo.crash_act import crash
from orchestrator.demo.desk_act import clear, opens
from orchestrator.demo.mail_act import agreement, three_networks
from orchestrator.demo.messages_act import flow, held, intake, withdrawn
from orchestrator.demo.people_act import new_device, stranger
from orchestrator.demo.rooms_act import rooms
from orchestrator.demo.roster_act import added, leaves
from orchestrator.demo.signal_act import board, safety_number
from orchestrator.demo.stage import NotSeen, Stage
from orchestrator.demo.synapse import NoSynapse, synapse_python
from orchestrator.demo.told_act import told
from orchestrator.demo.whole import broken_off

Act = Callable[[Stage], Awaitable[str]]
"""Plays one step; returns what was seen, in a few words. Raises: NotSeen."""
STEPS: Final[Sequence[tuple[str, str, Act]]] = (
    ("roster in, rooms made and read back", "the owner's phone reads each room's state", rooms),
    ("killed in mid-flow, nothing is lost", "two phones, by delivery id", crash),
    ("the dashboard opens by a link, once", "a browser's session", opens),
    ("messages flow on each tier", "another member's phone decrypts them", flow),
    ("an offer price for #logistics is held, then moved", "all phones", held),
    ("the same typed into the room is withdrawn", "the other phones see it gone", withdrawn),
    ("the intake finds the conversation by tier", "all phones", intake),
    ("an uncleared member stops the room", "the members' phones", stranger),
    ("a new device stops valuation until two verify it", "the members' phones", new_device),
    ("valuation on Signal disappears", "a member's phone", board),
    ("a document for five advisers, each his copy", "gpg in their hands", agreement),
    ("people are told who hosts and who reads", "phones and gpg", told),
    ("a changed safety number stops it until two call", "the members' phones", safety_number),
    ("three networks, one conversation; a forgery stays out", "phones and gpg", three_networks),
    ("added from a phone, put out by a plan", "the phones and their rooms", added),
    ("one person leaves everywhere, with proof", "her phones, the exported program", leaves),
    ("the audit verifies offline, a rewritten one fails", "the exported program", audit),
    ("nothing needs anybody any more", "a browser's session", clear),
)
PACED_S: Final = 75.0
"""How long the play takes when people watch."""


async def play(
    *,
    fast: bool,
    keep: Path | None,
    show: Callable[[Step], None],
    say: Callable[[str], None],
    steps: Sequence[tuple[str, str, Act]] = STEPS,
    stay_s: float = 0.0,
) -> bool:
    """Plays all steps.

    Args:
        fast: without pauses for reading.
        keep: its folder stays here; must not hold anything yet.
        show: told each step as it ends.
        say: told each sentence for people.
        steps: name, who observes, and the act.
        stay_s: for how long the dashboard stays open once every step was seen.

    Returns:
        whether every step was seen.

    Raises:
        Unready: there is no Synapse here, or no gpg.
        Failed: the stage could not be set up.
        KeyboardInterrupt: it was broken off, and nothing of it is left.
    """
    _all_here()
    pace = Pace(0.0 if fast else PACED_S)

    async def aloud(text: str) -> None:
        say(text)

    played = False

    def ends() -> None:
        say("What was started is ended." if played else "Broken off: what was started is ended.")

    with broken_off(ends), _folder(keep) as folder:
        stage = Stage(folder, aloud, kept=keep is not None)
        try:
            async with stage:
                played = await play_on(stage, steps, show, pace)
                if played and stay_s:
                    await stays(stage, stay_s)
                return played
        except NotServing as error:
            then = "wallcross demo --keep DIR keeps its log"
            raise Failed(str(error), then=then, details=error.said) from error
        except (NoSynapse, RuntimeError, OSError) as error:
            then = "wallcross demo --keep DIR keeps its logs"
            raise Failed(f"the stage broke ({type(error).__name__})", then=then) from error


async def stays(stage: Stage, seconds: float) -> None:
    """Leaves the dashboard open for people to look at, until the time is over or they end it."""
    link = (await stage.client.desk_home_link()).url
    await stage.say(f"The dashboard stays open for {seconds / 60:.0f} minutes; Ctrl-C ends it.")
    await stage.say(f"Whoever is not signed in yet: {link}")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()  # that was the end which was announced, and every step was seen


def _all_here() -> None:
    """What the stage cannot do without, before anything is started. Raises: Unready."""
    still = "Nothing was started"
    try:
        synapse_python()
    except NoSynapse as error:
        raise Unready(str(error), still=still, then="make env") from None
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        wrong = f"There is no {missing[0]} here, and PGP mail needs it"
        raise Unready(wrong, still=still, then="make env, or: apt-get install gnupg")


async def play_on(
    stage: Stage,
    steps: Sequence[tuple[str, str, Act]],
    show: Callable[[Step], None],
    pace: "Pace | None" = None,
) -> bool:
    """Plays steps on a stage that is open; see ``play``."""
    ok = True
    for n, (name, by, act) in enumerate(steps, 1):
        began = time.monotonic()
        ok, text = await _seen(stage, act) if ok else (False, "not tried")
        took = time.monotonic() - began
        show(Step(name=name, ok=ok, observed_by=by, seconds=round(took, 3), text=text))
        if ok and pace is not None:
            await pace.rest(n / len(steps))
    return ok


async def _seen(stage: Stage, act: Act) -> tuple[bool, str]:
    try:
        return True, await act(stage)
    except NotSeen as error:
        return False, f"not seen: {error}"
    except Problem as problem:
        return False, f"not seen: {problem.wrong}"
    except Exception as error:  # noqa: BLE001 - a step that breaks was not seen, whatever broke it
        return False, f"not seen: it broke with {type(error).__name__}"


class Pace:
    """Leaves people time to read. Args: seconds: that the whole play lasts at least."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    async def rest(self, share: float) -> None:
        """Waits until that share of the play's time is over."""
        await asyncio.sleep(max(0.0, self._began + share * self._seconds - time.monotonic()))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="wallcross-demo-") as made:
            yield Path(made)
        return
    keep.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise Refused(f"{keep} is not empty", still="Nothing was started", then="name a new one")
    yield keep.absolute()
