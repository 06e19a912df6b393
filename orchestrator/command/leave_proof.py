"""The proof that somebody is out: the entries that say so, under the home's signed heads.

Rules kept here:

1. The chain goes out whole and without bodies: nothing of the deal's other business is shown. The
   entries about him go beside it with what they commit to, so that each can be held against it.
2. The page in plain words says no more than the entries do: asked, seen at, not confirmed.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.audit.body import named
from orchestrator.audit.export import export
from orchestrator.audit.extract import extract
from orchestrator.client.leave_words import CHAIN, ENTRIES, PAGE, page
from orchestrator.client.leaves import LeaveView
from orchestrator.command.records import archived
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.rooms import leave_who as who
from orchestrator.rooms.leave_rows import cause_of
from orchestrator.store.unit import Tx
from tiers.ids import PersonId

_BEGAN = "SELECT n FROM audit WHERE deal_id = ? AND instr(body, ?) > 0 ORDER BY n LIMIT 1"


async def pieces(
    runtime: Runtime, deal: DealView, leave: LeaveView, *, actor: str
) -> AsyncIterator[bytes]:
    """The pack as a tar archive, signed now; the export of the chain is itself an entry."""

    async def write(folder: Path) -> None:
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        about = await runtime.store.read(partial(_about, deal=deal, leave=leave))
        (folder / ENTRIES).write_bytes(b"".join(about))
        (folder / PAGE).write_text("\n".join(page(deal.code, leave)) + "\n", encoding="utf-8")
        if runtime.sign_and_anchor is not None:
            await runtime.sign_and_anchor()
        await export(
            runtime.store, deal.deal_id, folder / CHAIN, runtime.head_key,
            at=runtime.now(), actor=actor, bodies=False,
        )  # fmt: skip

    async for piece in archived(runtime, write):
        yield piece


def _about(tx: Tx, deal: DealView, leave: LeaveView) -> list[bytes]:
    """The lines of the entries about him, from the one that states that he left."""
    began = tx.one(_BEGAN, (deal.deal_id, f'"leave":"{leave.leave_id}"'.encode()))
    if began is None:
        return []
    accounts = {named(account) for _, account in who.accounts_of(tx, deal, PersonId(leave.person))}
    return extract(tx, deal.deal_id, began[0], lambda body: _is_his(body, leave, accounts))


def _is_his(body: dict[str, Any], leave: LeaveView, accounts: set[str]) -> bool:
    """Whether an entry is about his leaving: his person or account, or the leave by its id."""
    if body.get("person") == leave.person or body.get("account") in accounts:
        return True
    return body.get("cause") == cause_of(leave.leave_id)
