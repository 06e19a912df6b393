"""The two ways to a memory network: in this process, and through a socket.

Rule kept here: a line carries one call at a time. A line whose call did not end well is closed,
never used again, so that no answer is ever taken for another call's. Before the first byte of a
call is written a failure is ``NotSentError``; after it, ``BrokenError``.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

from connectors.memory.faults import FaultKind
from connectors.memory.handler import Handler, Session
from connectors.memory.wire import (
    BrokenError,
    CutError,
    Frame,
    JsonObject,
    NotSentError,
    Refusal,
    encode,
    pieces,
    raise_refusal,
    read_frame,
)

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LINE_ERRORS = (OSError, EOFError, BrokenError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a network listens: a Unix socket, or a port on loopback.

    Attributes:
        path: of the socket; empty for a port.
        host: a loopback address.
        port: 0 to let the system choose (listening only).
    """

    path: str = ""
    host: str = "127.0.0.1"
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``unix:/path``, ``/path`` or ``127.0.0.1:PORT``. Raises: ValueError."""
        if text.startswith("unix:") or "/" in text:
            return cls(path=text.removeprefix("unix:"))
        host, _, port = text.rpartition(":")
        if host.strip("[]") not in LOOPBACK or not port.isdecimal():
            raise ValueError("a memory network listens on a Unix socket or on 127.0.0.1:PORT only")
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"{self.host}:{self.port}"


class LocalLink:
    """Calls a network in this process.

    Args:
        handler: the network's handler.
        session: in whose name.
        timeout: seconds for one answer; a call that waits for events has its own on top.
    """

    def __init__(self, handler: Handler, session: Session, timeout: float) -> None:
        self._handler = handler
        self._session = session
        self._timeout = timeout
        self._under_way: set[asyncio.Task[JsonObject]] = set()
        self._closed = False
        self.features = handler.greet(session)

    async def call(
        self, verb: str, fields: JsonObject, body: AsyncIterator[bytes] | None = None
    ) -> JsonObject:
        """One question and its answer, through JSON as on a wire."""
        self._reachable(verb)
        call = json.loads(json.dumps(fields | {"verb": verb}))
        task = asyncio.create_task(self._handler.answer(self._session, call, body))
        self._under_way.add(task)
        wait = self._timeout + float(fields.get("wait", 0))
        try:
            async with asyncio.timeout(wait if body is None else None):
                answer = await task
        except CutError:
            raise BrokenError("cut") from None
        except TimeoutError:
            raise BrokenError("timeout") from None
        except asyncio.CancelledError:
            task.cancel()
            if self._closed and not _cancelled():
                raise BrokenError("closed") from None
            raise
        finally:
            self._under_way.discard(task)
        return raise_refusal(json.loads(json.dumps(answer)))

    def _reachable(self, verb: str) -> None:
        faults = self._handler.network.faults
        if self._closed:
            raise NotSentError("closed")
        if not self._session.far and faults.armed() and faults.take(FaultKind.CUT_BEFORE, verb):
            raise NotSentError("unreachable")

    async def fetch(self, verb: str, fields: JsonObject) -> AsyncIterator[bytes]:
        """A file in pieces."""
        self._reachable(verb)
        for piece in self._handler.fetch(self._session, fields):
            yield piece

    async def close(self) -> None:
        """Ends every call that is under way."""
        self._closed = True
        for task in list(self._under_way):
            task.cancel()


def _cancelled() -> bool:
    """Whether the caller itself was cancelled, not only the call that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Line:
    """One connection, signed in."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, features: JsonObject
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.features = features

    def dead(self) -> bool:
        """The other side ended it while it lay idle."""
        return self.reader.at_eof() or self.writer.is_closing()

    def drop(self) -> None:
        """Ends it at once."""
        self.writer.transport.abort()


class SocketLink:
    """Calls a network in another process.

    Args:
        address: where it listens.
        session: in whose name.
        timeout: seconds for one answer; a call that waits for events has its own on top.
    """

    def __init__(self, address: Address, session: Session, timeout: float) -> None:
        self._address = address
        self._session = session
        self._timeout = timeout
        self._idle: list[Line] = []
        self._lines: set[Line] = set()
        self._closed = False

    async def call(
        self, verb: str, fields: JsonObject, body: AsyncIterator[bytes] | None = None
    ) -> JsonObject:
        """One question and its answer."""
        line = await self._line()
        head = encode(fields | {"verb": verb, "more": body is not None})
        wait = self._timeout + float(fields.get("wait", 0))
        try:
            async with self._whole(line):
                line.writer.write(head)
                if body is not None:
                    await self._write(line, body)
                async with asyncio.timeout(wait):
                    frame = await read_frame(line.reader)
        except LINE_ERRORS:
            raise BrokenError("cut") from None
        except TimeoutError:
            raise BrokenError("timeout") from None
        self._give_back(line)
        return raise_refusal(frame.header)

    @contextlib.asynccontextmanager
    async def _whole(self, line: Line) -> AsyncIterator[None]:
        """Drops the line on whatever goes wrong, cancellation included."""
        try:
            yield
        except BaseException:
            self._drop(line)
            raise

    async def _write(self, line: Line, body: AsyncIterator[bytes]) -> None:
        """Pieces as fast as the other side takes them; each has the whole time-out."""
        async for piece in pieces(body):
            line.writer.write(encode({"more": True}, piece))
            async with asyncio.timeout(self._timeout):
                await line.writer.drain()
        line.writer.write(encode({"more": False}))

    async def fetch(self, verb: str, fields: JsonObject) -> AsyncIterator[bytes]:
        """A file in pieces, each read only when it is asked for."""
        line = await self._line()
        line.writer.write(encode(fields | {"verb": verb, "more": False}))
        try:
            while (frame := await self._frame(line)).header.get("more"):
                yield frame.body
            raise_refusal(frame.header)
        except Refusal:
            raise
        except (*LINE_ERRORS, TimeoutError):
            raise BrokenError("cut") from None
        finally:
            self._drop(line)

    async def _frame(self, line: Line) -> Frame:
        async with asyncio.timeout(self._timeout):
            return await read_frame(line.reader)

    async def _line(self) -> Line:
        """An idle line that still lives, or a new one. Raises: NotSentError."""
        while self._idle:
            line = self._idle.pop()
            if not line.dead():
                return line
            self._drop(line)
        if self._closed:
            raise NotSentError("closed")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._connect()
        except (*LINE_ERRORS, TimeoutError):
            raise NotSentError("unreachable") from None

    async def _connect(self) -> Line:
        where = self._address
        reader, writer = (
            await asyncio.open_unix_connection(where.path)
            if where.path
            else await asyncio.open_connection(where.host, where.port)
        )
        line = Line(reader, writer, {})
        self._lines.add(line)
        async with self._whole(line):
            hello = {"as": self._session.account, "far": self._session.far}
            writer.write(encode(hello | {"events": self._session.events}))
            line.features = (await read_frame(reader)).header
        return line

    async def greet(self) -> JsonObject:
        """What the network says of itself. Raises: NotSentError."""
        line = await self._line()
        self._give_back(line)
        return line.features

    def _give_back(self, line: Line) -> None:
        if self._closed:
            self._drop(line)
        else:
            self._idle.append(line)

    def _drop(self, line: Line) -> None:
        self._lines.discard(line)
        line.drop()

    async def close(self) -> None:
        """Ends every line; calls under way fail."""
        self._closed = True
        self._idle.clear()
        for line in list(self._lines):
            self._drop(line)
