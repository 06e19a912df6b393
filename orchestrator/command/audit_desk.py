"""The audit trail at the desk: rows in words, cut to the viewer, and whether the chain is whole.

Rules kept here:

1. Whoever sees his own rows alone is shown what he did and what was done about him, and not what
   others are still being asked about him, nor what was found about anybody.
2. Whether the chain is whole is said from what this process read last (each minute) and from the
   anchors' receipts; nothing is read anew for a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.audit.anchors.run import failing
from orchestrator.audit.heads import newest_head
from orchestrator.audit.instants import entry_instant
from orchestrator.audit.paging import PERSON, Leaf, page
from orchestrator.audit.state import FLAWS, Told
from orchestrator.client.audit_desk import AuditRow, ChainView
from orchestrator.client.paging import Stretch, Window
from orchestrator.command.audit_words import facts, sentence
from orchestrator.command.names import Names
from orchestrator.command.runtime import Runtime
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.rights import Right, Scope, Viewer

NOT_HIS = ("finding.", "approval.asked", "approval.refused")
"""Kinds that somebody who sees his own rows alone is not shown, unless it was he who acted."""
STEP = 2_000
"""Receipts that are read at once; other readers come in between."""


@dataclass(slots=True)
class _Span:
    """The longest time that entries of a chain waited for an anchor, as far as it was worked out.

    Attributes:
        read: number of the receipt that was read last.
        covered: number of the last entry that some anchor has seen.
    """

    read: int = 0
    covered: int = 0
    longest: int = 0


class AuditDesk:
    """Implements ``orchestrator.api.port_audit_desk.AuditDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._spans: dict[DealId, _Span] = {}

    async def audit_rows(
        self, deal: DealId, window: Window, viewer: Viewer, *, person: str | None, kind: str | None
    ) -> Stretch[AuditRow]:
        """Rows, newest first, as far as the viewer may see them."""
        own = viewer.power(deal, Right.AUDIT).scope < Scope.ALL
        himself = viewer.person(deal)
        before = int(window.after[0]) if window.after else None
        kinds = () if kind is None else (kind,)

        def read(tx: Tx) -> Leaf:
            of, actor = person, None
            if own:
                of, actor = himself, None if himself is not None else viewer.actor
            return page(
                tx, deal, before=before, limit=window.limit, kinds=kinds, person=of, actor=actor
            )

        leaf = await self._r.store.read(read)
        shown = [e for e in leaf.entries if not own or is_his(e, viewer, himself)]
        if own and person not in {None, himself}:
            shown = []
        rows = tuple(self._audit_row(deal, e) for e in shown)
        return Stretch(items=rows, after=None if leaf.after is None else (leaf.after,))

    async def audit_chain(self, deal: DealId) -> ChainView:
        """Whether the record is whole."""
        await self._work_out(deal)
        span, record, at = self._spans[deal], self._r.book.record, self._r.now()
        flaws = record.flaws.get(deal, ())
        found = await self._r.store.read(lambda tx: _chain(tx, deal, span.covered))
        waits = found.waits
        longest = max(span.longest, 0 if waits is None else at - waits)
        return ChainView(
            entries=found.entries,
            checked=min(record.read_to(deal), found.entries),
            since=found.since,
            unbroken=not flaws,
            flaws=tuple(f"entry {f.n}: {FLAWS[f.code][1]}" for f in flaws),
            signed_at=found.signed_at,
            anchors=found.anchors,
            failing=found.failing,
            unanchored_since=waits,
            longest=longest,
        )

    async def _work_out(self, deal: DealId) -> None:
        """Reads the receipts that came since; each of them once in a process."""
        span = self._spans.setdefault(deal, _Span())
        while await self._r.store.read(lambda tx: _advance(tx, deal, span)):
            continue

    def _audit_row(self, deal: DealId, entry: Told) -> AuditRow:
        names = self._audit_names(deal)
        failed = {flaw.n for flaw in self._r.book.record.flaws.get(deal, ())}
        return AuditRow(
            n=entry.n,
            at=entry.at,
            kind=entry.kind,
            who=who(entry.actor, names),
            words=sentence(entry.kind, entry.body, lambda p: names.get(p, p)),
            facts=facts(entry.body),
            sound=entry.n not in failed,
        )

    def _audit_names(self, deal: DealId) -> Mapping[str, str]:
        return Names(self._r.book.deals.get(deal))


def who(actor: str, names: Mapping[str, str]) -> str:
    """Whose act an entry was, as people know him."""
    kind, _, name = actor.partition(":")
    match kind:
        case "person":
            return names.get(name, name)
        case "local":
            return f"{name}, at the console"
        case "channel":
            return f"somebody on {name}"
        case "bot":
            return "a bot"
        case "directory":
            return "the company's directory"
        case _:
            return "Wallcross"


@dataclass(frozen=True, slots=True)
class _Chain:
    entries: int
    since: int | None
    signed_at: int | None
    anchors: Mapping[str, int]
    failing: Mapping[str, int]
    waits: int | None


def _chain(tx: Tx, deal: DealId, covered: int) -> _Chain:
    last = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal,))
    head = newest_head(tx)
    receipts = tx.all(_NEWEST)
    silent = {str(f["name"]): int(str(f["since"])) for f in failing(tx)}
    return _Chain(
        (last and last[0]) or 0,
        _written(tx, deal, 1),
        None if head is None else head.at,
        dict(receipts),
        silent,
        _written(tx, deal, covered + 1),
    )


_NEWEST = """
WITH RECURSIVE each (name) AS (
    SELECT min(name) FROM anchor
    UNION ALL SELECT (SELECT min(a.name) FROM anchor a WHERE a.name > each.name)
    FROM each WHERE each.name IS NOT NULL)
SELECT name, (SELECT at FROM anchor a WHERE a.name = each.name ORDER BY head DESC LIMIT 1)
FROM each WHERE name IS NOT NULL"""  # one row an anchor, by its index
_RECEIPTS = "SELECT n, head, at FROM anchor WHERE n > ? ORDER BY n LIMIT ?"
_COVERED = "SELECT max(n) FROM audit_leaf WHERE deal_id = ? AND head <= ?"


def _advance(tx: Tx, deal: DealId, span: _Span) -> bool:
    """Takes the next receipts into account; whether there may be more."""
    rows = tx.all(_RECEIPTS, (span.read, STEP))
    for n, head, at in rows:
        row = tx.one(_COVERED, (deal, head))
        covered = (row and row[0]) or 0
        if covered > span.covered:
            began = _written(tx, deal, span.covered + 1)
            span.longest = max(span.longest, at - began if began is not None else 0)
            span.covered = covered
        span.read = n
    return len(rows) == STEP


def _written(tx: Tx, deal: DealId, n: int) -> int | None:
    row = tx.one("SELECT entry FROM audit WHERE deal_id = ? AND n = ?", (deal, n))
    return None if row is None else entry_instant(row[0])


def is_his(entry: Told, viewer: Viewer, himself: str | None) -> bool:
    """Whether somebody who sees his own rows alone is shown an entry."""
    if entry.actor == viewer.actor or (himself and entry.actor == PERSON + himself):
        return True
    return (
        himself is not None
        and entry.body.get("person") == himself
        and not entry.kind.startswith(NOT_HIS)
    )
