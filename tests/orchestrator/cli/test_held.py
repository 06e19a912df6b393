"""`wallcross held`: readable on a narrow terminal, and never *held* of what others have seen."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import session
from orchestrator.client.views import DeliveryView, HeldView
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tests.orchestrator.api.conftest import MemoryHome

from .conftest import Wx

Answers = Callable[..., Wx]
AT = 1_790_000_000_000_000


def waiting(**more: Any) -> HeldView:
    known: dict[str, Any] = {
        "message_id": "msg_" + "0" * 32,
        "deal_id": "deal_" + "0" * 32,
        "conversation_id": None,
        "author": "ximena.park",
        "tier": "valuation",
        "reasons": ("it names a price beside the target", "a reader is not cleared for valuation"),
        "owner": "konstantin.von-habsburg-lothringen",
        "next_person": "maximiliane.oberhuber-schwarzenegger",
        "held_at": AT,
        "deadline": AT + 3_600_000_000,
        "state": "held",
        "size": 12,
        "fits": ("Valuation, joint", "Board of the acquirer", "Synergy model", "Bidding strategy"),
    }
    return HeldView(**(known | more))


@pytest.fixture
def answers(wx: Wx, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """`wallcross` in front of a home that gives one answer."""
    migrate(tmp_path / "store.db")
    home.mkdir(mode=0o700)

    def make(name: str, answer: object) -> Wx:
        @asynccontextmanager
        async def opened(*_: Any, **__: Any) -> AsyncIterator[MemoryHome]:
            store = Store(tmp_path / "store.db")
            found = MemoryHome(store)
            found.answers[name] = answer
            monkeypatch.setattr(MemoryHome, "held_shown", found.__getattr__("held_shown"))
            yield found
            await store.close()

        monkeypatch.setattr(session, "opened", opened)
        return wx

    return make


def test_every_line_fits_80_columns_and_nothing_is_left_out(answers: Answers) -> None:
    wx = answers("held_shown", [waiting(), waiting(author=None, fits=())])
    shown = wx("held", "list").out
    assert max(map(len, shown.splitlines())) <= 80
    words = " ".join(shown.split())
    for part in (waiting().message_id, "valuation", "ximena.park", "somebody unknown",
                 "maximiliane.oberhuber-schwarzenegger", "2026-09-21 15:13:20",
                 "a reader is not cleared for valuation", "Bidding strategy",
                 "no other conversation"):  # fmt: skip
        assert part in words
    assert [row["seen"] for row in wx("held", "list", "--json").lines] == ["nobody", "nobody"]


@pytest.mark.parametrize(
    ("seen", "visible_us", "word"),
    [
        ("nobody", None, "Held. Nobody has seen it."),
        ("part", None, "Held. Some of the rooms"),
        ("withdrawing", None, "Asked for its removal. Not yet confirmed"),
        ("withdrawn", 4_200_000, "Withdrawn after 4.2 s. The people of its room may have seen it."),
        ("stays", None, "It could not be taken back."),
    ],
)
def test_held_is_said_only_of_what_went_through_us(
    answers: Answers, seen: str, visible_us: int | None, word: str
) -> None:
    wx = answers("held_shown", [waiting(seen=seen, visible_us=visible_us)])
    shown = wx("held", "list").out
    assert word in shown
    assert ("Held" in shown) == (seen in {"nobody", "part"})


def test_deliveries_fit_too(answers: Answers) -> None:
    found = DeliveryView(
        delivery_id="dlv_" + "0" * 32, message_id="msg_" + "0" * 32, deal_id="d", channel="matrix",
        room="!r:s", state="dead", attempts=1, reason="identity_changed", settled_at=AT,
    )  # fmt: skip
    shown = answers("delivery_list", [found])("held", "dead").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "matrix, 1 attempt\n" in shown
    assert "since 2026-09-21" in shown
    assert "why: identity_changed" in shown
