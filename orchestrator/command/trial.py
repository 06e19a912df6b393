"""The safe live check of a channel: nobody else is written to, and nothing is left behind.

Rules kept here:

1. What is sent goes to ourselves alone: a room that nobody is asked into, or a mail to our own
   address. Members are read back before anything is said.
2. A step is what was seen, by whom. What only other members could show is not claimed, and what
   the channel does not offer is said.
3. A grade is no higher than its proof: *fit* needs the timer, encryption and members read back.
   A stand-in answers as the real server does: where only a stand-in was met before the release, a
   named person must say that this is the real one.
"""

import asyncio
import time
from dataclasses import dataclass, field

from connectors.port.capabilities import Posture
from connectors.port.connector import (
    AcceptsInvites,
    Connector,
    CreatesRooms,
    FindsDelivery,
    HearsItself,
    UndoesMessages,
)
from connectors.port.errors import ConnectorError
from connectors.port.messages import Content, Delivery, RoomSpec
from orchestrator.client import views
from orchestrator.ids import new_id
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import DeliveryKey, RemoteId, RoomId
from tiers.policy import Grade

SIMULATED = "memory"
"""A network inside a process of ours, whatever anybody says."""
_SHOWS_TIMERS = frozenset({"matrix"})
"""Networks whose server shows a room's timer as it has it."""
_FIT = frozenset(
    {Guarantee.END_TO_END_ENCRYPTED, Guarantee.INVITE_ONLY, Guarantee.MEMBERS_READABLE}
)
_TIMER = 86_400_000_000
_STAYS = "not offered here: what is said cannot be deleted; this line stays, with us alone"
_BACK_S, _LOOK_S = 45.0, 0.25
"""How long a mail to ourselves may take, and how often is looked."""


@dataclass(slots=True)
class Trial:
    """One run on one open connector.

    Attributes:
        kind: the connector's name.
        steps: what was seen, in order.
        posture: of the room of our own, once it was read.
    """

    kind: str
    connector: Connector
    patience_s: float = _BACK_S
    steps: list[views.Step] = field(default_factory=list)
    posture: Posture | None = None
    _clock: float = field(default_factory=time.monotonic)

    @property
    def passed(self) -> bool:
        """Every step was seen."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    async def run(self) -> None:
        """Walks through the steps; the first that fails by an error of the network is the last."""
        connector: object = self.connector
        try:
            health = await self.connector.health()
            self._step("signed in", health.code, ok=health.up)
            if isinstance(connector, CreatesRooms):
                await self._in_own_room(connector)
            else:
                self._step("own room", "this network makes no rooms", ok=False)
        except ConnectorError as error:
            self._step("failed", error.code, ok=False)

    async def _in_own_room(self, connector: CreatesRooms) -> None:
        spec = RoomSpec("Room check", frozenset(), frozenset(), _TIMER, gate=False)
        room = await connector.create(spec)
        try:
            if await self._alone(room):
                await self._speak(room)
        finally:  # whatever was not told of it, it is given up
            if isinstance(connector, AcceptsInvites):
                await self._leave(connector, room)

    async def _alone(self, room: RoomId) -> bool:
        self.posture = await self.connector.posture(room)
        count = len(self.posture.holdings)
        self._step("own room, settings read back", f"{count} guarantees", ok=True)
        members = await self.connector.members(room)
        alone = members.complete and {m.account for m in members.members} == {
            self.connector.account
        }
        self._step("members read back", f"{len(members.members)} member", ok=alone)
        return alone

    async def _speak(self, room: RoomId) -> None:
        connector: object = self.connector
        key = DeliveryKey(new_id("wx"))
        content = Content("Channel check. Nothing to do.")
        accepted = await self.connector.send(Delivery(key, room, content, frozenset()))
        self._step("own message", "accepted", ok=True)
        if isinstance(connector, FindsDelivery):
            found = await connector.find(room, key)
            same = found is not None and found.remote_id == accepted.remote_id
            text = "as the network has it" if same else "the network has it not"
            self._step("own message read back", text, ok=same)
        if isinstance(connector, HearsItself):
            await self._hear(connector, key)
        if isinstance(connector, UndoesMessages):
            await self._take_back(connector, room, accepted.remote_id)
        else:
            self._step("taking back", _STAYS, ok=True, by="channel")

    async def _take_back(self, connector: UndoesMessages, room: RoomId, message: RemoteId) -> None:
        await connector.undo(room, message)
        gone = await connector.is_gone(room, message)
        shows = self.kind in _SHOWS_TIMERS or self.kind == SIMULATED
        name = "taken back, seen gone" if shows else "taken back, asked"
        text = "read back" if shows else "nobody else is there who could keep it"
        self._step(name, text, ok=gone)

    async def _hear(self, connector: HearsItself, key: DeliveryKey) -> None:
        until = time.monotonic() + self.patience_s
        back = await connector.came_back(key)
        while not back and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
            back = await connector.came_back(key)
        late = f"not seen within {self.patience_s:.0f} s: is the mailbox read, is it taken as spam?"
        text = "signature and key verified" if back else late
        self._step("came back", text, ok=back, by="own mailbox")

    async def _leave(self, connector: AcceptsInvites, room: RoomId) -> None:
        """Goes out again; that a network does not let its last member go spoils nothing."""
        try:
            await connector.leave(room)
            text = "left"
        except ConnectorError as error:
            text = f"it stays, with us alone ({error.code})"
        self._step("own room given up", text, ok=True)

    def _step(self, name: str, text: str, *, ok: bool, by: str = "server") -> None:
        now = time.monotonic()
        took, self._clock = now - self._clock, now
        self.steps.append(views.Step(name=name, ok=ok, observed_by=by, seconds=took, text=text))

    def saw_timer(self) -> None:
        """Another room of ours on this channel shows in its traffic that messages disappear."""
        self._step("timer seen in a room's traffic", "within 24 h", ok=True, by="traffic")

    def grade(self, shipped: Grade, *, stated: bool, timer_seen: bool) -> Grade:
        """What this run has earned.

        Args:
            shipped: what was run before the release.
            stated: a named person says that the real server answered.
            timer_seen: of another room of ours here.
        """
        if not self.passed:
            return Grade.NONE
        if self.kind == SIMULATED or (shipped < Grade.FIELD and not stated):
            return Grade.LAB
        if self.posture is None:
            return Grade.FIELD
        holdings = self.posture.holdings
        held = {h.guarantee for h in holdings if h.evidence is Evidence.VERIFIED}
        shown = any(h.guarantee is Guarantee.TIMER and h.value for h in holdings)
        timer = timer_seen or (shown and self.kind in _SHOWS_TIMERS)
        return Grade.FIT if held >= _FIT and timer else Grade.FIELD


def shows_running_timer(posture: Posture) -> bool:
    """Whether a room's traffic of the last 24 hours showed that its messages disappear."""
    return any(
        h.guarantee is Guarantee.TIMER and h.evidence is Evidence.VERIFIED and h.value
        for h in posture.holdings
    )
