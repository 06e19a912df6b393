"""slixmpp's client as we use it: what is written is written now, and nothing is queued or logged.

Rules kept here:

1. What slixmpp is handed in the instant that the line breaks is lost without a word (it waits in
   its queue, and the queue throws it away). So what matters is written to the transport in the
   caller's own step, or refused.
2. What is written is counted for stream management (XEP-0198). When a stream is resumed, what the
   server says not to have is written again under the same id, unless its sender has given it up:
   then something that does nothing takes its place, so that both sides count alike.
3. slixmpp logs whole stanzas, at ERROR too. None of its loggers says anything.
4. Only SCRAM signs in, only over TLS, and certificates are checked for the account's domain.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

from slixmpp import ClientXMPP
from slixmpp.plugins.base import register_plugin
from slixmpp.plugins.xep_0198 import XEP_0198
from slixmpp.stanza import Iq, Message, Presence
from slixmpp.xmlstream import StanzaBase
from slixmpp.xmlstream.tostring import tostring

SCRAM = frozenset(
    f"SCRAM-{digest}{plus}" for digest in ("SHA-1", "SHA-256", "SHA-512") for plus in ("", "-PLUS")
)
_SILENT = logging.CRITICAL + 1
_COUNTED = (Message, Presence, Iq)


class NotWritten(Exception):
    """There is no line; nothing left."""


class Counting(XEP_0198):
    """Stream management whose queue we can take things out of."""

    name = "wallcross_xep_0198"  # slixmpp keeps one list of plugins for the whole process

    def count(self, stanza: StanzaBase) -> None:
        """Counts a stanza that is about to be written."""
        self._handle_outgoing(stanza)  # type: ignore[no-untyped-call]  # slixmpp's

    def give_up(self, name: str) -> None:
        """What has this id is not written again; a ping takes its place in the count."""
        for place, (seq, stanza) in enumerate(self.unacked_queue):
            if stanza["id"] == name:
                idle = self.xmpp.make_iq_get("urn:xmpp:ping", ito=self.xmpp.boundjid.host)
                self.unacked_queue[place] = (seq, idle)

    def waits(self, name: str) -> bool:
        """Whether the server has not yet said that it has what carries this id."""
        return any(stanza["id"] == name for _, stanza in self.unacked_queue)


register_plugin(Counting)


class Client(ClientXMPP):
    """One account's client, for all the connections of this process.

    Args:
        address: our full address.
        password: of our account.
        direct: TLS from the first byte on; else begun on the stream.
        ca_file: certificates to trust; the system's when None.
        heard: gets every stanza that comes in, in order, and never raises.
    """

    def __init__(
        self,
        address: str,
        password: str,
        *,
        direct: bool,
        ca_file: Path | None,
        heard: Callable[[StanzaBase], None],
    ) -> None:
        logging.getLogger("slixmpp").setLevel(_SILENT)
        limits = {"use_mechs": set(SCRAM), "encrypted_plain": False}
        super().__init__(
            address,
            password,
            plugin_config={"feature_mechanisms": limits},
            ssl_context=trusting(ca_file),
        )
        self.enable_direct_tls, self.enable_starttls = direct, not direct
        self.enable_plaintext = False
        for plugin in (Counting.name, "xep_0030", "xep_0199"):
            self.register_plugin(plugin)
        self.roster.auto_authorize = self.roster.auto_subscribe = False
        self._heard = heard
        self.add_filter("in", self._hear)

    def _hear(self, stanza: StanzaBase) -> StanzaBase:
        self._heard(stanza)
        return stanza

    @property
    def counting(self) -> Counting:
        """Our stream management."""
        plugins: Any = self.plugin  # typed for slixmpp's own names alone
        return cast(Counting, plugins[Counting.name])

    @property
    def secure(self) -> bool:
        """Whether the line is TLS, its certificate checked."""
        return self.transport is not None and bool(self.transport.get_extra_info("ssl_object"))

    @property
    def writable(self) -> bool:
        """Whether there is a line, as far as is known by now."""
        return self.transport is not None and not self.transport.is_closing()

    def write(self, *stanzas: StanzaBase) -> None:
        """Writes stanzas in this very step and in one piece. Raises: NotWritten."""
        if not self.writable:
            raise NotWritten
        for stanza in stanzas:
            if isinstance(stanza, _COUNTED):
                self.counting.count(stanza)
        self.send_raw("".join(serialised(stanza, self) for stanza in stanzas))

    def message(self, to: str, kind: str, *children: Element) -> Message:
        """A message about to be written.

        Args:
            to: whom.
            kind: its type.
            children: what it holds.
        """
        made = Message(self)  # type: ignore[no-untyped-call]  # slixmpp's
        made["to"], made["type"] = to, kind
        for child in children:
            made.append(child)
        return made

    async def stop(self) -> None:
        """Says goodbye where somebody listens, and ends."""
        self.cancel_connection_attempt()
        if self.transport is not None:
            ended = self.disconnected
            await self.disconnect(wait=0.3, ignore_send_queue=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await asyncio.shield(ended)
        running: asyncio.Future[Any] | None = self._run_out_filters
        if running is not None:
            running.cancel()


def serialised(stanza: StanzaBase, stream: ClientXMPP | None) -> str:
    """A stanza as it is written."""
    text: str = tostring(stanza.xml, xmlns="jabber:client", stream=stream, top_level=True)
    return text


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """What checks certificates and names, always."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
