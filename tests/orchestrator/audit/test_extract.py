"""Some entries beside a chain without bodies: each is held against both, and shows no other."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.audit.chain import append
from orchestrator.audit.export import lines
from orchestrator.audit.extract import differences, extract
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx

DEAL = "deal_" + "0c" * 16
Change = Callable[[dict[str, str]], dict[str, str]]


async def both(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """The extract about bo, and the chain without bodies."""
    migrate(folder / "store.db")
    store = Store(folder / "store.db")

    def unit(tx: Tx) -> None:
        for n, person in enumerate(("bo", "cy", "bo", "di")):
            append(tx, DEAL, Kind.PERSON_PAUSED, {"person": person}, at=n, actor="local:x")

    def read(tx: Tx) -> tuple[list[bytes], list[bytes]]:
        about = extract(tx, DEAL, 2, lambda body: body["person"] == "bo")
        return about, list(lines(tx, DEAL, "home_1", bodies=False))

    try:
        await store.write(unit)
        return await store.read(read)
    finally:
        await store.close()


async def test_only_what_is_wanted_is_in_it_and_all_of_it_holds(tmp_path: Path) -> None:
    about, chain = await both(tmp_path)
    assert [json.loads(json.loads(line)["entry"])["n"] for line in about] == [3]
    assert b"cy" not in b"".join(about)
    assert b'"body"' not in b"".join(chain)
    assert differences(about, chain) == []
    assert differences([], chain) == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda e: e | {"body": e["body"].replace("bo", "cy")}, "not what its entry commits to"),
        (lambda e: e | {"salt": "00" * 32}, "not what its entry commits to"),
        (lambda e: e | {"entry": e["entry"].replace('"n":3', '"n":4')}, "no entry of the chain"),
    ],
)
async def test_a_changed_word_is_found(tmp_path: Path, change: Change, wrong: str) -> None:
    about, chain = await both(tmp_path)
    changed = json.dumps(change(json.loads(about[0]))).encode()
    [found] = differences([changed], chain)
    assert wrong in found
