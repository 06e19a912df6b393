"""Four networks, each with a line to it that can be cut, and each with its own far side.

Rule kept here: what arrived is read where people read it: the network's own record, a Signal phone,
a Matrix client, gpg on the mails of a mailbox. Our own tables are not asked.
"""

import asyncio
import base64
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from connectors.memory import process
from connectors.memory.record import digest
from connectors.shared import frame
from orchestrator.client.api import Client
from orchestrator.demo.adviser import Adviser, Post
from orchestrator.demo.farside import Person
from orchestrator.demo.mailserver import MailServer
from orchestrator.demo.phones import NUMBER, Phones
from orchestrator.demo.smallmail import SmallMail
from orchestrator.demo.synapse import Homeserver
from tiers.ids import AccountId, ConnectorName
from tiers.people import Roster

from .crashing import lines
from .house import roster
from .relay import Relay

PEOPLE = ("ada", "bo")
"""Who is in the rooms of a real network; what ``bo`` has is judged."""
OURS = "wallcross@deal.test"
REPEATED = "(may be a repetition)"
PASSWORD = "only-for-the-test"


class Network(Protocol):
    """What a scenario needs of a network."""

    relay: Relay
    name: str
    members: list[str] | None

    async def open(self, folder: Path) -> None: ...

    async def close(self) -> None: ...

    def flags(self) -> dict[str, str]:
        """The channel's settings."""
        ...

    def accounts(self) -> dict[str, str]: ...

    def keys(self) -> dict[str, str]: ...

    async def come_in(self, rooms: Sequence[str], client: Client) -> None:
        """People go into the rooms that they are asked into, or take our certificate."""
        ...

    async def arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        """What ``bo`` has of us, in order: lines as ``judge`` reads them, rooms by label."""
        ...


def line(n: int, text: str, rooms: Mapping[str, str], marked: object) -> list[dict[str, Any]]:
    """A line for the judge; the text's first word is its conversation."""
    room = rooms.get(text.partition(" ")[0])
    if room is None:
        return []
    sha = digest(text)
    fixed = {"kind": "arrived", "account": "wallcross", "room": room, "n": n, "sha256": sha}
    return [{**fixed, "key": sha, "marked": bool(marked)}]


def people(networks: Sequence[Network]) -> Roster:
    """The made-up roster, each person with his accounts on these networks."""
    listed = roster()
    accounts = {n.name: n.accounts() for n in networks}
    moved = tuple(
        replace(
            p,
            accounts={
                ConnectorName(name): AccountId(of[p.person_id]) for name, of in accounts.items()
            },
        )
        for p in listed.people
    )
    return replace(listed, people=moved)


def secret(folder: Path, name: str, value: str) -> str:
    path = folder / name
    path.touch(0o600)
    path.write_text(value)
    return f"file:{path}"


@dataclass
class Memory:
    """The network of ours, in a process of its own; it cannot be asked for a delivery."""

    name: str = "memory"
    members: list[str] | None = None

    async def open(self, folder: Path) -> None:
        self.record = folder / "record.jsonl"
        self.process = await asyncio.to_thread(
            process.start, record=self.record, options={"idempotent_for": 0}
        )
        self.relay = Relay(int(self.process.address.rpartition(":")[2]), lambda d: b'"send"' in d)
        await self.relay.open()

    async def close(self) -> None:
        await self.relay.close()
        await asyncio.to_thread(self.process.stop)

    def flags(self) -> dict[str, str]:
        return {
            "channels.memory.kind": "memory",
            "channels.memory.settings.address": f"127.0.0.1:{self.relay.listens_on}",
            "channels.memory.settings.idempotent_for": "0",
            "channels.memory.settings.unsafe_trust_first_seen": "true",
        }

    def accounts(self) -> dict[str, str]:
        return {}

    def keys(self) -> dict[str, str]:
        return {}

    async def come_in(self, rooms: Sequence[str], client: Client) -> None:
        del rooms, client

    async def arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        del rooms
        return lines(self.record)


@dataclass
class Signal:
    """The stand-in, and phones on it."""

    name: str = "signal"
    members: list[str] | None = field(default_factory=lambda: list(PEOPLE))

    async def open(self, folder: Path) -> None:
        self.folder = folder
        self.phones = Phones(secrets.token_hex(32))
        await self.phones.open(("ada", "bo", "cy", "di", "el"))
        port = int(self.phones.url.rpartition(":")[2])
        self.relay = Relay(port, lambda d: b"/v2/send" in d)
        await self.relay.open()
        self.webhook = secret(folder, "hook", self.phones.secret)
        self.state = secret(folder, "state", secrets.token_hex(32))

    async def close(self) -> None:
        await self.relay.close()
        await self.phones.close()

    def flags(self) -> dict[str, str]:
        settings = {
            "api": f"http://127.0.0.1:{self.relay.listens_on}",
            "number": f"'{NUMBER}'",  # a word, not a figure
            "listen_port": str(self.phones.port),
            "look_every": "0.5",
            "patience": "5",
        }
        return {
            "channels.signal.kind": "signal",
            **{f"channels.signal.settings.{k}": v for k, v in settings.items()},
            "channels.signal.secrets.webhook_secret": self.webhook,
            "channels.signal.secrets.state_key": self.state,
        }

    def accounts(self) -> dict[str, str]:
        return dict(self.phones.uuids)

    def keys(self) -> dict[str, str]:
        return {}

    async def come_in(self, rooms: Sequence[str], client: Client) -> None:
        """Phones let themselves in; the server knows their keys once they wrote."""
        del client
        for room in rooms:
            for person in PEOPLE:
                await self.phones.hand.write(person, "here", group=room)
        await self.phones.hand.settle()

    async def arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        shown = [frame.parse(m.text or "") for m in await self.phones.hand.arrived("bo")]
        return [
            one
            for n, said in enumerate(shown)
            if said.author is not None
            for one in line(n, said.text, rooms, said.repeated)
        ]


@dataclass
class Matrix:
    """A real Synapse, and clients of another library."""

    name: str = "matrix"
    members: list[str] | None = field(default_factory=lambda: list(PEOPLE))

    async def open(self, folder: Path) -> None:
        self.folder = folder
        self.server = Homeserver(folder / "hs")
        await asyncio.to_thread(self.server.start)
        for name in ("wallcross", "ada", "bo", "cy", "di", "el"):
            await asyncio.to_thread(self.server.register, name, PASSWORD)
        self.relay = Relay(self.server.port, lambda d: d.startswith(b"PUT") and b"/send/" in d)
        await self.relay.open()
        self.phones = {
            name: Person(self.server.url, f"@{name}:deal.test", PASSWORD, folder / name)
            for name in PEOPLE
        }
        for phone in self.phones.values():
            await phone.open()
        pickle = base64.b64encode(secrets.token_bytes(32)).decode()
        self.secrets = secret(folder, "password", PASSWORD), secret(folder, "pickle", pickle)

    async def close(self) -> None:
        for phone in self.phones.values():
            await phone.close()
        await self.relay.close()
        await asyncio.to_thread(self.server.stop)

    def flags(self) -> dict[str, str]:
        return {
            "channels.matrix.kind": "matrix",
            "channels.matrix.settings.homeserver": f"http://127.0.0.1:{self.relay.listens_on}",
            "channels.matrix.settings.user": "@wallcross:deal.test",
            "channels.matrix.settings.sync_wait": "5",
            "channels.matrix.secrets.password": self.secrets[0],
            "channels.matrix.secrets.pickle_key": self.secrets[1],
        }

    def accounts(self) -> dict[str, str]:
        return {name: f"@{name}:deal.test" for name in ("ada", "bo", "cy", "di", "el")}

    def keys(self) -> dict[str, str]:
        return {}

    async def come_in(self, rooms: Sequence[str], client: Client) -> None:
        del client
        for phone in self.phones.values():
            for room in rooms:
                await phone.raw("POST", f"/_matrix/client/v3/join/{quote(room, safe='')}", {})
            await phone.sync(full=True)

    async def arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        phone = self.phones["bo"]
        await phone.sync()
        ours = [s for s in phone.seen if s.sender == "@wallcross:deal.test"]
        return [
            {**one, "key": s.delivery_key}
            for n, s in enumerate(ours)
            for one in line(n, s.said, rooms, REPEATED in (s.body or ""))
        ]


@dataclass
class Mail:
    """A mail server, and advisers with gpg. Args: real: Postfix and Dovecot."""

    real: bool = False
    name: str = "mail"
    members: list[str] | None = field(default_factory=lambda: list(PEOPLE))

    async def open(self, folder: Path) -> None:
        del folder
        self.folder = Path(tempfile.mkdtemp(prefix="wxc-"))  # sockets have short paths
        self.folder.chmod(0o755)
        users = {OURS: PASSWORD, **dict.fromkeys(self.accounts().values(), PASSWORD)}
        made = MailServer if self.real else SmallMail
        self.server: Any = made(self.folder / "mail", users)
        await asyncio.to_thread(self.server.start)
        self.relay = Relay(self.server.submission, lambda d: len(d) > 1000)
        await self.relay.open()
        self.advisers = {}
        for n, name in enumerate(PEOPLE):
            address = self.accounts()[name]
            home = self.folder / f"g{n}"
            adviser = Adviser(name, address, home, self.server.mailbox(address))
            await asyncio.to_thread(adviser.make_key)
            self.advisers[name] = adviser
        self.secrets = (
            secret(self.folder, "phrase", PASSWORD * 2),
            secret(self.folder, "pw", PASSWORD),
        )
        self.opened: dict[bytes, str] = {}

    async def close(self) -> None:
        await self.relay.close()
        for adviser in self.advisers.values():
            await asyncio.to_thread(adviser.close)
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def post(self) -> Post:
        return Post(self.server.submission, self.server.ca_file, PASSWORD)

    def flags(self) -> dict[str, str]:
        reads = (
            {"imap_host": "127.0.0.1", "imap_port": str(self.server.imaps)}
            if self.real
            else {"maildir": str(self.server.mailbox(OURS))}
        )
        settings = {
            "address": OURS,
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self.relay.listens_on),
            "ca_file": str(self.server.ca_file),
            "home": str(self.folder / "ours"),
            **reads,
        }
        return {
            "channels.mail.kind": "pgpmail",
            **{f"channels.mail.settings.{k}": v for k, v in settings.items()},
            "channels.mail.secrets.passphrase": self.secrets[0],
            "channels.mail.secrets.smtp_password": self.secrets[1],
        }

    def accounts(self) -> dict[str, str]:
        return {name: f"{name}@firm.test" for name in ("ada", "bo", "cy", "di", "el")}

    def keys(self) -> dict[str, str]:
        return {name: adviser.certificate() for name, adviser in self.advisers.items()}

    async def come_in(self, rooms: Sequence[str], client: Client) -> None:
        del rooms
        ours = await client.key_export(self.name)
        for adviser in self.advisers.values():
            await asyncio.to_thread(adviser.take, ours)

    async def arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._arrived, rooms)

    def _arrived(self, rooms: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        bo = self.advisers["bo"]
        for n, raw in enumerate(bo.mails()):
            if raw not in self.opened:
                mail = bo.opened(raw)
                self.opened[raw] = (mail.text if mail is not None else "").replace("\r\n", "\n")
            head, _, text = self.opened[raw].partition("\n| ")
            found += line(n, text.rstrip("\r\n"), rooms, REPEATED in head)
        return found
