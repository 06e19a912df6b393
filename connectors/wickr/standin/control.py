"""The far side's hand, typed: people with their apps, Wickr itself, and what goes wrong.

Rule kept here: nothing here goes through the interface, so what it says is evidence. People go by
their names (``bot`` is our account), rooms by vGroupID, messages by ``message_id``.

    with process.start() as far:
        async with Control(far.control, far.token) as hand: ...

What people do is in ``acting``; what goes wrong, and what became of what, is here.
"""

from typing import Any

from connectors.shared.standin.line import WAIT, NotDoneError
from connectors.wickr.standin.acting import Acting
from connectors.wickr.standin.faults import CHANGES, SENDS, FaultKind
from connectors.wickr.standin.views import (
    Asked,
    Message,
    Passed,
    Person,
    Room,
    SeenFile,
    Upload,
)

__all__ = [
    "CHANGES",
    "SENDS",
    "Asked",
    "Control",
    "Message",
    "NotDoneError",
    "Passed",
    "Person",
    "Room",
    "SeenFile",
    "Upload",
]


class Control(Acting):
    """The whole hand: people, and what goes wrong.

    Args:
        url: ``process.Running.control``.
        token: ``process.Running.token``.
    """

    # what goes wrong

    async def fault(
        self,
        kind: FaultKind,
        *,
        verb: str | None = None,
        times: int | None = 1,
        amount: int = 0,
        text: str = "",
    ) -> None:
        """Arms a fault, see ``faults.FaultKind``; ``verb`` as in ``interface.ROUTES``, or ``*``."""
        fields = {"verb": verb, "times": times, "amount": amount, "text": text}
        await self._do("fault", kind=str(kind), **fields)

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._do("clear_faults")

    async def refuse(self, verb: str = SENDS, *, times: int | None = 1) -> None:
        """The client refuses the next call: 400, and nobody tells why."""
        await self.fault(FaultKind.REFUSE, verb=verb, times=times)

    async def unavailable(
        self, verb: str = SENDS, *, status: int = 503, retry_after: int | None = None
    ) -> None:
        """A proxy before the program answers the next call; ``retry_after`` in seconds."""
        wait = "" if retry_after is None else str(retry_after)
        await self.fault(FaultKind.UNAVAILABLE, verb=verb, amount=status, text=wait)

    async def cut_lost(self, verb: str = SENDS) -> None:
        """The next call is read, nothing is done, the connection is reset."""
        await self.fault(FaultKind.CUT_LOST, verb=verb)

    async def cut_after(self, verb: str = SENDS) -> None:
        """The next call is done, and the connection is reset before an answer."""
        await self.fault(FaultKind.CUT_AFTER, verb=verb)

    async def cut_midway(self, verb: str = SENDS) -> None:
        """The next call is done, and the connection is reset in the middle of the answer."""
        await self.fault(FaultKind.CUT_MIDWAY, verb=verb)

    async def answer_nothing(self, verb: str = SENDS, *, text: str = "") -> None:
        """The next call is answered as one that had nothing to do, or 200 and ``text``."""
        await self.fault(FaultKind.NOTHING, verb=verb, text=text)

    async def lie(self, verb: str = SENDS) -> None:
        """The next call is answered as if done; nothing is done."""
        await self.fault(FaultKind.LIE, verb=verb)

    async def garbage(self, verb: str = SENDS, *, status: int = 0) -> None:
        """The next call is done, its answer is a page of HTML."""
        await self.fault(FaultKind.GARBAGE, verb=verb, amount=status)

    async def slow(self, verb: str = SENDS, *, by: int = 200_000) -> None:
        """The next call is done so many microseconds late."""
        await self.fault(FaultKind.SLOW, verb=verb, amount=by)

    async def late(self, verb: str = SENDS, *, by: int = 200_000) -> None:
        """The next call is done at once and answered so many microseconds late."""
        await self.fault(FaultKind.LATE, verb=verb, amount=by)

    async def hang(self, verb: str = SENDS, *, done: bool = True) -> None:
        """The next call is never answered; ``done``: what it asks for is done."""
        await self.fault(FaultKind.HANG if done else FaultKind.HANG_LOST, verb=verb)

    async def partial_members(self, verb: str = "*", *, times: int | None = 1) -> None:
        """The next listing leaves out a member and a moderator."""
        await self.fault(FaultKind.PARTIAL_MEMBERS, verb=verb, times=times)

    async def garbage_members(self, verb: str = "*") -> None:
        """The next listing has no lists where its members should be."""
        await self.fault(FaultKind.GARBAGE_MEMBERS, verb=verb)

    async def ignore_timer(self) -> None:
        """The next room made or changed keeps its time to live, and nobody says so."""
        await self.fault(FaultKind.IGNORE_TIMER)

    async def slow_upload(self, by: int) -> None:
        """The next file is read from the folder so many microseconds after it was put there."""
        await self.fault(FaultKind.SLOW_UPLOAD, amount=by)

    async def fail_callback(self, times: int | None = 1) -> None:
        """So many received messages the client fails to post, by itself; all else is well."""
        await self.fault(FaultKind.NOT_POSTED, times=times)

    async def duplicate(self, times: int = 1) -> None:
        """So many received messages are handed out twice."""
        await self.fault(FaultKind.TWICE, times=times)

    async def swap(self) -> None:
        """The next received message is handed out after the one behind it."""
        await self.fault(FaultKind.SWAP)

    # the host

    async def go_down(self) -> None:
        """The bot's host is gone: connections refused; messages wait at Wickr."""
        await self._do("go_down")

    async def come_back(self) -> None:
        """It is there again, and gets what waited."""
        await self._do("come_back")

    async def lose_interface(self) -> None:
        """Only the web interface is gone; its client goes on receiving and posting."""
        await self._do("interface", there=False)

    async def find_interface(self) -> None:
        """The web interface is there again."""
        await self._do("interface", there=True)

    async def callback(self, url: str | None = None) -> str:
        """The callback that the client has; a URL given is set behind our back (empty: none)."""
        return str((await self._do("callback", url=url))["url"])

    async def settle(self, seconds: float = WAIT) -> None:
        """Waits until all that was received is posted, lost or queued. Raises: NotDoneError."""
        await self._do("settle", seconds=seconds)

    # the books

    async def losses(self) -> tuple[Passed, ...]:
        """What reached nobody, for good, in order."""
        return tuple(Passed(**each) for each in (await self._do("books"))["losses"])

    async def handed(self) -> tuple[Passed, ...]:
        """What was taken with 2xx, or polled, in order."""
        return tuple(Passed(**each) for each in (await self._do("books"))["handed"])

    async def waiting(self) -> tuple[int, int]:
        """How much waits at Wickr for our client, and at the client to be taken."""
        told = await self._do("books")
        return int(told["waiting"]), int(told["queued"])

    async def folder(self) -> tuple[str, tuple[str, ...]]:
        """The attachments folder as the bot names it, and what lies there."""
        told = await self._do("folder")
        return str(told["path"]), tuple(told["names"])

    async def requests(self) -> tuple[Asked, ...]:
        """Requests that the interface got, in order."""
        return tuple(_asked(each) for each in (await self._do("requests"))["requests"])

    async def forget_requests(self) -> None:
        """Forgets them."""
        await self._do("forget_requests")

    async def advance(self, by: int) -> int:
        """Puts the far side's clock forward, microseconds; returns its time."""
        return int((await self._do("clock", by=by))["now"])

    async def reset(self, **options: Any) -> None:
        """A new network with nobody on it, set up as at the start but for ``options.Options``."""
        await self._do("reset", options=options)


def _asked(told: dict[str, Any]) -> Asked:
    file = told["file"]
    return Asked(**told | {"file": None if file is None else (file[0], file[1])})
