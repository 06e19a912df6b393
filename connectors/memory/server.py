"""The memory network in a process of its own.

Rule kept here: what people wrote stays in this process's memory; the record holds hashes. The
process outlives a kill of whoever speaks to it, and with ``--until-stdin-closes`` it ends when
whoever started it does.

    python -m connectors.memory.server --listen unix:/run/far.sock --record far.jsonl

The first line on standard output is one JSON object, ``{"listening": ADDRESS, "pid": PID}``.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from connectors.memory.faults import ANY
from connectors.memory.handler import Handler, Session, session_from
from connectors.memory.links import LINE_ERRORS, Address
from connectors.memory.network import Network, Options
from connectors.memory.record import Record
from connectors.memory.wire import CutError, Refusal, encode, read_frame


class Server:
    """Listens for connectors and for the far side's own hand.

    Args:
        network: the network to serve.
    """

    def __init__(self, network: Network) -> None:
        self._handler = Handler(network)
        self._lines: dict[asyncio.StreamWriter, Session] = {}
        self._serving: set[asyncio.Task[None] | None] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, address: Address) -> Address:
        """Starts; returns where. A socket file is open to its owner only."""
        if address.path:
            _remove(address)
            self._server = await asyncio.start_unix_server(self._serve, address.path)
            _close_to_others(address)
            return address
        self._server = await asyncio.start_server(self._serve, address.host, address.port)
        return Address(host=address.host, port=self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stops and ends every line."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            if task is not None:
                task.cancel()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line from greeting to end; whatever ends it, nothing else does."""
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            session = session_from((await read_frame(reader)).header)
            if not self._handler.refuses_line(session):
                self._lines[writer] = session
                writer.write(encode(self._handler.greet(session)))
                await self._calls(session, reader, writer)
        except (CutError, *LINE_ERRORS, asyncio.CancelledError):  # cancelled: the server ends
            writer.transport.abort()
        finally:
            self._serving.discard(task)
            self._lines.pop(writer, None)
            writer.close()

    async def _calls(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            call = (await read_frame(reader)).header
            body = _body(reader) if call.get("more") else None
            if call.get("verb") == "fetch":
                await self._fetch(session, call, writer)
                continue
            answer = await self._handler.answer(session, call, body)
            if body is not None:
                async for _ in body:  # a refused file is read to its end, so the answer is heard
                    continue
            if session.far and call.get("verb") == "inject" and call.get("kind") == "cut_before":
                await self._cut(str(call.get("fault_verb")))
            writer.write(encode(answer))
            await writer.drain()

    async def _cut(self, verb: str) -> None:
        """Ends the lines that the armed fault keeps from being made anew, before it is told."""
        for writer, session in self._lines.items():
            concerned = verb == ANY or session.events == (verb == "sync")
            if not session.far and concerned:
                writer.transport.abort()
        await asyncio.sleep(0)

    async def _fetch(
        self, session: Session, call: dict[str, object], writer: asyncio.StreamWriter
    ) -> None:
        try:
            for piece in self._handler.fetch(session, call):
                writer.write(encode({"more": True}, piece))
                await writer.drain()
        except Refusal as refusal:
            writer.write(encode(refusal.as_answer()))
        else:
            writer.write(encode({"more": False}))
        await writer.drain()


async def _body(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while (frame := await read_frame(reader)).header.get("more"):
        yield frame.body


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.memory.server")
    parser.add_argument("--listen", required=True, help="unix:/path or 127.0.0.1:PORT (0: any)")
    parser.add_argument("--record", type=Path, help="file to append arrivals to (hashes only)")
    parser.add_argument("--options", default="{}", help="JSON object, see Options")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    options = Options(**json.loads(arguments.options))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _heard, stop)
    with Record(arguments.record) as record:
        server = Server(Network(options, record=record))
        address = await server.listen(Address.parse(arguments.listen))
        ready = {"listening": str(address), "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()
        await server.close()
        _remove(address)


def _remove(address: Address) -> None:
    if address.path:
        Path(address.path).unlink(missing_ok=True)


def _close_to_others(address: Address) -> None:
    Path(address.path).chmod(0o600)


def _heard(stop: asyncio.Event) -> None:
    """Standard input has something: its end, or what nobody asked for."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main() -> None:
    """Serves until it is told to end."""
    os.umask(0o077)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_parser().parse_args()))


if __name__ == "__main__":
    main()
