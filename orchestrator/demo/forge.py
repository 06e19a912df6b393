"""A host that lies: all that was held is struck from the chain, and all is signed anew.

Rule kept here: the forgery is as good as a host can make it. It uses the home's own key and our own
code, on a copy of the store, so that only what was kept outside can give it away.
"""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from orchestrator.audit.chain import append
from orchestrator.audit.export import export
from orchestrator.audit.heads import load_key, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.secrets.files import FileStore
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx

STRUCK = "message.held"
"""What the host would rather not have written down."""
Entry = tuple[str, int, str, str, str]
"""(chain, instant, kind, actor, body)."""


async def forge(home: Path, secrets: Path, folder: Path, deal: str) -> Path:
    """Exports a chain without its holds, in good order and well signed.

    Args:
        home: the home to lie about; only read.
        secrets: where the home's secrets lie.
        folder: gets the forged store and export.
        deal: the chain.
    """
    entries, signed_at = await asyncio.to_thread(_history, home / "store.db")
    home_id = (home / "home_id").read_text().strip()
    seed = FileStore(secrets / home_id).get("audit")
    if seed is None:
        raise LookupError("the home's signing key is not where its settings say")
    key = load_key(home_id, seed.reveal)
    path = folder / "forged.db"
    migrate(path)
    store = Store(path)
    told = [e for e in entries if e[2] != STRUCK]

    def rewrite(tx: Tx) -> None:
        at_work = iter(told)
        entry = next(at_work, None)
        for at in signed_at:
            while entry is not None and entry[1] <= at:
                _again(tx, entry)
                entry = next(at_work, None)
            sign_heads(tx, key, at=at)
        while entry is not None:
            _again(tx, entry)
            entry = next(at_work, None)

    try:
        await store.write(rewrite)
        await export(store, deal, folder / "forged", key, at=max(e[1] for e in told), actor="host")
    finally:
        await store.close()
    return folder / "forged"


def _again(tx: Tx, entry: Entry) -> None:
    chain, at, kind, actor, body = entry
    append(tx, chain, Kind(kind), json.loads(body), at=at, actor=actor)


def _history(database: Path) -> tuple[list[Entry], list[int]]:
    """All entries of all chains by time, and when heads were signed."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT deal_id, entry, body FROM audit ORDER BY rowid").fetchall()
        signed = store.execute("SELECT at FROM audit_head ORDER BY n").fetchall()
    entries = []
    for chain, entry, body in rows:
        told = json.loads(entry)
        entries.append((chain, told["at"], told["kind"], told["actor"], body.decode()))
    return sorted(entries, key=lambda e: e[1]), [at for (at,) in signed]
