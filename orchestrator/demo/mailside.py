"""Mail for the demo: a server on this machine, and outside advisers with keys and mailboxes.

Rules kept here:

1. Where root is on Debian the server is Postfix with Dovecot; elsewhere a small SMTP server of a
   library, whose mails are read from its folders. Which one it is, is said.
2. Everything lies in a short folder of its own (sockets have short paths) that the server's own
   users may enter. It goes at the end, whatever the end is.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.demo.adviser import Adviser, Post, end_agents
from orchestrator.demo.mailserver import MailServer, cannot
from orchestrator.demo.smallmail import SmallMail
from orchestrator.demo.whole import whole

OURS = "wallcross@deal.test"
FIRMS = {"laura-penn": "birch", "nadia-frost": "birch", "sofia-lang": "oakes", "timo-berg": "oakes"}
EXPIRED = "ada-lindqvist"
"""Whose key is over."""
READERS = (*FIRMS, EXPIRED)
OVER = "20250101T000000"
"""When the key that is over was made, for a month."""
_LONGEST_BASE = 40
"""Characters of the folder that ours is made in: sockets in it have a path of 107 at most."""
_GOES_WITHIN_S = 10.0
_SECOND_TRY_S = 0.1


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

    def settle(self) -> None:
        """Waits until what was taken lies in its mailbox."""
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
    advisers: dict[str, Adviser] = field(default_factory=dict)
    _folder: Path | None = field(default=None, repr=False)
    _server: Server | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """All of its files."""
        if self._folder is None:
            raise RuntimeError("the mail server does not run")
        return self._folder

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
        place = self._folder = short_folder()
        users = {OURS: self.password} | {address_of(p): self.password for p in people}
        real = cannot() is None
        self._server = (MailServer if real else SmallMail)(place / "mail", users)
        await whole(self._server.start)
        for person in people:
            home, box = place / f"g{len(self.advisers)}", address_of(person)
            adviser = Adviser(person, box, home, self.server.mailbox(box))
            self.advisers[person] = adviser
            made = ("1m", OVER) if person == EXPIRED else ("1y", None)
            await whole(adviser.make_key, *made)

    async def close(self, kept: Path | None = None) -> None:
        """Ends the server and the advisers' agents. Args: kept: gets a copy of the files."""
        server, self._server = self._server, None
        folder, self._folder = self._folder, None
        async with AsyncExitStack() as ending:  # each of them, whatever the others do
            if folder is not None:
                ending.push_async_callback(whole, clear_away, folder)
                if kept is not None:
                    ending.push_async_callback(whole, _copy, folder, kept / "mail")
                ending.push_async_callback(whole, end_agents, folder / "ours")
            if server is not None:
                ending.push_async_callback(whole, server.stop)
            for adviser in self.advisers.values():
                ending.push_async_callback(whole, adviser.close)

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


def short_folder() -> Path:
    """A new folder with a short path, which the mail server's own users may enter."""
    usual = Path(tempfile.gettempdir())
    way = (usual, *usual.parents)
    fits = len(str(usual)) <= _LONGEST_BASE and all(part.stat().st_mode & 0o001 for part in way)
    made = Path(tempfile.mkdtemp(prefix="wxm-", dir=usual if fits else "/tmp"))  # noqa: S108 (mkdtemp makes it ours alone)
    made.chmod(0o755)
    return made


def _copy(folder: Path, to: Path) -> None:
    """Copies files and folders; what is neither (sockets, pipes) cannot be kept."""

    def left_out(where: str, names: list[str]) -> list[str]:
        here = Path(where)
        return [n for n in names if not ((here / n).is_file() or (here / n).is_dir())]

    shutil.copytree(folder, to, symlinks=True, ignore=left_out)


def clear_away(folder: Path) -> None:
    """Removes it, also while the last of the server's processes still writes on its way out."""
    end = time.monotonic() + _GOES_WITHIN_S
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(_SECOND_TRY_S)
