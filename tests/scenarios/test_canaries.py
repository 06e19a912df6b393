"""No text of a message is anywhere on the disk: not while it waits, not after a crash, not later.

Canaries (32 random characters) stand in bodies, subjects, file names, documents and in the name of
a VALUATION conversation; pieces of 60 characters of whole texts are looked for too.
"""

import asyncio
import contextlib
import gzip
import io
import json
import os
import resource
import secrets
import signal
import string
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide, Upload
from connectors.memory.faults import FaultKind
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.views import ConversationView, FileHead, Post
from orchestrator.client.wire import socket_transport
from orchestrator.flow.answers import read_answer

from .canaries import Net, everywhere, spellings, windows
from .crashing import Runner, count, cursor, looking, until
from .runner import Orders

LETTERS = string.ascii_letters + string.digits
MAILS = Path(__file__).parents[3] / "shared" / "tiers" / "dev.jsonl"
WORDS = ("room", "list", "people", "again", "before", "noon", "today", "open", "read", "was")


def canary() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(32))


def mails(most: int) -> list[str]:
    """Whole texts: real ones where they are at hand, else made up."""
    if MAILS.exists():
        rows = [json.loads(line)["text"] for line in MAILS.read_text("utf-8").splitlines()]
        return [text for text in rows if len(text) > 200][:most]
    return [" ".join(secrets.choice(WORDS) for _ in range(120)) for _ in range(most)]


@contextlib.contextmanager
def core_files_allowed() -> Iterator[None]:
    """What is started here may leave core files, unless it forbids them itself."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


@dataclass(slots=True)
class Mouth:
    """Puts canaries into every place of a message that there is, through both doors."""

    texts: dict[str, str]
    client: Client
    far: FarSide
    deal: str
    room: str
    """Of a conversation into which people write directly."""

    def new(self, name: str) -> str:
        return self.texts.setdefault(f"{name} {len(self.texts)}", canary())

    async def text(self, conversation: str | None, before: str = "") -> None:
        post = Post(person="ada", conversation=conversation)
        said = f"{before} The word is {self.new('body')} for today."
        await self.client.send_text(self.deal, post, said)

    async def mail(self, n: int, text: str, conversation: str) -> None:
        pieces = windows(text)
        self.texts.update({f"mail {n} piece {i}": piece for i, piece in enumerate(pieces)})
        await self.client.send_text(self.deal, Post(person="ada", conversation=conversation), text)

    async def file(self, media_type: str, size: int, conversation: str = "lunch") -> None:
        """A document at our door, its canary again and again so that no page of it is without."""
        data = (f"The figure is {self.new('document')}. " * (size // 47 + 1)).encode()
        head = FileHead(name=f"{self.new('file name')}.txt", media_type=media_type, size=len(data))
        post = Post(person="ada", conversation=conversation, file=head)

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(data), 65536):
                yield data[at : at + 65536]

        await self.client.send_file(self.deal, post, pieces())

    async def network(self) -> None:
        """Everything that a person can put into one message on the network."""
        upload = Upload(f"{self.new('file name')}.txt", self.new("document").encode(), "text/plain")
        line = f"#lunch About {self.new('body')} then."
        await self.far.direct("el", "wallcross", line, subject=self.new("subject"), files=[upload])
        said = f"Between us {self.new('body')} it is."
        await self.far.write("bo", self.room, said, subject=self.new("subject"))
        bad = f"zvaluation: our offer is 27.50 per share, {self.new('body')}."
        await self.far.write("bo", self.room, bad)

    async def everything(self) -> None:
        await self.text("lunch")
        await self.text("price")
        await self.text(None)
        await self.text("lunch", "zvaluation: we raise the offer to 27.50 per share.")
        await self.file("text/plain", 3_000)
        await self.file("text/plain", 400_000)
        await self.file("application/zip", 120_000)
        await self.network()


class Stage:
    """Far side, runner, and every place where something could be left."""

    def __init__(self, folder: Path, stack: ExitStack, classifier: str) -> None:
        self.secret_label = canary()
        self.folder = folder
        for name in ("far", "logs", "tmp", "cwd"):
            (folder / name).mkdir(mode=0o700)
        self.home = folder / "home"
        self.process = stack.enter_context(
            process.start(f"unix:{folder / 'far.sock'}", record=folder / "far" / "record.jsonl")
        )
        orders = Orders(
            home=str(self.home),
            socket=str(folder / "run" / "api.sock"),
            flags={
                "channels.memory.kind": "memory",
                "channels.memory.settings.address": self.process.address,
                "channels.memory.settings.unsafe_trust_first_seen": "true",
            },
            talks=[
                ("price", "valuation"),
                ("lunch", "coordination"),
                (self.secret_label, "valuation"),
            ],
            classifier=classifier,
        )
        environment = {
            "WALLCROSS_SECRETS": str(folder / "secrets"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TMPDIR": str(folder / "tmp"),
        }
        logs, cwd = folder / "logs", folder / "cwd"
        self.runner = stack.enter_context(Runner(orders, logs, environment, cwd))
        self.texts = {"conversation": self.secret_label}

    @property
    def places(self) -> list[Path]:
        return [self.folder / n for n in ("home", "logs", "tmp", "cwd", "far", "secrets", "run")]

    async def start(self) -> None:
        with core_files_allowed():
            await asyncio.to_thread(self.runner.start)

    @contextlib.asynccontextmanager
    async def mouth(self, far: FarSide) -> AsyncIterator[Mouth]:
        said = self.runner.said
        with reachable(Path(self.runner.orders.socket)) as near:
            async with Client(socket_transport(near)) as client:
                yield Mouth(self.texts, client, far, said["deal"], self.runner.rooms["lunch"])

    def found(self) -> list[str]:
        return [str(hit) for hit in everywhere(Net(self.texts), self.places)]

    def busy(self) -> bool:
        return count(self.home, "started") > 0


async def speak(stage: Stage, far: FarSide, texts: list[str]) -> None:
    async with stage.mouth(far) as mouth:
        await mouth.everything()
        for n, text in enumerate(texts):
            await mouth.mail(len(stage.texts) + n, text, "price" if n % 2 else "lunch")
        await mouth.everything()


async def crash_twice(stage: Stage, far: FarSide, texts: list[str]) -> None:
    """A kill and a segmentation fault, each with deliveries under way; nothing was left by them."""
    await stage.start()
    assert {state for _, state in stage.runner.said["checks"]} == {"ok"}, "not dumpable, no core"
    await until(lambda: cursor(stage.home) is not None, 30, "listening to begin")
    await far.inject(FaultKind.SLOW, times=None, amount=300_000)
    half = len(texts) // 2
    await speak(stage, far, texts[:half])
    await until(stage.busy, 30, "a delivery under way")
    assert stage.found() == []
    stage.runner.kill(signal.SIGKILL)
    assert stage.found() == []
    await stage.start()
    await speak(stage, far, texts[half:])
    await until(stage.busy, 30, "a delivery under way")
    status = stage.runner.kill(signal.SIGSEGV)
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert not [path for place in stage.places for path in place.rglob("core*")]
    assert stage.found() == []


async def end_well(stage: Stage, far: FarSide) -> None:
    """All that can be delivered is; then its seals are gone, and only held bodies are left."""
    await far.clear_faults()
    await stage.start()
    await until(lambda: not open_messages(stage.home), 60, "everything to be settled")
    stage.runner.end()
    with looking(stage.home) as store:
        sealed = {row[0] for row in store.execute("SELECT owner FROM sealed")}
        waiting = {row[0] for row in store.execute("SELECT message_id FROM held")}
        states = dict(store.execute("SELECT state, count(*) FROM message GROUP BY state"))
    bodies = {owner.partition("-")[0] for owner in sealed if owner.startswith("msg_")}
    assert states.keys() == {"delivered", "held"}
    assert states["delivered"] > 10
    assert bodies == waiting
    blobs = {path.name.partition("-")[0] for path in (stage.home / "blobs").rglob("msg_*")}
    assert blobs <= waiting


def open_messages(home: Path) -> int:
    with looking(home) as store:
        sql = "SELECT count(*) FROM message WHERE state IN ('accepted', 'delivering')"
        found: int = store.execute(sql).fetchone()[0]
    return found


def plant(place: Path, text: str) -> int:
    """Leaves a text in a place in every spelling, and compressed; returns how many files."""
    place.mkdir(exist_ok=True)
    names = 0
    for spelling, data in spellings(text).items():
        (place / f"planted.{spelling.replace('+', '-')}").write_bytes(b"before " + data + b" after")
        names += 1
    return names


async def play(folder: Path, classifier: str, texts: list[str]) -> Stage:
    with ExitStack() as stack:
        stage = Stage(folder, stack, classifier)
        far = FarSide.at(stage.process.address)
        try:
            await crash_twice(stage, far, texts)
            await end_well(stage, far)
        finally:
            await far.close()
        return stage


def assert_nothing_but_what_is_planted(stage: Stage) -> None:
    assert stage.found() == []
    wanted = 0
    for place in stage.places:
        wanted += plant(place, stage.secret_label)
    hits = [h for h in everywhere(Net(stage.texts), stage.places) if h.name == "conversation"]
    assert {hit.place.partition("/")[0] for hit in hits} == {p.name for p in stage.places}
    assert len({hit.place for hit in hits}) == wanted, "each spelling in each place"


async def test_no_text_is_left_anywhere(tmp_path: Path) -> None:
    stage = await play(tmp_path, "words", mails(20))
    assert_nothing_but_what_is_planted(stage)


@pytest.mark.long
async def test_no_text_of_many_mails_is_left_by_the_shipped_classifier(tmp_path: Path) -> None:
    stage = await play(tmp_path, "shipped", mails(400))
    assert_nothing_but_what_is_planted(stage)


def test_the_name_of_a_conversation_stands_in_no_repr() -> None:
    answer = read_answer("1 0a1b2c3d #heron-price")
    assert answer is not None
    assert answer.label == "heron-price"
    assert "heron" not in repr(answer)
    assert [f.repr for f in fields(ConversationView) if f.name == "label"] == [False]


# --- the net itself -------------------------------------------------------------------------------

TEXT = "Zürich: the “offer” is 27,50 € / share & more"


def packed(text: str) -> dict[str, bytes]:
    """A text in what programs put on a disk."""
    long = f"before {text} after ".encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", long * 20)
    return {
        "gzip": b"\0\1" + gzip.compress(long) + b"\2",
        "zlib": b"\0" + zlib.compress(long * 3) + b"\2",
        "cut gzip": gzip.compress(long * 50 + secrets.token_bytes(5000))[:-2000],
        "zip": archive.getvalue(),
        "gzip of base64": gzip.compress(spellings(text)["base64+1"]),
        "folded base64": b"\n".join(
            spellings(text)["base64+2"][at : at + 20] for at in range(0, 200, 20)
        ),
        "folded quoted-printable": spellings(text)["quoted-printable"][:17]
        + b"=\r\n"
        + spellings(text)["quoted-printable"][17:],
    }


@pytest.mark.parametrize("spelling", spellings(TEXT))
@pytest.mark.parametrize("before", range(9))
def test_every_spelling_is_found_wherever_it_begins(spelling: str, before: int) -> None:
    data = bytes(before) + spellings(TEXT)[spelling] + b"."
    assert spelling in {hit.spelling for hit in Net({"t": TEXT}).data(data, "here")}


@pytest.mark.parametrize("how", packed(TEXT))
def test_what_is_packed_or_folded_is_found(how: str) -> None:
    assert list(Net({"t": TEXT}).data(packed(TEXT)[how], "here"))


def test_nothing_is_found_where_nothing_is() -> None:
    net = Net({"t": TEXT, "c": canary()})
    assert list(net.data(secrets.token_bytes(200_000) + b" share & more", "here")) == []


def test_a_name_of_a_file_is_found(tmp_path: Path) -> None:
    word = canary()
    (tmp_path / f"{word}.txt").touch()
    assert {hit.place for hit in Net({"c": word}).folder(tmp_path)} == {f"{tmp_path.name}: a name"}


def test_a_text_too_short_to_be_told_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        Net({"t": "short"})
