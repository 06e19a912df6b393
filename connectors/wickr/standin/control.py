"""The far side's hand, typed: people with their apps, Wickr itself, and what goes wrong.

Rule kept here: nothing here goes through the interface, so what it says is evidence. People go by
their names (``bot`` is our account), rooms by vGroupID, messages by ``message_id``.

    with process.start() as far:
        async with Control(far.control, far.token) as hand: ...

What people do is in ``acting``; what goes wrong with every stand-in is in
``connectors.shared.standin.mishaps``; what goes wrong here alone, and what became of what, is here.
"""

from typing import Any

from connectors.shared.standin.line import NotDoneError
from connectors.shared.standin.mishaps import Mishaps
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


class Control(Acting, Mishaps):
    """The whole hand: people, and what goes wrong.

    Args:
        url: ``process.Running.control``.
        token: ``process.Running.token``.
    """

    sends = SENDS

    # what goes wrong

    async def refuse(self, verb: str = SENDS, *, times: int | None = 1) -> None:
        """The client refuses the next call: 400, and nobody tells why."""
        await self.fault(FaultKind.REFUSE, verb=verb, times=times)

    async def unavailable(
        self, verb: str = SENDS, *, status: int = 503, retry_after: int | None = None
    ) -> None:
        """A proxy before the program answers the next call; ``retry_after`` in seconds."""
        wait = "" if retry_after is None else str(retry_after)
        await self.fault(FaultKind.UNAVAILABLE, verb=verb, amount=status, text=wait)

    async def answer_nothing(self, verb: str = SENDS, *, text: str = "") -> None:
        """The next call is answered as one that had nothing to do, or 200 and ``text``."""
        await self.fault(FaultKind.NOTHING, verb=verb, text=text)

    async def late(self, verb: str = SENDS, *, by: int = 200_000) -> None:
        """The next call is done at once and answered so many microseconds late."""
        await self.fault(FaultKind.LATE, verb=verb, amount=by)

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

    async def lose_interface(self) -> None:
        """Only the web interface is gone; its client goes on receiving and posting."""
        await self._do("interface", there=False)

    async def find_interface(self) -> None:
        """The web interface is there again."""
        await self._do("interface", there=True)

    async def callback(self, url: str | None = None) -> str:
        """The callback that the client has; a URL given is set behind our back (empty: none)."""
        return str((await self._do("callback", url=url))["url"])

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


def _asked(told: dict[str, Any]) -> Asked:
    file = told["file"]
    return Asked(**told | {"file": None if file is None else (file[0], file[1])})
