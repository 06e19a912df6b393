"""Pages of a chain, newest first: by number, by kind, or by the person they are about.

Rules kept here:

1. A page costs by its own length, never by the chain's: each way in has an index
   (migration 0020), or looks through so many entries at most and says how far it came.
2. What is found by an index is looked at again: an entry is about somebody when its body says so.
3. Entries that messages make are not found by person: they name none. Their kinds are.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.audit.kinds import Kind
from orchestrator.audit.state import NOT_COMMON, Told
from orchestrator.store.unit import Row, Tx

COMMON = frozenset(
    {Kind.MESSAGE_ACCEPTED, Kind.MESSAGE_ROUTED, Kind.MESSAGE_SETTLED, Kind.DELIVERY_DONE}
)
"""Kinds that are in no index."""
FAR = 5_000
"""Entries that are looked through for one page of a common kind."""
PERSON = "person:"
_COLUMNS = "SELECT n, entry, body FROM audit"
_BY_NUMBER = f"{_COLUMNS} WHERE deal_id = ? AND n < ? AND n >= ? ORDER BY n DESC LIMIT ?"
_BY_KIND = f"""{_COLUMNS} INDEXED BY audit_kind WHERE deal_id = ?
    AND substr(entry, instr(entry, X'226b696e64223a22') + 8,
        instr(entry, X'222c226e223a') - instr(entry, X'226b696e64223a22') - 8) = ?
    AND {NOT_COMMON} AND n < ? ORDER BY n DESC LIMIT ?"""
_BY_PERSON = f"""{_COLUMNS} INDEXED BY audit_person WHERE deal_id = ?
    AND substr(substr(body, instr(body, X'22706572736f6e223a22') + 10), 1,
        instr(substr(body, instr(body, X'22706572736f6e223a22') + 10), X'22') - 1) = ?
    AND instr(body, X'22706572736f6e223a22') > 0 AND n < ? ORDER BY n DESC LIMIT ?"""
_BY_ACTOR = f"""{_COLUMNS} INDEXED BY audit_by WHERE deal_id = ?
    AND substr(substr(entry, 18), 1, instr(substr(entry, 18), X'22') - 1) = ?
    AND substr(entry, 1, 17) = X'7b226163746f72223a22706572736f6e3a'
    AND n < ? ORDER BY n DESC LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of entries, newest first.

    Attributes:
        after: the number before which the next page begins; None: there is no more.
    """

    entries: tuple[Told, ...]
    after: int | None


def page(
    tx: Tx,
    deal_id: str,
    *,
    before: int | None = None,
    limit: int = 100,
    kinds: Sequence[str] = (),
    person: str | None = None,
    actor: str | None = None,
) -> Leaf:
    """Returns entries of a chain, newest first.

    Args:
        tx: a view of the store.
        deal_id: the chain.
        before: entries of smaller numbers only.
        limit: at most so many.
        kinds: only these; none named: all.
        person: only what is about this person, or was done by him at the desk.
        actor: only what was done under this name, such as ``local:ada``; looked through.
    """
    top = before if before is not None else top_of(tx, deal_id)
    wanted = frozenset(kinds)
    if actor is not None:

        def by_him(entry: Told) -> bool:
            return entry.actor == actor and (not wanted or entry.kind in wanted)

        return looked_through(tx, deal_id, by_him, top, limit)
    if person is not None:
        return _of_person(tx, deal_id, person, wanted, top, limit)
    if not kinds:
        return _cut(_read(tx.all(_BY_NUMBER, (deal_id, top, 1, limit + 1))), limit)
    if COMMON.isdisjoint(kinds):
        return _cut(_of_kinds(tx, deal_id, kinds, top, limit + 1), limit)
    return looked_through(tx, deal_id, lambda e: e.kind in wanted, top, limit)


def about(entry: Told, person: str) -> bool:
    """Whether an entry is about a person, or was done by him at the desk."""
    return entry.actor == PERSON + person or _names(entry.body, person)


def _names(value: object, person: str) -> bool:
    if isinstance(value, dict):
        return value.get("person") == person or any(_names(v, person) for v in value.values())
    return isinstance(value, list) and any(_names(v, person) for v in value)


def _of_person(
    tx: Tx, deal_id: str, person: str, kinds: frozenset[str], top: int, limit: int
) -> Leaf:
    found = [
        *tx.all(_BY_PERSON, (deal_id, person.encode(), top, limit + 1)),
        *tx.all(_BY_ACTOR, (deal_id, person.encode(), top, limit + 1)),
    ]
    leaf = _cut(_newest(_read(found)), limit)
    kept = (e for e in leaf.entries if about(e, person) and (not kinds or e.kind in kinds))
    return Leaf(tuple(kept), leaf.after)


def _of_kinds(tx: Tx, deal_id: str, kinds: Iterable[str], top: int, most: int) -> list[Told]:
    rows = (r for k in kinds for r in tx.all(_BY_KIND, (deal_id, k.encode(), top, most)))
    return _newest(_read(rows))


def looked_through(
    tx: Tx, deal_id: str, keep: Callable[[Told], bool], before: int, limit: int, low: int = 1
) -> Leaf:
    """A page of what no index has, found by number: of ``FAR`` entries, whatever is kept of them.

    Args:
        tx: a view of the store.
        deal_id: the chain.
        keep: which entries are meant.
        before: entries of smaller numbers only.
        limit: at most so many.
        low: entries of no smaller number.
    """
    bottom = max(low, before - FAR)
    rows = _read(tx.connection.execute(_BY_NUMBER, (deal_id, before, bottom, FAR)))
    found = [e for e in rows if keep(e)]
    if len(found) > limit:
        return _cut(found, limit)
    return Leaf(tuple(found), bottom if bottom > low else None)


def _cut(found: Sequence[Told], limit: int) -> Leaf:
    shown = tuple(found[:limit])
    return Leaf(shown, shown[-1].n if len(found) > limit and shown else None)


def _newest(found: Iterable[Told]) -> list[Told]:
    return sorted({e.n: e for e in found}.values(), key=lambda e: -e.n)


def _read(rows: Iterable[Row]) -> list[Told]:
    return [_told(*row) for row in rows]


def _told(n: int, entry: bytes, body: bytes) -> Told:
    head = json.loads(entry)
    return Told(n, head["at"], head["kind"], head["actor"], json.loads(body))


def top_of(tx: Tx, deal_id: str) -> int:
    """One more than the number of a chain's last entry."""
    row = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal_id,))
    return 1 + ((row and row[0]) or 0)
