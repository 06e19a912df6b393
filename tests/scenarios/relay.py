"""A line between our process and a network's server, which can be cut: bytes in, bytes out.

Rule kept here: it knows nothing of what it carries but which pieces are a write of ours, so that it
can be cut before one (nothing arrives) and after one (it arrives, and no answer comes back).
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Cut = Literal["before", "after"]


@dataclass
class Relay:
    """One line.

    Args:
        port: of the server, on this machine.
        is_write: whether a piece from our side is a write.
        listens_on: our end's port, once it is open.
        cuts: how often a write was cut, by kind.
    """

    port: int
    is_write: Callable[[bytes], bool]
    listens_on: int = 0
    down: bool = False
    cuts: dict[str, int] = field(default_factory=dict)
    _armed: list[Cut] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.listens_on = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.go_down()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self, kind: Cut) -> None:
        """The next write is cut."""
        self._armed.append(kind)

    @property
    def armed(self) -> bool:
        """A write is still to be cut."""
        return bool(self._armed)

    def go_down(self) -> None:
        """Every connection breaks, and no new one comes to be."""
        self.down = True
        for writer in self._open:
            writer.transport.abort()

    def come_back(self) -> None:
        self.down = False

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError):
            if not self.down:
                far, forth = await asyncio.open_connection("127.0.0.1", self.port)
                await self._carry(near, back, far, forth)
        back.transport.abort()

    async def _carry(
        self,
        near: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
    ) -> None:
        silent = asyncio.Event()
        self._open |= {back, forth}
        out = asyncio.ensure_future(self._outwards(near, forth, silent))
        home = asyncio.ensure_future(self._homewards(far, back, silent))
        try:
            await asyncio.wait({out, home}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (out, home):
                each.cancel()
            await asyncio.gather(out, home, return_exceptions=True)
            self._open -= {back, forth}
            back.transport.abort()
            forth.transport.abort()

    async def _outwards(
        self, near: asyncio.StreamReader, forth: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        while data := await near.read(1 << 20):
            if self._armed and self.is_write(data):
                kind = self._armed.pop(0)
                self.cuts[kind] = self.cuts.get(kind, 0) + 1
                if kind == "before":
                    return
                silent.set()
            forth.write(data)
            await forth.drain()

    @staticmethod
    async def _homewards(
        far: asyncio.StreamReader, back: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        while data := await far.read(1 << 20):
            if silent.is_set():
                return  # the answer to the write that is cut: it was done
            back.write(data)
            await back.drain()
