"""People on the far side: clients of their own (slixmpp), which keep all that they are shown."""

import asyncio
import base64
import os
import secrets
import ssl
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError, PresenceError

from connectors.port import AccountId, RemoteId, RoomId
from connectors.shared import frame
from connectors.testing.rig import Arrived
from connectors.xmpp import files, wire
from connectors.xmpp.sender import EXACT

PASSWORD = "only-for-the-test"


class Person(ClientXMPP):
    """Somebody's client.

    Args:
        account: his address.
        port: of Prosody, TLS from the first byte on.
        ca: what it is trusted by.
    """

    def __init__(self, account: str, port: int, ca: Path) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        super().__init__(f"{account}/phone", PASSWORD, ssl_context=context)
        self.account = AccountId(account)
        self.enable_starttls = False
        self._port, self._context = port, context
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0004"):
            self.register_plugin(plugin)
        self.shown: list[ET.Element] = []
        self._began = asyncio.Event()
        self.add_event_handler("session_start", lambda _: self._begin())
        self.add_filter("in", self._see)

    def _begin(self) -> None:
        self.send_presence()
        self._began.set()

    def _see(self, stanza: Any) -> Any:
        if stanza.name == "message":
            self.shown.append(stanza.xml)
        return stanza

    async def open(self) -> "Person":
        self.connect("127.0.0.1", self._port)
        async with asyncio.timeout(45):
            await self._began.wait()
        return self

    async def close(self) -> None:
        ended = self.disconnected
        if self.transport is not None:
            await self.disconnect(wait=0.3)
            await ended
        if self._run_out_filters is not None:
            self._run_out_filters.cancel()

    @property
    def nick(self) -> str:
        return str(self.account.partition("@")[0])

    @property
    def muc(self) -> Any:
        return self.plugin["xep_0045"]

    async def ask(self, to: str, kind: str, payload: ET.Element) -> ET.Element:
        iq: Any = self.make_iq(ito=JID(to))
        iq["type"] = kind
        iq.append(payload)
        answer: ET.Element = (await iq.send(timeout=45)).xml
        return answer

    async def settle(self) -> None:
        """Waits until all that the server had for us is here."""
        await self.ask(self.boundjid.host, "get", ET.Element(f"{{{wire.PING}}}ping"))

    # --- rooms ----------------------------------------------------------------------------------

    async def join(self, room: str, nick: str | None = None) -> None:
        """Comes in. Raises: PresenceError at once where he is refused."""
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def see(stanza: Any) -> Any:
            told = stanza.name == "presence" and stanza["type"] == "error"
            if told and stanza["from"].bare == room and not refused.done():
                refused.set_exception(PresenceError(stanza))  # type: ignore[no-untyped-call]  # theirs
            return stanza

        self.add_filter("in", see)
        entered = asyncio.ensure_future(
            self.muc.join_muc_wait(JID(room), nick or self.nick, timeout=45, maxstanzas=0)
        )
        try:
            await asyncio.wait({entered, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                entered.cancel()
                await refused
            await entered
        finally:
            self.del_filter("in", see)
            refused.cancel()

    async def affiliate(self, room: str, account: str, affiliation: str) -> None:
        await self.muc.set_affiliation(JID(room), affiliation, jid=JID(account))

    async def configure(self, room: str, **values: str) -> None:
        """Changes settings of a room that he owns; names without their prefix."""
        query = wire.made(f"{{{wire.MUC_OWNER}}}query")
        answer = await self.ask(room, "get", query)
        form = wire.form_in(answer.find(f"{{{wire.MUC_OWNER}}}query"))
        assert form is not None
        told = dict(form.values)
        for name, value in values.items():
            assert f"muc#roomconfig_{name}" in told
            told[f"muc#roomconfig_{name}"] = (value,)
        await self.ask(room, "set", wire.made(f"{{{wire.MUC_OWNER}}}query", wire.submitted(told)))

    # --- writing --------------------------------------------------------------------------------

    async def say(self, room: str, *children: ET.Element, name: str | None = None) -> RemoteId:
        """Writes to a room; the id that the room gave it, or his own where it gives none."""
        name = name or secrets.token_hex(8)
        message = self.make_message(mto=JID(room), mtype="groupchat")
        message["id"] = name
        del message["lang"]
        for child in children:
            message.append(child)
        before = len(self.shown)
        message.send()
        async with asyncio.timeout(45):
            while True:
                for seen in self.shown[before:]:
                    if seen.get("id") == name:
                        return RemoteId(wire.name_by(seen, room) or name)
                await self.settle()

    async def write(self, room: str, text: str, *more: ET.Element) -> RemoteId:
        return await self.say(room, body(text), *more)

    def own_id(self, room: str, name: str) -> str:
        """What he called a message of his that the room calls so."""
        return next(str(m.get("id")) for m in self.shown if wire.name_by(m, room) == name)

    async def whisper(self, account: str, text: str) -> str:
        """Writes on a private line; his own id of it."""
        name = secrets.token_hex(8)
        message = self.make_message(mto=JID(account), mtype="chat", mbody=text)
        message["id"] = name
        message.send()
        await self.settle()
        return name

    async def upload(self, service: str, ca: Path, data: bytes, name: str) -> str:
        """Seals and stores a file; the body that is it."""
        iv, key = os.urandom(12), os.urandom(32)
        sealed = AESGCM(key).encrypt(iv, data, None)
        request = wire.made(
            f"{{{wire.UPLOAD}}}request",
            **{"filename": "x.bin", "size": str(len(sealed)), "content-type": "application/x"},
        )
        slot = await self.ask(service, "get", request)
        put = next(slot.iter(f"{{{wire.UPLOAD}}}put"))
        get = next(slot.iter(f"{{{wire.UPLOAD}}}get"))
        headers = {h.get("name", ""): h.text or "" for h in put}
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(ca))) as web:
            kind = {"Content-Type": "application/x"}
            done = await web.put(put.get("url", ""), content=sealed, headers={**kind, **headers})
            assert done.status_code == 201
        return files.body_of(files.Link(get.get("url", ""), iv, key, name))

    # --- reading --------------------------------------------------------------------------------

    async def arrived(self, room: RoomId, bot: str, ca: Path) -> tuple[Arrived, ...]:
        """What came from the occupant of this name, in the order of this client."""
        await self.settle()
        gone = {r.get("id") for m in self.shown for r in m.iter(f"{{{wire.RETRACT}}}retract")}
        found = []
        for message in self.shown:
            told = message.find(f"{{{wire.CLIENT}}}body")
            delayed = message.find(f"{{{wire.DELAY}}}delay") is not None
            if message.get("from") != f"{room}/{bot}" or told is None or delayed:
                continue
            retract = message.find(f"{{{wire.RETRACT}}}retract")
            if retract is not None or wire.name_by(message, room) in gone:
                continue
            found.append(await _arrived(message, room, self.open_body(message), ca))
        return tuple(found)

    def open_body(self, message: ET.Element) -> str:
        """The body as this client shows it."""
        exact = message.findtext(f"{{{EXACT}}}body")
        if exact is not None:
            return base64.b64decode(exact).decode()
        return message.findtext(f"{{{wire.CLIENT}}}body") or ""


def body(text: str) -> ET.Element:
    return wire.made(f"{{{wire.CLIENT}}}body", text=text)


async def _arrived(message: ET.Element, room: RoomId, text: str, ca: Path) -> Arrived:
    reply = message.find(f"{{{wire.REPLY}}}reply")
    link = files.link_in(text)
    got: tuple[tuple[str, str], ...] = ()
    shown = frame.parse(text)
    if link is not None:
        got, shown = (
            ((link.name, await _fetched(link, ca)),),
            frame.Shown(None, "", repeated=False),
        )
    return Arrived(
        remote_id=RemoteId(wire.name_by(message, room) or ""),
        text=shown.text,
        author_line=shown.author,
        key=message.get("id"),
        marked=shown.repeated,
        reply_to=None if reply is None else RemoteId(reply.get("id", "")),
        files=got,
    )


async def _fetched(link: files.Link, ca: Path) -> str:
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(ca))) as web:
        answer = await web.get(link.url)
    return sha256(AESGCM(link.key).decrypt(link.iv, answer.content, None)).hexdigest()


async def refusal(work: Any) -> str:
    """How an act was refused; empty where it was not."""
    try:
        await work
    except (IqError, PresenceError) as error:
        return str(error.condition)
    return ""


@dataclass
class Crowd:
    """The people of one test."""

    port: int
    ca: Path
    people: dict[str, Person] = field(default_factory=dict)

    async def person(self, account: str) -> Person:
        if account not in self.people:
            self.people[account] = await Person(account, self.port, self.ca).open()
        return self.people[account]

    async def close(self) -> None:
        await asyncio.gather(*(person.close() for person in self.people.values()))
