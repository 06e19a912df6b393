"""No text is left by three networks: not by Signal, not by PGP mail either way, not by a crash.

One live home (`wallcross serve`, a process of its own) on Matrix, on Signal (stand-in) and on PGP
mail. Canaries stand in bodies, subjects, file names and documents that go out, come in, are
mirrored, held and put aside; then everything that anybody may have written to a disk is searched:
the home with the channels' state, gpg's home and its copy, logs, temporary files, the mail server's
queue, logs and mailboxes, the stand-in's folder, the homeserver's, and the journal's export. What
is left of a document of 100 MB is looked for in ``test_canaries_large``.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import pytest

from connectors.signal.standin.control import Upload
from orchestrator.client.views import DocumentView, FileHead, NewConversation, Post
from orchestrator.deals.book import HOME
from orchestrator.demo import halcyon
from orchestrator.demo.adviser import Adviser
from orchestrator.demo.mailside import OURS, READERS
from orchestrator.demo.rooms_act import make
from orchestrator.demo.signal_act import board
from orchestrator.demo.stage import CHANNEL, MAIL, SIGNAL, Stage
from orchestrator.demo.synapse import NoSynapse, synapse_python

from .canaries import Net, everywhere, windows
from .test_canaries import canary, core_files_allowed, plant

INBOUND = 24 << 20
"""Bytes of a file that an adviser sends: gpg is at it for long enough to be met at work."""
LAURA, TIMO, NADIA = "laura-penn", "timo-berg", "nadia-frost"
ON_MATRIX, ON_SIGNAL = "idris-costa", "viktor-sand"
DRAFTERS = (LAURA, NADIA, ON_MATRIX, ON_SIGNAL, "jonas-lind")
SAID = (
    "The list of contracts in the schedule was read again with both firms on the telephone, and "
    "two consents of the landlords are missing, which Nadia has asked for in writing this morning."
)
ABOUT = (
    "The parties deliver the supply agreements, the lease schedules and the list of contracts to "
    "the data room before the closing. The list of contracts was read again"
)
"""Reads like operations, whatever word stands behind it."""
PATIENCE_S = 180.0
"""For what comes in a second on a quiet machine: a neighbour's homeserver may take both cores."""
MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, never written


async def _silent(text: str) -> None:
    del text


@dataclass(slots=True)
class World:
    """The stage, what was put into it, and where to look for it.

    Attributes:
        texts: canaries that went sealed wherever they went.
        clear: canaries that somebody sent to our mailbox in the clear.
        pids: every process of `serve` that there was.
    """

    folder: Path
    stage: Stage
    texts: dict[str, str] = field(default_factory=dict)
    clear: dict[str, str] = field(default_factory=dict)
    pids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pids.add(self.pid)

    def new(self, name: str) -> str:
        return self.texts.setdefault(f"{name} {len(self.texts)}", canary())

    @property
    def mail(self) -> Path:
        return self.stage.mail.folder

    @property
    def ours(self) -> list[Path]:
        """What is ours, and the far sides that never see more than what is sealed."""
        named = ("home", "secrets", "anchor", "homeserver", "tmp", "cwd", "logs", "exports")
        return [*(self.folder / n for n in named), self.mail / "ours", *self.copies()]

    @property
    def places(self) -> list[Path]:
        return [*self.ours, self.mail / "mail"]

    def copies(self) -> list[Path]:
        """Copies of gpg's home that our judge of inbound mail works on; a neighbour has its own."""
        return sorted(c for pid in self.pids for c in MEMORY.glob(f"wallcross-keys-{pid}-*"))

    def found(self) -> list[str]:
        logs = self.folder / "logs"
        (logs / "serve.log").write_bytes(self.stage.served.log.read_bytes())
        sealed = everywhere(Net(self.texts), self.places)
        clear = everywhere(Net(self.clear), self.ours) if self.clear else []
        return [str(hit) for hit in (*sealed, *clear)]

    @property
    def pid(self) -> int:
        process = self.stage.served._process
        assert process is not None
        return process.pid

    async def die(self, number: int) -> None:
        """Ends our process by a signal; what the system says of it is looked at."""
        process = self.stage.served._process
        assert process is not None
        os.kill(process.pid, number)
        status = await asyncio.to_thread(lambda: os.waitpid(process.pid, 0)[1])
        process.returncode = -number
        assert os.WTERMSIG(status) == number
        assert not os.WCOREDUMP(status)
        await self.stage.served.stop()
        cores = [p for place in self.places for p in place.rglob("core*") if _is_core(p)]
        assert cores == []

    async def start(self) -> None:
        with core_files_allowed():
            await self.stage.served.start()
        self.pids.add(self.pid)


def _is_core(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] == b"\x7fELF"


@contextlib.asynccontextmanager
async def world(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A live home on three networks, with its conversations; every folder of it is in one place."""
    try:
        synapse_python()
    except NoSynapse as error:
        pytest.skip(str(error))
    for name in ("tmp", "cwd", "logs", "exports"):
        (folder / name).mkdir(mode=0o700)
    patch.setenv("TMPDIR", str(folder / "tmp"))
    patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    patch.chdir(folder / "cwd")
    stage = Stage(folder, _silent)
    with core_files_allowed():
        async with stage:
            await make(stage)
            await board(stage)
            await exchange_keys(stage)
            await conversations(stage)
            yield World(folder, stage)


async def exchange_keys(stage: Stage) -> None:
    ours = await stage.client.key_export(MAIL)
    for reader, adviser in stage.mail.advisers.items():
        armour = await asyncio.to_thread(adviser.certificate)
        await stage.client.key_add(stage.deal, reader, armour, MAIL)
        one, other = [person for person in READERS if person != reader][:2]
        await stage.client.key_verify(stage.deal, reader, one, other)
        await asyncio.to_thread(adviser.take, ours)


async def conversations(stage: Stage) -> None:
    """#agreement by mail alone; #drafting on all three networks."""
    for label, members, owners, also in (
        ("agreement", READERS, (LAURA,), ()),
        ("drafting", DRAFTERS, (ON_MATRIX, ON_SIGNAL), (SIGNAL, CHANNEL)),
    ):
        new = NewConversation(
            label=label,
            floor="operations",
            channel=MAIL,
            also=also,
            owner=owners[0],
            owners=owners[1:],
            compartment=halcyon.DRAFTING,
            members=members,
        )
        made = await stage.client.conv_new(stage.deal, new)
        for room in made.rooms:
            stage.rooms[f"{label} on {room.connector}"] = room.room
    await stage.people[ON_MATRIX].join(stage.rooms["drafting on matrix"])


async def eventually(done: Callable[[], object], seconds: float, what: str) -> None:
    ends = time.monotonic() + seconds
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(0.002)


# --- what is said ---------------------------------------------------------------------------------


def inner_mail(
    adviser: Adviser, subject: str, text: str, name: str, data: bytes, answers: str
) -> bytes:
    """What an adviser's program seals: all of it, subject and file too."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = adviser.address, OURS, subject
    mail["Date"], mail["In-Reply-To"] = formatdate(), answers
    mail.set_content(text)
    mail.add_attachment(data, maintype="text", subtype="plain", filename=name)
    mail.set_param("protected-headers", "v1", header="Content-Type")
    return bytes(mail)


def sealed_mail(adviser: Adviser, inner: bytes, answers: str, signer: Adviser) -> bytes:
    to = signer.key_of(OURS)
    how = ("--armor", "--trust-model", "always", "--compress-algo", "none")
    sealed = signer._gpg(*how, "--recipient", to, "--sign", "--encrypt", data=inner)
    return adviser._outer(OURS, answers, sealed)


def repeated(word: str, size: int) -> bytes:
    line = f"{ABOUT}, {word}.\n".encode()
    return (line * (size // len(line) + 1))[:size]


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1 << 18):
        yield data[at : at + (1 << 18)]


async def document(world: World, data: bytes, readers: tuple[str, ...]) -> str:
    """A formal document; its message's id."""
    name = f"agreement {world.new('file name')}.txt"
    head = FileHead(name=name, size=len(data), media_type="text/plain")
    stage = world.stage
    post = Post(person=ON_MATRIX, conversation="agreement", file=head, readers=readers)
    return (await stage.client.document_send(stage.deal, post, pieces(data))).message_id


async def decided(stage: Stage, message: str, seconds: float = PATIENCE_S) -> DocumentView:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = await stage.client.document_show(message)
        if found.state == "held" or not any(
            c.state in {"waiting", "sending"} for c in found.copies
        ):
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError("the document's copies are not settled")


async def speak_out(world: World) -> str:
    """Everything that goes out; the Message-ID of a mail that can be answered."""
    stage = world.stage
    pieces_of_it = windows(f"{world.new('body')} {SAID}")
    world.texts.update({f"window {len(world.texts)} {n}": p for n, p in enumerate(pieces_of_it)})
    said = "".join(pieces_of_it)
    await stage.client.send_text(stage.deal, Post(person=ON_MATRIX, conversation="drafting"), said)
    sent = await document(world, f"{ABOUT}, {world.new('document')}.".encode(), (LAURA, TIMO))
    held = f"We raise our offer to 27.50 per share, says {world.new('held')}."
    post = Post(person="greta-bergmann", conversation="logistics")
    await stage.client.send_text(stage.deal, post, held)
    head = FileHead(name=f"{world.new('file name')}.txt", size=4000, media_type="text/plain")
    post = Post(person=ON_MATRIX, conversation="drafting", file=head)
    await stage.client.send_file(stage.deal, post, pieces(repeated(world.new("document"), 4000)))
    laura = stage.mail.advisers[LAURA]
    copies = (await decided(stage, sent)).copies
    assert [copy.state for copy in copies] == ["sent", "sent"], "each has his copy"
    mail = await laura.until(lambda m: said[:40] in m.text, PATIENCE_S)
    assert mail is not None, "the mirrored message reaches an adviser"
    seen = await stage.signal.until(
        ON_SIGNAL,
        stage.rooms["drafting on signal"],
        lambda m: said[:40] in (m.text or ""),
        PATIENCE_S,
    )
    assert seen is not None, "the mirrored message reaches a phone"
    return mail.message_id


async def speak_in(world: World, answers: str) -> None:
    """Everything that comes in: from a phone on Signal, one on Matrix, and by mail."""
    stage = world.stage
    word = world.new("body")
    file = Upload(f"{world.new('file name')}.txt", world.new("document").encode(), "text/plain")
    room = stage.rooms["drafting on signal"]
    await stage.signal.hand.write(ON_SIGNAL, f"{ABOUT}, noted as {word}.", group=room, files=[file])
    laura, timo = stage.mail.advisers[LAURA], stage.mail.advisers[TIMO]
    for signer in (laura, timo):
        said = world.new("body")
        inner = inner_mail(
            laura,
            f"The list of contracts, {world.new('subject')}",
            f"{ABOUT}, {said}.\n",
            f"{world.new('file name')}.txt",
            f"{ABOUT}, {world.new('document')}.".encode(),
            answers,
        )
        raw = sealed_mail(laura, inner, answers, signer)
        await asyncio.to_thread(stage.mail.post.send, laura.address, OURS, raw)
        if signer is laura:
            await _arrives(stage, word, said)
    clear = EmailMessage(policy=policy.SMTP)
    clear["From"], clear["To"] = laura.address, OURS
    for part in ("Subject", "Date"):
        clear[part] = formatdate() if part == "Date" else world.clear.setdefault(part, canary())
    clear.set_content(f"In the clear: {world.clear.setdefault('body', canary())}")
    await asyncio.to_thread(stage.mail.post.send, laura.address, OURS, bytes(clear))
    await _put_aside(stage, 2)


async def _arrives(stage: Stage, *words: str) -> None:
    phone, room = stage.people[ON_MATRIX], stage.rooms["drafting on matrix"]
    for word in words:
        seen = lambda: any(word in text for text in phone.texts(room))  # noqa: E731, B023 - used at once
        assert await phone.until(seen, PATIENCE_S), "what came in reaches a phone on Matrix"


async def _put_aside(stage: Stage, wanted: int) -> None:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        entries = await stage.client.audit_tail(HOME, 200)
        if sum(entry.kind == "message.quarantined" for entry in entries) >= wanted:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("the forged mails are not put aside")


# --- how it ends ----------------------------------------------------------------------------------


def children(pid: int) -> Iterator[tuple[int, list[str]]]:
    """A process's children with their command lines, as they are now."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in listed.read_text("ascii").split():
                with contextlib.suppress(OSError):
                    line = Path(f"/proc/{child}/cmdline").read_bytes()
                    yield int(child), line.decode("utf-8", "replace").split("\0")


def works_with(pid: int, option: str) -> bool:
    return any("gpg" in line[0] and option in line for _, line in children(pid))


def told_to_all(world: World) -> set[str]:
    """Secrets and texts that stand in the arguments or the environment of us and our children."""
    stage = world.stage
    hidden = {**world.texts, "pass-phrase": stage.phrase, "password": stage.password}
    found = set()
    for pid in (world.pid, *(child for child, _ in children(world.pid))):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                shown = Path(f"/proc/{pid}/{name}").read_bytes()
                found |= {what for what, word in hidden.items() if word.encode() in shown}
    return found


def open_to_others(place: Path) -> list[str]:
    """Files and folders that others than their owner may read or enter."""
    listed = [path for path in (place, *place.rglob("*")) if not path.is_symlink()]
    return [path.name for path in listed if path.stat().st_mode & 0o077]


async def kill_in_mid_decrypt(world: World, answers: str) -> None:
    stage, laura = world.stage, world.stage.mail.advisers[LAURA]
    data = repeated(world.new("document"), INBOUND)
    inner = inner_mail(
        laura, f"On {world.new('subject')}", "The scan.\n", f"{canary()}.bin", data, answers
    )
    raw = await asyncio.to_thread(sealed_mail, laura, inner, answers, laura)
    sending = asyncio.create_task(asyncio.to_thread(stage.mail.post.send, laura.address, OURS, raw))
    await eventually(lambda: works_with(world.pid, "--decrypt"), PATIENCE_S, "gpg to be decrypting")
    assert told_to_all(world) == set()
    await world.die(signal.SIGKILL)
    await sending
    assert world.found() == []


async def play(world: World) -> None:
    answers = await speak_out(world)
    await speak_in(world, answers)
    assert world.found() == []
    await kill_in_mid_decrypt(world, answers)
    for place in (world.folder / "home", world.mail / "ours", *world.copies()):
        assert open_to_others(place) == []
    await world.start()
    answers = await speak_out(world)
    await world.die(signal.SIGSEGV)
    assert world.found() == []
    await world.start()
    await speak_in(world, answers)
    await exported(world)
    await world.stage.served.stop()
    assert world.copies() == [], "the judge's copy of the keys goes with us"


async def exported(world: World) -> None:
    """Journal and audit, as they are handed out."""
    client, deal, folder = world.stage.client, world.stage.deal, world.folder / "exports"
    for name, archive in (
        ("journal.tar", client.journal_export(deal)),
        ("audit.tar", client.audit_export(deal)),
    ):
        data = b"".join([piece async for piece in archive])
        assert len(data) > 1024
        (folder / name).write_bytes(data)


def assert_a_planted_one_is_found(world: World) -> None:
    word = next(iter(world.texts.values()))
    wanted = sum(plant(place, word) for place in world.places)
    hits = {hit.place for hit in everywhere(Net({"planted": word}), world.places)}
    assert len(hits) == wanted, "each spelling in each place"


@pytest.mark.long
async def test_three_networks_leave_no_text_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path, monkeypatch) as there:
        await play(there)
        assert there.found() == []
        assert_a_planted_one_is_found(there)
