"""Where the demo plays: three networks, a home with its `serve`, people with phones of their own.

Rules kept here:

1. Everything lies in one folder and on loopback; nothing of the user's own is read or written.
2. What is found out about the far side comes from the phones (``farside.Person``) and from the
   homeserver asked as one of them. Our own tables are never asked whether something arrived.
"""

import asyncio
import base64
import json
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from orchestrator.client.api import Client
from orchestrator.client.served import Served
from orchestrator.demo import halcyon
from orchestrator.demo.farside import Person, Seen
from orchestrator.demo.mailside import READERS, MailSide
from orchestrator.demo.phones import NUMBER, Phones
from orchestrator.demo.synapse import Homeserver
from orchestrator.demo.whole import in_full, whole
from tiers.ids import AccountId, ConnectorName, PersonId

CHANNEL = ConnectorName("matrix")
SIGNAL = ConnectorName("signal")
MAIL = ConnectorName("mail")
ON_SIGNAL = ("hana-ferri", "viktor-sand", "ximena-park", "yara-nassar")
"""Those with a phone on Signal."""
SERVER = "deal.test"
BOT = f"@wallcross:{SERVER}"
CAST = (*sorted(halcyon.VALUATION), "idris-costa", "noor-ivanova")
"""Those with a phone: everybody who sees valuation, one of operations, one of coordination."""

_SETTINGS = """\
version = 1

[channels.matrix]
kind = "matrix"
settings = {{ homeserver = {url}, user = {bot}, sync_wait = 5 }}
secrets = {{ password = {password}, pickle_key = {pickle} }}

[channels.signal]
kind = "signal"
settings = {{ api = {api}, number = {number}, listen_port = {port}, look_every = 0.5 }}
secrets = {{ webhook_secret = {webhook}, state_key = {state} }}

[channels.mail]
kind = "pgpmail"
secrets = {{ passphrase = {phrase}, smtp_password = {post} }}

[channels.mail.settings]
{mail}

[clock]
channels = ["matrix"]

[[anchors]]
kind = "folder"
name = "outside"
path = {anchor}

[secrets]
folder = {secrets}

[web]
port = {web}
"""
_WEB = 8642
"""Where the dashboard is, unless something else is there."""


class NotSeen(Exception):
    """The far side did not see what a step promises. Args: what: in words."""


def _silence() -> None:
    """Keeps the phones' library from logging: what it says may hold a phone's messages."""
    library = logging.getLogger("nio")
    library.addHandler(logging.NullHandler())
    library.propagate = False


def _port() -> int:
    """The dashboard's usual port, or one that is free."""
    for port in (_WEB, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
    raise OSError("no port is free on this machine")


def user_of(person: str) -> AccountId:
    """A made-up person's Matrix account."""
    return AccountId(f"@{person}:{SERVER}")


def on_matrix(person: PersonId) -> dict[ConnectorName, AccountId]:
    """Everybody's account on the demo's homeserver."""
    return {CHANNEL: user_of(person)}


@dataclass
class Stage:
    """The demo's world.

    Attributes:
        folder: all of its files.
        say: told each sentence that a person at the terminal may read.
        patience: seconds that something may take until it is seen.
        people: the phones, by person.
        with_phone: who has a phone on Matrix.
        on_signal: who has one on Signal.
        by_mail: who has a key and a mailbox.
        deal: id of the made-up deal, once it is made.
        rooms: the conversations' rooms, by label.
        lines: the private lines, by person, once they went in.
    """

    folder: Path
    say: Callable[[str], Awaitable[None]]
    patience: float = 90.0
    people: dict[str, Person] = field(default_factory=dict)
    with_phone: Sequence[str] = CAST
    on_signal: Sequence[str] = ON_SIGNAL
    by_mail: Sequence[str] = READERS
    deal: str = ""
    rooms: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    kept: bool = False
    """The folder stays: the mail side's files are put into it too."""
    handed_in: int = 0
    """Messages of each burst so far: no two have the same number."""
    read: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many notices with certain words a person has read."""
    old: dict[str, int] = field(default_factory=dict)
    """How many notices of a person's are of an earlier step."""
    origin: str = ""
    """Where the dashboard is."""
    cookie: str = field(default="", repr=False)
    """The session of the demo's own browser."""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    phrase: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def __post_init__(self) -> None:
        self.server = Homeserver(self.folder / "homeserver")
        self.signal = Phones(secrets.token_hex(32))
        self.mail = MailSide(self.password, self.phrase)
        self.served = Served(
            self.folder / "wallcross.toml", self.folder / "home", self.folder / "serve.log"
        )

    @property
    def client(self) -> Client:
        """The API of the home, as any program on this machine reaches it."""
        return self.served.client

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Starts the homeserver, makes the accounts, starts `serve`, signs the phones in.

        Raises:
            NoSynapse: there is none, with what to do.
            NotServing: our own process did not start.
        """
        _silence()
        await whole(self.server.start)
        await self.say("A Matrix homeserver runs on this machine, for this deal alone.")
        await whole(self._register)
        await self.say(f"It knows {len(halcyon.roster(on_matrix).people)} people and our account.")
        await self.signal.open(self.on_signal)
        await self.say("A stand-in for Signal speaks its server's own wire protocol.")
        await self.mail.open(self.by_mail)
        server = "Postfix and Dovecot run" if self.mail.real else "A small mail server runs"
        await self.say(
            f"{server} here too, and {len(self.by_mail)} advisers have keys of their own."
        )
        self._write_settings()
        serving = asyncio.create_task(self.served.start())
        try:
            await self._sign_in()
        except BaseException:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            raise
        await serving
        await self.say(f"{len(self.with_phone)} of them have a phone here, with keys of its own.")

    def _register(self) -> None:
        self.server.register("wallcross", self.password)
        for person in halcyon.roster(on_matrix).people:
            self.server.register(person.person_id, self.password)

    def _write_settings(self) -> None:
        for name in ("home", "anchor", "secrets"):
            (self.folder / name).mkdir(mode=0o700)
        pickle = base64.b64encode(secrets.token_bytes(32)).decode()
        values = {
            "url": self.server.url,
            "bot": BOT,
            "password": self._secret_file("bot.password", self.password),
            "pickle": self._secret_file("bot.pickle", pickle),
            "api": self.signal.url,
            "number": NUMBER,
            "webhook": self._secret_file("signal.webhook", self.signal.secret),
            "state": self._secret_file("signal.state", secrets.token_hex(32)),
            "phrase": self._secret_file("mail.phrase", self.phrase),
            "post": self._secret_file("mail.password", self.password),
            "anchor": str(self.folder / "anchor"),
            "secrets": str(self.folder / "secrets"),
        }
        quoted = {k: json.dumps(v) for k, v in values.items()}
        web = _port()
        self.origin = f"http://localhost:{web}"
        text = _SETTINGS.format(port=self.signal.port, mail=self.mail.settings(), web=web, **quoted)
        self.served.config.write_text(text)
        self.served.config.chmod(0o600)

    def _secret_file(self, name: str, value: str) -> str:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(value)
        return f"file:{path}"

    def accounts(self, person: PersonId) -> dict[ConnectorName, AccountId]:
        """A person's accounts on the three networks; the first is where he is told things."""
        found = on_matrix(person)
        if person in self.signal.uuids:
            found[SIGNAL] = self.signal.uuids[person]
        if person in self.mail.advisers:
            found[MAIL] = AccountId(self.mail.advisers[person].address)
        return found

    async def _sign_in(self) -> None:
        self.people.update({person: self.phone(person, "phone") for person in self.with_phone})
        await asyncio.gather(*(phone.open() for phone in self.people.values()))

    def phone(self, person: str, device: str) -> Person:
        """A device of a person's, not signed in yet."""
        folder = self.folder / "phones" / f"{person}-{device}"
        return Person(self.server.url, user_of(person), self.password, folder)

    async def close(self) -> None:
        """Ends all that was started, in the opposite order; nothing breaks that off."""
        await in_full(self._end())

    async def _end(self) -> None:
        async with AsyncExitStack() as ending:  # each of them, whatever the others do
            ending.push_async_callback(whole, self.server.stop)
            ending.push_async_callback(self.signal.close)
            ending.push_async_callback(self.mail.close, self.folder if self.kept else None)
            ending.push_async_callback(self.served.stop)
            for phone in self.people.values():
                ending.push_async_callback(phone.close)
            self.people.clear()

    # --- what the far side sees ---------------------------------------------------------------

    async def arrives(self, person: str, label: str, text: str) -> Seen:
        """Waits until a person's phone has decrypted a text in a conversation. Raises: NotSeen."""
        room = self.rooms[label]
        phone = self.people[person]
        if not await phone.until(lambda: text in phone.texts(room), self.patience):
            raise NotSeen(f"{name_of(person)} did not get it in #{label}")
        return next(s for s in phone.seen if s.room == room and s.said == text)

    async def nobody_has(self, text: str, people: Iterable[str] = CAST) -> None:
        """Catches everybody up and makes sure that no phone has a text. Raises: NotSeen."""
        await self.catch_up(people)
        having = [p for p in people if text in self.people[p].texts()]
        if having:
            raise NotSeen(f"{name_of(having[0])} has it")

    async def only_in(self, label: str, text: str) -> None:
        """Makes sure that no phone has a text in another room than one. Raises: NotSeen."""
        await self.catch_up(CAST)
        for person, phone in self.people.items():
            rooms = {s.room for s in phone.seen if s.said == text and s.sender == BOT}
            if rooms - {self.rooms[label]}:
                raise NotSeen(f"{name_of(person)} has it elsewhere than in #{label}")

    async def catch_up(self, people: Iterable[str]) -> None:
        """Has phones fetch what there is."""
        await asyncio.gather(*(self.people[p].sync() for p in people))

    async def told(self, person: str, words: str) -> str:
        """Waits for a fresh notice in a person's private line, going in first. Raises: NotSeen."""
        phone = self.people[person]
        end = asyncio.get_running_loop().time() + self.patience
        while asyncio.get_running_loop().time() < end:
            await self._go_in(person)
            found = [text for text in self._notices(person) if words in text]
            if len(found) > self.read.get((person, words), 0):
                self.read[person, words] = len(found)
                return found[-1]
            await phone.sync(wait=0.5)
        raise NotSeen(f"{name_of(person)} was told nothing in the private line")

    async def heard(self) -> None:
        """Has everybody read what he was told so far: what comes now is of the next step."""
        await self.catch_up(self.with_phone)
        for person in self.with_phone:
            await self._go_in(person)
            self.old[person] = self.old.get(person, 0) + len(self._notices(person))
        self.read.clear()

    def _notices(self, person: str) -> list[str]:
        line = self.lines.get(person)
        return [] if line is None else self.people[person].texts(line)[self.old.get(person, 0) :]

    async def _go_in(self, person: str) -> None:
        phone = self.people[person]
        asked = phone.invitations() - set(self.rooms.values())
        if person not in self.lines and asked:
            (line,) = asked
            await phone.join(line)
            self.lines[person] = line


def name_of(person: str) -> str:
    """A made-up person's name."""
    return person.replace("-", " ").title()
