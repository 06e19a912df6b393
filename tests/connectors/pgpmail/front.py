"""A mail server that can fail, for the tests of what goes out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Deliver = Callable[[str, str, bytes], None]


def into_maildirs(folder: Path) -> Deliver:
    """Delivers at once into ``folder/<address>/new``."""
    numbers = iter(range(1, 1_000_000))

    def deliver(_sender: str, recipient: str, data: bytes) -> None:
        box = folder / recipient / "new"
        box.mkdir(parents=True, exist_ok=True)
        (box / f"{next(numbers):06d}.test").write_bytes(data)

    return deliver


class Failing(SMTP):
    """An SMTP session that may answer DATA with success before anything was sent."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 (the library's name)
        front: Front = self.event_handler
        if front.pop("nothing"):
            await self.push("250 2.0.0 done")
            return
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802 (the library's name)
        front: Front = self.event_handler
        answer = front.pop("rset")
        if answer == "nothing":
            return
        if answer is not None:
            await self.push(answer)
            return
        await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802 (the library's name)
        self.event_handler.farewells += 1
        await super().smtp_QUIT(arg)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.event_handler.down:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.event_handler.down and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
            return
        super().data_received(data)


@dataclass
class Front:
    """The server's handler: notes what it saw, fails once as it is told, and delivers."""

    deliver: Deliver
    spoils: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False
    seen: list[tuple[str, str, list[str]]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    farewells: int = 0

    def pop(self, kind: str) -> str | None:
        for each in self.spoils:
            if each[0] == kind:
                self.spoils.remove(each)
                return each[1] or kind
        return None

    async def handle_MAIL(  # noqa: N802 (the library's name)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.pop("cut before"):
            server.transport.abort()
        refusal = self.pop("mail")
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options += options
        self.sessions.append(session)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.pop("rcpt")
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options += options
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (the library's name)
        self, server: Any, _session: Session, envelope: Envelope
    ) -> str:
        refusal = self.pop("data")
        if refusal is not None:
            return refusal
        if self.pop("slow"):
            await asyncio.sleep(0.2)
        content, sender = envelope.content, envelope.mail_from
        assert isinstance(content, bytes)
        assert sender is not None
        for recipient in envelope.rcpt_tos:
            self.seen.append((sender, recipient, envelope.mail_options))
            await asyncio.to_thread(self.deliver, sender, recipient, content)
        if self.pop("cut after"):
            server.transport.abort()
        return self.pop("garbage") or "250 2.0.0 accepted"


class Server(Controller):
    """The server in a thread of its own."""

    def factory(self) -> SMTP:
        return Failing(self.handler, **self.SMTP_kwargs)
