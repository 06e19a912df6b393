"""`doc send` and `doc status`: each end has its exit code, and no name of a document is printed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import session
from orchestrator.client.views import CopyView, DocumentView, Sent
from orchestrator.config.policy import default_text, read_policy
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tests.orchestrator.api.conftest import MemoryHome

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
