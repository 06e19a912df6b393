"""Mail for the demo: a server on this machine, and outside advisers with keys and mailboxes.

Rules kept here:

1. Where root is on Debian the server is Postfix with Dovecot; elsewhere a small SMTP server of a
   library, whose mails are read from its folders. Which one it is, is said.
2. Everything lies in a short folder of its own (sockets have short paths) that goes at the end.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.demo.adviser import Adviser, Post
from orchestrator.demo.mailserver import MailServer, cannot
from orchestrator.demo.smallmail import SmallMail

OURS = "wallcross@deal.test"
FIRMS = {"laura-penn": "birch", "nadia-frost": "birch", "sofia-lang": "oakes", "timo-berg": "oakes"}
EXPIRED = "ada-lindqvist"
"""Whose key is over."""
READERS = (*FIRMS, EXPIRED)
OVER = "20250101T000000"
"""When the key that is over was made, for a month."""


def address_of(person: str) -> str:
    """An adviser's mail address."""
    return f"{person}@{FIRMS.get(person, 'alder')}.test"


class Server(Protocol):
    """What the demo needs of a mail server."""

    submission: int

    @property
    def ca_file(self) -> Path:
        """The certificate to be trusted."""
        ...

    def mailbox(self, address: str) -> Path:
        """The Maildir of a user."""
        ...

    def start(self) -> None:
        """Starts it and waits until it answers."""
        ...

    def stop(self) -> None:
        """Ends it."""
        ...


@dataclass
class MailSide:
    """The server and the advisers.

    Attributes:
        password: everybody's on this server.
        advisers: by person.
    """

    password: str = field(repr=False)
    passphrase: str = field(repr=False)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="wxm-")))
    advisers: dict[str, Adviser] = field(default_factory=dict)
    _server: Server | None = field(default=None, repr=False)

    @property
    def server(self) -> Server:
        """The running server."""
        if self._server is None:
            raise RuntimeError("the mail server does not run")
        return self._server

    @property
    def real(self) -> bool:
        """It is Postfix with Dovecot."""
        return isinstance(self._server, MailServer)

    async def open(self, people: Iterable[str] = READERS) -> None:
        """Starts the server and makes the advisers' keys. Raises: RuntimeError."""
        self.folder.chmod(0o755)  # the server's own users must enter it
        users = {OURS: self.password} | {address_of(p): self.password for p in people}
        place = self.folder / "mail"
        self._server = MailServer(place, users) if cannot() is None else SmallMail(place, users)
        await asyncio.to_thread(self._server.start)
        for person in people:
            home, box = self.folder / f"g{len(self.advisers)}", address_of(person)
            adviser = Adviser(person, box, home, self.server.mailbox(box))
            self.advisers[person] = adviser
            made = ("1m", OVER) if person == EXPIRED else ("1y", None)
            await asyncio.to_thread(adviser.make_key, *made)

    async def close(self) -> None:
        """Ends the server and the advisers' agents; their files go."""
        for adviser in self.advisers.values():
            await asyncio.to_thread(adviser.close)
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)
        self._server = None
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def post(self) -> Post:
        """How an adviser hands a mail in."""
        return Post(self.server.submission, self.server.ca_file, self.password)

    def settings(self) -> str:
        """The channel's table of the settings, without its secrets."""
        server = self.server
        reads = (
            f'imap_host = "127.0.0.1"\nimap_port = {server.imaps}'
            if isinstance(server, MailServer)
            else f"maildir = {json.dumps(str(server.mailbox(OURS)))}"
        )
        return "\n".join(
            (
                f"address = {json.dumps(OURS)}",
                'smtp_host = "127.0.0.1"',
                f"smtp_port = {server.submission}",
                f"ca_file = {json.dumps(str(server.ca_file))}",
                f"home = {json.dumps(str(self.folder / 'ours'))}",
                reads,
            )
        )
