"""`doc`: each end has its exit code, what is written is sealed, and no name is printed."""

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import session
from orchestrator.client.copies import KnownCopy, KnownDocument
from orchestrator.client.problems import Missing
from orchestrator.client.views import CopyView, DocumentView, Sent
from orchestrator.config.policy import default_text, read_policy
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tests.orchestrator.api.conftest import MemoryHome
from tiers.rights import Viewer

from .conftest import Wx

DOCUMENT = "msg_" + "1" * 32
NAME = "zyxwv-agreement.txt"
Stands = Callable[..., Wx]


def copy(number: int, state: str, *reasons: str) -> CopyView:
    reader = f"reader-{number}"
    return CopyView(
        number=number, reader=reader, channel="mail", state=state, reasons=reasons, settled_at=1
    )


def document(*copies: CopyView, state: str = "delivered", **more: Any) -> DocumentView:
    found = DocumentView(
        message_id=DOCUMENT,
        deal_id="deal_1",
        conversation_id="cnv_1",
        sender="ximena.park",
        state=state,
        tier="operations",
        size=1000,
        sent_at=1_767_225_600_000_000,
        second_person=False,
        reasons=(),
        copies=copies,
    )
    return replace(found, **more)


SEALED = b"-----BEGIN PGP MESSAGE-----"
TAKEN: list[tuple[str, int]] = []
BROKEN: set[int] = set()
KNOWN: dict[str, list[KnownDocument]] = {}


class Home(MemoryHome):
    """A home whose document goes through what a test names, the last one for good."""

    def __init__(self, store: Store, stands: list[DocumentView]) -> None:
        super().__init__(store)
        self.stands = stands
        self.answers["document_send"] = Sent(message_id=DOCUMENT, state="accepted")

    async def document_show(self, message: str) -> DocumentView:
        """Where it stands now."""
        assert message == DOCUMENT
        return self.stands.pop(0) if len(self.stands) > 1 else self.stands[0]

    async def document_recall(
        self, message: str, readers: list[str], reason: str, *, actor: str
    ) -> DocumentView:
        """Where it stands then."""
        del actor
        self.calls.append(("document_recall", (message, readers, reason), {}))
        return self.stands[-1]

    async def copy_take(self, message: str, number: int, *, actor: str) -> AsyncIterator[bytes]:
        """A sealed copy."""
        del actor
        TAKEN.append((message, number))
        yield SEALED
        if number in BROKEN:
            raise Missing("it was called back meanwhile")

    async def document_known(
        self, deal: str, whole: str, sealed: str | None, viewer: Viewer
    ) -> list[KnownDocument]:
        """What a test names by the hash of a file."""
        del deal, sealed, viewer
        return KNOWN.get(whole, [])

    async def document_list(self, deal: str) -> list[DocumentView]:
        """All of them."""
        del deal
        return self.stands


@pytest.fixture
def stands(wx: Wx, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stands:
    """`wallcross` in front of a home whose document stands as named."""
    migrate(tmp_path / "store.db")
    home.mkdir(mode=0o700)
    (tmp_path / NAME).write_text("articles")
    (tmp_path / "out").mkdir()
    for left in (TAKEN, BROKEN, KNOWN):
        left.clear()

    def make(*found: DocumentView) -> Wx:
        @asynccontextmanager
        async def opened(*_: Any, **__: Any) -> AsyncIterator[Home]:
            store = Store(tmp_path / "store.db")
            there = Home(store, list(found))
            if not await there.deal_list():
                rules = read_policy(default_text())
                await there.deal_new("HALCYON", made_up=True, policy=rules, actor="local:1")
            yield there
            await store.close()

        monkeypatch.setattr(session, "opened", opened)
        return wx

    return make


def send(wx: Wx, folder: Path, *more: str) -> Any:
    line = ("--person", "ximena.park", "--conversation", "agreement", "--deal", "HALCYON")
    return wx("doc", "send", str(folder / NAME), *line, "--to", "reader-1", *more)


SENT, GOING = copy(1, "sent"), copy(1, "sending")
REFUSED = copy(2, "refused", "Ada has a new device or key, or one that cannot be read")
WAITING = copy(1, "waiting")


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ((document(SENT),), 0),
        ((document(WAITING, state="accepted"), document(GOING, state="delivering"),
          document(SENT)), 0),
        ((document(SENT, REFUSED),), 7),
        ((document(copy(1, "possibly"), state="possibly"),), 7),
        ((document(copy(1, "returned")),), 5),
        ((document(copy(1, "not_sent", "key_expired"), state="dead"),), 5),
        ((document(REFUSED, state="held", reasons=("no",)),), 5),
        ((document(WAITING, state="held", second_person=True),), 6),
    ],
)  # fmt: skip
def test_each_end_has_its_code(
    stands: Stands, tmp_path: Path, stages: tuple[DocumentView, ...], code: int
) -> None:
    done = send(stands(*stages), tmp_path, "--json")
    assert (done.code, done.err) == (code, "")
    assert [c["state"] for c in done.json["copies"]] == [c.state for c in stages[-1].copies]


def test_what_is_still_on_its_way_when_the_time_is_up_is_partly_done(
    stands: Stands, tmp_path: Path
) -> None:
    done = send(stands(document(GOING, state="delivering")), tmp_path, "--timeout", "0.3")
    assert done.code == 7


def test_people_read_who_has_it_and_why_not(stands: Stands, tmp_path: Path) -> None:
    done = send(stands(document(SENT, REFUSED)), tmp_path)
    assert "copy 1 of 2  reader-1  taken by the mail server" in done.out
    assert "copy 2 of 2  reader-2  refused: nothing was sent (Ada has a new device" in done.out
    assert "zyxwv" not in done.out + done.err, "a document's name is content"


def test_a_second_person_is_said_to_be_waited_for(stands: Stands, tmp_path: Path) -> None:
    done = send(stands(document(WAITING, state="held", second_person=True)), tmp_path)
    assert "It waits for two people to agree. Nothing was sent." in done.out


def test_status_lists_and_shows(stands: Stands) -> None:
    wx = stands(document(SENT, REFUSED))
    assert "1 of 2 sent" in wx("doc", "status", "--deal", "HALCYON").out
    assert wx("doc", "status", DOCUMENT, "--json").json["copies"][1]["state"] == "refused"


def test_what_is_not_there_is_not_sent(stands: Stands, tmp_path: Path) -> None:
    wx = stands(document(SENT))
    (tmp_path / NAME).unlink()
    done = send(wx, tmp_path)
    assert (done.code, "Nothing was sent" in done.err) == (1, True)


def seal(wx: Wx, folder: Path, *more: str) -> Any:
    line = ("--person", "ximena.park", "--conversation", "agreement", "--deal", "HALCYON")
    out = ("--out", str(folder / "out"))
    return wx("doc", "seal", str(folder / NAME), *line, "--to", "reader-1", *out, *more)


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


SEALED_ONE, HANDED = copy(1, "sealed"), copy(1, "handed")


def test_what_is_sealed_is_written_for_its_owner_alone(stands: Stands, tmp_path: Path) -> None:
    stages = (document(WAITING, state="accepted"), document(SEALED_ONE), document(HANDED))
    done = seal(stands(*stages), tmp_path)
    assert done.code == 0, done.err
    assert "copy 1 of 1  reader-1  sealed, and written for its sender" in done.out
    assert written(tmp_path) == {"copy-1-of-1.eml": SEALED}
    [path] = (tmp_path / "out").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "zyxwv" not in done.out + done.err


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (document(copy(1, "refused", "he is not cleared"), state="held"), 5),
        (document(WAITING, state="held", second_person=True), 6),
        (document(copy(1, "not_sent", "seals_no_copies"), state="dead"), 5),
        (document(copy(1, "recalled"), state="dead"), 5),
    ],
)
def test_where_nothing_was_sealed_no_byte_is_written(
    stands: Stands, tmp_path: Path, found: DocumentView, code: int
) -> None:
    done = seal(stands(found), tmp_path, "--json")
    assert (done.code, written(tmp_path), TAKEN) == (code, {}, [])


def test_one_of_two_is_partly_done(stands: Stands, tmp_path: Path) -> None:
    stages = (document(SEALED_ONE, REFUSED), document(HANDED, REFUSED))
    done = seal(stands(*stages), tmp_path, "--to", "reader-2")
    assert (done.code, list(written(tmp_path))) == (7, ["copy-1-of-2.eml"])


def test_what_was_agreed_to_later_is_written_by_its_id(stands: Stands, tmp_path: Path) -> None:
    wx = stands(document(SEALED_ONE), document(HANDED))
    out = ("--out", str(tmp_path / "out"), "--deal", "HALCYON")
    assert wx("doc", "seal", "--document", DOCUMENT, *out).code == 0
    assert list(written(tmp_path)) == ["copy-1-of-1.eml"]
    assert wx("doc", "seal", *out).code == 2, "neither a file nor an id"
    assert wx("doc", "seal", "--document", DOCUMENT, "--out", str(tmp_path / "none")).code == 1


def test_nothing_is_written_over_and_no_half_of_a_file_is_left(
    stands: Stands, tmp_path: Path
) -> None:
    wx = stands(document(SEALED_ONE))
    (tmp_path / "out" / "copy-1-of-1.eml").write_bytes(b"mine")
    done = seal(wx, tmp_path)
    assert (done.code, "It was not written over" in done.err) == (2, True)
    assert f"wallcross doc seal --document {DOCUMENT} --out" in done.err, "it is sealed by now"
    assert written(tmp_path) == {"copy-1-of-1.eml": b"mine"}
    assert TAKEN == []
    (tmp_path / "out" / "copy-1-of-1.eml").unlink()
    BROKEN.add(1)
    assert seal(wx, tmp_path).code != 0
    assert written(tmp_path) == {}


def test_a_full_disk_is_told_with_what_was_sealed(
    stands: Stands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wx, real = stands(document(SEALED_ONE)), os.open

    def full(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith(".eml"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", full)
    done = seal(wx, tmp_path)
    assert (done.code, f"--document {DOCUMENT}" in done.err) == (1, True)
    assert "No space left" in done.err
    assert written(tmp_path) == {}


KNOWN_COPY = KnownCopy(number=2, reader="reader-2", name="Ada", state="sent", settled_at=1)
KNOWN_ONE = KnownDocument(
    message_id=DOCUMENT,
    form="sealed",
    conversation="agreement",
    sender="ximena.park",
    sent_at=1_767_225_600_000_000,
    copies=(KNOWN_COPY,),
)


def verify(wx: Wx, folder: Path, *more: str) -> Any:
    return wx("doc", "verify", str(folder / NAME), "--deal", "HALCYON", *more)


def test_a_file_is_known_again_or_it_is_none_of_ours(stands: Stands, tmp_path: Path) -> None:
    wx = stands(document(SENT))
    done = verify(wx, tmp_path)
    assert (done.code, "none of ours" in done.out) == (1, True)
    digest = sha256((tmp_path / NAME).read_bytes()).hexdigest()
    KNOWN[digest] = [KNOWN_ONE]
    done = verify(wx, tmp_path)
    assert done.code == 0, done.err
    assert "copy 2, of Ada (reader-2)" in done.out
    assert "Byte for byte, sealed" in done.out
    assert digest not in done.out + done.err
    assert "zyxwv" not in done.out + done.err
    assert verify(wx, tmp_path, "--person", "reader-2", "--id", DOCUMENT).code == 0
    assert verify(wx, tmp_path, "--person", "reader-1").code == 1
    assert verify(wx, tmp_path, "--id", "msg_other").code == 1
    assert wx("doc", "verify", str(tmp_path / "none"), "--deal", "HALCYON").code == 1


def test_the_document_itself_is_said_to_be_nobodys(stands: Stands, tmp_path: Path) -> None:
    digest = sha256((tmp_path / NAME).read_bytes()).hexdigest()
    KNOWN[digest] = [replace(KNOWN_ONE, form="document")]
    done = verify(stands(document(SENT)), tmp_path)
    assert "whose file it is nobody can say" in done.out
    assert "given to copy 2" in done.out


@pytest.mark.parametrize(
    ("copies", "more", "code"),
    [
        ((copy(1, "recalled"), copy(2, "taken_back")), (), 0),
        ((copy(1, "recalled"), copy(2, "taking_back")), (), 7),
        ((copy(1, "recalled"), copy(2, "remains")), (), 7),
        ((copy(1, "recalled"), copy(2, "sent")), ("--reader", "reader-1"), 0),
    ],
)
def test_a_recall_is_done_once_nothing_is_with_anybody(
    stands: Stands, copies: tuple[CopyView, ...], more: tuple[str, ...], code: int
) -> None:
    wx = stands(document(*copies))
    line = ("doc", "recall", DOCUMENT, "--reason", "leaked", "--deal", "HALCYON", *more)
    done = wx(*line, "--yes")
    assert done.code == code, done.err
    assert "called back: nothing of it went" in done.out
    assert wx(*line).code == 2, "nobody can be asked: --yes"
