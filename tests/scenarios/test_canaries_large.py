"""A document of 100 MB goes out by PGP mail and by Signal: whole, in little memory, no text left.

Our process is a live home of its own (``runner``) with Signal (stand-in) and PGP mail. All is taken
for coordination: what is under test comes behind that, and the classifier holds what it cannot
read. The far side's copy is taken from gpg in the reader's hands and from the stand-in's phone.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from connectors.signal.standin.control import Control
from connectors.signal.standin.process import start
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.views import DocumentView, FileHead, NewConversation, Post
from orchestrator.client.wire import socket_transport
from orchestrator.demo.adviser import Adviser
from orchestrator.demo.loopback import free_port
from orchestrator.demo.mailserver import MailServer, cannot
from orchestrator.demo.smallmail import SmallMail
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, ConnectorName

from .canaries import Net, everywhere
from .crashing import Runner
from .house import roster
from .runner import Orders
from .test_canaries import canary, core_files_allowed, plant
from .test_canaries_networks import eventually, pieces, repeated, works_with

LARGE = 100 << 20
MOST = 200 << 20
OVER_IDLE_MB = 150
OURS, READER = "wallcross@deal.test", "di@birch.test"
NUMBER = "+15550100"
BY_MAIL, BY_SIGNAL = "di", "cy"
UNDER_WAY = {"waiting", "sending"}


@dataclass(slots=True)
class World:
    """A live home with one reader by mail and one by Signal.

    Attributes:
        short: for what has sockets.
    """

    folder: Path
    short: Path
    server: MailServer | SmallMail
    reader: Adviser
    hand: Control
    runner: Runner
    texts: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)

    @property
    def deal(self) -> str:
        return str(self.runner.said["deal"])

    @property
    def pid(self) -> int:
        return int(self.runner.said["pid"])

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def places(self) -> list[Path]:
        named = ("home", "logs", "tmp", "cwd", "secrets", "run", "far")
        return [*(self.folder / n for n in named), self.short / "ours", self.short / "mail"]

    def new(self, name: str) -> str:
        return self.texts.setdefault(f"{name} {len(self.texts)}", canary())

    def found(self) -> list[str]:
        return [str(hit) for hit in everywhere(Net(self.texts), self.places)]

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def handed_in(self) -> int:
        """Bytes that the mail server holds."""
        held = (self.short / "mail").rglob("*")
        return sum(path.stat().st_size for path in held if path.is_file())

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        with reachable(Path(self.runner.orders.socket)) as near:
            async with Client(socket_transport(near)) as client:
                yield client

    async def start(self) -> None:
        with core_files_allowed():
            await asyncio.to_thread(self.runner.start)


def flags(
    folder: Path, short: Path, server: MailServer | SmallMail, far: str, hook: tuple[int, str]
) -> dict[str, str]:
    """The settings of both channels; secrets lie in files of the owner's alone."""
    port, secret = hook
    values = {
        "mail.kind": "pgpmail",
        "mail.settings.address": OURS,
        "mail.settings.smtp_host": "127.0.0.1",
        "mail.settings.smtp_port": str(server.submission),
        "mail.settings.ca_file": str(server.ca_file),
        "mail.settings.home": str(short / "ours"),
        "mail.settings.max_mail_bytes": str(MOST),
        "mail.secrets.passphrase": _secret(folder, "phrase", secrets.token_hex(16)),
        "mail.secrets.smtp_password": _secret(folder, "post", "made-up-password"),
        "signal.kind": "signal",
        "signal.settings.api": far,
        "signal.settings.number": json.dumps(NUMBER),
        "signal.settings.listen_port": str(port),
        "signal.secrets.webhook_secret": _secret(folder, "hook", secret),
        "signal.secrets.state_key": _secret(folder, "state", secrets.token_hex(32)),
    }
    return {f"channels.{name}": value for name, value in values.items()}


def _secret(folder: Path, name: str, value: str) -> str:
    path = folder / "secrets" / name
    path.touch(0o600)
    path.write_text(value)
    return f"file:{path}"


@contextlib.contextmanager
def far_sides(short: Path) -> Iterator[tuple[MailServer | SmallMail, Adviser]]:
    """A mail server, and a reader with a key and a mailbox."""
    users = dict.fromkeys((OURS, READER), "made-up-password")
    place = short / "mail"
    server = MailServer(place, users, MOST) if cannot() is None else SmallMail(place, users, MOST)
    reader = Adviser(BY_MAIL, READER, short / "g0", server.mailbox(READER))
    server.start()
    try:
        reader.make_key()
        yield server, reader
    finally:
        reader.close()
        server.stop()


def _short() -> Path:
    """A folder with a short path, which the mail server's own users may enter."""
    made = Path(tempfile.mkdtemp(prefix="wxl-", dir="/tmp"))
    made.chmod(0o755)
    return made


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    short = _short()
    for name in ("logs", "tmp", "cwd", "far", "secrets"):
        (folder / name).mkdir(mode=0o700)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, short, ignore_errors=True)
        server, reader = stack.enter_context(far_sides(short))
        hook = free_port(), secrets.token_hex(32)
        webhook = f"http://127.0.0.1:{hook[0]}/{hook[1]}"
        far = stack.enter_context(start(webhook=webhook, folder=folder / "far"))
        settings = flags(folder, short, server, far.url, hook)
        orders = Orders(str(folder / "home"), str(folder / "run" / "api.sock"), settings, [])
        environment = {
            "WALLCROSS_SECRETS": str(folder / "secrets" / "home"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TMPDIR": str(folder / "tmp"),
        }
        runner = Runner(orders, folder / "logs", environment, folder / "cwd")
        stack.enter_context(runner)
        async with Control(far.control, far.token) as hand:
            made = World(folder, short, server, reader, hand, runner)
            await made.start()
            await set_up(made)
            yield made


async def set_up(world: World) -> None:
    """Two conversations, each with its one reader on his own network."""
    seated = await world.hand.person(BY_SIGNAL, number="+15550201", auto_join=True)
    accounts = {
        BY_MAIL: {ConnectorName("mail"): AccountId(READER)},
        BY_SIGNAL: {ConnectorName("signal"): AccountId(seated.uuid)},
    }
    listed = roster(())
    people = tuple(replace(p, accounts=accounts.get(p.person_id, {})) for p in listed.people)
    async with world.client() as client:
        await client.adopt(world.deal, "roster", to_document(replace(listed, people=people)))
        await asyncio.to_thread(world.reader.take, await client.key_export("mail"))
        armour = await asyncio.to_thread(world.reader.certificate)
        await client.key_add(world.deal, BY_MAIL, armour, "mail")
        await client.key_verify(world.deal, BY_MAIL, "ada", "bo")
        for label, channel, person in (
            ("agreement", "mail", BY_MAIL),
            ("talk", "signal", BY_SIGNAL),
        ):
            new = NewConversation(
                label=label, floor="operations", channel=channel, owner=person, members=(person,)
            )
            made = await client.conv_new(world.deal, new)
            world.rooms[label] = made.rooms[0].room


# --- what is sent, and what arrived ---------------------------------------------------------------


async def by_mail(world: World, data: bytes) -> DocumentView:
    """A formal document for the reader; what became of it."""
    head = FileHead(name=f"{world.new('file name')}.bin", size=len(data))
    post = Post(person="ada", conversation="agreement", file=head, readers=(BY_MAIL,))
    async with world.client() as client:
        sent = await client.document_send(world.deal, post, pieces(data))
        while True:
            found = await client.document_show(sent.message_id)
            if found.state == "held" or not any(c.state in UNDER_WAY for c in found.copies):
                return found
            await asyncio.sleep(0.1)


async def by_signal(world: World, data: bytes) -> str:
    """A file into the conversation on Signal; the state that its message ends in."""
    head = FileHead(name=f"{world.new('file name')}.bin", size=len(data))
    post = Post(person="ada", conversation="talk", file=head)
    async with world.client() as client:
        sent = await client.send_file(world.deal, post, pieces(data))
        while True:
            found = await client.message_show(sent.message_id)
            if found.state not in {"accepted", "delivering"}:
                return found.state
            await asyncio.sleep(0.1)


def attached(world: World, least: int = 0) -> list[str]:
    """sha256 of the file in each mail of so many bytes at least, as the reader's gpg opens it."""
    found = []
    for raw in (mail for mail in world.reader.mails() if len(mail) >= least):
        armour = raw[raw.index(b"-----BEGIN PGP MESSAGE") :]
        inner = world.reader._gpg("--decrypt", data=armour)
        boundary = re.search(rb'boundary="([^"]+)"', inner)
        assert boundary is not None
        for part in inner.split(b"\r\n--" + boundary[1])[1:]:
            head, _, body = part.partition(b"\r\n\r\n")
            if b"Content-Disposition: attachment" in head:
                found.append(hashlib.sha256(base64.b64decode(body)).hexdigest())
    return found


async def on_phone(world: World) -> list[str]:
    """sha256 of each file that the reader's phone shows in the conversation."""
    shown = await world.hand.arrived(BY_SIGNAL, world.rooms["talk"])
    return [file.sha256 for message in shown for file in message.files]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.long
@pytest.mark.alone
async def test_a_document_of_100_mb_arrives_whole_in_little_memory(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        await goes_whole(there, secrets.token_bytes(40_000))
        idle = there.peak_mb()
        peaks = await goes_whole(there, secrets.token_bytes(LARGE))
        mail, both = (peak - idle for peak in peaks)
        assert both <= OVER_IDLE_MB, f"{mail:.0f} MB over idle by mail, {both:.0f} MB with Signal"


async def goes_whole(world: World, data: bytes) -> tuple[float, float]:
    """Sends a file both ways; the peaks of our memory (MB) behind the one and behind both."""
    assert [copy.state for copy in (await by_mail(world, data)).copies] == ["sent"]
    await eventually(
        lambda: digest(data) in attached(world, len(data)), 120, "the mail to be opened"
    )
    behind_mail = world.peak_mb()
    assert await by_signal(world, data) == "delivered"
    assert (await on_phone(world))[-1] == digest(data)
    return behind_mail, world.peak_mb()


@pytest.mark.long
async def test_what_is_too_large_is_refused_before_the_wire_with_the_figure(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        data = bytes(LARGE + (40 << 20))
        [copy] = (await by_mail(there, data)).copies
        assert copy.state == "not_sent"
        assert re.fullmatch(r"too_large: \d{9} bytes .* takes a file of \d{9}", copy.reasons[0])
        assert attached(there) == []
        assert await by_signal(there, data) == "dead"
        assert await on_phone(there) == []
        assert there.handed_in() < 1 << 20, "neither server was given anything of that size"


@pytest.mark.long
async def test_killed_in_mid_encrypt_only_ciphertext_is_staged(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        data = repeated(there.new("document"), LARGE)
        spool = there.home / "channels" / "mail" / "spool"

        def staged() -> int:
            return sum(path.stat().st_size for path in spool.glob("*.asc"))

        handing_in = asyncio.create_task(by_mail(there, data))
        await eventually(lambda: staged() > (8 << 20), 240, "a sealed mail to grow in the spool")
        assert works_with(there.pid, "--encrypt")
        there.runner.kill(signal.SIGKILL)
        with contextlib.suppress(Exception):
            await handing_in
        assert staged() > (8 << 20), "what was staged is still there to be looked at"
        assert there.found() == []
        await there.start()
        await eventually(
            lambda: attached(there, LARGE) == [digest(data)], 240, "the mail after all"
        )
        await eventually(lambda: staged() == 0, 60, "the spool to be empty")
        there.runner.end()
        assert there.found() == []
        word = there.texts["document 0"]
        wanted = sum(plant(place, word) for place in there.places)
        hits = {hit.place for hit in everywhere(Net({"planted": word}), there.places)}
        assert len(hits) == wanted, "each spelling in each place"
