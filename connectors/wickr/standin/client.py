"""The Wickr IO client behind the interface: what is received, to whom it goes, what gets lost.

Rules kept here:

1. With a callback each message is posted to it, one at a time, in order, unsigned, once. Without
   one it waits to be taken, and whoever takes it has it alone.
2. What was taken or posted and did not arrive is lost for good; each loss is written down with its
   instant, and so is each that arrived.
3. While the host is down messages wait at Wickr; nothing of that is lost.
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field

import httpx

from connectors.wickr.standin import received
from connectors.wickr.standin.faults import FaultKind, Faults
from connectors.wickr.standin.folder import Folder
from connectors.wickr.standin.model import Post, Queued
from connectors.wickr.standin.network import Network, Refused
from connectors.wickr.standin.options import OnFailure

ARRIVE, POST = "arrive", "post"
_LAST_DONE = 299


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One received thing as the client hands it out."""

    queued: Queued
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a received thing.

    Attributes:
        at: when (of a callback that nobody took: when it was tried), microseconds.
        received: when Wickr got it, microseconds.
        message: its ``message_id``.
        reason: what became of it; of one that arrived: ``callback`` or ``polled``.
    """

    at: int
    received: int
    message: str
    author: str
    room: str | None
    kind: int
    reason: str


class Client:
    """The client of one account.

    Args:
        network: Wickr.
        faults: what shall go wrong.
        folder: where files lie.
    """

    def __init__(self, network: Network, faults: Faults, folder: Folder) -> None:
        self.up = True
        self.callback = ""
        self.losses: list[Passed] = []
        self.handed: list[Passed] = []
        self.sent = self.errors = 0
        self.received = self.failed = 0
        self.folder = folder
        self._network, self._faults = network, faults
        self._service: deque[Queued] = deque()
        self._queue: deque[Item] = deque()
        self._held: Queued | None = None
        self._out: asyncio.Queue[Item] = asyncio.Queue()
        self._unposted = 0
        self._idle = asyncio.Event()
        self._idle.set()

    # what Wickr has for us

    def arrive(self, queued: Queued) -> None:
        """Something for the account."""
        if not self._network.bot.active:
            self._lose(queued, "the account is suspended")
            return
        if self._faults.take(FaultKind.TWICE, ARRIVE) is not None:
            queued = Queued(queued.post, queued.at, twice=True)
        if self._held is None and self._faults.take(FaultKind.SWAP, ARRIVE) is not None:
            self._held = queued
            return
        self._service.append(queued)
        if self._held is not None:
            self._service.append(self._held)
            self._held = None
        self._read_on()

    def _read_on(self) -> None:
        while self.up and self._service:
            item = self._opened(self._service.popleft())
            if self.callback:
                self._unposted += 1
                self._idle.clear()
                self._out.put_nowait(item)
            else:
                self._queue.append(item)

    def _opened(self, queued: Queued) -> Item:
        """A received thing, its file decrypted and kept."""
        post = queued.post
        file = post.file
        path = "" if file is None else self.folder.take_in(file.name, file.data, post.at)
        author = self._network.people[post.author]
        return Item(queued, received.told(post, author, self._network.bot.account, path))

    def waiting(self) -> tuple[int, int]:
        """How much waits at Wickr, and here to be taken."""
        return len(self._service), len(self._queue)

    # taking

    def next(self) -> Item | None:
        """The next that waits; it is gone from here."""
        return self._queue.popleft() if self._queue else None

    # posting

    def set_callback(self, url: str) -> None:
        """From now on messages are posted there; what waits here goes on waiting."""
        self.callback = url

    async def settle(self) -> None:
        """Waits until everything received so far is posted, lost, or waits to be taken."""
        await self._idle.wait()

    async def post_on(self) -> None:
        """Posts; runs until it is cancelled."""
        trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a callback is on this machine
        async with httpx.AsyncClient(
            timeout=self._network.options.callback_patience,
            trust_env=False,
            verify=trusting_nobody,
        ) as http:
            while True:
                item = await self._out.get()
                await self._hand_on(http, item)
                self._one_less()

    def _one_less(self) -> None:
        self._unposted -= 1
        if not self._unposted:
            self._idle.set()

    async def _hand_on(self, http: httpx.AsyncClient, item: Item) -> None:
        if not self.callback:
            self._queue.append(item)
            return
        failed = [await self._post(http, item) for _ in range(2 if item.queued.twice else 1)]
        if not all(each is not None for each in failed):
            self.arrived(item, "callback")
        elif self._network.options.on_failure is OnFailure.QUEUE:
            self._queue.append(item)
        elif failed[0] is not None:
            self.failed += 1
            self._lose(item.queued, *failed[0])

    async def _post(self, http: httpx.AsyncClient, item: Item) -> tuple[str, int] | None:
        """Once, without a signature.

        Returns:
            None, or why nobody got it, and when: where nobody was there, when it was tried.
        """
        began = self._network.clock.now()
        if self._faults.take(FaultKind.NOT_POSTED, POST) is not None:
            return "the client failed by itself", began
        headers = {"Content-Type": "application/json"}
        body = item.body.encode(self._network.options.encoding, "replace")
        try:
            answer = await http.post(self.callback, content=body, headers=headers)
        except httpx.ConnectError as error:
            return type(error).__name__, began
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__, self._network.clock.now()
        if answer.status_code > _LAST_DONE:
            return f"status {answer.status_code}", self._network.clock.now()
        return None

    # the books

    def clear(self) -> None:
        """Counts from nothing again."""
        self.sent = self.errors = self.received = self.failed = 0

    def arrived(self, item: Item, how: str) -> None:
        """One reached somebody."""
        self.received += 1
        self.handed.append(self._passed(item.queued, how, self._network.clock.now()))

    def lose(self, items: tuple[Item, ...], reason: str) -> None:
        """What was taken reached nobody."""
        for item in items:
            self._lose(item.queued, reason)

    def _lose(self, queued: Queued, reason: str, at: int | None = None) -> None:
        when = self._network.clock.now() if at is None else at
        self.losses.append(self._passed(queued, reason, when))

    def _passed(self, queued: Queued, reason: str, at: int) -> Passed:
        post: Post = queued.post
        return Passed(at, queued.at, post.id, post.author, post.room, post.kind, reason)

    # the host's own life

    def go_down(self) -> None:
        """The host ends: what waited here or was to be posted waits at Wickr's again."""
        self.up = False
        back = [self._out.get_nowait() for _ in range(self._out.qsize())]
        for _ in back:
            self._one_less()
        self._service.extendleft(item.queued for item in reversed([*self._queue, *back]))
        self._queue.clear()

    def come_back(self) -> None:
        """The host is there again and gets what waited."""
        self.up = True
        self._read_on()

    def check_active(self) -> None:
        """Raises: Refused where our account may do nothing."""
        if not self._network.bot.active:
            raise Refused("the account is suspended")
