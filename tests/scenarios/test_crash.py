"""Ended by SIGKILL again and again in the middle of its work, it loses nothing.

Judged by ``judge`` from what the senders were told and from the far side's own record. The same
judge is shown runs with one guard taken out, and must see what is wrong.
"""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide
from connectors.memory.faults import FaultKind

from .crashing import Followed, Runner, Senders, count, cursor, lines, settled, taken_in, until
from .judge import SendersLog, Told, verdict
from .runner import Orders

LEAST_STARTED = 10
SLOWEST = 1_000_000
"""Microseconds: all that was under way at a kill is over before we are there again."""
FLOORS = ("coordination", "coordination", "operations", "valuation")


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes.

    Attributes:
        lanes: conversations; half are written to on the network, half at our door, those of
            VALUATION among them (a message handed in there has an id to ask after).
        slow: microseconds that the far side takes for each delivery.
        idempotent: the far side knows a repetition, and can be asked for a delivery.
        plant: the guard that is taken out.
        lost_calls: deliveries that the far side reads and does nothing about.
        least: deliveries that are to be under way at each kill.
        between: arrivals that there are to be between two kills, so that lanes go on.
    """

    messages: int
    kills: int
    lanes: int = 24
    slow: int = 400_000
    idempotent: bool = True
    plant: str | None = None
    lost_calls: int = 0
    least: int = LEAST_STARTED
    between: int = LEAST_STARTED


def floor(n: int) -> str:
    return FLOORS[n % len(FLOORS)]


class Scene:
    """The far side, the runner and the senders of one run."""

    def __init__(self, course: Course, folder: Path, stack: ExitStack) -> None:
        self.course = course
        self.home, self.record = folder / "home", folder / "record.jsonl"
        self.far = Followed(self.record)
        never = 0 if not course.idempotent else 86_400_000_000
        self.process = stack.enter_context(
            process.start(
                f"unix:{folder / 'far.sock'}",
                record=self.record,
                options={"idempotent_for": never},
            )
        )
        orders = Orders(
            home=str(self.home),
            socket=str(folder / "run" / "api.sock"),
            flags={
                "channels.memory.kind": "memory",
                "channels.memory.settings.address": self.process.address,
                "channels.memory.settings.idempotent_for": str(never),
                "channels.memory.settings.unsafe_trust_first_seen": "true",
            },
            talks=[(f"c{n:02}", floor(n)) for n in range(course.lanes)],
            plant=course.plant,
        )
        logs = folder / "logs"
        logs.mkdir()
        environment = {
            "WALLCROSS_SECRETS": str(folder / "secrets"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        self.runner = stack.enter_context(Runner(orders, logs, environment))
        self.slow = course.slow
        self.starts: list[int] = []
        self.before = 0
        self.first: str | None = None

    async def play(self) -> list[str]:
        """The whole run; returns what the judge finds."""
        await asyncio.to_thread(self.runner.start)
        far = FarSide.at(self.process.address)
        try:
            return await self._played(far)
        finally:
            await far.close()

    async def _played(self, far: FarSide) -> list[str]:
        await until(lambda: cursor(self.home) is not None, 30, "listening to begin")
        self.first = cursor(self.home)
        if self.course.lost_calls:
            await far.inject(FaultKind.CUT_LOST, times=self.course.lost_calls)
        await self._spoil(far)
        said = self.runner.said
        senders = Senders(far, Path(self.runner.orders.socket), said["deal"], self.runner.rooms)
        work = asyncio.gather(*self._everybody(senders))
        for kill in range(self.course.kills):
            senders.share = max(senders.share, (kill + 1) / (self.course.kills + 1))
            await self._crash(far, senders)
        senders.share = 1.0
        await asyncio.wait_for(work, 120)
        await settled(self.home, self.record, senders.log, 120)
        assert len(senders.log.told) == self.course.messages
        rooms = self.runner.rooms
        once = {rooms[f"c{n:02}"] for n in range(self.course.lanes) if floor(n) == "valuation"}
        return verdict(
            senders.log,
            lines(self.record),
            once=() if self.course.idempotent else once,
            possibly=await senders.possibly(),
        )

    async def _spoil(self, far: FarSide) -> None:
        await far.inject(FaultKind.SLOW, times=None, amount=self.slow)
        if not self.course.idempotent:
            await far.inject(FaultKind.GARBAGE, verb="find", times=None)

    def _everybody(self, senders: Senders) -> Iterator["asyncio.Future[None]"]:
        each, rest = divmod(self.course.messages, self.course.lanes)
        for n in range(self.course.lanes):
            label, texts = f"c{n:02}", each + (n < rest)
            words = [f"{label} {i} {secrets.token_hex(8)}" for i in range(texts)]
            if n % 4 in {1, 2}:
                yield asyncio.ensure_future(senders.by_network(label, "ada", words))
            else:
                yield asyncio.ensure_future(senders.by_api(label, words))

    async def _crash(self, far: FarSide, senders: Senders) -> None:
        """One kill while at least ten deliveries are in *attempt started*, and some are done."""
        self.before = self._sent()
        while True:
            await self._under_way(far, senders)
            await asyncio.sleep(self.slow / 1e6 * secrets.randbelow(100) / 100)
            if self._busy():
                break
        self.runner.kill()
        self.starts.append(count(self.home, "started"))
        await asyncio.to_thread(self.runner.start)

    async def _under_way(self, far: FarSide, senders: Senders) -> None:
        """Until ten deliveries are.

        A slow machine hands less in than the network takes: then that is slower, and more is
        written, until they are.
        """
        for _ in range(12):
            try:
                await until(self._busy, 20, "ten deliveries to be under way")
            except TimeoutError:
                self.slow = min(2 * self.slow, SLOWEST)
                senders.share += (1 - senders.share) / 10
                await far.clear_faults()
                await self._spoil(far)
            else:
                return
        raise TimeoutError("ten deliveries are never under way")

    def _sent(self) -> int:
        """Arrivals from us; what people write is in the record too."""
        return sum(line.get("account") == "wallcross" for line in self.far.lines())

    def _busy(self) -> bool:
        if self.course.plant == "cursor_first":  # the window that this fault opens
            return cursor(self.home) != self.first and taken_in(self.home) == 0
        if self._sent() < self.before + self.course.between:
            return False
        if self.course.plant == "late_start":  # it writes nothing down that could be counted
            return True
        return count(self.home, "started") >= self.course.least


async def play(course: Course, folder: Path) -> tuple[list[str], list[int]]:
    with ExitStack() as stack:
        scene = Scene(course, folder, stack)
        return await scene.play(), scene.starts


@pytest.mark.long
@pytest.mark.parametrize("idempotent", [True, False])
async def test_twenty_kills_lose_nothing(tmp_path: Path, idempotent: bool) -> None:
    course = Course(messages=2000, kills=20, idempotent=idempotent, between=36)
    wrong, starts = await play(course, tmp_path)
    assert wrong == []
    assert len(starts) == 20
    assert min(starts) >= LEAST_STARTED


@pytest.mark.long
async def test_two_kills_lose_nothing(tmp_path: Path) -> None:
    wrong, starts = await play(Course(messages=200, kills=2, lanes=13, slow=150_000), tmp_path)
    assert wrong == []
    assert min(starts) >= LEAST_STARTED


PLANTED = (
    (Course(120, 1, 8, idempotent=False, plant="late_start"), "twice and not marked"),
    (Course(60, 0, 4, slow=50_000, plant="any_order"), "out of order"),
    (Course(60, 0, 4, slow=20_000, plant="hope", lost_calls=5), "lost"),
    (Course(300, 1, 8, slow=100_000, plant="cursor_first", least=2), "lost"),
)


@pytest.mark.parametrize(("course", "what"), PLANTED, ids=[c.plant for c, _ in PLANTED])
async def test_a_guard_taken_out_is_noticed(tmp_path: Path, course: Course, what: str) -> None:
    wrong, _ = await play(course, tmp_path)
    assert any(each.startswith(what) for each in wrong), wrong


# --- the judge itself -----------------------------------------------------------------------------


def line(n: int, sha: str, **more: object) -> dict[str, object]:
    fixed = {"kind": "arrived", "account": "wallcross", "room": "r", "n": n, "sha256": sha}
    return {**fixed, "key": f"k-{sha}", "marked": False, **more}


LOG = SendersLog([Told("r", "a", "m1"), Told("r", "b", "m2"), Told("r", "c", "m3")])
GOOD = [line(1, "a"), line(2, "b"), line(3, "c")]


def test_the_judge_lets_a_good_run_pass() -> None:
    assert verdict(LOG, GOOD) == []
    recognised = line(1, "a", kind="recognised")
    assert verdict(LOG, [*GOOD, recognised]) == [], "nobody saw that repetition"
    assert verdict(LOG, [*GOOD, line(4, "b", marked=True)]) == [], "it says of itself what it is"


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (GOOD[:2], "lost"),
        ([GOOD[1], line(4, "a"), GOOD[2]], "out of order"),
        ([*GOOD, line(4, "a")], "twice and not marked"),
        ([*GOOD, line(4, "a", key="other", marked=True)], "twice under two keys"),
        ([*GOOD, line(4, "x")], "never accepted"),
    ],
)
def test_the_judge_sees(record: list[dict[str, object]], what: str) -> None:
    found = verdict(LOG, record)
    assert len(found) == 1
    assert found[0].startswith(what)


def test_where_nothing_is_repeated_the_judge_asks_for_possibly_or_once() -> None:
    assert verdict(LOG, GOOD[:2], once={"r"}, possibly={"m3"}) == []
    assert verdict(LOG, GOOD[:2], possibly={"m3"}), "only where the policy says so"
    assert verdict(LOG, GOOD[:2], once={"r"}), "somebody must be told"
    twice = [*GOOD, line(4, "b", marked=True)]
    assert verdict(LOG, twice, once={"r"}) == ["twice where nothing is repeated: r"]
