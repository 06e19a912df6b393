"""Checks a deal's rows against its chain alone, when asked and on a schedule.

Rules kept here:

1. The whole chain is read over a connection of its own: a long one delays nobody who reads.
2. On the schedule each thing that differs is a finding, until it is as stated again.
"""

import asyncio
from contextlib import closing
from functools import partial

from orchestrator.audit.chain import HOME
from orchestrator.audit.state import Findings
from orchestrator.client.evidence import DiffersView, StateReport
from orchestrator.command.runtime import Runtime
from orchestrator.command.stating import compare_state
from orchestrator.deals.doubts import Found, doubts_of, tell_doubts
from orchestrator.store.unit import Tx, connect
from tiers.ids import DealId

RULE = "row_not_stated"


class Proving:
    """Compares rows with what was stated.

    Args:
        runtime: the home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def report(self, deal_id: str) -> StateReport:
        """A deal's report, or with ``HOME`` that of the home's own chain."""
        entries, found = await asyncio.to_thread(partial(self._compare, deal_id))
        differs = tuple(
            DiffersView(what=d.what, subject=d.subject, how=d.how, because=d.because)
            for d in found.differs
        )
        return StateReport(
            deal_id=deal_id,
            ok=not differs,
            entries=entries,
            compared=dict(sorted(found.compared.items())),
            differs=differs,
        )

    def _compare(self, deal_id: str) -> tuple[int, Findings]:
        store = self._r.store
        kinds = {str(name): channel.kind for name, channel in self._r.channels.items()}
        view = self._r.book.deals.get(DealId(deal_id))
        with closing(connect(store.path, readonly=True)) as connection:
            connection.execute("BEGIN")
            tx = Tx(connection, pen=store.pen)
            return compare_state(tx, deal_id, view, kinds, self._r.head_key.public)

    async def look(self, *, anew: bool = False) -> None:
        """Reads what is new in the record, or all of it; a flaw stops every room at once."""
        book, store = self._r.book, self._r.store
        if await store.read(lambda tx: book.look(tx, anew=anew)):
            found = doubts_of(book, self._r.keyring)
            await tell_doubts(store, found, self._r.now())

    async def turn(self) -> None:
        """Compares every deal and the home; what differs is a finding."""
        book, store = self._r.book, self._r.store
        deals = await store.read(lambda tx: tx.all("SELECT deal_id FROM deal"))
        reports = [await self.report(deal_id) for (deal_id,) in [*deals, (HOME,)]]
        if any(one.what == "entry" for report in reports for one in report.differs):
            await self.look(anew=True)
        told = {subject for _, subject in doubts_of(book, self._r.keyring)}
        found: Found = {}
        for report in reports:
            deal_id = report.deal_id
            for one in report.differs:
                subject = f"{one.what} {one.subject}"
                if one.subject not in told:
                    found.setdefault((deal_id, subject), (f"a {one.what}: {one.because}",))
        await tell_doubts(store, _once(found), self._r.now(), rule=RULE)


def _once(found: Found) -> Found:
    """What every deal's report names of the home itself is told once, of the home."""
    home = {subject for deal_id, subject in found if deal_id == HOME}
    return {key: why for key, why in found.items() if key[0] == HOME or key[1] not in home}
