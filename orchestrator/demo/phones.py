"""People on Signal, as the far side's ground truth: a stand-in of the network and its phones.

Rule kept here: what a phone shows is asked of the stand-in's own hand, never of the REST server
that our connector speaks to. The product reaches the stand-in over that server alone.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from connectors.signal.standin.control import Control, Message
from connectors.signal.standin.process import Running, start
from orchestrator.demo.loopback import free_port
from orchestrator.demo.whole import whole
from tiers.ids import AccountId

NUMBER = "+15550100"
"""Of the account that is ours there."""
OURS = "bot"
_FIRST_NUMBER = 15550200
_LOOK_EVERY_S = 0.05


@dataclass
class Phones:
    """The network and everybody's phone on it.

    Attributes:
        secret: last part of the URL that the server posts to.
        port: where it posts to.
        uuids: each person's account, once the network runs.
    """

    secret: str = field(repr=False)
    port: int = field(default_factory=free_port)
    uuids: dict[str, AccountId] = field(default_factory=dict)
    _running: Running | None = field(default=None, repr=False)
    _hand: Control | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Of the REST server."""
        return self._started.url

    @property
    def hand(self) -> Control:
        """Acts on the far side."""
        if self._hand is None:
            raise RuntimeError("the stand-in does not run")
        return self._hand

    @property
    def _started(self) -> Running:
        if self._running is None:
            raise RuntimeError("the stand-in does not run")
        return self._running

    async def open(self, people: Iterable[str]) -> None:
        """Starts the network and gives each person a phone. Raises: RuntimeError."""
        await whole(self._start)
        self._hand = Control(self._started.control, self._started.token)
        for n, person in enumerate(sorted(people)):
            made = await self._hand.person(person, number=f"+{_FIRST_NUMBER + n}", auto_join=True)
            self.uuids[person] = AccountId(made.uuid)

    def _start(self) -> None:
        webhook = f"http://127.0.0.1:{self.port}/{self.secret}"
        self._running = start(webhook=webhook)

    async def close(self) -> None:
        """Ends the network."""
        hand, self._hand = self._hand, None
        running, self._running = self._running, None
        if running is not None:
            await whole(running.stop)
        if hand is not None:
            await hand.close()

    async def shown(self, person: str, group: str) -> tuple[Message, ...]:
        """What a person's phone shows in a group now."""
        return await self.hand.arrived(person, group)

    async def until(
        self, person: str, group: str, fits: Callable[[Message], bool], patience_s: float
    ) -> Message | None:
        """The first message of a group that fits, once a phone shows it; None when none came."""
        end = asyncio.get_running_loop().time() + patience_s
        while True:
            found = [m for m in await self.shown(person, group) if fits(m)]
            if found or asyncio.get_running_loop().time() > end:
                return found[0] if found else None
            await asyncio.sleep(_LOOK_EVERY_S)
