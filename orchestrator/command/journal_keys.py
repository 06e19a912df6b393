"""A journal key adopted from the desk: in a founded deal two people agree to it first.

Rules kept here:

1. Whoever holds the private half can open what is sealed to it, so that in a founded deal nobody
   adopts one from the desk alone. What people agree to is the very key, with its shares.
2. What waited for a key goes on once it is in force, and not before.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, waits
from orchestrator.audit.body import Json
from orchestrator.client.problems import Wrong
from orchestrator.command.adopting import check_draft
from orchestrator.command.runtime import Runtime
from orchestrator.journal import bech32, keys
from orchestrator.journal.errors import JournalError
from orchestrator.journal.keys import JournalKey
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, SideId
from tiers.people import Roster

JOURNAL_KEY: Final = "journal.key"
"""Of a plan that puts a journal key in force."""
JOINT: Final = "joint"
_AGE: Final = "age"
"""Begins a public key as age writes it; the record takes its digits alone."""
_STILL: Final = "No key was changed."


async def adopt_key(runtime: Runtime, deal: DealId, public: str, *, actor: str) -> str:
    """Adopts a public journal key, in a founded deal once two people agreed; returns its id.

    Args:
        runtime: the open home.
        deal: the deal.
        public: the public file that ``journal keygen`` wrote.
        actor: who hands it in.

    Raises:
        Wrong: it is no such file, of no scope of the deal, or was adopted before.
        Waits: two people agree to it first.
    """
    key = _read(runtime, deal, public)
    at = runtime.now()

    def unit(tx: Tx) -> str | None:
        if founded(tx, deal):
            body: dict[str, Json] = {
                "key_id": key.key_id,
                "scope": key.scope,
                "public": bech32.decode(_AGE, key.recipient).hex(),
                "needed": key.needed,
                "shares": key.shares,
            }
            return ask(tx, deal, Plan(JOURNAL_KEY, body), rule=Rule(), at=at, actor=actor)
        check_draft(tx, deal)
        keys.put_in_force(tx, key, at=at, actor=actor)
        return None

    try:
        request = await runtime.store.write(unit)
    except JournalError as error:
        raise Wrong(str(error), still=_STILL) from None
    if request is not None:
        still = "The key in force stays in force."
        raise waits(request, "A journal key waits for the signatures of two people", still)
    await journal_changed(runtime, deal)
    return key.key_id


def _read(runtime: Runtime, deal: DealId, public: str) -> JournalKey:
    try:
        found = json.loads(public)
        key = keys.read_public(deal, found if isinstance(found, dict) else {})
    except (ValueError, JournalError):
        why = "that is not the public file that `journal keygen` wrote"
        raise Wrong(why, still=_STILL, then="wallcross journal keygen") from None
    if key.scope not in _scopes(runtime.book.deals[deal].roster):
        raise Wrong("that key is for a scope that this deal has not", still=_STILL)
    return key


def _scopes(roster: Roster) -> frozenset[str | SideId]:
    return frozenset({JOINT, *(side.side_id for side in roster.sides)})


async def key_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Any], approved: Approved
) -> None:
    """Puts the journal key in force that people agreed to."""
    at = runtime.now()
    scope, recipient = body["scope"], bech32.encode(_AGE, bytes.fromhex(body["public"]))
    name = keys.key_id_of(deal, scope, recipient)
    key = JournalKey(name, deal, scope, recipient, body["needed"], body["shares"])

    def unit(tx: Tx) -> None:
        approved.finish(tx, at)
        keys.put_in_force(tx, key, at=at, actor=approved.actor)

    try:
        await runtime.store.write(unit)
    except JournalError as error:
        raise Wrong(str(error), still=_STILL) from None
    await journal_changed(runtime, deal)


async def journal_changed(runtime: Runtime, deal: DealId) -> None:
    """What waited for a key or a decision may go on."""
    runtime.counsel.forget()
    await runtime.book.reload(runtime.store, deal)
    await runtime.store.write(lambda tx: runtime.engine.wake(f"@route/{deal}", 0, tx))
