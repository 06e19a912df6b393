"""signal-cli behind the server: what is received, to whom it goes, and what gets lost.

Rules kept here:

1. In json-rpc mode one reader takes everything that signal-cli says, in order: received lines and
   answers alike. While it posts a line to the webhook, without a time limit, every answer waits.
2. A line that could not be posted is lost for good; each loss is written down with its instant.
3. While the server is down, messages wait at the Signal service; nothing of that is lost.
4. While signal-cli alone is gone, messages wait too, and a call that asks it is never answered.
5. As signal-cli's own daemon it tells whoever reads its stream, one thing after the other, and
   loses what nobody reads. It fetches from its start on, or (``on-connection``) while one reads.
"""

import asyncio
import contextlib
import json
import ssl
from collections import deque
from dataclasses import dataclass

import httpx

from connectors.signal.standin.account import Account
from connectors.signal.standin.envelopes import Envelopes, Json
from connectors.signal.standin.faults import FaultKind, Faults
from connectors.signal.standin.model import Post, Queued, Receipt
from connectors.signal.standin.network import Network
from connectors.signal.standin.options import ReceiveMode

WEBHOOK = "webhook"
DONE = (200, 201)


@dataclass(frozen=True, slots=True)
class Loss:
    """A received thing that reached nobody, for good.

    Attributes:
        at: when it was lost (nobody was there: when it was tried), microseconds.
        received: when the Signal service got it, microseconds.
        author: ACI.
        timestamp: of the message, milliseconds; 0 for receipts and typing.
        room: a group's internal id; None on a private line.
        kind: message, receipt or typing.
        reason: what became of it.
    """

    at: int
    received: int
    author: str
    timestamp: int
    room: str | None
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Line:
    """One received line on its way to the webhook."""

    queued: Queued
    params: Json


class Listening:
    """Somebody who reads the stream of events."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[Json, asyncio.Future[bool]]] = asyncio.Queue()
        self._pending: asyncio.Future[bool] | None = None
        self._gone = False

    async def tell(self, params: Json) -> bool:
        """Waits until it is written; False where the reader went before."""
        if self._gone:
            return False
        self._pending = asyncio.get_running_loop().create_future()
        self._told.put_nowait((params, self._pending))
        return await self._pending

    async def next(self) -> tuple[Json, asyncio.Future[bool]]:
        """What is to be written next, and what to say then."""
        return await self._told.get()

    def go(self) -> None:
        """He reads no more."""
        self._gone = True
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(False)


class Waiter:
    """Somebody at the WebSocket; what comes while he does not wait is not for him."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[Json] | None = None

    async def next(self) -> Json:
        """What comes next, from now on."""
        self._waiting = asyncio.get_running_loop().create_future()
        return await self._waiting

    def offer(self, params: Json) -> bool:
        """Hands it over without waiting; whether he took it."""
        if self._waiting is None or self._waiting.done():
            return False
        self._waiting.set_result(params)
        return True


class Daemon:
    """The reader, the webhook and the losses of one server.

    Args:
        network: the Signal service.
        account: the server's own state.
        faults: what shall go wrong.
    """

    def __init__(self, network: Network, account: Account, faults: Faults) -> None:
        self.up = True
        self.attached = True
        self.webhook = network.options.webhook
        self.losses: list[Loss] = []
        self.posted = 0
        self._network, self._account, self._faults = network, account, faults
        self._envelopes = Envelopes(network)
        self._service: deque[Queued] = deque()
        self._said: asyncio.Queue[_Line | asyncio.Future[None]] = asyncio.Queue()
        self._unposted = 0
        self._came = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.waiters: list[Waiter] = []
        self._listening: list[Listening] = []
        self._late: _Line | None = None

    # what the service has for us

    def arrive(self, queued: Queued) -> None:
        """Something for the account: read at once in json-rpc mode, else it waits to be asked."""
        if not self._network.bot.registered:
            self._lose(queued, "the account is not registered")
            return
        self._service.append(queued)
        self._came.set()
        self._read_on()

    def waiting(self) -> int:
        """How much waits at the service."""
        return len(self._service)

    def _read_on(self) -> None:
        if not (self._fetches and self.up and self.attached):
            return
        while self._service:
            queued = self._service.popleft()
            if self._blocked(queued):
                continue
            self._unposted += 1
            self._idle.clear()
            self._said.put_nowait(_Line(queued, self._params(queued)))

    @property
    def _fetches(self) -> bool:
        options = self._network.options
        if not options.streams:
            return options.json_rpc
        return bool(self._listening) or options.receive_mode is ReceiveMode.ON_START

    def subscribe(self, reader: Listening) -> None:
        """Somebody reads the stream from now on."""
        self._listening.append(reader)
        self._read_on()

    def unsubscribe(self, reader: Listening) -> None:
        """He reads it no more."""
        self._listening.remove(reader)
        reader.go()

    def _blocked(self, queued: Queued) -> bool:
        """It is from a group that the account has blocked: signal-cli says nothing of it."""
        room = queued.what.room if isinstance(queued.what, Post) else None
        group = self._network.groups.get(room or "")
        return group is not None and group.blocked

    def _params(self, queued: Queued) -> Json:
        """What signal-cli says of one thing: the envelope, beside it what went wrong."""
        what = queued.what
        account = {"account": self._network.options.number}
        wrong = self._wrong(what) if isinstance(what, Post) else None
        if wrong is not None:
            told = {"message": wrong, "type": wrong.partition(":")[0]}
            return {"exception": told, "envelope": self._envelopes.unreadable(queued)} | account
        if isinstance(what, Post):
            queued = Queued(self._account.take(what), queued.at)
        return {"envelope": self._envelopes.of(queued)} | account

    def _wrong(self, post: Post) -> str | None:
        if post.broken is not None:
            return post.broken
        if not self._account.opens(post):
            return "UntrustedIdentityException: Untrusted identity"
        return None

    # normal mode

    async def poll(self, seconds: float, most: int) -> list[Json]:
        """Takes what waits; when nothing does, waits for something that long."""
        if not self._service:
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), seconds)
        taken: list[Json] = []
        while self._service and (most <= 0 or len(taken) < most):
            queued = self._service.popleft()
            if not self._blocked(queued):
                taken.append(self._params(queued))
        return taken

    # json-rpc mode

    async def turn(self) -> None:
        """Waits until the reader comes to an answer that was just given."""
        if not self._network.options.json_rpc or self._network.options.streams:
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._said.put_nowait(mine)
        await mine

    async def settle(self) -> None:
        """Waits until everything received so far is posted or lost."""
        await self._idle.wait()

    async def read(self) -> None:
        """The reader; runs until it is cancelled."""
        # No time limit, as in the real one; and no certificates: a webhook is on this machine.
        trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(
            timeout=None,  # noqa: S113 - see above
            trust_env=False,
            verify=trusting_nobody,
        ) as client:
            while True:
                said = await self._said.get()
                if isinstance(said, asyncio.Future):
                    if not said.done():
                        said.set_result(None)
                    continue
                if self._late is None and self._faults.take(FaultKind.LATE_WEBHOOK, WEBHOOK):
                    self._late = said
                    continue
                await self._hand_on(client, said)
                self._one_less()
                if self._late is not None:
                    late, self._late = self._late, None
                    await self._hand_on(client, late)
                    self._one_less()

    def _one_less(self) -> None:
        self._unposted -= 1
        if not self._unposted:
            self._idle.set()

    async def _hand_on(self, client: httpx.AsyncClient, line: _Line) -> None:
        if self._network.options.streams:
            await self._tell(line)
            return
        taken = [each.offer(line.params) for each in self.waiters]
        if not self.webhook and not any(taken):
            self._lose(line.queued, "nobody listens")
        elif not self.webhook:
            self.posted += 1
        else:
            twice = self._faults.take(FaultKind.TWICE_WEBHOOK, WEBHOOK) is not None
            failed = [await self._post(client, line.params) for _ in range(2 if twice else 1)]
            if all(failed) and failed[0] is not None:
                self._lose(line.queued, *failed[0])

    async def _tell(self, line: _Line) -> None:
        """To everybody who reads the stream; who went before it was written got nothing."""
        twice = self._faults.take(FaultKind.TWICE_WEBHOOK, WEBHOOK) is not None
        readers = [*self._listening] * (2 if twice else 1)
        told = [await each.tell(line.params) for each in readers]
        if any(told):
            self.posted += 1
        else:
            self._lose(line.queued, "nobody listens")

    async def _post(self, client: httpx.AsyncClient, params: Json) -> tuple[str, int] | None:
        """Once, as the real program does: no retry, no signature, no end to the waiting.

        Returns:
            None, or why nobody got it, and when: where nobody was there, when it was tried.
        """
        began = self._network.clock.now()
        notification = {"jsonrpc": "2.0", "method": "receive", "params": params}
        body, headers = json.dumps(notification).encode(), {"Content-Type": "application/json"}
        try:
            answer = await client.post(self.webhook, content=body, headers=headers)
        except httpx.ConnectError as error:
            return type(error).__name__, began
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__, self._network.clock.now()
        if answer.status_code not in DONE:
            return f"status {answer.status_code}", self._network.clock.now()
        self.posted += 1
        return None

    def _lose(self, queued: Queued, reason: str, at: int | None = None) -> None:
        what = queued.what
        when = self._network.clock.now() if at is None else at
        post = what if isinstance(what, Post) else None
        kind = "message" if post else "receipt" if isinstance(what, Receipt) else "typing"
        stamp, room = (post.timestamp, post.room) if post else (0, None)
        self.losses.append(Loss(when, queued.at, what.author, stamp, room, kind, reason))

    # the server's own life

    def go_down(self) -> None:
        """The server ends: what it had read and not posted is gone."""
        self.up = False
        said = [self._said.get_nowait() for _ in range(self._said.qsize())]
        for each in said:
            if isinstance(each, asyncio.Future):
                self._said.put_nowait(each)
            else:
                self._lose(each.queued, "the server ended before it was posted")
                self._one_less()

    def come_back(self) -> None:
        """The server is there again and gets what waited."""
        self.up = True
        self._read_on()

    @property
    def answers(self) -> bool:
        """Whether a call that asks signal-cli is ever answered."""
        return self.attached or not self._network.options.json_rpc

    def detach(self) -> None:
        """signal-cli is gone; the server lives and does not say so."""
        self.attached = False

    def attach(self) -> None:
        """signal-cli is there again and reads what waited; earlier calls stay unanswered."""
        self.attached = True
        self._read_on()
