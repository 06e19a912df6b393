"""What was prevented: shown, reported, and reported once more when a deal closes.

Rules kept here:

1. A report is an entry of the deal's record, with its hash and the last entry that it rests on.
2. When a deal closes, one is made by itself, once. It is kept as its hash: made anew from the same
   entries it is the same to the byte.
"""

from collections import Counter
from hashlib import sha256

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.audit_desk import ExportLink
from orchestrator.client.prevented import ClosingView, PreventedRow, PreventedView
from orchestrator.client.problems import Missing
from orchestrator.command.prevented_page import report
from orchestrator.command.prevented_rows import Ledger, Prevented, read_ledger
from orchestrator.command.runtime import Runtime
from orchestrator.roster.deals import find_deal
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.people import Phase
from tiers.rights import Viewer

SHOWN = 500
"""Rows that are listed at most; the newest."""
ACTOR = "wallcross"


class PreventedLedger:
    """Implements ``orchestrator.api.port_prevented.PreventedAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def prevented_show(
        self, deal: DealId, since: int | None, until: int | None
    ) -> PreventedView:
        """What was prevented."""
        at = self._r.now()
        return await self._r.store.read(lambda tx: _view(tx, deal, at, since, until))

    async def prevented_report(
        self, deal: DealId, since: int | None, until: int | None, *, actor: str
    ) -> bytes:
        """The printable report; its making is an entry of the deal's record."""
        at = self._r.now()
        found = await self._r.store.read(lambda tx: _view(tx, deal, at, since, until))
        data = report(found, actor)
        await self._r.store.write(lambda tx: _state(tx, found, data, actor))
        return data

    async def prevented_link(self, deal: DealId, viewer: Viewer) -> ExportLink:
        """Where the report is fetched, once, by whoever asked and in his session."""
        secret, until = self._r.once.make(f"prevented:{deal}", viewer, self._r.now())
        return ExportLink(path=f"/api/v1/deals/{deal}/prevented/fetch/{secret}", until=until)

    async def prevented_fetch(self, deal: DealId, secret: str, viewer: Viewer) -> bytes:
        """The report, once; its making is an entry of the deal's record."""
        if not self._r.once.take(secret, f"prevented:{deal}", viewer, self._r.now()):
            raise Missing("there is no such report, or it was given already", then="ask anew")
        return await self.prevented_report(deal, None, None, actor=viewer.actor)

    async def prevented_closing(self, deal: DealId) -> ClosingView:
        """The report that was made when the deal closed."""

        def read(tx: Tx) -> ClosingView:
            made = _closing(stated(tx, deal))
            if made is None:
                raise Missing(
                    "The deal is not closed, or its report was not made yet",
                    then="wallcross deal phase closed",
                )
            again = report(_closed_view(tx, deal, made.body["at"], made.body["upto"]), ACTOR)
            digest = str(made.body["hash"])
            same = sha256(again).hexdigest() == digest
            return ClosingView(at=made.body["at"], upto=made.body["upto"], hash=digest, same=same)

        return await self._r.store.read(read)


class AtClose:
    """Makes the report of each deal that closed.

    Args:
        runtime: the open home.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def look(self) -> None:
        """One look at each deal."""
        for deal in list(self._r.book.deals.values()):
            if deal.phase is Phase.CLOSED:
                await self.look_at(deal.deal_id)

    async def look_at(self, deal: DealId) -> None:
        """Makes the report of a closed deal, unless it was made."""
        at = self._r.now()

        def due(tx: Tx) -> bool:
            return _closing(stated(tx, deal)) is None

        def unit(tx: Tx) -> None:
            if due(tx):
                found = _closed_view(tx, deal, at, None)
                _state(tx, found, report(found, ACTOR), ACTOR, closing=True)

        if await self._r.store.read(due):
            await self._r.store.write(unit)


def _closing(entries: list[Stated]) -> Stated | None:
    """The report that was made since the deal was last put into its closed phase."""
    found: Stated | None = None
    for entry in entries:
        if entry.kind in {Kind.DEAL_PHASE, Kind.DEAL_CLOSED}:
            found = None
        elif entry.kind == Kind.PREVENTED_REPORTED and entry.body["closing"]:
            found = entry
    return found


def _closed_view(tx: Tx, deal: DealId, at: int, upto: int | None) -> PreventedView:
    """Of a deal alone: what strangers sent to the home's accounts goes on, and is left out."""
    row = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal,))
    last = int(row[0] or 0) if row is not None else 0
    return _view(tx, deal, at, None, None, upto=last if upto is None else upto)


def _view(
    tx: Tx, deal: DealId, at: int, since: int | None, until: int | None, upto: int | None = None
) -> PreventedView:
    row = find_deal(tx, deal)
    if row is None:
        raise Missing("there is no such deal", then="wallcross deal list")
    ledger = read_ledger(tx, deal, upto).within(since, until)
    newest = sorted(ledger.rows, key=lambda r: -r.entries[0])
    return PreventedView(
        deal_id=deal,
        code=row.code,
        made_up=row.made_up,
        at=at,
        upto=ledger.upto,
        since=since,
        until=until,
        counts=ledger.counts(),
        became=_became(ledger),
        rows=tuple(map(_shown, newest[:SHOWN])),
        more=max(0, len(newest) - SHOWN),
        unbelieved=ledger.unbelieved,
        strangers=ledger.strangers,
    )


def _became(ledger: Ledger) -> dict[str, int]:
    return dict(Counter(row.became for row in ledger.rows if row.what == "message"))


def _shown(row: Prevented) -> PreventedRow:
    return PreventedRow(
        kind=row.kind,
        what=row.what,
        subject=row.subject,
        at=row.at,
        entries=tuple(row.entries),
        rules=row.rules,
        tier=row.tier,
        seen=row.seen,
        ended_at=row.ended_at,
        became=row.became,
        grade=row.grade,
    )


def _state(tx: Tx, found: PreventedView, data: bytes, actor: str, *, closing: bool = False) -> None:
    digest = sha256(data).hexdigest()
    row = commitment("prevented", found.deal_id, found.upto, digest, closing)
    body: dict[str, Json] = {
        "hash": digest,
        "upto": found.upto,
        "at": found.at,
        "since": found.since,
        "until": found.until,
        "closing": closing,
        "row": row,
    }
    append(tx, found.deal_id, Kind.PREVENTED_REPORTED, body, at=found.at, actor=actor)
