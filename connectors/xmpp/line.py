"""The line to the server: signed in, mended by itself, and honest about what became of an act.

Rules kept here:

1. Whoever needs the line waits for the attempt under way and no longer: it is up, or the call
   ends as ``Unavailable``. Nothing is kept to be sent later.
2. A reading that the break cut off is ``Unavailable``; an act that had left is ``Uncertain``, and
   is not written again when the stream resumes.
3. An answer counts only from whom it was asked.
4. Whoever is put out by another process under the same resource does not put it out in turn.
5. A stream that begins anew (not resumed) is told to all who live on it, so that rooms are entered
   again and what was missed is caught up.
"""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp.stanza import Iq, Message, Presence
from slixmpp.xmlstream import StanzaBase

from connectors.port.door import Door, DoorClosed
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain, Unreadable
from connectors.xmpp.settings import XmppSecrets, XmppSettings
from connectors.xmpp.stream import Client, NotWritten
from connectors.xmpp.wire import PING

_FIRST, _MOST = 0.1, 30.0
"""Seconds between two attempts: the first pause, and the longest."""
_WAIT = {"resource-constraint", "remote-server-timeout"}
_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


class Lost(Exception):
    """The line broke while an answer was waited for."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that is on its way.

    Attributes:
        whom: it was put to.
        iq: as it was written.
        answer: once there is one.
    """

    whom: str
    iq: Any = field(repr=False)
    answer: "asyncio.Future[Element]"

    @property
    def name(self) -> str:
        """Its id."""
        return str(self.iq["id"])


class Line:
    """One account's connection.

    Args:
        settings: of the account.
        secrets: of the account.
        door: the only way out.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self, settings: XmppSettings, secrets: XmppSecrets, door: Door, now: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._door = door
        self._now = now
        self.client = Client(
            f"{settings.account}/{settings.resource}",
            secrets.password.get_secret_value(),
            direct=settings.tls == "direct",
            ca_file=settings.ca_file,
            heard=self._heard,
        )
        self.messages: list[Callable[[Element], None]] = []
        self.presences: list[Callable[[Element], None]] = []
        self.begun: list[Callable[[], Awaitable[None]]] = []
        """Asked after each sign-in that is no resumption, in order, before the line is up."""
        self.broken: list[Callable[[], None]] = []
        self.attempted: list[Callable[[bool], None]] = []
        """Told how each attempt ended: True where the stream was resumed."""
        self.seen_at: int | None = None
        self._heard_at: int | None = None
        self._asked: dict[str, _Asked] = {}
        self._up, self._closed, self._taken = False, False, False
        self._ending: asyncio.Future[ConnectorError | None] = _future()
        self._stage: asyncio.Future[bool] = _future()
        self._down = asyncio.Event()
        self._wanted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._listen()

    def _listen(self) -> None:
        client = self.client
        client.add_event_handler("session_resumed", lambda _: self._reached(resumed=True))
        client.add_event_handler("stream_negotiated", lambda _: self._negotiated())
        client.add_event_handler("connection_failed", self._unreached)
        client.add_event_handler("ssl_invalid_chain", self._unreached)
        client.add_event_handler("failed_all_auth", lambda _: self._refused())
        client.add_event_handler("stream_error", self._ended)
        client.add_event_handler("disconnected", lambda _: self._lost())

    # --- opening and keeping --------------------------------------------------------------------

    async def open(self) -> None:
        """Signs in, and from then on again whenever the line breaks. Raises: ConnectorError."""
        error = await self._attempt()
        if error is not None:
            await self.close()
            raise error
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Ends; whoever waits for an answer is told that the line is closed."""
        keeper, self._keeper = self._keeper, None
        self._up, self._closed = False, True
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self._fail_asked()
        await self.client.stop()
        if not self._ending.done():
            self._ending.set_result(Unavailable("not_open", "the channel is not open"))

    async def _keep(self) -> None:
        pause = _FIRST
        while True:
            await self._down.wait()
            self._wanted.clear()
            await asyncio.sleep(_FIRST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MOST if self._taken else pause - _FIRST):
                    await self._wanted.wait()
            failed = await self._attempt()
            pause = _FIRST if failed is None else min(2 * pause, _MOST)

    async def _attempt(self) -> ConnectorError | None:
        """Tries once to sign in; what went wrong, or None when the line is up."""
        self._down.clear()
        self._taken = False
        if self._ending.done():
            self._ending = _future()
        ending = self._ending
        error: ConnectorError | None
        try:
            async with asyncio.timeout(self._settings.patience):
                resumed = await self._reach()
                for begin in () if resumed else self.begun:
                    await begin()
            error = None
        except ConnectorError as failed:
            error = failed
        except Lost:
            error = Unavailable("line_broken", "the server broke off while we signed in")
        except TimeoutError:
            error = Unavailable("no_answer", "the server did not let us in in time")
        self._up = error is None and not self._down.is_set()
        if error is not None:
            self._down.set()
            self.client.cancel_connection_attempt()
            self.client.abort()
            self._tell_attempted(resumed=False)
        if not ending.done():
            ending.set_result(error)
        return error

    async def _reach(self) -> bool:
        """Dials the checked addresses in turn; whether the stream was resumed. Raises: Lost."""
        try:
            addresses = await self._door.addresses(self._settings.opening)
        except DoorClosed as error:
            raise Rejected(error.code, error.hint) from None
        except OSError:
            raise Unavailable("no_address", "the server's name does not resolve") from None
        failed: ConnectorError = Unavailable("no_address", "the server's name has no address")
        for address in addresses:
            self._stage = _future()
            self.client.connect(address, self._settings.opening.port)
            try:
                resumed = await self._stage
            except Unavailable as error:
                failed = error
            else:
                self._tell_attempted(resumed=resumed)
                return resumed
        raise failed

    def _negotiated(self) -> None:
        if self.client.bound:
            self._reached(resumed=False)

    def _reached(self, *, resumed: bool) -> None:
        if not self.client.secure:
            self._failed(Rejected("no_tls", "the server did not begin TLS: nothing is said to it"))
        elif not self._stage.done():
            self._stage.set_result(resumed)

    def _unreached(self, told: object) -> None:
        self.client.cancel_connection_attempt()
        if isinstance(told, ssl.SSLCertVerificationError):
            hint = "no certificate for our account's domain that we trust; see ca_file"
            self._failed(Rejected("certificate_refused", hint))
        elif isinstance(told, ssl.SSLError):
            self._failed(Unavailable("no_tls", "no TLS could be agreed upon"))
        else:
            self._failed(Unavailable("unreachable", "the server takes no connection"))

    def _refused(self) -> None:
        hint = "the server refused the password, or offers no SCRAM"
        self._failed(Rejected("sign_in_refused", hint))

    def _ended(self, error: Any) -> None:
        """The server ends the stream; two who put each other out would do nothing else."""
        self._taken = error["condition"] == "conflict"

    def _failed(self, error: ConnectorError) -> None:
        if not self._stage.done():
            self._stage.set_exception(error)

    def _lost(self) -> None:
        # why it broke (a certificate) is told by slixmpp a moment after that it did
        asyncio.get_running_loop().call_later(_FIRST, self._broke_off, self._stage)
        self._up = False
        self._down.set()
        self._fail_asked()
        for told in self.broken:
            told()

    @staticmethod
    def _broke_off(stage: "asyncio.Future[bool]") -> None:
        if not stage.done():
            stage.set_exception(Lost())

    def _fail_asked(self) -> None:
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(Lost())

    def _tell_attempted(self, *, resumed: bool) -> None:
        for told in self.attempted:
            told(resumed)

    # --- using ----------------------------------------------------------------------------------

    async def up(self) -> None:
        """Returns when the line is up. Raises: Unavailable when the attempt under way fails."""
        if self._up and self.client.writable:
            return
        if self._closed:
            raise Unavailable("not_open", "the channel is not open")
        if self._taken:
            raise Unavailable("session_taken", "another process is signed in under our resource")
        if self._ending.done():  # the line broke, and the next attempt has not begun
            self._ending = _future()
            self._wanted.set()
        failed = await asyncio.shield(self._ending)
        if failed is not None:
            raise Unavailable(failed.code, failed.hint)

    async def ask(self, to: str, kind: str, payload: Element, *, acts: bool = False) -> Element:
        """Asks and gives the answer's stanza.

        Args:
            to: whom.
            kind: ``get`` or ``set``.
            payload: what.
            acts: something happens because of it, so that a lost answer leaves the outcome open.

        Raises:
            Rejected: the other side said no. Unavailable: not now, or nothing left.
            Uncertain: an act whose answer was lost. Unreadable: an answer without sense.
        """
        await self.up()
        asked = self._ask(to, kind, payload)
        self._write_asked(asked)
        return await self._answer(asked, acts=acts)

    async def ask_each(self, to: str, payloads: Sequence[Element]) -> list[Element]:
        """Several readings at once, in one piece; their answers in that order. Raises: as ``ask``.

        Args:
            to: whom.
            payloads: what.
        """
        await self.up()
        asked = [self._ask(to, "get", payload) for payload in payloads]
        self._write_asked(*asked)
        answers = (self._answer(each, acts=False) for each in asked)
        found = await asyncio.gather(*answers, return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, Element)]

    def _ask(self, to: str, kind: str, payload: Element) -> "_Asked":
        iq: Any = Iq(self.client)  # type: ignore[no-untyped-call]  # slixmpp's
        iq["type"], iq["to"], iq["id"] = kind, to, secrets.token_hex(8)
        iq.append(payload)
        return _Asked(to, iq, _future())

    def _write_asked(self, *asked: "_Asked") -> None:
        try:
            self.client.write(*(each.iq for each in asked))
        except NotWritten:
            raise Unavailable("line_broken", "the line to the server is down") from None
        self._asked.update({each.name: each for each in asked})

    async def _answer(self, asked: "_Asked", *, acts: bool) -> Element:
        try:
            async with asyncio.timeout(self._settings.patience):
                found: Element = await asked.answer
        except (Lost, TimeoutError):
            self.client.counting.give_up(asked.name)
            if acts:
                raise Uncertain("no_answer", "the server's answer to an act was lost") from None
            raise Unavailable("no_answer", "the server did not answer") from None
        except asyncio.CancelledError:
            self.client.counting.give_up(asked.name)
            raise
        finally:
            self._asked.pop(asked.name, None)
        self.seen_at = self._now()
        if found.get("type") == "error":
            raise refusal(found, acts=acts)
        return found

    async def heard_lately(self, idle: float) -> int | None:
        """When the server last said something, microseconds UTC; None while the line is down.

        Args:
            idle: seconds without a word after which it is asked; a line that gives no answer then
                is broken off.

        Raises:
            ConnectorError: it gave none.
        """
        if not self._up:
            return None
        if self._heard_at is None or self._now() - self._heard_at > idle * 1_000_000:
            try:
                await self.ping()
            except Unavailable:
                self.client.abort()
                raise
        return self._heard_at

    async def ping(self) -> None:
        """Returns when the server has answered. Raises: Unavailable."""
        with contextlib.suppress(Rejected):  # a server that knows no pings has answered too
            await self.ask(self._settings.domain, "get", Element(f"{{{PING}}}ping"))

    def write(self, stanza: StanzaBase) -> None:
        """Writes now. Raises: Unavailable where there is no line."""
        try:
            self.client.write(stanza)
        except NotWritten:
            raise Unavailable("line_broken", "the line to the server is down") from None

    def _heard(self, stanza: StanzaBase) -> None:
        xml: Element = stanza.xml
        self._heard_at = self._now()
        if isinstance(stanza, Message):
            for told in self.messages:
                told(xml)
        elif isinstance(stanza, Presence):
            for told in self.presences:
                told(xml)
        elif isinstance(stanza, Iq):
            self._answered(xml)

    def _answered(self, xml: Element) -> None:
        asked = self._asked.get(xml.get("id", ""))
        if asked is None or xml.get("type") not in {"result", "error"} or asked.answer.done():
            return
        own = {self._settings.account, self._settings.domain}
        sender = xml.get("from")
        if sender == asked.whom or (asked.whom in own and (sender is None or sender in own)):
            asked.answer.set_result(xml)


def refusal(stanza: Element, *, acts: bool) -> ConnectorError:
    """What an error answer means.

    Args:
        stanza: of type ``error``.
        acts: it answers an act.

    Source: RFC 6120, 8.3: the type says whether to wait, the condition what it was.
    """
    error = stanza.find("{jabber:client}error")
    told = [] if error is None else [c for c in error if c.tag.startswith(f"{{{_STANZAS}}}")]
    condition = next((c.tag.rpartition("}")[2] for c in told if not c.tag.endswith("}text")), "")
    if error is None or not condition:
        code, hint = "answer_malformed", "the server's answer makes no sense"
        return Uncertain(code, hint) if acts else Unreadable(code, hint)
    code = condition.replace("-", "_")[:40]
    if error.get("type") == "wait" or condition in _WAIT:
        return Unavailable(code, "the server says: not now")
    return Rejected(code, "the server says no")


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()
