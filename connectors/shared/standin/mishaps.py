"""What goes wrong at every far side, told over the hand's line.

Rule kept here: each names the next call that it happens to; without a name it is the program's own
word for what sends.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, ClassVar

from connectors.shared.standin.line import WAIT, Line


class Mishaps(Line):
    """Faults that all stand-ins have, and their host as a whole."""

    sends: ClassVar[str] = "send"

    async def fault(
        self,
        kind: StrEnum | str,
        *,
        verb: str | None = None,
        times: int | None = 1,
        amount: int = 0,
        text: str = "",
        who: Sequence[str] = (),
    ) -> None:
        """Arms a fault, by the stand-in's ``FaultKind``; ``verb`` as in its routes, or ``*``."""
        fields = {"verb": verb, "times": times, "amount": amount, "text": text}
        await self._do("fault", kind=str(kind), who=list(who), **fields)

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._do("clear_faults")

    async def cut_lost(self, verb: str | None = None) -> None:
        """The next call is read, nothing is done, the connection is reset."""
        await self.fault("cut_lost", verb=verb or self.sends)

    async def cut_after(self, verb: str | None = None) -> None:
        """The next call is done, and the connection is reset before an answer."""
        await self.fault("cut_after", verb=verb or self.sends)

    async def cut_midway(self, verb: str | None = None) -> None:
        """The next call is done, and the connection is reset in the middle of the answer."""
        await self.fault("cut_midway", verb=verb or self.sends)

    async def lie(self, verb: str | None = None) -> None:
        """The next call is answered as if done; nothing is done."""
        await self.fault("lie", verb=verb or self.sends)

    async def garbage(self, verb: str | None = None, *, status: int = 0) -> None:
        """The next call is done, its answer is a page of HTML."""
        await self.fault("garbage", verb=verb or self.sends, amount=status)

    async def slow(self, verb: str | None = None, *, by: int = 200_000) -> None:
        """The next call is done so many microseconds late."""
        await self.fault("slow", verb=verb or self.sends, amount=by)

    async def hang(self, verb: str | None = None, *, done: bool = True) -> None:
        """The next call is never answered; ``done``: what it asks for is done."""
        await self.fault("hang" if done else "hang_lost", verb=verb or self.sends)

    async def partial_members(self, verb: str = "*", *, times: int | None = 1) -> None:
        """The next listing leaves out a member and somebody who rules."""
        await self.fault("partial_members", verb=verb, times=times)

    async def garbage_members(self, verb: str = "*") -> None:
        """The next listing has no list where its members should be."""
        await self.fault("garbage_members", verb=verb)

    async def ignore_timer(self) -> None:
        """The next room made or changed keeps its time to live, and nobody says so."""
        await self.fault("ignore_timer")

    async def go_down(self) -> None:
        """The program's host is gone: connections refused; messages wait at the network."""
        await self._do("go_down")

    async def come_back(self) -> None:
        """It is there again, and gets what waited."""
        await self._do("come_back")

    async def settle(self, seconds: float = WAIT) -> None:
        """Waits until all that was received is posted, lost or queued. Raises: NotDoneError."""
        await self._do("settle", seconds=seconds)

    async def forget_requests(self) -> None:
        """Forgets the requests that the program got."""
        await self._do("forget_requests")

    async def advance(self, by: int) -> int:
        """Puts the far side's clock forward, microseconds; returns its time."""
        return int((await self._do("clock", by=by))["now"])

    async def reset(self, **options: Any) -> None:
        """A new network with nobody on it, set up as at the start but for ``options.Options``."""
        await self._do("reset", options=options)
