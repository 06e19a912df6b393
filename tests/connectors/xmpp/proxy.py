"""A proxy between the connector and Prosody: it reads stanzas, and spoils the next when told to."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

CLIENT = "jabber:client"
ADMIN, OWNER = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
_WRAP = "<r xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>%s</r>"
_TAG = re.compile(rb"<[^>]*>")


@dataclass
class Splitter:
    """Cuts a stream into its stanzas; what opens or ends the stream is a piece of its own."""

    _rest: bytes = b""
    _stanza: bytes = b""
    _depth: int = 0

    def feed(self, data: bytes) -> list[bytes]:
        self._rest += data
        found: list[bytes] = []
        place = 0
        while tag := _TAG.search(self._rest, place):
            text = tag.group()
            piece = self._rest[place : tag.end()]
            place = tag.end()
            if text.startswith((b"<?", b"<stream:stream", b"</stream:stream")):
                found.append(piece)
                self._stanza, self._depth = b"", 0
                continue
            self._stanza += piece
            if text.startswith(b"</"):
                self._depth -= 1
            elif not text.endswith(b"/>"):
                self._depth += 1
            if self._depth == 0:
                found.append(self._stanza)
                self._stanza = b""
        self._rest = self._rest[place:]
        return found


def parsed(piece: bytes) -> ET.Element | None:
    """A stanza; None for what opens or ends a stream."""
    try:
        return next(iter(ET.fromstring(_WRAP % piece.decode())), None)  # noqa: S314 (our own server's)
    except ET.ParseError:
        return None


def is_a(stanza: ET.Element, kind: str) -> bool:
    """Whether what the client says is of a kind."""
    tag, what = stanza.tag.rpartition("}")[2], stanza.get("type")
    admin, owner = stanza.find(f"{{{ADMIN}}}query"), stanza.find(f"{{{OWNER}}}query")
    if kind == "message":
        told = stanza.find(f"{{{CLIENT}}}body")
        return tag == "message" and what == "groupchat" and told is not None
    if tag != "iq":
        return False
    return {
        "list": what == "get" and admin is not None,
        "form": what == "get" and owner is not None,
        "before an act": what == "get" and (admin is not None or owner is not None),
        "act": what == "set" and (admin is not None or owner is not None),
        "seat": what == "set" and admin is not None,
    }[kind]


class Cut(Exception):
    """The connection breaks here."""


@dataclass(eq=False)
class Link:
    """One connection of the client, and its other half to the server."""

    proxy: "Proxy"
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answers: dict[str, Callable[["Link", bytes], Awaitable[None]]] = field(default_factory=dict)
    """Id of what the server says -> what becomes of it."""

    def to_server(self, piece: bytes) -> None:
        self.server.write(piece)

    def to_client(self, piece: bytes) -> None:
        self.client.write(piece)

    def swallow(self) -> None:
        """The server does not get a stanza that the client counts."""
        self.proxy.swallowed += 1

    def inject(self, text: str) -> None:
        """The client gets a stanza that the server does not count."""
        self.proxy.injected += 1
        self.to_client(text.encode())

    def abort(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


Spoil = Callable[[Link, bytes, ET.Element], Awaitable[None]]


class Proxy:
    """Hands stanzas on. Both sides' counts of stream management are kept right.

    Args:
        folder: with the server's certificate and key.
        port: of Prosody, TLS from the first byte on.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._upstream = port
        self._spoils: list[tuple[str, Spoil]] = []
        self._links: set[Link] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.swallowed = self.injected = 0
        self.lose_session = False
        self.down = False
        self.deaf = False
        self.twice = False
        self.connections = 0

    async def start(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._folder / "crt", self._folder / "key")
        self._server = await asyncio.start_server(
            self._taken, "127.0.0.1", 0, ssl=context, limit=2**22
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.down = True
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Breaks every connection."""
        for link in list(self._links):
            link.abort()

    def spoil(self, kind: str, how: Spoil, times: int = 1) -> None:
        self._spoils += [(kind, how)] * times

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.down:
            writer.transport.abort()
            return
        context = ssl.create_default_context(cafile=str(self._folder / "crt"))
        try:
            from_server, to_server = await asyncio.open_connection(
                "127.0.0.1", self._upstream, ssl=context, server_hostname="deal.test", limit=2**22
            )
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, writer, to_server)
        self._links.add(link)
        pumps = [
            asyncio.create_task(self._pump(reader, link, self._from_client)),
            asyncio.create_task(self._pump(from_server, link, self._from_server)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.abort()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._links.discard(link)
            for end in (writer, to_server):
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, link: Link, each: Any) -> None:
        splitter = Splitter()
        with contextlib.suppress(Cut, OSError):
            while data := await reader.read(65_536):
                for piece in splitter.feed(data):
                    await each(link, piece)

    async def _from_client(self, link: Link, piece: bytes) -> None:
        stanza = parsed(piece)
        if self.deaf:
            return
        if stanza is None:
            link.to_server(piece)
            return
        name = stanza.tag.rpartition("}")[2]
        if name in {"a", "resume"}:
            piece = _moved(piece, -self.injected)
        if name == "resume" and self.lose_session:
            self.lose_session = False
            piece = re.sub(rb"previd=(['\"])[^'\"]*", rb"previd=\1none", piece)
        for entry in self._spoils:
            if is_a(stanza, entry[0]):
                self._spoils.remove(entry)
                await entry[1](link, piece, stanza)
                return
        link.to_server(piece)

    async def _from_server(self, link: Link, piece: bytes) -> None:
        stanza = parsed(piece)
        if stanza is None:
            link.to_client(piece)
            return
        name = stanza.tag.rpartition("}")[2]
        if name == "enabled":
            self.swallowed = self.injected = 0
        if name in {"a", "resumed"}:
            piece = _moved(piece, self.swallowed)
        meant = link.answers.pop(stanza.get("id", ""), None)
        if meant is not None:
            await meant(link, piece)
            return
        link.to_client(piece)
        if self.twice and name == "message" and stanza.get("type") == "groupchat":
            self.twice = False
            link.inject(piece.decode())


def _moved(piece: bytes, by: int) -> bytes:
    """What says how many stanzas were handled, with another number."""

    def number(found: re.Match[bytes]) -> bytes:
        return found[1] + str(int(found[2]) + by).encode()

    return re.sub(rb"(\bh=['\"])(\d+)", number, piece)


# --- what can go wrong ------------------------------------------------------------------------


def error(condition: str, kind: str) -> str:
    """The error part of a stanza."""
    space = "urn:ietf:params:xml:ns:xmpp-stanzas"
    return f"<error type='{kind}'><{condition} xmlns='{space}'/></error>"


def refusing(condition: str, kind: str) -> Spoil:
    """The server says no, and does nothing."""

    async def how(link: Link, _: bytes, stanza: ET.Element) -> None:
        tag = stanza.tag.rpartition("}")[2]
        link.swallow()
        link.inject(
            f"<{tag} type='error' from='{stanza.get('to')}' id='{stanza.get('id')}'>"
            f"{error(condition, kind)}</{tag}>"
        )

    return how


async def senseless(link: Link, _: bytes, stanza: ET.Element) -> None:
    """An error that says nothing."""
    tag = stanza.tag.rpartition("}")[2]
    link.swallow()
    link.inject(f"<{tag} type='error' from='{stanza.get('to')}' id='{stanza.get('id')}'/>")


async def swallowed(link: Link, _: bytes, stanza: ET.Element) -> None:
    """Nothing is done; a question is answered with success."""
    link.swallow()
    if stanza.tag.endswith("}iq"):
        link.inject(f"<iq type='result' from='{stanza.get('to')}' id='{stanza.get('id')}'/>")


async def late(link: Link, piece: bytes, _: ET.Element) -> None:
    """It takes its time."""
    await asyncio.sleep(0.2)
    link.to_server(piece)


async def cut_before(_: Link, __: bytes, ___: ET.Element) -> None:
    """It does not leave."""
    raise Cut


async def cut_after(link: Link, piece: bytes, stanza: ET.Element) -> None:
    """It is done; the answer is lost, and the session too."""

    async def lost(_: Link, __: bytes) -> None:
        raise Cut

    link.answers[stanza.get("id", "")] = lost
    link.proxy.lose_session = True
    link.to_server(piece)


def without(account: str) -> Spoil:
    """A list that leaves somebody out."""

    async def how(link: Link, piece: bytes, stanza: ET.Element) -> None:
        async def shortened(link: Link, answer: bytes) -> None:
            left_out = rf"<item[^>]*jid=['\"]{re.escape(account)}['\"][^>]*(/>|>.*?</item>)"
            link.to_client(re.sub(left_out.encode(), b"", answer))

        link.answers[stanza.get("id", "")] = shortened
        link.to_server(piece)

    return how
