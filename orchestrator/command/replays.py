"""Real conversations through the whole path, as one cleared member of the deal sends them.

Rules kept here:

1. A row is text from outside: its id is hashed, its tier field was never read, nothing of it is
   kept beside the sealed body.
2. The same row into the same deal is a duplicate, whichever run hands it in.
3. Every accepted row is in one state at the end; *lost* is what is in none.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.client import views
from orchestrator.client.problems import Missing, Unready
from orchestrator.command.conversations import deal_of, over
from orchestrator.command.messages import remote_id
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import API, DealView
from orchestrator.flow.incoming import Incoming
from orchestrator.ids import new_id
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, DealId, RemoteId
from tiers.people import Person

_STATES = {
    "delivered": "delivered",
    "possibly": "possibly",
    "held": "held",
    "dead": "dead",
    "dropped": "held",
    "accepted": "pending",
    "delivering": "pending",
}


@dataclass(slots=True)
class Run:
    """One replay."""

    deal_id: DealId
    sender: AccountId
    actor: str
    began: float
    names: dict[RemoteId, str]
    duplicates: int = 0


class Replays:
    """Implements ``orchestrator.api.port.ReplayAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._runs: dict[str, Run] = {}

    async def replay_start(self, deal: DealId | None, *, sample: bool, actor: str) -> str:
        """Makes a run ready; every row is sent by one fully cleared member."""
        must_live(self._r)
        if sample:
            deal = await self._sample()
        if deal is None:
            raise Missing("no deal is named", then="wallcross replay FILE --deal CODE")
        view = deal_of(self._r, deal)
        run_id = new_id("run")
        sender = AccountId(self._sender(view).person_id)
        self._runs[run_id] = Run(deal, sender, actor, time.monotonic(), {})
        return run_id

    async def _sample(self) -> DealId:
        if self._r.ensure_sample is None:
            raise Unready(
                "this home has no sample network",
                then="stop `wallcross serve` and run the replay by itself",
            )
        return await self._r.ensure_sample()

    def _sender(self, deal: DealView) -> Person:
        """The first person, by id, whose intake reaches every conversation of the deal."""
        at = self._r.now()
        people = sorted(deal.roster.people, key=lambda p: p.person_id)
        reach = [p for p in people if len(deal.open_to(p, at)) == len(deal.conversations)]
        if not reach:
            raise Missing("nobody on the roster may write to every conversation")
        return reach[0]

    async def replay_accept(self, run: str, rows: Sequence[views.Row]) -> views.Taken:
        """Hands rows in; a row whose id this deal already has is a duplicate."""
        found = self._run(run)
        incoming = [self._from_row(found, row) for row in rows]
        receipts = await self._r.accepter.accept(incoming)
        if any(receipt.message_id is None for receipt in receipts):
            raise over()
        fresh = 0
        for one, receipt in zip(incoming, receipts, strict=True):
            if receipt.duplicate:
                found.duplicates += 1
            else:
                fresh += 1
                found.names[one.remote_id] = str(receipt.message_id)
        return views.Taken(accepted=fresh, duplicate=len(rows) - fresh)

    def _run(self, run: str) -> Run:
        found = self._runs.get(run)
        if found is None:
            raise Missing("there is no such replay")
        return found

    def _from_row(self, run: Run, row: views.Row) -> Incoming:
        return Incoming(
            API,
            remote_id(run.deal_id, "replay", row.id),
            run.sender,
            row.text,
            row.date if row.date is not None else self._r.now(),
            subject=row.subject,
            deal_id=run.deal_id,
            actor=run.actor,
        )

    async def replay_report(self, run: str) -> views.ReplayReport:
        """Where the rows stand."""
        found = self._run(run)
        rows = await self._r.store.read(lambda tx: _states(tx, found))
        states = Counter(_STATES.get(state, "lost") for state, _, _ in rows)
        tiers = Counter(tier for _, tier, _ in rows if tier is not None)
        reasons = Counter(rule for _, _, rules in rows for rule in rules)
        accepted = len(found.names)
        return views.ReplayReport(
            run=run,
            deal=found.deal_id,
            accepted=accepted,
            duplicate=found.duplicates,
            delivered=states["delivered"],
            possibly=states["possibly"],
            held=states["held"],
            dead=states["dead"],
            lost=accepted - len(rows) + states["lost"],
            pending=states["pending"],
            by_tier=dict(tiers),
            reasons=dict(reasons),
            seconds=time.monotonic() - found.began,
        )


def _states(tx: Tx, run: Run) -> list[tuple[str, str | None, list[str]]]:
    found = []
    for message_id in run.names.values():
        row = tx.one(
            "SELECT m.state, m.tier, h.reasons FROM message m "
            "LEFT JOIN held h USING (message_id) WHERE m.message_id = ?",
            (message_id,),
        )
        if row is not None:
            rules = sorted({rule for rule, _, _ in json.loads(row[2])}) if row[2] else []
            found.append((row[0], row[1], rules))
    return found
