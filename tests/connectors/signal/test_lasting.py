"""What a power cut may take: who got a message, and nothing else that is told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.signal.ledger import Ledger
from connectors.signal.reachable import Reachable
from connectors.signal.spool import Spool

RECEIPT = {"room": "r", "message": "m", "account": "a", "kind": "read", "at": 1}
NOTES: list[tuple[dict[str, Any], bool]] = [
    ({"note": "receipt", **RECEIPT}, False),
    ({"note": "missed", "since": 1, "until": 2, "code": "cut"}, True),
    ({"note": "forged", "code": "bad_secret", "at": 1, "count": 1}, True),
    ({"note": "key", "account": "a", "device": "1", "key": "k"}, True),
]

Traced = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    """Has a note told, and gives the settings that were made of the disk meanwhile."""
    ledger, spool = Ledger(tmp_path), Spool(tmp_path, bytes(32))
    reachable = Reachable(ledger, spool, lambda: 1_000_000, lambda: None)

    def told(note: dict[str, Any]) -> list[str]:
        said: list[str] = []
        spool._db.set_trace_callback(said.append)
        reachable.tell(note)
        spool._db.set_trace_callback(None)
        return [line for line in said if "synchronous" in line]

    yield told
    spool.close()
    ledger.close()


@pytest.mark.parametrize(("note", "lasts"), NOTES, ids=[str(note["note"]) for note, _ in NOTES])
def test_only_receipts_do_not_wait_for_the_disk(
    traced: Traced, note: dict[str, Any], lasts: bool
) -> None:
    hurried = ["PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL"]
    assert traced(note) == ([] if lasts else hurried)
