"""A small mail server for where Postfix cannot run: takes mail on loopback, keeps it in Maildirs.

Rule kept here: it asks for TLS and a password as the real one does, takes mail only from those who
have one, only in their own name, and only for those whom it knows. It brings mail nowhere else.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from orchestrator.demo.loopback import certify, free_port
from orchestrator.demo.mailserver import NAME


@dataclass
class SmallMail:
    """One server.

    Args:
        folder: all of its files.
        users: mail address -> password.
        most: largest mail in bytes.
    """

    folder: Path
    users: Mapping[str, str] = field(repr=False)
    most: int = 200 * 1024 * 1024
    submission: int = 0
    _names: "count[int]" = field(default_factory=count, repr=False)
    _running: Controller | None = field(default=None, repr=False)

    @property
    def ca_file(self) -> Path:
        """Its certificate."""
        return self.folder / "crt"

    def mailbox(self, address: str) -> Path:
        """The Maildir of a user."""
        return self.folder / "box" / address

    def start(self) -> None:
        """Starts it. Raises: RuntimeError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        certify(self.ca_file, self.folder / "key", NAME, "localhost")
        for user in self.users:
            for name in ("tmp", "new", "cur"):
                (self.mailbox(user) / name).mkdir(parents=True, exist_ok=True)
        self.submission = free_port()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.ca_file, self.folder / "key")
        self._running = Controller(
            self,
            hostname="127.0.0.1",
            port=self.submission,
            tls_context=tls,
            require_starttls=True,
            authenticator=self._known,
            auth_required=True,
            auth_require_tls=True,
            data_size_limit=self.most,
        )
        self._running.start()

    def stop(self) -> None:
        """Ends it; may be called twice."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def settle(self) -> None:
        """Nothing to wait for: a mail is in its mailbox before we say that we have it."""

    def _known(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        del server, session, envelope, mechanism
        told = isinstance(data, LoginPassword)
        name = data.login.decode() if told else ""
        good = told and self.users.get(name) == data.password.decode()
        # handled: the library answers; saying so on a failure would leave the client waiting
        return AuthResult(success=good, handled=False, auth_data=name)

    async def handle_MAIL(  # noqa: N802 (the library's name)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Nobody sends in another's name; what stands after a plus is the sender's own affair."""
        del server, options
        local, _, domain = address.rpartition("@")
        if f"{local.partition('+')[0]}@{domain}" != str(session.auth_data):
            return "553 5.7.1 not yours"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """No mail leaves this machine."""
        del server, session, options
        if address not in self.users:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 (the library's name)
        """Delivers as Maildir asks: written aside, then moved."""
        del server, session
        for recipient in envelope.rcpt_tos:
            box, name = self.mailbox(recipient), f"{next(self._names):08d}.small"
            content: Any = envelope.content
            (box / "tmp" / name).write_bytes(content)
            (box / "tmp" / name).rename(box / "new" / name)
        return "250 2.0.0 accepted"
